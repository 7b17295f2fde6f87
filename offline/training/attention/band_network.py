"""Second stage: pretraining of the band network on scalp images, as the face network is pretrained on faces.

One second of EEG carries little, and an untrained LSTM gives the band network no useful gradient. So the images of a
few seconds in a row are averaged and classified without an LSTM, with even band attention.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
from .stopping import early_stopping

BAND_NETWORK = Stage("band maps", 1, (PREPARED,))
"""Raise its version whenever this stage or its network gives other weights."""
_BATCH = 256
_HELD_OUT = 2048
_LONGEST = 12
_GAIN_SPREAD = 0.2
_REST_SPREAD = 0.15


@dataclass(frozen=True)
class ScalpImages:
    """Scalp images of people and what they are classified by.

    Attributes
    ----------
    images : (people, variants, ticks, 3, size, size) float16
    levels : (people, ticks, 2) int64
    stimulus : (people, ticks) int64
    """

    images: NDArray[np.float16]
    levels: Tensor
    stimulus: Tensor


@dataclass(frozen=True)
class _Batch:
    """Averaged images ``(n, 3, size, size)`` and their levels ``(n, 2)``."""

    mean: Tensor
    levels: Tensor


def train_band_network(
    net: AttentionNet,
    training: ScalpImages,
    weights: Tensor,
    config: TrainAttentionConfig,
    run: StageRun,
    held_out: ScalpImages | None = None,
) -> None:
    """Train the band network and the projection of its features, in place; the classifier is thrown away.

    Parameters
    ----------
    net : AttentionNet
    training : ScalpImages
    weights : (2, 3) Tensor
        Of each class of each axis.
    config : TrainAttentionConfig
    run : StageRun
    held_out : ScalpImages, optional
        Of people that the stage stops early on.
    """
    rng = generator_for(config.seed, 5)
    torch.manual_seed(config.seed + 5)
    stage = config.bands
    classes = nn.Linear(net.sizes.glimpse, 6)
    learned = (net.band_net, net.eeg_in, classes)
    optimizer = AveragedAdamW(
        (p for module in learned for p in module.parameters()), stage.learning_rate, stage.batches, config.weight_decay
    )

    def loss_of(images: Tensor, levels: Tensor, dropout: float) -> Tensor:
        seen = net.eeg_in(net.band_net(images).sum(dim=1))
        logits = classes(nn.functional.dropout(seen, dropout)).reshape(-1, 2, 3)
        return class_loss(logits, levels, weights)

    stopping = None
    if held_out is not None:
        watched = _drawn(held_out, _HELD_OUT, generator_for(config.seed, 105))
        stopping = early_stopping(config, lambda: _without_graph(loss_of, watched))
    for _ in run.batches(stage.batches, optimizer, rng, stopping=stopping):
        batch = _drawn(training, _BATCH, rng)
        loss = loss_of(augment(batch.mean, rng), batch.levels, 0.4 * config.dropout)
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()


def _drawn(data: ScalpImages, count: int, rng: torch.Generator) -> _Batch:
    """Draw moments of people and average the images of a random number of seconds before them."""
    people, variants, ticks = data.images.shape[:3]
    person, variant = integers(rng, 0, people, count), integers(rng, 0, variants, count)
    last, length = integers(rng, ticks // 6, ticks, count), integers(rng, 1, _LONGEST + 1, count)
    at = (last - torch.arange(_LONGEST)[:, None]).clamp(min=0)
    used = (torch.arange(_LONGEST)[:, None] < length) & (data.stimulus[person, at] == data.stimulus[person, last])
    share = used.float() / used.sum(dim=0).clamp(min=1)
    pictures = torch.from_numpy(data.images)
    mean = torch.einsum("tn,tnbhw->nbhw", share, pictures[person, variant, at].float())
    return _Batch(mean, data.levels[person, last])


def _without_graph(loss_of: Callable[[Tensor, Tensor, float], Tensor], watched: _Batch) -> float:
    with torch.no_grad():
        return float(loss_of(watched.mean, watched.levels, 0.0))


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
