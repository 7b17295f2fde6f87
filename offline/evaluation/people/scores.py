"""Scores of simulated people's decisions: half-second decisions and whole stimuli, person by person, and paired."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..intervals import Interval, mean_over_people, paired_difference
from ..metrics import accuracy, brier, ece, macro_f1, nll, uar
from .baselines import PERMUTATION, permuted_uar
from .decode import AXES, PersonDecisions

Unit = Literal["decision", "stimulus", "expression_free"]
UNITS: tuple[Unit, ...] = ("decision", "stimulus", "expression_free")
# A stimulus of which less was seen is not judged as a whole.
SHORTEST_STIMULUS_S = 2.0
COVERAGES = (1.0, 0.75, 0.5, 0.25)

Decisions = Mapping[str, Sequence[PersonDecisions]]


def whole_stimuli(
    decisions: PersonDecisions, onsets_s: NDArray[np.float64], *, averaged: bool = False
) -> PersonDecisions:
    """Return one answer per stimulus: the mean log probabilities of its decisions, beside the level at its last one.

    This is told when stimuli begin and end. Stimuli that end within :data:`SHORTEST_STIMULUS_S` are left out.

    Parameters
    ----------
    decisions : PersonDecisions
    onsets_s : (n_stimuli,)
    averaged : bool
        The decisions are averages over the stimulus so far already; the last one counts.
    """
    rows = [np.flatnonzero(decisions.presentation == index) for index in range(len(onsets_s))]
    spans = [
        row for row, onset_s in zip(rows, onsets_s, strict=True)
        if len(row) and decisions.times_s[row[-1]] - onset_s >= SHORTEST_STIMULUS_S - 1e-6
    ]  # fmt: skip
    last = np.array([row[-1] for row in spans], np.int64)
    logs = np.log(np.maximum(decisions.probabilities.astype(np.float64), 1e-9))
    mean = np.exp(
        np.array([logs[row[-1:] if averaged else row].mean(axis=0) for row in spans]).reshape(-1, *logs.shape[1:])
    )
    probabilities = mean / mean.sum(axis=-1, keepdims=True)
    return replace(
        decisions,
        times_s=decisions.times_s[last],
        presentation=decisions.presentation[last],
        truth=decisions.truth[last],
        probabilities=probabilities.astype(np.float32),
        kept=probabilities.argmax(axis=-1)[..., None] == np.arange(probabilities.shape[-1]),
    )


def chosen(decisions: PersonDecisions, which: NDArray[np.bool_]) -> PersonDecisions:
    """Return some of the decisions, ``(n_decisions,)`` bool."""
    return replace(
        decisions,
        times_s=decisions.times_s[which],
        presentation=decisions.presentation[which],
        truth=decisions.truth[which],
        probabilities=decisions.probabilities[which],
        kept=decisions.kept[which],
    )


def score_rows(decisions: Decisions, unit: Unit, permuted: str, seed: int) -> list[dict[str, Any]]:
    """Return one row per name and axis, and the permutation of one of them.

    ``uar`` is the mean over people of each person's unweighted average recall, with its t interval over people;
    ``uar_by_group`` has the people; ``uar_pooled`` and the other figures are over the decisions of all together. The
    row of the permutation has 95 % of the draws in place of an interval. An axis without any truth has no rows.
    """
    axes = rated_axes(decisions)
    rows = [_row(name, people, axis, unit) for name, people in decisions.items() for axis in axes]
    for index in axes:
        axis = AXES[index]
        chance = permuted_uar(decisions[permuted], index, seed)
        rows.append(
            {
                **{"name": PERMUTATION, "axis": axis, "unit": unit, "of": permuted},
                **{"uar": chance.mean, "low": chance.low, "high": chance.high},
                "frames_fraction": None,
                "p_value": chance.p_value,
            }
        )
    return rows


def _row(name: str, people: Sequence[PersonDecisions], axis: int, unit: Unit) -> dict[str, Any]:
    by_person = _uar_by_person(people, axis)
    over_people = _mean_over_rated(by_person).within(0.0, 1.0)
    truth, probabilities, _ = _together(people, axis)
    said = probabilities.argmax(axis=1)
    fractions = [person.glimpsed_fraction for person in people if person.glimpsed_fraction is not None]
    return {
        **{"name": name, "axis": AXES[axis], "unit": unit},
        **{"uar": over_people.value, "low": over_people.low, "high": over_people.high},
        "frames_fraction": float(np.mean(fractions)) if fractions else None,
        "n": len(truth),
        "class_counts": np.bincount(truth, minlength=3),
        "uar_pooled": uar(truth, said),
        "accuracy": accuracy(truth, said),
        "macro_f1": macro_f1(truth, said),
        "ece": ece(truth, probabilities),
        "brier": brier(truth, probabilities),
        "nll": nll(truth, probabilities),
        "uar_by_group": by_person,
    }


def paired_rows(decisions: Decisions, unit: Unit) -> list[dict[str, Any]]:
    """Return the difference of the first and each other in UAR, person by person, of each axis and of their mean."""
    first, *others = decisions
    axes = rated_axes(decisions)
    names = [AXES[axis] for axis in axes]
    rows = []
    for other in others:
        both = [[_uar_by_person(decisions[name], axis) for axis in axes] for name in (first, other)]
        for index, axis in enumerate((*names, "mean") if len(names) > 1 else names):
            one, two = (np.mean(by_axis, axis=0) if axis == "mean" else np.array(by_axis[index]) for by_axis in both)
            rated = np.isfinite(one) & np.isfinite(two)
            gain = paired_difference(one[rated], two[rated])
            rows.append(
                {
                    **{"a": first, "b": other, "axis": axis, "unit": unit},
                    **{"difference": gain.value, "low": gain.low, "high": gain.high},
                }
            )
    return rows


def coverage_rows(decisions: Decisions, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return how often the conformal sets hold the truth, person by person, and how large they are."""
    rows = []
    for name in names:
        for index in rated_axes(decisions):
            axis, people = AXES[index], decisions[name]
            held = [_held(person, index) for person in people]
            sizes = _together(people, index)[2].sum(axis=1)
            over_people = _mean_over_rated(held).within(0.0, 1.0)
            rows.append(
                {
                    **{"name": name, "axis": axis, "coverage": over_people.value},
                    **{"low": over_people.low, "high": over_people.high},
                    "coverage_by_group": held,
                    "mean_set_size": sizes.mean(),
                    "abstained": np.mean(sizes == people[0].kept.shape[-1]),
                }
            )
    return rows


