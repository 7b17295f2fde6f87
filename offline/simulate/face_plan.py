"""Expressions and blinks of a simulated face over a session.

Faces are neutral most of the time and express in short bursts with onset, apex and offset (Ekman and Friesen 1978;
spontaneous expressions last about 0.5-4 s: Ekman 2003). What is expressed only resembles what is felt (Barrett et al.
2019). Blinks come about every four seconds (Bentivoglio et al. 1997).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .difficulty import Difficulty
from .latents import Latents
from .randomness import aspect_rng

_CLEAR_S = 1.5


@dataclass(frozen=True)
class Burst:
    """One expression: from ``start_s`` to ``stop_s``, strongest at ``apex`` in 0..1, of one valence and arousal."""

    start_s: float
    stop_s: float
    apex: float
    valence: float
    arousal: float


@dataclass(frozen=True)
class Cue:
    """One burst of midline theta: a Gaussian around ``centre_s``."""

    centre_s: float
    width_s: float


@dataclass(frozen=True)
class FacePlan:
    """Expressions, blinks, and the theta bursts that precede expressions (or none) in one session."""

    bursts: tuple[Burst, ...]
    blinks_s: tuple[float, ...]
    cues: tuple[Cue, ...]

    def expression_at(
        self, times_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return intensity (0..1), expressed valence and arousal (both 0 between bursts) at ascending times."""
        intensity, valence, arousal = np.zeros((3, len(times_s)))
        for burst in self.bursts:
            first, last = np.searchsorted(times_s, (burst.start_s, burst.stop_s))
            inside = slice(int(first), int(last))
            intensity[inside] = burst.apex * _shape(times_s[inside], burst)
            valence[inside] = burst.valence
            arousal[inside] = burst.arousal
        return intensity, valence, arousal

    def lids_at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the closure of the lids by blinking, 0..1, at ascending times."""
        closed = np.zeros(len(times_s))
        for blink_s in self.blinks_s:
            first, last = np.searchsorted(times_s, (blink_s - 0.3, blink_s + 0.3))
            closed[first:last] = np.maximum(
                closed[first:last], np.exp(-(((times_s[first:last] - blink_s) / 0.09) ** 4))
            )
        return closed


def plan_face(seed: int, duration_s: float, latents: Latents, difficulty: Difficulty) -> FacePlan:
    """Draw the expressions, blinks and cues of one session."""
    bursts = _bursts(aspect_rng(seed, "bursts"), duration_s, latents, difficulty)
    rng = aspect_rng(seed, "blinks")
    gaps = 0.6 + rng.exponential(1.0 / difficulty.blink_rate - 0.6, int(2 * difficulty.blink_rate * duration_s) + 20)
    moments = np.cumsum(gaps)
    blinks = tuple(float(moment) for moment in moments[moments < duration_s])
    return FacePlan(bursts, blinks, _cues(aspect_rng(seed, "cues"), duration_s, bursts, difficulty))


def _bursts(rng: np.random.Generator, duration_s: float, latents: Latents, difficulty: Difficulty) -> tuple[Burst, ...]:
    """Draw expressions with gamma gaps so that they fill ``burst_duty`` of the time."""
    mean_s = (difficulty.burst_min_s + difficulty.burst_max_s) / 2.0
    gap_s = mean_s * (1.0 / difficulty.burst_duty - 1.0)
    extra_s = gap_s - _CLEAR_S
    bursts = []
    # The first gap is shortened at random so that the session begins in the middle of the process.
    now_s = _CLEAR_S + float(rng.uniform()) * gap_s
    while now_s < duration_s:
        length_s = float(rng.uniform(difficulty.burst_min_s, difficulty.burst_max_s))
        felt = latents.at(np.array([now_s + length_s / 2.0]))[0]
        shown = np.clip(felt + difficulty.expression_noise * rng.standard_normal(2), -1.0, 1.0)
        if rng.random() < difficulty.expression_wrong:
            shown = rng.uniform(-1.0, 1.0, 2)
        apex = float(rng.uniform(difficulty.expression_min, 1.0))
        bursts.append(Burst(now_s, now_s + length_s, apex, float(shown[0]), float(shown[1])))
        pause = rng.gamma(difficulty.burst_gap_shape, extra_s / difficulty.burst_gap_shape)
        now_s += length_s + _CLEAR_S + float(pause)
    return tuple(bursts)


def _cues(
    rng: np.random.Generator, duration_s: float, bursts: tuple[Burst, ...], difficulty: Difficulty
) -> tuple[Cue, ...]:
    """Draw a cue 0.3-1 s before each expression, and false cues."""
    true = [Cue(burst.start_s - float(rng.uniform(0.3, 1.0)), float(rng.uniform(0.15, 0.25))) for burst in bursts]
    n_false = int(rng.poisson(difficulty.cue_false_rate * duration_s))
    false = [Cue(float(rng.uniform(0.0, duration_s)), float(rng.uniform(0.15, 0.25))) for _ in range(n_false)]
    return tuple(sorted([*true, *false], key=lambda cue: cue.centre_s))


def _shape(times_s: NDArray[np.float64], burst: Burst) -> NDArray[np.float64]:
    """Return the envelope of a burst: a rise over its first 30 %, a plateau, a fall over its last 40 %."""
    share = (times_s - burst.start_s) / (burst.stop_s - burst.start_s)
    rise = np.clip(share / 0.3, 0.0, 1.0)
    fall = np.clip((1.0 - share) / 0.4, 0.0, 1.0)
    both = np.minimum(rise, fall)
    return np.asarray(both * both * (3.0 - 2.0 * both))
