"""Decode simulated people under the conditions of an evaluation and line the decisions up with the truth."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.evaluate import Condition, EvaluateConfig
from ....configs.schema.live import ModelsSection
from ....models.contract import BANDS, Estimate, FloatArray, Frames, Image, Look, Recording, Truth
from ....processes import in_workers
from ...datasets.base import Dataset, Trial
from ...datasets.simulated import SimulatedPeople
from ...decoding.decode import decode_with
from ...simulate.artifacts import LINE_HZ
from ...simulate.baselines import log_band_power
from ..muscles_and_eyes import muscle_eye_power

AXES = ("valence", "arousal")
STIMULUS = "stimulus_"
POLICIES = ("uniform", "random", "every")
_SETTLED_S = 3.0


@dataclass(frozen=True)
class PersonDecisions:
    """One person under one condition, or judged by one method: every decision after rest with a truth and both answers.

    Attributes
    ----------
    person : str
    name : str
        The condition or the method.
    times_s : (n_decisions,) float64
        From t0.
    presentation : (n_decisions,) int64
        Which of the stimuli shown the decision falls in, counted from 0; -1 before the first.
    truth : (n_decisions, 2) int64
        Levels of valence and arousal.
    probabilities : (n_decisions, 2, 3) float32
    kept : (n_decisions, 2, 3) bool
        Which classes the conformal set holds; a method without sets keeps its best class.
    glimpsed_fraction : float or None
        Share of the frames of the 8 Hz grid that were looked at; None where that means nothing.
    """

    person: str
    name: str
    times_s: NDArray[np.float64]
    presentation: NDArray[np.int64]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    kept: NDArray[np.bool_]
    glimpsed_fraction: float | None


@dataclass(frozen=True)
class DecodedPerson:
    """One person under all conditions.

    Attributes
    ----------
    person : str
    seed : int
    seconds : float
        Length of the session.
    onsets_s : (n_stimuli,) float64
        When each stimulus began, from t0.
    stimuli : (n_stimuli,) int64
        Which of the library each was.
    decisions : tuple of PersonDecisions
        One per condition.
    looks : tuple of tuple of Look
        One per condition; times from t0.
    attention : tuple of (n, 3) float32
        One per condition: the weights of the bands at each decision that read EEG.
    band_power : (n_times, n_features) float64
        Log band power of the 2 s of EEG before each decision of the first condition, against the rest.
    muscles : (n_times, n_muscles) float64
        Log power of muscles and eyes in the second before each of these decisions, against the rest.
    domain, bundles : tuple of str
        What the bundles know, and their SHA-256.
    """

    person: str
    seed: int
    seconds: float
    onsets_s: NDArray[np.float64]
    stimuli: NDArray[np.int64]
    decisions: tuple[PersonDecisions, ...]
    looks: tuple[tuple[Look, ...], ...]
    attention: tuple[FloatArray, ...]
    band_power: NDArray[np.float64]
    muscles: NDArray[np.float64]
    domain: tuple[str, ...]
    bundles: tuple[str, ...]


def decode_people(config: EvaluateConfig, report: Callable[[str], None]) -> tuple[DecodedPerson, ...]:
    """Decode every person of the config under every condition.

    Parameters
    ----------
    config : EvaluateConfig
    report : callable
        Takes a line as each person is done.
    """
    began = time.monotonic()
    dataset = SimulatedPeople(config.seeds, config.seconds)
    decode = partial(decode_trial, dataset=dataset, conditions=config.conditions, models=config.models)
    done: list[DecodedPerson] = []
    for trial, person in zip(dataset.trials, in_workers(decode, dataset.trials, config.workers), strict=True):
        done.append(person)
        report(f"{trial.name} decoded ({len(done)} of {len(dataset.trials)}, {time.monotonic() - began:.0f} s)")
    return tuple(done)


def decode_trial(
    trial: Trial, dataset: Dataset[Recording], conditions: Sequence[Condition], models: ModelsSection
) -> DecodedPerson:
    """Load one person's recording, decode it under every condition and line the decisions up with the truth."""
    recording = _drawn_once(dataset.load(trial))
    decisions, looks, attention = [], [], []
    domain: set[str] = set()
    bundles: dict[str, None] = {}
    for condition in conditions:
        policy = condition if condition in POLICIES else models.policy
        decoded = decode_with(
            _without(recording, condition), models.model_copy(update={"policy": policy, "face": "none"})
        )
        decisions.append(decisions_with_truth(recording, decoded.estimates, condition, decoded.glimpsed_fraction))
        looks.append(_looks(recording, decoded.estimates))
        attention.append(_attention(decoded.estimates))
        domain.update(decoded.summary["domain"])
        bundles.update(dict.fromkeys(bundle["sha256"] for bundle in decoded.summary["bundles"]))
    if recording.eeg is None:
        raise ValueError(f"recording '{recording.name}' has no EEG")
    return DecodedPerson(
        person=recording.participant,
        seed=int(trial.subject),
        seconds=len(recording.eeg.samples) / recording.eeg.rate_hz,
        onsets_s=onsets_s(recording),
        stimuli=stimuli_of(recording),
        decisions=tuple(decisions),
        looks=tuple(looks),
        attention=tuple(attention),
        band_power=log_band_power(recording.eeg, decisions[0].times_s, recording.rest_s or 0.0),
        muscles=muscles_against_rest(recording, decisions[0].times_s),
        domain=tuple(sorted(domain)),
        bundles=tuple(bundles),
    )


