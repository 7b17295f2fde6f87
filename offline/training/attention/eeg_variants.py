"""Scalp images of the same EEG as it may come live: calibrated or not, from all electrodes or from a few."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....models.contract import BoolArray, FloatArray
from ....models.signals.eeg.band_power import BandPrior, RestBaseline, add_window, shrunken_mean
from ....models.signals.eeg.normalisation import Normalisation, bounded
from ....models.signals.eeg.scalp_images import scalp_images, scalp_map
from .prepare import PreparedSession

TRAINING_VARIANTS = 3
_FEWEST_ELECTRODES = 8


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
    """Return the estimate of the person's rest at each tick, ``(n_ticks, n_channels, 3)``."""
    names = [str(name) for name in person.channel_names]
    prior = normal.prior.at(names)
    baseline = RestBaseline.empty(names)
    known, result = shrunken_mean(baseline, prior), []
    for tick, power in enumerate(person.power):
        if person.resting[tick] and person.eeg_there[tick]:
            baseline = add_window(baseline, power)
            known = shrunken_mean(baseline, prior)
        result.append(known)
    return np.stack(result)


def scalp_image_variants(
    person: PreparedSession, normal: Normalisation, size: int, variants: int, seed: int
) -> NDArray[np.float16]:
    """Draw one person's EEG in several variants, ``(variants, n_ticks, 3, size, size)``.

    Variant 0 is calibrated and complete; 1 is not calibrated; the others are calibrated and come from a random part of
    the electrodes.
    """
    names = [str(name) for name in person.channel_names]
    rng = np.random.default_rng((seed, 16))
    prior = normal.prior.at(names).astype(np.float32)
    calibrated = bounded((person.power - rest_baselines(person, normal)) / normal.scale)
    uncalibrated = bounded((person.power - prior) / normal.scale)
    images = np.zeros((variants, person.n_ticks, 3, size, size), np.float16)
    for variant in range(variants):
        kept = np.ones(len(names), np.bool_)
        if variant >= 2:
            few = rng.integers(min(_FEWEST_ELECTRODES, len(names) - 1), len(names) + 1)
            kept = np.isin(np.arange(len(names)), rng.permutation(len(names))[:few])
        values = uncalibrated if variant == 1 else calibrated
        for good in np.unique(person.good, axis=0):
            which = np.flatnonzero((person.good == good).all(axis=1) & person.eeg_there)
            if len(which):
                images[variant, which] = _draw(values[which], names, good & kept, size)
    return images


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
