"""Plain methods on the very decisions that a model is judged on: LDA on all EEG, one answer always, chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ....processes import in_workers
from ...simulate import BENCHMARK
from ...simulate.baselines import WINDOW_S, EegWindows, eeg_windows, lda, log_probabilities
from ...simulate.simulated_session import simulate_parts
from ..metrics import uar
from .decode import DecodedPerson, PersonDecisions

LDA = "lda"
LDA_WINDOW = "lda_window"
MAJORITY = "majority"
PERMUTATION = "permutation"
DRAWS = 1000


@dataclass(frozen=True)
class Permuted:
    """A figure under chance: mean, 2.5 % and 97.5 % points, and the share of draws as good as the real one."""

    mean: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class _Training:
    """Log band power and levels of the people whom LDA is trained on."""

    features: NDArray[np.float64]
    levels: NDArray[np.int64]


def lda_decisions(
    people: Sequence[DecodedPerson], trained_on: Sequence[int], seconds: float, workers: int
) -> dict[str, tuple[PersonDecisions, ...]]:
    """Judge each decision by shrinkage LDA on log band power of the EEG up to it.

    ``lda_window`` sees the last 2 s. ``lda`` averages the log probabilities of all windows of 2 s that lie within the
    stimulus so far, one every half second (of the last 2 s before there is one): it is told when stimuli begin.

    Parameters
    ----------
    people : sequence of DecodedPerson
    trained_on : sequence of int
        Seeds of other people; their sessions are as long.
    seconds : float
    workers : int
    """
    training = _training(trained_on, seconds, workers)
    counts = [len(one.band_power) for one in people]
    queries = np.concatenate([one.band_power for one in people])
    logs = np.split(log_probabilities(lda(), training.features, training.levels, queries), np.cumsum(counts)[:-1])
    pairs = list(zip(people, logs, strict=True))
    return {
        LDA: tuple(_decisions(one, LDA, _so_far(rows, one)) for one, rows in pairs),
        LDA_WINDOW: tuple(_decisions(one, LDA_WINDOW, rows) for one, rows in pairs),
    }


def majority_decisions(people: Sequence[Sequence[PersonDecisions]]) -> tuple[PersonDecisions, ...]:
    """Return the answer that is right most often over all people, for every decision of the first condition."""
    first = [one[0] for one in people]
    truth = np.concatenate([one.truth for one in first])
    best = [int(np.bincount(truth[:, axis], minlength=3).argmax()) for axis in range(2)]
    return tuple(_answered(one, MAJORITY, np.tile(np.eye(3)[best], (len(one.truth), 1, 1))) for one in first)


def permuted_uar(people: Sequence[PersonDecisions], axis: int, seed: int) -> Permuted:
    """Return what the mean UAR over people comes to by chance: their answers beside their truth shifted in time.

    A circular shift keeps how often each level occurs and how slowly levels change; each person has a shift of their
    own in every draw.

    Parameters
    ----------
    people : sequence of PersonDecisions
    axis : 0 for valence, 1 for arousal
    seed : int
    """
    shifted = []
    for one in people:
        known = one.truth[:, axis] >= 0
        if not known.any():
            continue
        truth, said = one.truth[known, axis], one.probabilities[known, axis].argmax(axis=1)
        shifted.append(np.array([uar(np.roll(truth, shift), said) for shift in range(len(truth))]))
    rng = np.random.default_rng((seed, axis))
    drawn = np.mean([rng.choice(of_person, DRAWS) for of_person in shifted], axis=0)
    real = np.mean([of_person[0] for of_person in shifted])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Permuted(float(drawn.mean()), float(low), float(high), (1 + int((drawn >= real).sum())) / (1 + DRAWS))


def _training(seeds: Sequence[int], seconds: float, workers: int) -> _Training:
    windows = list(in_workers(_windows, [(seed, seconds) for seed in seeds], workers))
    return _Training(np.concatenate([one.features for one in windows]), np.concatenate([one.levels for one in windows]))


def _windows(person: tuple[int, float]) -> EegWindows:
    seed, seconds = person
    return eeg_windows(simulate_parts(seed, seconds, BENCHMARK))


def _so_far(logs: NDArray[np.float64], person: DecodedPerson) -> NDArray[np.float64]:
    """Return the running mean over the windows within each stimulus."""
    decisions = person.decisions[0]
    out = logs.copy()
    for index, onset_s in enumerate(person.onsets_s):
        (within,) = np.nonzero((decisions.presentation == index) & (decisions.times_s - WINDOW_S >= onset_s - 1e-6))
        out[within] = np.cumsum(logs[within], axis=0) / np.arange(1, len(within) + 1)[:, None, None]
    return out


def _decisions(person: DecodedPerson, name: str, logs: NDArray[np.float64]) -> PersonDecisions:
    return _answered(person.decisions[0], name, softmax(logs, axis=-1))


def _answered(like: PersonDecisions, name: str, probabilities: NDArray[np.float64]) -> PersonDecisions:
    best = probabilities.argmax(axis=-1)[..., None] == np.arange(3)
    return replace(like, name=name, probabilities=probabilities.astype(np.float32), kept=best, glimpsed_fraction=0.0)
