"""Plain methods and controls on the very decisions that a model is judged on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ....processes import in_workers
from ...simulate import BENCHMARK
from ...simulate.baselines import WINDOW_S, eeg_windows, lda, log_probabilities
from ...simulate.simulated_session import simulate_parts
from ..metrics import uar
from .decode import (
    DecodedPerson,
    PersonDecisions,
    levels_at,
    muscles_against_rest,
    onsets_s,
    stimuli_of,
)

LDA = "lda"
LDA_WINDOW = "lda_window"
MUSCLES_AND_EYES = "muscles_and_eyes"
STIMULUS = "stimulus"
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
    """What plain methods are trained on: power, muscles and levels of windows; stimulus and levels of half seconds."""

    features: NDArray[np.float64]
    muscles: NDArray[np.float64]
    levels: NDArray[np.int64]
    moments: NDArray[np.int64]
    moment_levels: NDArray[np.int64]


def trained_decisions(
    people: Sequence[DecodedPerson], trained_on: Sequence[int], seconds: float, workers: int
) -> dict[str, tuple[PersonDecisions, ...]]:
    """Judge each decision by methods that are trained on other people.

    Shrinkage LDA on log band power of the EEG up to the decision: ``lda_window`` sees the last 2 s; ``lda`` averages
    the log probabilities of all windows of 2 s that lie within the stimulus so far, one every half second (of the last
    2 s before there is one): it is told when stimuli begin. ``muscles_and_eyes`` is ``lda`` on the power of muscles and
    eyes alone (:mod:`~..muscles_and_eyes`). ``stimulus`` sees no signal: it is told which stimulus is shown and since
    when, and says what the others felt then.

    Parameters
    ----------
    people : sequence of DecodedPerson
    trained_on : sequence of int
        Seeds of other people; their sessions are as long.
    seconds : float
    workers : int
    """
    training = _training(trained_on, seconds, workers)
    counts = np.cumsum([len(one.band_power) for one in people])[:-1]

    def judged(features: NDArray[np.float64], queries: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        return np.split(log_probabilities(lda(), features, training.levels, np.concatenate(queries)), counts)

    by_power = list(zip(people, judged(training.features, [one.band_power for one in people]), strict=True))
    by_muscles = zip(people, judged(training.muscles, [one.muscles for one in people]), strict=True)
    return {
        LDA: tuple(_decisions(one, LDA, _so_far(rows, one)) for one, rows in by_power),
        LDA_WINDOW: tuple(_decisions(one, LDA_WINDOW, rows) for one, rows in by_power),
        MUSCLES_AND_EYES: tuple(_decisions(one, MUSCLES_AND_EYES, _so_far(rows, one)) for one, rows in by_muscles),
        STIMULUS: tuple(_by_stimulus(one, training) for one in people),
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
    parts = list(in_workers(_of_person, [(seed, seconds) for seed in seeds], workers))
    return _Training(*(np.concatenate([getattr(one, field.name) for one in parts]) for field in fields(_Training)))


def _of_person(person: tuple[int, float]) -> _Training:
    seed, seconds = person
    session = simulate_parts(seed, seconds, BENCHMARK)
    windows = eeg_windows(session)
    recording = session.recording
    times_s = np.arange(session.latents.rest_s, seconds, 0.5)
    if recording.truth is None:
        raise ValueError(f"recording '{recording.name}' has no truth to train on")
    return _Training(
        windows.features,
        muscles_against_rest(recording, windows.ends_s),
        windows.levels,
        _moments(stimuli_of(recording), onsets_s(recording), times_s),
        levels_at(recording.truth, recording.t0_s + times_s),
    )


def _moments(
    stimuli: NDArray[np.int64], began_s: NDArray[np.float64], times_s: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return which stimulus is shown at times after the rest and for how many half seconds, ``(n_times, 2)``."""
    index = np.maximum(np.searchsorted(began_s, times_s + 1e-6, side="right") - 1, 0)
    return np.stack([stimuli[index], np.floor((times_s - began_s[index]) * 2.0 + 1e-6).astype(np.int64)], axis=1)


def _by_stimulus(person: DecodedPerson, training: _Training) -> PersonDecisions:
    first = person.decisions[0]
    asked = _moments(person.stimuli, person.onsets_s, first.times_s)
    known = (training.moment_levels >= 0).all(axis=1)
    moments, truth = training.moments[known], training.moment_levels[known]
    overall = np.stack([np.bincount(truth[:, axis], minlength=3) / len(truth) for axis in range(2)])
    said = []
    for stimulus, since in asked:
        near = (moments[:, 0] == stimulus) & (np.abs(moments[:, 1] - since) <= 1)
        said.append([np.bincount(truth[near, axis], minlength=3) for axis in range(2)] + overall)
    counts = np.array(said)
    return _answered(first, STIMULUS, counts / counts.sum(axis=-1, keepdims=True))


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
