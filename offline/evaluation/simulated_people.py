"""Evaluation of a video-EEG model on simulated people: scores person by person, with baselines and intervals."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.evaluate import Condition, EvaluateConfig
from ...configs.schema.live import ModelsSection
from ...models.contract import Estimate, Recording, Truth
from ...processes import in_workers
from ..datasets.base import Dataset, Trial
from ..datasets.simulated import SimulatedPeople
from ..decoding.decode import decode_with
from ..simulate import BENCHMARK
from .markdown import markdown_table
from .metrics import Interval, Scores, bootstrap_mean, score, uar

AXES = ("valence", "arousal")


@dataclass(frozen=True)
class PersonDecisions:
    """One person under one condition: every decision after rest that has a truth and both answers.

    Attributes
    ----------
    person : str
    condition : Condition
    truth : (n_decisions, 2) int64
        Levels of valence and arousal.
    probabilities : (n_decisions, 2, 3) float32
    covered : (n_decisions, 2) bool
        Whether the conformal set held the truth.
    set_sizes : (n_decisions, 2) int64
    glimpsed_fraction : float
    """

    person: str
    condition: Condition
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    covered: NDArray[np.bool_]
    set_sizes: NDArray[np.int64]
    glimpsed_fraction: float


@dataclass(frozen=True)
class AxisScores:
    """One axis under one condition.

    Attributes
    ----------
    axis : "valence" or "arousal"
    uar : Interval
        Mean over people of each person's unweighted average recall; the interval is a 95 % bootstrap over people.
    uar_by_person : tuple of float
    pooled : Scores
        Over the decisions of all people together: accuracy, macro-F1, calibration, baselines, confusion.
    coverage, mean_set_size : float
        How often the conformal set held the truth, and how many of the three classes it held.
    """

    axis: str
    uar: Interval
    uar_by_person: tuple[float, ...]
    pooled: Scores
    coverage: float
    mean_set_size: float


@dataclass(frozen=True)
class ConditionScores:
    """Scores under one condition."""

    condition: Condition
    decisions: int
    glimpsed_fraction: float
    axes: tuple[AxisScores, ...]


@dataclass(frozen=True)
class Evaluation:
    """The result of :func:`evaluate`."""

    people: tuple[str, ...]
    seconds: float
    seed: int
    conditions: tuple[ConditionScores, ...]
    wall_s: float


def levels_at(truth: Truth, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the newest truth at or before each time, ``(n_times, 2)``; -1 before the first."""
    index = np.searchsorted(truth.stamps_s, times_s + 1e-6, side="right") - 1
    levels = truth.levels[np.maximum(index, 0)]
    return np.where(index[:, None] >= 0, levels, -1)


def decisions_with_truth(
    recording: Recording, estimates: Sequence[Estimate], condition: Condition, glimpsed_fraction: float
) -> PersonDecisions:
    """Line up the estimates of a person with the truth, leaving out rest, where there is no truth."""
    if recording.truth is None:
        raise ValueError(f"recording '{recording.name}' has no truth to compare with")
    answers = [(e.time_s, [head for axis in AXES if (head := e.answer(axis)) is not None]) for e in estimates]
    answered = [(time_s, heads) for time_s, heads in answers if len(heads) == len(AXES)]
    levels = levels_at(recording.truth, np.array([time_s for time_s, _ in answered]))
    kept = [i for i in range(len(answered)) if (levels[i] >= 0).all()]
    truth = levels[kept]
    heads = [answered[i][1] for i in kept]
    sets = [tuple(head.kept for head in pair) for pair in heads]
    return PersonDecisions(
        person=recording.participant,
        condition=condition,
        truth=truth,
        probabilities=np.array([[head.probabilities for head in pair] for pair in heads], np.float32).reshape(-1, 2, 3),
        covered=np.array(
            [[t in s for t, s in zip(row, pair, strict=True)] for row, pair in zip(truth, sets, strict=True)]
        ),
        set_sizes=np.array([[len(s) for s in pair] for pair in sets]),
        glimpsed_fraction=glimpsed_fraction,
    )


def decode_trial(
    trial: Trial, dataset: Dataset[Recording], conditions: Sequence[Condition], models: ModelsSection
) -> list[PersonDecisions]:
    """Load one person's recording, decode it under every condition and line the decisions up with the truth."""
    recording = dataset.load(trial)
    found = []
    for condition in conditions:
        policy = condition if condition in ("uniform", "random") else models.policy
        decoded = decode_with(_without(recording, condition), models.model_copy(update={"policy": policy}))
        found.append(decisions_with_truth(recording, decoded.estimates, condition, decoded.glimpsed_fraction or 0.0))
    return found


