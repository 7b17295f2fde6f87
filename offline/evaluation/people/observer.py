"""A reference observer of simulated people: classical parts, and expressions told without noise.

Log band power of the last second with shrinkage LDA; the expression of each burst, told once when it has begun as the
exact valence and arousal that it shows; and the forward filter of a hidden Markov model over the nine cells of valence
and arousal (Rabiner 1989, https://doi.org/10.1109/5.18626). It is never told when a stimulus begins. No network takes
part: it says what a model of the whole should reach, and what a face that is read without error is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from ....processes import in_workers
from ...simulate.baselines import lda, log_band_power
from ...simulate.difficulty import BENCHMARK
from ...simulate.latents import levels
from ...simulate.simulated_session import simulate_parts
from ..metrics import uar

Array = NDArray[np.float64]
_WINDOW_S = 1.0
_TICK_S = 0.5
_SEEN_AFTER_S = 0.15
_BINS = 20
_EEG_WEIGHT, _EXPRESSION_WEIGHT = 0.85, 1.6
"""Powers of the likelihoods, best of nine pairs on people 841-864 with the rest learned from 801-840."""


@dataclass(frozen=True)
class _Person:
    """Features (n, d) and levels (n, 2) at half seconds after the rest; bursts: first tick, valence, arousal, level."""

    features: Array
    levels: NDArray[np.int64]
    bursts: Array


class Observer:
    """LDA, likelihoods of expressions and transitions, learned from people whose latents are known.

    Parameters
    ----------
    seeds : sequence of int
        Of the people to learn from.
    seconds : float
    workers : int
    """

    def __init__(self, seeds: Sequence[int], seconds: float, workers: int) -> None:
        people = _people(seeds, seconds, workers)
        features = np.concatenate([one.features for one in people])
        targets = np.concatenate([one.levels for one in people])
        self._models: list[Pipeline] = [lda().fit(features, targets[:, axis]) for axis in range(2)]
        moves = np.full((9, 9), 1e-3)
        shown = np.full((2, 3, _BINS), 0.5)
        for one in people:
            cells = one.levels[:, 0] * 3 + one.levels[:, 1]
            np.add.at(moves, (cells[:-1], cells[1:]), 1.0)
            for tick, *values in one.bursts:
                for axis, value in enumerate(values):
                    shown[axis, one.levels[int(tick), axis], _bin(value)] += 1.0
        self._moves: Array = moves / moves.sum(axis=1, keepdims=True)
        padded = np.pad(shown, ((0, 0), (0, 0), (1, 1)), mode="edge")
        smooth = 0.25 * padded[..., :-2] + 0.5 * padded[..., 1:-1] + 0.25 * padded[..., 2:]
        self._shown: Array = np.log(smooth / smooth.sum(axis=2, keepdims=True))

    def recalls(self, seeds: Sequence[int], seconds: float, workers: int) -> tuple[Array, Array]:
        """Return the UAR of half-second decisions, ``(people, 2)``, with the expressions and without."""
        people = _people(seeds, seconds, workers)
        return self._recall(people, face=True), self._recall(people, face=False)

    def _recall(self, people: Sequence[_Person], face: bool) -> Array:
        found = []
        for one in people:
            said = self._decide(one, face)
            found.append([uar(one.levels[:, axis], said[:, axis]) for axis in range(2)])
        return np.array(found)

    def _decide(self, person: _Person, face: bool) -> NDArray[np.int64]:
        logs = [np.log(np.maximum(model.predict_proba(person.features), 1e-9)) for model in self._models]
        told = _EEG_WEIGHT * (np.repeat(logs[0], 3, axis=1) + np.tile(logs[1], 3))
        for tick, valence, arousal in person.bursts if face else ():
            cell = self._shown[0, :, _bin(valence)][:, None] + self._shown[1, :, _bin(arousal)]
            told[int(tick)] += _EXPRESSION_WEIGHT * cell.ravel()
        belief, said = np.full(9, 1.0 / 9.0), []
        for row in told:
            belief = (belief @ self._moves) * np.exp(row - row.max())
            belief /= belief.sum()
            cells = belief.reshape(3, 3)
            said.append((int(cells.sum(axis=1).argmax()), int(cells.sum(axis=0).argmax())))
        return np.array(said)


def _bin(value: float) -> int:
    return min(int((value + 1.0) / 2.0 * _BINS), _BINS - 1)


def _people(seeds: Sequence[int], seconds: float, workers: int) -> list[_Person]:
    return list(in_workers(_person, [(seed, seconds) for seed in seeds], workers))


def _person(person: tuple[int, float]) -> _Person:
    seed, seconds = person
    session = simulate_parts(seed, seconds, BENCHMARK)
    eeg, rest_s = session.recording.eeg, session.latents.rest_s
    if eeg is None:
        raise ValueError(f"recording '{session.recording.name}' has no EEG to observe")
    ends_s = np.arange(rest_s + _TICK_S, seconds + 1e-9, _TICK_S)
    ticks = [
        (np.searchsorted(ends_s, one.start_s + _SEEN_AFTER_S), one.valence, one.arousal)
        for one in session.face_plan.bursts
        if rest_s <= one.start_s + _SEEN_AFTER_S <= ends_s[-1]
    ]
    return _Person(
        log_band_power(eeg, ends_s, rest_s, _WINDOW_S),
        levels(session.latents.at(ends_s)),
        np.array(ticks, np.float64).reshape(-1, 3),
    )
