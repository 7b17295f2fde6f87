"""The gate of a bundle of a state of mind: how the electrodes are correlated in each band."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ....models.contract import BoolArray
from ....models.decoders.domain_gate import DomainGate, agreement, correlations
from ....models.decoders.eeg_state import PATTERN
from ....models.signals.eeg.electrodes import interpolation
from ..common.domain_gate import distances, fit_gate, recent_means, with_limit
from .people import Measure, by_person
from .windows import TrialWindows

Array = NDArray[np.float64]
_FEWEST_ELECTRODES = 8
_SEED = 18
_QUANTILE = 0.995


@dataclass(frozen=True)
class _Recorded:
    """Covariances of one recording, and the electrodes that were there."""

    covariances: Array
    there: BoolArray


@dataclass(frozen=True)
class StateGate:
    """A gate, and the correlations it expects, ``(n_bands, n_electrodes, n_electrodes)``."""

    gate: DomainGate
    pattern: Array

    def distances(self, covariances: Array, there: BoolArray) -> Array:
        """Return the distances of a recording's windows, from the first that the gate judges."""
        return distances(self.gate, recent_means(agreement(covariances, self.pattern, there), self.gate.half_life_s))

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what a bundle keeps of it."""
        return {**self.gate.tensors(), PATTERN: torch.from_numpy(self.pattern.astype(np.float32))}


def fit_state_gate(
    trials: Sequence[TrialWindows], measure: Measure, electrodes: Sequence[str], folds: int
) -> StateGate | None:
    """Fit a gate to all people, and its limit to each of them by a gate of the others.

    Each recording counts twice: with all electrodes, and with 8 of them.

    Parameters
    ----------
    trials : sequence of TrialWindows
    measure : Measure
        Which covariances the model reads.
    electrodes : sequence of str
        Those of the measure.
    folds : int
        Into which people are parted, at most one a person.

    Returns
    -------
    StateGate or None
        None where the people are too far apart for a limit.
    """
    people = list(recordings(trials, measure, electrodes).values())
    folds = min(folds, len(people))
    held_out = []
    for fold in range(folds):
        apart = _fit([one for index, one in enumerate(people) if index % folds != fold])
        held = [recorded for person in people[fold::folds] for recorded in person]
        held_out += [apart.distances(one.covariances, one.there) for one in held]
    fitted = _fit(people)
    gate = with_limit(fitted.gate, held_out, _QUANTILE)
    return None if gate is None else replace(fitted, gate=gate)


def recordings(
    trials: Sequence[TrialWindows], measure: Measure, electrodes: Sequence[str]
) -> dict[str, list[_Recorded]]:
    """Return each person's recordings, whole and from 8 electrodes drawn at random."""
    rng = np.random.default_rng(_SEED)
    every = np.ones(len(electrodes), np.bool_)
    found: dict[str, list[_Recorded]] = {}
    for subject, theirs in by_person(trials).items():
        for one in theirs:
            whole = measure.chosen(one.covariances)
            few = np.isin(np.arange(len(every)), rng.permutation(len(every))[:_FEWEST_ELECTRODES])
            found.setdefault(subject, []).append(_Recorded(whole, every))
            found[subject].append(_Recorded(from_few(whole, few, electrodes), few))
    return found


def from_few(covariances: Array, there: BoolArray, electrodes: Sequence[str]) -> Array:
    """Return covariances as they come where only some electrodes are there and the others are interpolated."""
    names = tuple(electrodes)
    mixing = interpolation(names, there, names)
    mixing = mixing - mixing.mean(axis=1, keepdims=True)
    result: Array = mixing.T @ covariances @ mixing
    return result


def _fit(people: Sequence[Sequence[_Recorded]]) -> StateGate:
    whole = [one.covariances for person in people for one in person if one.there.all()]
    pattern = np.mean([correlations(each).mean(axis=0) for each in whole if len(each)], axis=0)
    means = [recent_means(agreement(one.covariances, pattern, one.there)) for person in people for one in person]
    return StateGate(fit_gate(means), pattern)
