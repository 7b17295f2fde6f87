"""Before stage 1: the band network learns to read scalp images, as the face network learnt to read faces.

One second of EEG says little, and an LSTM that has yet to learn to remember cannot tell which images matter. So the
images of a few looks in a row are averaged first, and classified without any LSTM; band attention is even here.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.networks.video_eeg import Glimpse, VideoEegNet
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from ..common.stages import Stage
from .expressions import EXPRESSIONS
from .prepare import PREPARED
from .rollouts import class_loss

BAND_NETWORK = Stage("bands", 1, (PREPARED, EXPRESSIONS))
"""Raise its version whenever this stage or its network gives other weights."""
GRID_START = 8
_BATCH = 128
_LOOKS = 4
_GAIN_SPREAD = 0.2
_REST_SPREAD = 0.15


@dataclass(frozen=True)
class TrainingImages:
    """What stage 2 learns from: scalp images not yet turned into features.

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

    def drawn(self, person: Tensor, variant: Tensor, frame: Tensor) -> Tensor:
        """Return the images at frames, ``(…, 3, size, size)`` float32."""
        return self.images[person, variant, frame // self.stride].float()


def train_band_network(
    net: VideoEegNet, pictures: TrainingImages, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train the band network and the way into layer 1, in place; what classifies is thrown away."""
    rng = generator_for(config.seed, 5)
    torch.manual_seed(config.seed + 5)
    stage = config.bands
    classes = nn.Linear(net.sizes.glimpse, 6)
    learned = (net.band_net, net.eeg_in, classes)
    optimizer = AveragedAdamW(
        (p for module in learned for p in module.parameters()), stage.learning_rate, stage.batches, config.weight_decay
    )
    people, frames = pictures.face.shape[:2]
    variants = pictures.images.shape[1]
    even, shown = torch.full((_BATCH, 3), 1.0 / 3.0), None
    for _ in range(stage.batches):
        person, variant = integers(rng, 0, people, _BATCH), integers(rng, 0, variants, _BATCH)
        last = integers(rng, frames // 6, frames, _BATCH)
        gap = integers(rng, 6, 14, _BATCH)
        at = (last - torch.arange(_LOOKS)[:, None] * gap).clamp(min=GRID_START)
        images = varied(pictures.drawn(person, variant, at), rng).mean(dim=0)
        here = torch.ones(_BATCH)
        glimpse = Glimpse(here[:, None], net.band_net(images), here, here, here)
        seen = net.eeg_glimpse(glimpse, even)[:, : net.sizes.glimpse]
        logits = classes(nn.functional.dropout(seen, 0.4 * config.dropout)).reshape(-1, 2, 3)
        loss = class_loss(logits, pictures.levels[person, last], weights)
        optimizer.step(loss)
        shown = smoothed(shown, float(loss.detach()))
    optimizer.use_average()
    if shown is not None:
        report(f"bands: batch {stage.batches}/{stage.batches}, loss {shown:.3f}")


def varied(images: Tensor, rng: torch.Generator) -> Tensor:
    """Let each clip's bands respond more or less, and rest a little off, as people do.

    Parameters
    ----------
    images : (looks, rows, 3, size, size) Tensor
    rng : Generator
    """
    rows = images.shape[1]
    gain = torch.exp(_GAIN_SPREAD * torch.randn(1, rows, 3, 1, 1, generator=rng))
    offset = _REST_SPREAD * torch.randn(1, rows, 3, 1, 1, generator=rng)
    return images * gain + offset * (images != 0.0)
