"""What plain methods read of the trials of a fold, tick by tick: band power, and muscles and eyes, against the rest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....models.io.files import atomic_write
from ....models.networks.attention import TICK_HZ
from ....models.signals.eeg.normalisation import Normalisation, bounded
from ....processes import in_workers
from ...datasets.affect_corpus import AffectCorpus
from ...training.attention.corpora.bank import read_eeg, sittings_of
from ...training.attention.corpora.trials import PreparedTrial
from ...training.attention.eeg_variants import rest_baselines
from ...training.attention.prepare import PreparedSession, read_prepared
from ...training.common.optimization import Report
from ...training.common.stages import Stage
from ..muscles_and_eyes import MuscleEyePower, muscle_eye_power, picked

MUSCLES = Stage("muscles and eyes on ticks", 1)
"""Raise its version whenever :func:`~..muscles_and_eyes.muscle_eye_power` gives other numbers."""
_FRONT = ("F", "A", "T")
"""Sites over the forehead, the front and the temples begin so (Fp1, F3, FC5, AF7, T7, TP9)."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrialSignals:
    """Features of a trial.

    Attributes
    ----------
    features : (n_ticks, n_features) float64
        0 where ``there`` is False.
    there : (n_ticks,) bool
    levels : (n_ticks, 2) int64
    """

    features: Array
    there: NDArray[np.bool_]
    levels: NDArray[np.int64]


def band_signals(trials: Sequence[PreparedTrial], normal: Normalisation) -> dict[str, TrialSignals]:
    """Return the band power of trials as the model has it, by key: every band of every electrode in turn."""
    found = {}
    for sitting in sittings_of(trials):
        joined, lengths = read_eeg(sitting, normal.prior.names)
        values = bounded((joined.power - rest_baselines(joined, normal)) / normal.scale)
        features = np.nan_to_num(values).reshape(len(values), -1).astype(np.float64)
        for one, cut in zip(sitting.trials, _cuts(lengths), strict=True):
            found[one.key] = _signals(features, joined.eeg_there, joined, cut)
    return found


def posterior(names: Sequence[str]) -> NDArray[np.int64]:
    """Return which features of :func:`band_signals` come from electrodes behind the front and the temples."""
    kept = [index for index, name in enumerate(names) if not name.startswith(_FRONT)]
    return (3 * np.array(kept, np.int64)[:, None] + np.arange(3)).ravel()


def muscle_names(trials: Sequence[PreparedTrial], measured: Mapping[str, MuscleEyePower]) -> tuple[str, ...]:
    """Return what of muscles and eyes is measured in all trials: none where they share no such electrode."""
    first, *others = (measured[one.key].names for one in trials)
    return tuple(name for name in first if all(name in names for names in others))


def muscle_signals(
    trials: Sequence[PreparedTrial],
    names: Sequence[str],
    measured: Mapping[str, MuscleEyePower],
    training: Sequence[PreparedTrial],
) -> dict[str, TrialSignals]:
    """Return power of muscles and eyes against the person's rest so far, by key.

    Before anybody rested, the mean of the training trials stands for the rest.
    """
    rows = [picked(measured[one.key], names)[measured[one.key].there] for one in training]
    usual = np.concatenate(rows).mean(axis=0) if sum(map(len, rows)) else np.zeros(len(names))
    found = {}
    for sitting in sittings_of(trials):
        parts = [measured[one.key] for one in sitting.trials]
        power = np.concatenate([picked(part, names) for part in parts]).astype(np.float64)
        there = np.concatenate([part.there for part in parts])
        joined, lengths = read_eeg(sitting, ())
        resting = (joined.resting & there)[:, None]
        counted = np.cumsum(resting, axis=0)
        rest = np.where(counted > 0, np.cumsum(power * resting, axis=0) / np.maximum(counted, 1), usual)
        features = np.where(there[:, None], power - rest, 0.0)
        for one, cut in zip(sitting.trials, _cuts(lengths), strict=True):
            found[one.key] = _signals(features, there, joined, cut)
    return found


def measure_muscles(
    corpus: AffectCorpus, trials: Sequence[PreparedTrial], cache: Path, workers: int, report: Report
) -> dict[str, MuscleEyePower]:
    """Measure power of muscles and eyes of trials at each tick, by key; what is measured lies in the cache."""
    paths = {one.key: cache / f"muscles-{MUSCLES.key(one.key)[:32]}.npz" for one in trials}
    by_file: dict[Path | None, list[PreparedTrial]] = {}
    for one in trials:
        if not paths[one.key].exists():
            by_file.setdefault(one.trial.file, []).append(one)
    if by_file:
        report(f"measuring muscles and eyes of {sum(map(len, by_file.values()))} trials of {corpus.name}")
    work = partial(_measure_group, corpus=corpus, paths=paths)
    for _ in in_workers(work, list(by_file.values()), workers):
        pass
    return {key: _read(path) for key, path in paths.items()}


def _measure_group(trials: Sequence[PreparedTrial], corpus: AffectCorpus, paths: Mapping[str, Path]) -> int:
    for one in trials:
        ticks = read_prepared(one.path).n_ticks
        found = muscle_eye_power(corpus.loader(one.trial), np.arange(ticks) / TICK_HZ, corpus.line_hz)
        with atomic_write(paths[one.key]) as file:
            np.savez(file, names=np.array(found.names, np.str_), power=found.power, there=found.there)
    return len(trials)


def _read(path: Path) -> MuscleEyePower:
    with np.load(path, allow_pickle=False) as arrays:
        return MuscleEyePower(tuple(str(name) for name in arrays["names"]), arrays["power"], arrays["there"])


def _cuts(lengths: Sequence[int]) -> Iterator[slice]:
    ends = np.cumsum(lengths)
    for start, end in zip(ends - np.array(lengths), ends, strict=True):
        yield slice(int(start), int(end))


def _signals(features: Array, there: NDArray[np.bool_], joined: PreparedSession, cut: slice) -> TrialSignals:
    return TrialSignals(features[cut], there[cut], joined.levels[cut].astype(np.int64))
