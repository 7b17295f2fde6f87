"""Rows of an evaluation on corpora: decisions of trials put together person by person, scored, and marked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.evaluate import EvaluateCorpusConfig
from ..people.decode import PersonDecisions
from ..people.scores import (
    Unit,
    chosen,
    coverage_rows,
    paired_rows,
    risk_coverage_rows,
    score_rows,
    whole_stimuli,
)
from ..result import evaluation_values
from ..stimulus_found import Found, found_row
from .baselines import LDA, LDA_POSTERIOR, LDA_WINDOW, MAJORITY, MUSCLES_AND_EYES
from .fold import FULL, NO_EEG, NO_FACE, DecidedTrial
from .folds import Plan

_UNITS: tuple[Unit, ...] = ("decision", "stimulus", "expression_free")
_BETWEEN_S = 10.0
_SO_FAR = (LDA, LDA_POSTERIOR, MUSCLES_AND_EYES)
"""Methods whose last answer is the mean over the trial."""

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Decisions = dict[str, tuple[PersonDecisions, ...]]


@dataclass(frozen=True)
class PlanResult:
    """The tested trials of all folds of a protocol, how well stimuli are found, and what could not be judged."""

    plan: Plan
    tested: tuple[DecidedTrial, ...]
    found: dict[str, list[Found]]
    notes: tuple[str, ...]


def result_values(
    config: EvaluateCorpusConfig, results: Sequence[PlanResult], domain: Sequence[str], began_s: float
) -> dict[str, Any]:
    """Return the values of the JSON of every evaluation; ``began_s`` on the monotonic clock."""
    rows: list[dict[str, Any]] = []
    paired: list[dict[str, Any]] = []
    coverage: list[dict[str, Any]] = []
    risk: list[dict[str, Any]] = []
    protocols: list[dict[str, Any]] = []
    stimuli: list[dict[str, Any]] = []
    for one in results:
        mark = {"protocol": one.plan.name, "leaky": one.plan.leaky, "shared": one.plan.shared}
        decisions, onsets, free = _by_person(one.tested)
        for unit in _UNITS:
            several = _of_unit(decisions, onsets, free, unit)
            rows += [{**mark, **row} for row in score_rows(several, unit, FULL, config.seed)]
            compared = {name: people for name, people in several.items() if name != MAJORITY}
            paired += [{**mark, **row} for row in paired_rows(compared, unit)]
        conditions = [name for name in decisions if name in (FULL, NO_FACE, NO_EEG)]
        coverage += [{**mark, **row} for row in coverage_rows(decisions, conditions)]
        risk += [{**mark, **row} for row in risk_coverage_rows(decisions, conditions)]
        stimuli += [{**mark, **row} for name, found in one.found.items() for row in found_row(name, found)]
        protocols.append(
            {
                **mark,
                "name": one.plan.name,
                "description": one.plan.description,
                "mark": one.plan.mark,
                "folds": len(one.plan.folds),
                "groups": [people.person for people in decisions[FULL]],
                "trials": len(one.tested),
                "n": sum(len(people.truth) for people in decisions[FULL]),
                "notes": one.notes,
            }
        )
    return evaluation_values(
        protocol="; beside it ".join(one["description"] for one in protocols),
        groups=protocols[0]["groups"],
        n=protocols[0]["n"],
        seeds=(config.training.seed,),
        domain=domain,
        rows=rows,
        paired=paired,
        wall_s=time.monotonic() - began_s,
        name=config.name,
        leaky=any(one["leaky"] for one in protocols),
        protocols=protocols,
        coverage=coverage,
        risk_coverage=risk,
        stimulus_found=stimuli,
        split_seed=config.seed,
    )


def _by_person(
    tested: Sequence[DecidedTrial],
) -> tuple[Decisions, list[Array], list[Bools]]:
    """Put each person's trials one after the other, in the order of presentation, a while apart.

    Returns
    -------
    decisions : dict
        By system.
    onsets : list of (n_trials,)
        When each trial began, one array for each person.
    free : list of (n_decisions,) bool
    """
    names_of = sorted({one.person for one in tested})
    people = {who: sorted((one for one in tested if one.person == who), key=_order) for who in names_of}
    names = [name for name in tested[0].answers if all(name in one.answers for one in tested)]
    decisions: Decisions = {}
    onsets = []
    for trials in people.values():
        lasted = [float(one.times_s[-1]) + _BETWEEN_S for one in trials]
        onsets.append(np.concatenate([[0.0], np.cumsum(lasted)[:-1]]))
    for name in names:
        strung = []
        for (person, trials), starts in zip(people.items(), onsets, strict=True):
            answers = [one.answers[name] for one in trials]
            looked = [answer.looked for answer in answers if answer.looked is not None]
            strung.append(
                PersonDecisions(
                    person=person,
                    name=name,
                    times_s=np.concatenate([at + one.times_s for at, one in zip(starts, trials, strict=True)]),
                    presentation=np.repeat(np.arange(len(trials)), [len(one.ticks) for one in trials]),
                    truth=np.concatenate([one.truth for one in trials]),
                    probabilities=np.concatenate([answer.probabilities for answer in answers]),
                    kept=np.concatenate([answer.kept for answer in answers]),
                    glimpsed_fraction=float(np.mean(looked)) if looked else None,
                )
            )
        decisions[name] = tuple(strung)
    return decisions, onsets, [np.concatenate([one.free for one in trials]) for trials in people.values()]


def _order(one: DecidedTrial) -> tuple[str, int]:
    return one.order


def _of_unit(decisions: Decisions, onsets: Sequence[Array], free: Sequence[Bools], unit: Unit) -> Decisions:
    """Return every decision, one for each trial, or those free of expressions."""
    if unit == "decision":
        return decisions
    if unit == "expression_free":
        return {
            name: tuple(chosen(one, kept) for one, kept in zip(people, free, strict=True))
            for name, people in decisions.items()
        }
    return {
        name: tuple(
            whole_stimuli(one, starts, averaged=name in _SO_FAR) for one, starts in zip(people, onsets, strict=True)
        )
        for name, people in decisions.items()
        if name != LDA_WINDOW
    }
