"""Evaluation of a video-EEG model on simulated people, beside plain methods on the same people."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....configs.schema.evaluate import EvaluateConfig
from ....configs.schema.live import LiveConfig
from ...decoding.response_lag import SECONDS, measure
from ...simulate import BENCHMARK
from ..result import evaluation_values
from ..stimulus_found import Shown, found_right, found_row
from .baselines import LDA, LDA_WINDOW, MAJORITY, MUSCLES_AND_EYES, majority_decisions, trained_decisions
from .decode import DecodedPerson, PersonDecisions, decode_people
from .look_facts import expression_free, look_facts
from .scores import (
    UNITS,
    Unit,
    chosen,
    coverage_rows,
    paired_rows,
    risk_coverage_rows,
    score_rows,
    whole_stimuli,
)

SHORTEST_TICKS = 10
"""Stimuli of which less was decided on are not asked for."""


def evaluate(config: EvaluateConfig, live: LiveConfig, report: Callable[[str], None]) -> dict[str, Any]:
    """Decode every person of the config under every condition and score the decisions.

    Parameters
    ----------
    config : EvaluateConfig
    live : LiveConfig
        Of simulated participants: what the response lag is measured with.
    report : callable
        Takes a line as each person is done.

    Returns
    -------
    dict
        As :func:`~...result.evaluation_values`. Each row is of one system, axis and ``unit``: ``"decision"``, every
        half second, ``"stimulus"``, one answer for each whole stimulus, whose begin and end it is told, or
        ``"expression_free"``, decisions before which no expression showed. ``lag`` is the response lag, as of
        ``moodring bench lag``.
    """
    began = time.monotonic()
    people = decode_people(config, report)
    lag = None
    if config.lag_people is not None:
        first, last = config.lag_people
        report(f"response lag, on people {first}-{last}")
        used = live.model_copy(update={"models": config.models.model_copy(update={"face": "none"})})
        lag = measure(used, range(first, last + 1), SECONDS, report, config.workers)
    report("scoring, and training LDA" if config.lda_people is not None else "scoring")
    return evaluation_result(config, people, began, lag)


def evaluation_result(
    config: EvaluateConfig, people: Sequence[DecodedPerson], began_s: float, lag: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Score people who were decoded before; ``began_s`` on the monotonic clock, ``lag`` the response lag of others."""
    conditions: dict[str, tuple[PersonDecisions, ...]] = {
        name: tuple(one.decisions[i] for one in people) for i, name in enumerate(config.conditions)
    }
    decisions = dict(conditions)
    if config.lda_people is not None:
        first, last = config.lda_people
        decisions |= trained_decisions(people, range(first, last + 1), config.seconds, config.workers)
    compared = dict(decisions)
    decisions[MAJORITY] = majority_decisions([one.decisions for one in people])
    rows, paired = [], []
    for unit in UNITS:
        of_unit, others = (_of_unit(several, people, unit) for several in (decisions, compared))
        rows += score_rows(of_unit, unit, config.conditions[0], config.seed)
        paired += paired_rows(others, unit)
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
        stimulus_found=_stimuli_found(people),
        lag=lag,
    )


def _of_unit(several: dict[str, tuple[PersonDecisions, ...]], people: Sequence[DecodedPerson], unit: Unit) -> Any:
    """Return every decision, one for each whole stimulus, or those free of expressions."""
    if unit == "stimulus":
        return _whole(several, people)
    if unit == "expression_free":
        return {
            name: tuple(
                chosen(one, expression_free(person.seed, person.seconds, one.times_s))
                for one, person in zip(decisions, people, strict=True)
            )
            for name, decisions in several.items()
        }
    return several


def _stimuli_found(people: Sequence[DecodedPerson]) -> list[dict[str, Any]]:
    """Return how well band power, and what the first condition says, tell which stimulus was shown."""
    rows = []
    for features in ("band_power", "answers"):
        shown = []
        for one in people:
            first = one.decisions[0]
            said = np.log(np.maximum(first.probabilities, 1e-6)).reshape(len(first.truth), -1)
            values = one.band_power if features == "band_power" else said
            for index, stimulus in enumerate(one.stimuli):
                (within,) = np.nonzero(first.presentation == index)
                if len(within) >= SHORTEST_TICKS:
                    shown.append((one.person, str(stimulus), values[within].mean(axis=0)))
        who, names, means = zip(*shown, strict=True)
        all_of_them = Shown(tuple(who), tuple(names), np.stack(means).astype(np.float64))
        rows += found_row(features, found_right(all_of_them, all_of_them))
    return rows


def _whole(several: dict[str, tuple[PersonDecisions, ...]], people: Sequence[DecodedPerson]) -> dict[str, Any]:
    """Return whole stimuli; the mean of LDA's windows over a stimulus is what LDA so far says at its end."""
    return {
        name: tuple(
            whole_stimuli(one, person.onsets_s, averaged=name in (LDA, MUSCLES_AND_EYES))
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