def _without(recording: Recording, condition: Condition) -> Recording:
    """Leave out speech, and the modality that a condition goes without."""
    silent = replace(recording, speech=None)
    if condition == "no_eeg":
        return replace(silent, eeg=None)
    return replace(silent, face=None) if condition == "no_face" else silent


def evaluate(config: EvaluateConfig, report: Callable[[str], None]) -> Evaluation:
    """Decode every person of the config under every condition and score the decisions.

    Parameters
    ----------
    config : EvaluateConfig
    report : callable
        Takes a line as each person is done.
    """
    began = time.monotonic()
    dataset = SimulatedPeople(config.people.seeds, config.people.seconds)
    done: list[list[PersonDecisions]] = []
    decode = partial(decode_trial, dataset=dataset, conditions=config.conditions, models=config.models)
    for trial, decisions in zip(dataset.trials, in_workers(decode, dataset.trials, config.workers), strict=True):
        done.append(decisions)
        report(f"{trial.name} decoded ({len(done)} of {len(dataset.trials)}, {time.monotonic() - began:.0f} s)")
    conditions = tuple(
        _score_condition(condition, [person[i] for person in done], config.seed)
        for i, condition in enumerate(config.conditions)
    )
    people = tuple(person[0].person for person in done)
    return Evaluation(people, config.people.seconds, config.seed, conditions, time.monotonic() - began)


def _score_condition(condition: Condition, people: Sequence[PersonDecisions], seed: int) -> ConditionScores:
    groups = [person.person for person in people for _ in person.truth]
    axes = []
    for index, axis in enumerate(AXES):
        by_person = [uar(p.truth[:, index], p.probabilities[:, index].argmax(axis=1)) for p in people]
        axes.append(
            AxisScores(
                axis=axis,
                uar=bootstrap_mean(by_person, seed),
                uar_by_person=tuple(by_person),
                pooled=score(
                    np.concatenate([p.truth[:, index] for p in people]),
                    np.concatenate([p.probabilities[:, index] for p in people]),
                    groups,
                    seed,
                ),
                coverage=float(np.mean(np.concatenate([p.covered[:, index] for p in people]))),
                mean_set_size=float(np.mean(np.concatenate([p.set_sizes[:, index] for p in people]))),
            )
        )
    glimpsed = float(np.mean([person.glimpsed_fraction for person in people]))
    return ConditionScores(condition, len(groups), glimpsed, tuple(axes))


NAMES: dict[Condition, str] = {
    "full": "full model",
    "no_eeg": "without EEG",
    "no_face": "without face",
    "uniform": "uniform looks, same budget",
    "random": "random looks, same budget",
}


def table(evaluation: Evaluation) -> str:
    """Return the result as a table in Markdown, with what it rests on below it."""
    full = evaluation.conditions[0]
    chance = " / ".join(f"{x.pooled.permutation.mean:.3f}" for x in full.axes)
    counts = "; ".join(f"{x.axis} {', '.join(map(str, x.pooled.class_counts))}" for x in full.axes)
    by_person = "; ".join(f"{x.axis} {', '.join(f'{u:.2f}' for u in x.uar_by_person)}" for x in full.axes)
    header = (
        "condition", "looks at", "valence UAR [95 % over people]", "arousal UAR [95 %]", "accuracy v / a",
        "macro-F1 v / a", "ECE v / a", "Brier v / a", "NLL v / a", "set holds truth v / a (mean size)",
    )  # fmt: skip
    return "\n".join(
        [
            markdown_table(header, map(_row, evaluation.conditions)),
            "",
            f"Leave-people-out: {len(evaluation.people)} people, {evaluation.seconds:g} s each, "
            f"{full.decisions} decisions every half second after the rest. Majority 0.333 UAR, permutation {chance}.",
            f"Decisions per class (low, medium, high): {counts}. Person by person ({NAMES[full.condition]}): "
            f"{by_person}.",
            f"Difficulty '{BENCHMARK.name}' {BENCHMARK.digest()[:12]}; bootstrap seed {evaluation.seed}; "
            f"{evaluation.wall_s:.0f} s.",
        ]
    )


def _row(scores: ConditionScores) -> tuple[str, ...]:
    v, a = scores.axes
    return (
        NAMES[scores.condition],
        f"{scores.glimpsed_fraction:.1%}",
        *(f"**{x.uar.value:.3f}** [{x.uar.low:.3f}, {x.uar.high:.3f}]" for x in (v, a)),
        *(
            f"{getattr(v.pooled, name):.3f} / {getattr(a.pooled, name):.3f}"
            for name in ("accuracy", "macro_f1", "ece", "brier", "nll")
        ),
        f"{v.coverage:.2f} ({v.mean_set_size:.2f}) / {a.coverage:.2f} ({a.mean_set_size:.2f})",
    )
