"""Evaluation of a video-EEG model on simulated people, beside plain methods on the same people."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from ....configs.schema.evaluate import EvaluateConfig
from ...simulate import BENCHMARK
from ..result import evaluation_values
from .baselines import LDA, LDA_WINDOW, MAJORITY, lda_decisions, majority_decisions
from .decode import DecodedPerson, PersonDecisions, decode_people
from .look_facts import look_facts
from .scores import UNITS, coverage_rows, paired_rows, risk_coverage_rows, score_rows, whole_stimuli


def evaluate(config: EvaluateConfig, report: Callable[[str], None]) -> dict[str, Any]:
    """Decode every person of the config under every condition and score the decisions.

    Parameters
    ----------
    config : EvaluateConfig
    report : callable
        Takes a line as each person is done.

    Returns
    -------
    dict
        As :func:`~...result.evaluation_values`. Each row is of one system, axis and ``unit``: ``"decision"``, every
        half second, or ``"stimulus"``, one answer for each whole stimulus, whose begin and end it is told.
    """
    began = time.monotonic()
    people = decode_people(config, report)
    report("scoring, and training LDA" if config.lda_people is not None else "scoring")
    return evaluation_result(config, people, began)


def evaluation_result(config: EvaluateConfig, people: Sequence[DecodedPerson], began_s: float) -> dict[str, Any]:
    """Score people who were decoded before; ``began_s`` on the monotonic clock."""
    conditions: dict[str, tuple[PersonDecisions, ...]] = {
        name: tuple(one.decisions[i] for one in people) for i, name in enumerate(config.conditions)
    }
    decisions = dict(conditions)
    if config.lda_people is not None:
        first, last = config.lda_people
        decisions |= lda_decisions(people, range(first, last + 1), config.seconds, config.workers)
    compared = dict(decisions)
    decisions[MAJORITY] = majority_decisions([one.decisions for one in people])
    rows, paired = [], []
    for unit in UNITS:
        if unit == "stimulus":
            decisions, compared = (_whole(several, people) for several in (decisions, compared))
        rows += score_rows(decisions, unit, config.conditions[0], config.seed)
        paired += paired_rows(compared, unit)
    seen = [(index, name) for index, name in enumerate(config.conditions) if name != "no_face"]
    return evaluation_values(
        protocol=_protocol(config),
        groups=[one.person for one in people],
        n=sum(len(one.decisions[0].truth) for one in people),
        seeds=config.seeds,
        domain=sorted({name for one in people for name in one.domain}),
        rows=rows,
        paired=paired,
        wall_s=time.monotonic() - began_s,
        name=config.name,
        seconds=config.seconds,
        difficulty=BENCHMARK.digest(),
        bundles=sorted({name for one in people for name in one.bundles}),
        permutation_seed=config.seed,
        coverage=coverage_rows(conditions, config.conditions),
        risk_coverage=risk_coverage_rows(conditions, config.conditions),
        looks=[
            look_facts(name, [(one.seed, one.seconds, one.looks[i], one.attention[i]) for one in people])
            for i, name in seen
        ],
    )


def _whole(several: dict[str, tuple[PersonDecisions, ...]], people: Sequence[DecodedPerson]) -> dict[str, Any]:
    """Return whole stimuli; the mean of LDA's windows over a stimulus is what LDA so far says at its end."""
    return {
        name: tuple(
            whole_stimuli(one, person.onsets_s, averaged=name == LDA)
            for one, person in zip(decisions, people, strict=True)
        )
        for name, decisions in several.items()
        if name != LDA_WINDOW
    }


def _protocol(config: EvaluateConfig) -> str:
    apart = "people apart, stimuli shared"
    if not config.known:
        apart = "stimuli shared; whom the bundle was made with is not declared (known)"
    return f"{apart}; decisions every half second after the rest, and whole stimuli; t intervals over people"
