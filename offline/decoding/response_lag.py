"""`moodring bench lag`: time from a step in a person's emotion to half of the change in the estimate.

People whose emotion changes in steps (simulated ones) are decoded on the virtual clock, where publication costs
nothing: what is left is the lag of the signals, the windows, the waits between looks and the models.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.live import LiveConfig
from ...models.contract import Estimate, Recording, Truth
from ...processes import in_workers
from ..evaluation.intervals import Interval, mean_over_people, over_groups
from ..simulate import BENCHMARK, simulate
from .decode import decode

PEOPLE = 10
SECONDS = 180.0
_BEFORE_S = 4.0
_SETTLED_S = (6.0, 13.0)
_STEP_LEVELS = 0.5  # of the latents' -1..1: most of the way from one level's middle to the next (2/3)
_FOLLOWED = 0.2
_STAYS = 2
_GRID_S = 0.25
PLACES = np.array([-2.0 / 3.0, 0.0, 2.0 / 3.0])  # of low, medium and high on the latents' scale

Curve = NDArray[np.float64]
STEPPED = replace(BENCHMARK, name="steps", transition_s=0.02, wiggle=0.0, response_noise=0.0)
"""The benchmark's people with an emotion that changes in steps."""
_CONDITIONS = {"eeg_and_face": ("eeg", "face"), "eeg": ("eeg",), "face": ("face",)}


@dataclass(frozen=True)
class Step:
    """One change of one axis, and the estimate around it.

    Attributes
    ----------
    person : str
    times_s : (n,) float64
        Of the decisions, counted from the step.
    values : (n,) float64
        Expected level, -2/3 to 2/3, signed so that the person's change is upwards.
    """

    person: str
    times_s: Curve
    values: Curve


def measure(
    config: LiveConfig, seeds: Sequence[int], seconds: float, report: Callable[[str], None], workers: int = 1
) -> dict[str, Any]:
    """Decode simulated people whose emotion changes in steps, with EEG, with the face, and with both.

    Parameters
    ----------
    config : LiveConfig
    seeds : sequence of int
        Of the people.
    seconds : float
        Of each person.
    report : callable
        Takes a line as each person is done.
    workers : int
        Processes.

    Returns
    -------
    dict
        ``people``, and for each condition the figures of :func:`response_lag`.
    """
    found: dict[str, list[Step]] = {name: [] for name in _CONDITIONS}
    work = partial(_steps_of, config=config, seconds=seconds)
    for seed, cut in zip(seeds, in_workers(work, seeds, workers), strict=True):
        for name, several in cut.items():
            found[name] += several
        report(f"person {seed}: {len(found['eeg'])} steps so far")
    return {"people": len(seeds), **{name: response_lag(cut) for name, cut in found.items()}}


def _steps_of(seed: int, config: LiveConfig, seconds: float) -> dict[str, list[Step]]:
    recording = simulate(seed, seconds, STEPPED)
    return {
        name: steps(recording, decode(recording, config, only=only).estimates) for name, only in _CONDITIONS.items()
    }


def steps(recording: Recording, estimates: Sequence[Estimate]) -> list[Step]:
    """Find the steps of a simulated person's emotion, valence and arousal apart, and cut the estimates around them."""
    truth = recording.truth
    if truth is None:
        raise ValueError(f"recording '{recording.name}' does not know the truth")
    answered = [estimate for estimate in estimates if estimate.answer("valence") is not None]
    times_s = np.array([estimate.time_s for estimate in answered])
    levels = np.array([[_level(estimate, name) for name in ("valence", "arousal")] for estimate in answered])
    onsets_s = [marker.stamp_s for marker in recording.markers if marker.text.startswith("stimulus_")]
    return cut_steps(recording.participant, truth, onsets_s, times_s, levels.reshape(-1, 2))


def expected_level(probabilities: NDArray[np.float32]) -> Curve:
    """Return the expected level, -2/3 to 2/3, of probabilities ``(…, 3)`` of low, medium and high."""
    return np.asarray(probabilities @ PLACES, np.float64)


