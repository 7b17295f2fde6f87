"""Before stage 1: pretraining of the band network on scalp images, as the face network is pretrained on faces.

One second of EEG carries little, and an untrained LSTM gives the band network no useful gradient. So the images of a
few glimpses in a row are averaged and classified without an LSTM, with even band attention.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.networks.video_eeg import Glimpse, VideoEegNet
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from ..common.stages import Stage
from .expressions import EXPRESSIONS
from .losses import class_loss
from .prepare import PREPARED

BAND_NETWORK = Stage("bands", 1, (PREPARED, EXPRESSIONS))
"""Raise its version whenever this stage or its network gives other weights."""
GRID_START = 8
_BATCH = 128
_GLIMPSES = 4
_GAIN_SPREAD = 0.2
_REST_SPREAD = 0.15


@dataclass(frozen=True)
class TrainingImages:
    """Training data of the band network and of the first LSTM: scalp images that are not yet features.

    Attributes
    ----------
    images : (people, variants, frames / stride, 3, size, size) float16
    face : (people, frames, face_features)
        Features of the frozen face network.
    face_there, eeg_there : (people, frames) bool
    levels : (people, frames, 2) int64
    stride : int
        Images are held for so many frames.
    """

    images: Tensor
    face: Tensor
    face_there: Tensor
    eeg_there: Tensor
    levels: Tensor
    stride: int = 1

    def images_at(self, person: Tensor, variant: Tensor, frame: Tensor) -> Tensor:
        """Return the images at frames, ``(…, 3, size, size)`` float32."""
        return self.images[person, variant, frame // self.stride].float()


def train_band_network(
    net: VideoEegNet, data: TrainingImages, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train the band network and the input layer of the first LSTM, in place; the classifier is thrown away."""
    rng = generator_for(config.seed, 5)
    torch.manual_seed(config.seed + 5)
    stage = config.bands
    classes = nn.Linear(net.sizes.glimpse, 6)
    learned = (net.band_net, net.eeg_in, classes)
    optimizer = AveragedAdamW(
        (p for module in learned for p in module.parameters()), stage.learning_rate, stage.batches, config.weight_decay
    )
    people, frames = data.face.shape[:2]
    variants = data.images.shape[1]
    even, mean_loss = torch.full((_BATCH, 3), 1.0 / 3.0), None
    for _ in range(stage.batches):
        person, variant = integers(rng, 0, people, _BATCH), integers(rng, 0, variants, _BATCH)
        last = integers(rng, frames // 6, frames, _BATCH)
        gap = integers(rng, 6, 14, _BATCH)
        at = (last - torch.arange(_GLIMPSES)[:, None] * gap).clamp(min=GRID_START)
        images = augment(data.images_at(person, variant, at), rng).mean(dim=0)
        here = torch.ones(_BATCH)
        glimpse = Glimpse(here[:, None], net.band_net(images), here, here, here)
        seen = net.eeg_glimpse(glimpse, even)[:, : net.sizes.glimpse]
        logits = classes(nn.functional.dropout(seen, 0.4 * config.dropout)).reshape(-1, 2, 3)
        loss = class_loss(logits, data.levels[person, last], weights)
        optimizer.step(loss)
        mean_loss = smoothed(mean_loss, float(loss.detach()))
    optimizer.use_average()
    if mean_loss is not None:
        report(f"bands: batch {stage.batches}/{stage.batches}, loss {mean_loss:.3f}")


def augment(images: Tensor, rng: torch.Generator) -> Tensor:
    """Scale and shift the band power of each clip at random, as people differ in response and rest.

    Parameters
    ----------
    images : (glimpses, clips, 3, size, size) Tensor
    rng : Generator
    """
    clips = images.shape[1]
    gain = torch.exp(_GAIN_SPREAD * torch.randn(1, clips, 3, 1, 1, generator=rng))
    offset = _REST_SPREAD * torch.randn(1, clips, 3, 1, 1, generator=rng)
    return images * gain + offset * (images != 0.0)