def decisions_with_truth(
    recording: Recording, estimates: Sequence[Estimate], name: str, glimpsed_fraction: float | None
) -> PersonDecisions:
    """Line up the estimates of a person with the truth, leaving out rest, where there is no truth.

    Raises
    ------
    ValueError
        The recording has no truth.
    """
    if recording.truth is None:
        raise ValueError(f"recording '{recording.name}' has no truth to compare with")
    answers = [(e.time_s, [head for axis in AXES if (head := e.answer(axis)) is not None]) for e in estimates]
    answered = [(time_s, heads) for time_s, heads in answers if len(heads) == len(AXES)]
    levels = levels_at(recording.truth, np.array([time_s for time_s, _ in answered]))
    chosen = [i for i in range(len(answered)) if (levels[i] >= 0).all()]
    times_s = np.array([answered[i][0] - recording.t0_s for i in chosen])
    heads = [answered[i][1] for i in chosen]
    kept = [[[index in head.kept for index in range(3)] for head in pair] for pair in heads]
    return PersonDecisions(
        person=recording.participant,
        name=name,
        times_s=times_s,
        presentation=np.searchsorted(onsets_s(recording), times_s + 1e-6, side="right") - 1,
        truth=levels[chosen],
        probabilities=np.array([[head.probabilities for head in pair] for pair in heads], np.float32).reshape(-1, 2, 3),
        kept=np.array(kept, bool).reshape(-1, 2, 3),
        glimpsed_fraction=glimpsed_fraction,
    )


def levels_at(truth: Truth, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the newest truth at or before each time, ``(n_times, 2)``; -1 before the first."""
    index = np.searchsorted(truth.stamps_s, times_s + 1e-6, side="right") - 1
    levels = truth.levels[np.maximum(index, 0)]
    return np.where(index[:, None] >= 0, levels, -1)


def onsets_s(recording: Recording) -> NDArray[np.float64]:
    """Return when each stimulus began, from t0, by the recording's markers."""
    shown = [marker.stamp_s - recording.t0_s for marker in recording.markers if marker.text.startswith(STIMULUS)]
    return np.array(sorted(shown), np.float64)


def stimuli_of(recording: Recording) -> NDArray[np.int64]:
    """Return which of the library each stimulus was, by the recording's markers, in the order of presentation."""
    shown = sorted((one.stamp_s, one.text) for one in recording.markers if one.text.startswith(STIMULUS))
    return np.array([int(text.removeprefix(STIMULUS)) for _, text in shown], np.int64)


def muscles_against_rest(recording: Recording, ends_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log power of muscles and eyes in the second before times from t0, minus its mean at rest."""
    if recording.eeg is None:
        raise ValueError(f"recording '{recording.name}' has no EEG")
    resting_s = np.arange(_SETTLED_S, recording.rest_s or 0.0, 0.5)
    times_s = recording.t0_s + np.concatenate([resting_s, ends_s])
    measured = muscle_eye_power(recording.eeg, times_s, LINE_HZ)
    rest, power = np.split(measured.power.astype(np.float64), [len(resting_s)])
    settled = measured.there[: len(resting_s)]
    if settled.any():
        power = power - rest[settled].mean(axis=0)
    return np.where(measured.there[len(resting_s) :, None], power, 0.0)


class _DrawnOnce:
    """Frames of a film, each drawn when it is first asked for and then kept: every condition sees the same ones."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._kept: dict[int, Image] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int, /) -> Image:
        if index not in self._kept:
            self._kept[index] = self._frames[index]
        return self._kept[index]


def _drawn_once(recording: Recording) -> Recording:
    if recording.face is None:
        return recording
    return replace(recording, face=replace(recording.face, frames=_DrawnOnce(recording.face.frames)))


def _without(recording: Recording, condition: Condition) -> Recording:
    """Leave out speech, and the modality that a condition goes without."""
    silent = replace(recording, speech=None)
    if condition == "no_eeg":
        return replace(silent, eeg=None)
    return replace(silent, face=None) if condition == "no_face" else silent


def _looks(recording: Recording, estimates: Sequence[Estimate]) -> tuple[Look, ...]:
    return tuple(
        replace(look, time_s=look.time_s - recording.t0_s, face=None) for one in estimates for look in one.looks
    )


def _attention(estimates: Sequence[Estimate]) -> FloatArray:
    rows = [one.band_attention for one in estimates if one.band_attention is not None]
    return np.array(rows, np.float32).reshape(-1, len(BANDS))
