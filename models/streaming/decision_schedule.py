"""Schedule: the times of decisions, and the inputs of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ..contract import Image, RingReader
from .ingest.stream_ingest import StreamIngest


@dataclass(frozen=True)
class Plan:
    """Times of a session, on the clock of the stamps.

    Attributes
    ----------
    t0_s : float
    interval_s : float
        Between decisions, which happen at ``t0_s + k * interval_s``.
    first : int
        k of the first decision.
    rest_s : float
    loudspeaker : bool
        Whether the session has a loudspeaker reference: speech is withheld while the loudspeaker plays, or where
        nothing comes of the reference.
    """

    t0_s: float
    interval_s: float
    first: int
    rest_s: float
    loudspeaker: bool = False

    def time_s(self, k: int) -> float:
        """Return the data time of a decision."""
        return self.t0_s + k * self.interval_s


@dataclass(frozen=True)
class ModalityInput:
    """Input of a decision from one source: the samples that its ring held when the decision began.

    Attributes
    ----------
    ingest : StreamIngest
    ring : RingReader
    picture : callable
        Makes an image of a sample of the face ring.
    """

    ingest: StreamIngest
    ring: RingReader
    picture: Callable[[NDArray[Any]], Image]


def next_decision(plan: Plan, k: int, now_s: float, lateness_s: float) -> tuple[int, int]:
    """Return the next decision to make; late ones are skipped.

    Parameters
    ----------
    plan : Plan
    k : int
        The one after the last.
    now_s : float
    lateness_s : float
        How long a decision may wait for samples.

    Returns
    -------
    int
        The decision to make; a later one where the next is more than an interval overdue.
    int
        How many are left out.
    """
    overdue_s = now_s - lateness_s - plan.time_s(k)
    left_out = max(0, int(overdue_s / plan.interval_s))
    return k + left_out, left_out


def first_decision(t0_s: float, first_stamp_s: float, warmup_s: float, interval_s: float) -> int:
    """Return k of the first decision that has ``warmup_s`` of data before it."""
    return max(0, math.ceil((first_stamp_s - t0_s + warmup_s) / interval_s - 1e-3))


def identity(sample: NDArray[Any]) -> Image:
    """Return a sample of a face ring as an image."""
    return np.asarray(sample, np.uint8)


@dataclass(frozen=True)
class PlanFacts:
    """Facts of the session from its sources.

    Attributes
    ----------
    t0_s : float
    first_stamp_s : float
        Of the earliest sample.
    rest_s : float or None
        Of a replayed session with a rest of its own.
    """

    t0_s: float
    first_stamp_s: float
    rest_s: float | None


def plan_facts(ingests: Sequence[StreamIngest], announced_t0_s: float | None = None) -> PlanFacts:
    """Return facts of the session from its sources.

    A replay announces its t0, and says how long after t0 its first sample was taken: where nothing was announced, t0
    follows from the first sample that came. Otherwise t0 is the moment from which all sources deliver.

    Raises
    ------
    MoodringError
        Nothing has come from any source.
    """
    firsts = [ingest.figures.first_s for ingest in ingests if ingest.figures.first_s is not None]
    if not firsts:
        raise MoodringError("samples of at least one source were expected and none came; start the devices' streams")
    announced = [
        ingest.figures.first_s - ingest.info.first_sample_after_t0_s
        for ingest in ingests
        if ingest.figures.first_s is not None and ingest.info.first_sample_after_t0_s is not None
    ]
    rests = [ingest.info.rest_s for ingest in ingests if ingest.info.rest_s]
    return PlanFacts(
        t0_s=announced_t0_s if announced_t0_s is not None else min(announced, default=max(firsts)),
        first_stamp_s=min(firsts),
        rest_s=max(rests) if rests else None,
    )


def make_plan(facts: PlanFacts, config: LiveConfig, loudspeaker: bool) -> Plan:
    """Return the times of a session."""
    decisions = config.decisions
    return Plan(
        t0_s=facts.t0_s,
        interval_s=decisions.interval_s,
        first=first_decision(facts.t0_s, facts.first_stamp_s, decisions.warmup_s, decisions.interval_s),
        rest_s=facts.rest_s if facts.rest_s is not None else decisions.rest_s,
        loudspeaker=loudspeaker,
    )


def eeg_delay_ms(ingests: Sequence[StreamIngest]) -> float | None:
    """Return how much the filters delay the EEG, in milliseconds (group delay at 10 Hz); None without EEG."""
    eeg = next((one.eeg for one in ingests if one.eeg is not None), None)
    return None if eeg is None else round(eeg.delay_s * 1000, 2)
