"""Scalp images of the same EEG as it may come live: calibrated or not, from all electrodes or from a few."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....models.contract import BoolArray, FloatArray
from ....models.decoders.video_eeg import Normalisation, bounded
from ....models.networks.video_eeg import VideoEegNet
from ....models.signals.eeg.band_power import BandPrior, RestBaseline, add_window, shrunken_mean
from ....models.signals.eeg.scalp_images import scalp_images, scalp_map
from .band_network import TrainingImages
from .prepare import PreparedSession
from .rollouts import DECISION_FRAMES, FeatureBank

TRAINING_VARIANTS = 3
_FEWEST_ELECTRODES = 8
_CHUNK = 4096


def fit_normalisation(people: Sequence[PreparedSession]) -> Normalisation:
    """Fit the population's rest and each band's spread on training people alone."""
    resting = np.stack([_mean(_power(person, person.resting)) for person in people])
    prior = _mean(resting)
    bands = _mean(prior).astype(np.float64)
    prior = np.where(np.isfinite(prior), prior, bands)
    names = tuple(str(name) for name in people[0].channel_names)
    spreads = [_mean((_power(p, ~p.resting) - rest) ** 2) for p, rest in zip(people, resting, strict=True)]
    scale = np.sqrt(_mean(_mean(np.stack(spreads))))
    return Normalisation(BandPrior(bands, names, prior.astype(np.float64)), scale.astype(np.float32))


def rest_baselines(person: PreparedSession, normal: Normalisation) -> FloatArray:
    """Return the estimate of the person's rest at each frame, ``(n_frames, n_channels, 3)``."""
    names = [str(name) for name in person.channel_names]
    prior = normal.prior.at(names)
    baseline = RestBaseline.empty(names)
    known, result = shrunken_mean(baseline, prior), []
    for frame, power in enumerate(person.power):
        if person.resting[frame] and person.eeg_there[frame] and frame % DECISION_FRAMES == 0:
            baseline = add_window(baseline, power)
            known = shrunken_mean(baseline, prior)
        result.append(known)
    return np.stack(result)


def scalp_image_variants(
    person: PreparedSession, normal: Normalisation, size: int, variants: int, seed: int, stride: int = 1
) -> NDArray[np.float16]:
    """Draw every stride-th frame of one person's EEG in several variants, ``(variants, n_drawn, 3, size, size)``.

    Variant 0 is calibrated and complete; 1 is not calibrated; the others are calibrated and come from a random part of
    the electrodes.
    """
    names = [str(name) for name in person.channel_names]
    rng = np.random.default_rng((seed, 16))
    prior = normal.prior.at(names).astype(np.float32)
    power, usable, there = person.power[::stride], person.good[::stride], person.eeg_there[::stride]
    calibrated = bounded((power - rest_baselines(person, normal)[::stride]) / normal.scale)
    uncalibrated = bounded((power - prior) / normal.scale)
    images = np.zeros((variants, len(power), 3, size, size), np.float16)
    for variant in range(variants):
        kept = np.ones(len(names), np.bool_)
        if variant >= 2:
            kept[:] = False
            kept[rng.permutation(len(names))[: rng.integers(min(_FEWEST_ELECTRODES, len(names)), len(names) + 1)]] = (
                True
            )
        values = uncalibrated if variant == 1 else calibrated
        for good in np.unique(usable, axis=0):
            which = np.flatnonzero((usable == good).all(axis=1) & there)
            images[variant, which] = _draw(values[which], names, good & kept, size)
    return images


def draw_images(
    people: Sequence[PreparedSession],
    normal: Normalisation,
    net: VideoEegNet,
    variants: int,
    seed: int,
    stride: int = 1,
) -> TrainingImages:
    """Stack people of equally long sessions, with features of the fixed face network.

    ``stride`` is the one the people were prepared with: held frames are not drawn again.
    """
    frames = min(len(person.power) for person in people)
    size = net.sizes.image_size
    images = torch.zeros(len(people), variants, -(-frames // stride), 3, size, size, dtype=torch.float16)
    for n, person in enumerate(people):
        drawn = scalp_image_variants(person, normal, size, variants, seed + n, stride)
        images[n] = torch.from_numpy(drawn[:, : images.shape[2]])
    held = torch.arange(frames) // stride
    faces = [_in_chunks(net.face_net, torch.from_numpy(person.crops[:frames:stride]))[held] for person in people]
    return TrainingImages(
        images=images,
        face=torch.stack(faces),
        face_there=torch.from_numpy(np.stack([person.face_there[:frames] for person in people])),
        eeg_there=torch.from_numpy(np.stack([person.eeg_there[:frames] for person in people])),
        stride=stride,
        levels=torch.from_numpy(np.stack([person.levels[:frames] for person in people]).astype(np.int64)),
    )


def extract_features(images: TrainingImages, net: VideoEegNet) -> FeatureBank:
    """Turn the images into features of the fixed band network."""
    shape = images.images.shape[:3]
    bands = _in_chunks(net.band_net, images.images.flatten(0, 2)).reshape(*shape, 3, -1)
    return FeatureBank(images.face, bands, images.face_there, images.eeg_there, images.levels, images.stride)


def _power(person: PreparedSession, which: BoolArray) -> FloatArray:
    return np.where(person.good[..., None], person.power, np.nan)[which & person.eeg_there]


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean over finite values along the first axis; NaN where there is none."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _draw(values: FloatArray, names: Sequence[str], good: BoolArray, size: int) -> FloatArray:
    scalp = scalp_map(names, good, size)
    n = len(values)
    drawn = scalp_images(values.transpose(1, 0, 2).reshape(len(names), n * 3), scalp)
    return drawn.reshape(n, 3, size, size)


def _in_chunks(module: torch.nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([module(inputs[at : at + _CHUNK].float()) for at in range(0, len(inputs), _CHUNK)])