def cut_steps(person: str, truth: Truth, onsets_s: Sequence[float], times_s: Curve, levels: Curve) -> list[Step]:
    """Find the steps at the onsets of stimuli, and cut decisions around them.

    Parameters
    ----------
    person : str
    truth : Truth
    onsets_s : sequence of float
        On the clock of the truth; the first, after which there is no stimulus before, is left out.
    times_s : (n,)
        Of the decisions.
    levels : (n, 2)
        Expected levels of valence and arousal.
    """
    found = []
    for onset_s in onsets_s[1:]:
        for axis, values in enumerate(levels.T):
            change = _latent(truth.stamps_s, truth.latents[:, axis], onset_s + np.array(_SETTLED_S)) - _latent(
                truth.stamps_s, truth.latents[:, axis], onset_s - np.array([_BEFORE_S, 0.2])
            )
            near = (times_s >= onset_s - _BEFORE_S) & (times_s <= onset_s + _SETTLED_S[1])
            whole = near.any() and times_s[near][-1] >= onset_s + _SETTLED_S[1] - 1.0
            if abs(change) >= _STEP_LEVELS and whole:
                found.append(Step(person, times_s[near] - onset_s, np.sign(change) * values[near]))
    return found


def half_time_s(step: Step) -> float | None:
    """Return when an estimate has made half of its change for good; None where it did not follow the person."""
    before = step.values[step.times_s <= 0].mean()
    after = step.values[step.times_s >= _SETTLED_S[0]].mean()
    if after - before < _FOLLOWED:
        return None
    times_s, there = step.times_s[step.times_s > 0], step.values[step.times_s > 0] >= (before + after) / 2
    stays = np.convolve(there, np.ones(_STAYS), "valid") == _STAYS
    return float(times_s[int(np.argmax(stays))]) if stays.any() else None


def response_lag(cut: Iterable[Step]) -> dict[str, Any]:
    """Sum the steps up.

    Returns
    -------
    dict
        ``steps`` and ``followed`` (counts); ``median_s``, the mean over people of each one's median half time of the
        followed steps; ``mean_curve_s``, the half time of the mean over all steps, in which what the estimate does by
        chance averages out. Both with ``low_s`` and ``high_s``, the 95 % interval over people: of Student's t, and for
        the curve of the jackknife. Of the median of all steps together the jackknife holds the truth in 78 to 87 of a
        hundred cases only, so each person has their own.
    """
    found = list(cut)
    halves = [(step.person, half) for step in found if (half := half_time_s(step)) is not None]
    figures = {"steps": len(found), "followed": len(halves)}
    if not halves:
        return {**figures, "median_s": None, "low_s": None, "high_s": None, "mean_curve_s": None}
    medians = [float(np.median([half for who, half in halves if who == one])) for one in sorted(dict(halves))]
    median = mean_over_people(medians).within(0.0, float("inf"))
    grid_s = np.arange(-_BEFORE_S, _SETTLED_S[1] - 1.0, _GRID_S)
    curves = np.array([np.interp(grid_s, step.times_s, step.values) for step in found])
    people = [step.person for step in found]
    mean = over_groups(lambda index: _mean_half_s(grid_s, curves[index]), people).within(0.0, float("inf"))
    return {
        **figures,
        "median_s": _seconds(median.value),
        **_ends(median),
        "mean_curve_s": {"value_s": _seconds(mean.value), **_ends(mean)},
    }


def _ends(interval: Interval) -> dict[str, float | None]:
    return {"low_s": _seconds(interval.low), "high_s": _seconds(interval.high)}


def _seconds(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def _mean_half_s(grid_s: Curve, curves: Curve) -> float:
    """Find where the mean of curves crosses half of its change, between the points of the grid."""
    mean = curves.mean(axis=0)
    half = (mean[grid_s <= 0].mean() + mean[grid_s >= _SETTLED_S[0]].mean()) / 2
    after = np.flatnonzero((grid_s > 0) & (mean >= half))
    if not len(after):
        return float("nan")
    at = int(after[0])
    rise = mean[at] - mean[at - 1]
    share = 1.0 if rise <= 0 else float((half - mean[at - 1]) / rise)
    return float(grid_s[at - 1] + _GRID_S * min(max(share, 0.0), 1.0))


def _level(estimate: Estimate, name: str) -> float:
    head = estimate.answer(name)
    return float("nan") if head is None else float(expected_level(np.array(head.probabilities, np.float32)))


def _latent(stamps_s: Curve, latents: NDArray[np.float32], span_s: Curve) -> float:
    within = latents[(stamps_s >= span_s[0]) & (stamps_s <= span_s[1])]
    return float(within.mean()) if len(within) else float("nan")