def risk_coverage_rows(decisions: Decisions, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the share of wrong answers among the most confident decisions of all people.

    ``risk`` has one figure for each share of :data:`COVERAGES`; ``aurc`` is the area under the whole curve (Geifman,
    Uziel and El-Yaniv 2019, https://arxiv.org/abs/1805.08206).
    """
    rows = []
    for name in names:
        for index in rated_axes(decisions):
            axis = AXES[index]
            truth, probabilities, _ = _together(decisions[name], index)
            wrong = probabilities.argmax(axis=1) != truth
            falling = wrong[np.argsort(-probabilities.max(axis=1), kind="stable")]
            risk = np.cumsum(falling) / np.arange(1, len(falling) + 1)
            at = [max(round(share * len(risk)), 1) - 1 for share in COVERAGES]
            rows.append(
                {"name": name, "axis": axis, "coverage": COVERAGES, "risk": risk[at], "aurc": float(risk.mean())}
            )
    return rows


def rated_axes(decisions: Decisions) -> list[int]:
    """Return the axes of which there is any truth."""
    people = next(iter(decisions.values()))
    return [axis for axis in range(len(AXES)) if any((one.truth[:, axis] >= 0).any() for one in people)]


def _together(
    people: Sequence[PersonDecisions], axis: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return truth, probabilities and sets of all people's decisions whose truth is known."""
    rated = [(person, person.truth[:, axis] >= 0) for person in people]
    return (
        np.concatenate([person.truth[known, axis] for person, known in rated]),
        np.concatenate([person.probabilities[known, axis] for person, known in rated]).astype(np.float64),
        np.concatenate([person.kept[known, axis] for person, known in rated]),
    )


def _held(person: PersonDecisions, axis: int) -> float:
    """Return how often a person's sets hold the truth; NaN without any truth."""
    (known,) = np.nonzero(person.truth[:, axis] >= 0)
    held = person.kept[known, axis, person.truth[known, axis]]
    return float(held.mean()) if len(known) else float("nan")


def _mean_over_rated(by_person: Sequence[float]) -> Interval:
    """Return the mean over the people of whom there is a figure."""
    figures = np.asarray(by_person, np.float64)
    return mean_over_people(figures[np.isfinite(figures)])


def _uar_by_person(people: Sequence[PersonDecisions], axis: int) -> list[float]:
    said = [person.probabilities[:, axis].argmax(axis=1) for person in people]
    known = [person.truth[:, axis] >= 0 for person in people]
    return [uar(p.truth[k, axis], s[k]) for p, k, s in zip(people, known, said, strict=True)]
