"""Second stage: pretraining of the band network on scalp images, as the face network is pretrained on faces.

One second of EEG carries little, and an untrained LSTM gives the band network no useful gradient. So the images of a
few seconds in a row are averaged and classified without an LSTM, with even band attention.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.networks.attention import AttentionNet
from ..common.losses import class_loss
from ..common.optimization import AveragedAdamW, generator_for, integers
from ..common.stage_run import StageRun
from ..common.stages import Stage
from .prepare import PREPARED

BAND_NETWORK = Stage("band maps", 1, (PREPARED,))
"""Raise its version whenever this stage or its network gives other weights."""
_BATCH = 256
_LONGEST = 12
_GAIN_SPREAD = 0.2
_REST_SPREAD = 0.15


def train_band_network(
    net: AttentionNet,
    images: NDArray[np.float16],
    levels: Tensor,
    stimulus: Tensor,
    weights: Tensor,
    config: TrainAttentionConfig,
    run: StageRun,
) -> None:
    """Train the band network and the projection of its features, in place; the classifier is thrown away.

    Parameters
    ----------
    net : AttentionNet
    images : (people, variants, ticks, 3, size, size) float16
    levels : (people, ticks, 2) int64
    stimulus : (people, ticks) int64
    weights : (2, 3) Tensor
        Of each class of each axis.
    config : TrainAttentionConfig
    run : StageRun
    """
    rng = generator_for(config.seed, 5)
    torch.manual_seed(config.seed + 5)
    stage = config.bands
    classes = nn.Linear(net.sizes.glimpse, 6)
    learned = (net.band_net, net.eeg_in, classes)
    optimizer = AveragedAdamW(
        (p for module in learned for p in module.parameters()), stage.learning_rate, stage.batches, config.weight_decay
    )
    pictures = torch.from_numpy(images)
    people, variants, ticks = images.shape[:3]
    for _ in run.batches(stage.batches, optimizer, rng):
        person, variant = integers(rng, 0, people, _BATCH), integers(rng, 0, variants, _BATCH)
        last, length = integers(rng, ticks // 6, ticks, _BATCH), integers(rng, 1, _LONGEST + 1, _BATCH)
        at = (last - torch.arange(_LONGEST)[:, None]).clamp(min=0)
        used = (torch.arange(_LONGEST)[:, None] < length) & (stimulus[person, at] == stimulus[person, last])
        share = used.float() / used.sum(dim=0).clamp(min=1)
        mean = torch.einsum("tn,tnbhw->nbhw", share, pictures[person, variant, at].float())
        features = net.band_net(augment(mean, rng))
        seen = net.eeg_in(features.sum(dim=1))
        logits = classes(nn.functional.dropout(seen, 0.4 * config.dropout)).reshape(-1, 2, 3)
        loss = class_loss(logits, levels[person, last], weights)
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()


def augment(images: Tensor, rng: torch.Generator) -> Tensor:
    """Scale and shift the band power of each clip at random, as people differ in response and rest.

    Parameters
    ----------
    images : (clips, 3, size, size) Tensor
    rng : Generator
    """
    clips = len(images)
    gain = torch.exp(_GAIN_SPREAD * torch.randn(clips, 3, 1, 1, generator=rng))
    offset = _REST_SPREAD * torch.randn(clips, 3, 1, 1, generator=rng)
    return images * gain + offset * (images != 0.0)
