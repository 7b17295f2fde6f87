"""Stimuli, felt valence and arousal over time, and their classes, of a simulated person.

The session follows emotion elicitation by clips as in DEAP (Koelstra et al. 2012) and MAHNOB-HCI (Soleymani et al.
2012): rest first, then clips that fill the valence-arousal plane (Russell 1980).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ...models.contract import Marker, Truth
from .difficulty import Difficulty
from .randomness import aspect_rng, ornstein_uhlenbeck

LATENT_RATE_HZ = 32.0
TRUTH_RATE_HZ = 8.0
LEVEL_BORDER = 1.0 / 3.0
REST_S = 20.0


@dataclass(frozen=True)
class Stimulus:
    """One clip of the library.

    Attributes
    ----------
    index : int
    valence_level, arousal_level : int
        Intended classes: 0 low, 1 medium, 2 high.
    length_s : float
    mean : (2,) float64
        Valence and arousal that it settles at.
    cycle_s, phase : (2,) float64
        Of the slow movement around the mean.
    """

    index: int
    valence_level: int
    arousal_level: int
    length_s: float
    mean: NDArray[np.float64]
    cycle_s: NDArray[np.float64]
    phase: NDArray[np.float64]


@dataclass(frozen=True)
class Presentation:
    """One stimulus as shown: ``start_s`` and ``stop_s`` count from the session's start."""

    stimulus: int
    start_s: float
    stop_s: float


@dataclass(frozen=True)
class Latents:
    """Valence and arousal of one session.

    Attributes
    ----------
    times_s : (n_times,) float64
        From the session's start, every 1/32 s.
    values : (n_times, 2) float64
        Valence and arousal in -1..1; 0 at rest.
    rest_s : float
    presentations : tuple of Presentation
    """

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    rest_s: float
    presentations: tuple[Presentation, ...]

    def at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values interpolated to other times.

        Returns
        -------
        (len(times_s), 2) float64
        """
        columns = [np.interp(times_s, self.times_s, self.values[:, axis]) for axis in range(2)]
        return np.stack(columns, axis=1)


def levels(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the classes of latents: 0 low, 1 medium, 2 high, with borders -1/3 and 1/3."""
    return np.digitize(values, (-LEVEL_BORDER, LEVEL_BORDER)).astype(np.int64)


def stimulus_library(difficulty: Difficulty) -> tuple[Stimulus, ...]:
    """Return the stimuli, the same for all people: ``n_variants`` for each of the nine cells."""
    rng = aspect_rng(difficulty.library_seed, "library")
    stimuli = []
    for index in range(9 * difficulty.n_variants):
        cell = index % 9
        centre = (np.array([cell // 3, cell % 3]) - 1.0) * 2.0 / 3.0
        stimuli.append(
            Stimulus(
                index=index,
                valence_level=cell // 3,
                arousal_level=cell % 3,
                length_s=float(rng.uniform(difficulty.stimulus_min_s, difficulty.stimulus_max_s)),
                mean=centre + rng.uniform(-1.0, 1.0, 2) * difficulty.level_spread,
                cycle_s=rng.uniform(6.0, 12.0, 2),
                phase=rng.uniform(0.0, 2.0 * np.pi, 2),
            )
        )
    return tuple(stimuli)


def presentation_schedule(
    seed: int, duration_s: float, difficulty: Difficulty
) -> tuple[float, tuple[Presentation, ...]]:
    """Draw the presentations of one session: rest, then the nine cells in random order, repeatedly.

    Returns
    -------
    rest_s : float
        20 s, or a quarter of a shorter session.
    presentations : tuple of Presentation
        The last one ends with the session.
    """
    rng = aspect_rng(seed, "schedule")
    stimuli = stimulus_library(difficulty)
    rest_s = min(REST_S, duration_s / 4.0)
    shown: list[Presentation] = []
    now_s = rest_s
    cells: list[int] = []
    while now_s < duration_s:
        cells = cells or [int(cell) for cell in rng.permutation(9)]
        stimulus = stimuli[cells.pop() + 9 * int(rng.integers(difficulty.n_variants))]
        stop_s = min(duration_s, now_s + stimulus.length_s)
        shown.append(Presentation(stimulus.index, now_s, stop_s))
        now_s = stop_s
    return rest_s, tuple(shown)


def simulate_latents(seed: int, duration_s: float, difficulty: Difficulty) -> Latents:
    """Simulate the felt valence and arousal of one person.

    The stimulus' trajectory is followed through two first-order lags (together a smooth change of about three
    ``transition_s``), and the person's own slow deviation is added.
    """
    rng = aspect_rng(seed, "latents")
    stimuli = stimulus_library(difficulty)
    rest_s, shown = presentation_schedule(seed, duration_s, difficulty)
    times_s = np.arange(round(duration_s * LATENT_RATE_HZ) + 1) / LATENT_RATE_HZ
    aim = np.zeros((len(times_s), 2))
    for presentation in shown:
        stimulus = stimuli[presentation.stimulus]
        during = (times_s >= presentation.start_s) & (times_s < presentation.stop_s + 1.0 / LATENT_RATE_HZ)
        since = times_s[during, None] - presentation.start_s
        aim[during] = stimulus.mean + difficulty.wiggle * np.sin(
            2.0 * np.pi * since / stimulus.cycle_s + stimulus.phase
        )
    own = difficulty.response_noise * ornstein_uhlenbeck(
        rng, len(times_s), 2, LATENT_RATE_HZ, difficulty.response_noise_tau_s
    )
    followed = _lag(_lag(aim, difficulty.transition_s), difficulty.transition_s)
    felt = np.where(times_s[:, None] < rest_s, 0.0, followed + own)
    return Latents(times_s, np.clip(felt, -1.0, 1.0), rest_s, shown)


def ground_truth(latents: Latents, t0_s: float, duration_s: float) -> Truth:
    """Return the latents as ground truth at 8 Hz; rest has level and stimulus -1."""
    times_s = np.arange(int(np.floor(duration_s * TRUTH_RATE_HZ))) / TRUTH_RATE_HZ
    values = latents.at(times_s)
    resting = times_s < latents.rest_s
    stimulus = np.full(len(times_s), -1, dtype=np.int64)
    for presentation in latents.presentations:
        stimulus[(times_s >= presentation.start_s) & (times_s < presentation.stop_s)] = presentation.stimulus
    return Truth(
        stamps_s=t0_s + times_s,
        latents=values.astype(np.float32),
        levels=np.where(resting[:, None], -1, levels(values)).astype(np.int64),
        stimulus=stimulus,
    )


def session_markers(latents: Latents, t0_s: float) -> tuple[Marker, ...]:
    """Return the session's markers: ``rest_start``, ``rest_end`` and ``stimulus_<index>`` at each onset."""
    onsets = [Marker(t0_s + shown.start_s, f"stimulus_{shown.stimulus}") for shown in latents.presentations]
    return (Marker(t0_s, "rest_start"), Marker(t0_s + latents.rest_s, "rest_end"), *onsets)


def _lag(values: NDArray[np.float64], tau_s: float) -> NDArray[np.float64]:
    """Return the columns filtered by a first-order lag."""
    keep = float(np.exp(-1.0 / (LATENT_RATE_HZ * tau_s)))
    return np.asarray(lfilter([1.0 - keep], [1.0, -keep], values, axis=0))
