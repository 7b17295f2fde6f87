"""How a source does: one state, decided from figures, as a pure function."""

from dataclasses import dataclass
from typing import Literal

from .snapshot import HealthState, Transition

STALE_AFTER_S = 0.35
LOST_AFTER_S = 0.8
AGE_OFF_S = 1.0
RATE_OFF = 0.1
SHOWN_FOR_S = 1.0


@dataclass(frozen=True)
class Figures:
    """What is known of a source's stream.

    Attributes
    ----------
    nominal_rate_hz, observed_rate_hz : float or None
    silence_s : float or None
        Since something last came; None before anything did.
    age_s : float or None
        Age of the newest sample.
    gap_s, gap_at_s : float or None
        Length of the newest gap, and when it was found.
    jump_s, jump_at_s : float or None
        Newest jump back of the stamps, and when it was found.
    """

    nominal_rate_hz: float | None = None
    observed_rate_hz: float | None = None
    silence_s: float | None = None
    age_s: float | None = None
    gap_s: float | None = None
    gap_at_s: float | None = None
    jump_s: float | None = None
    jump_at_s: float | None = None


@dataclass(frozen=True)
class Health:
    """A state, why, and since when."""

    state: HealthState
    why: str
    since_s: float


SEARCHING = Health("searching", "not found yet", 0.0)
"""Before a source is found."""


def judge(before: Health, figures: Figures, now_s: float) -> Health:
    """Decide the state.

    Parameters
    ----------
    before : Health
        As last decided.
    figures : Figures
    now_s : float
        On the clock of ``since_s`` and of the figures' moments.
    """
    state, why = _state(before, figures, now_s)
    return before if state == before.state else Health(state, why, now_s)


def transition(health: Health, started_s: float) -> Transition:
    """Write a change down, on the clock that started at ``started_s``."""
    return Transition(health.since_s - started_s, health.state, health.why)


def flows(health: Health) -> bool:
    """Say whether samples come, so that a decision waits for them."""
    return health.state not in ("searching", "lost")


def _state(before: Health, figures: Figures, now_s: float) -> tuple[HealthState, str]:
    if figures.silence_s is None or figures.age_s is None:
        return "searching", "nothing has come yet"
    if figures.silence_s > LOST_AFTER_S:
        return "lost", f"silent for {figures.silence_s:.2f} s"
    if before.state == "lost" or (before.state == "recovered" and now_s - before.since_s < SHOWN_FOR_S):
        return "recovered", f"samples come again, {_milliseconds(figures.age_s)} old"
    if figures.silence_s > STALE_AFTER_S:
        return "stale", f"silent for {figures.silence_s:.2f} s"
    if figures.jump_s is not None and _recent(figures.jump_at_s, now_s):
        return "clock_jump", f"stamps went back by {-figures.jump_s:.3f} s"
    if figures.age_s < -AGE_OFF_S or figures.age_s > AGE_OFF_S:
        state: Literal["clock_jump", "stale"] = "clock_jump" if figures.age_s < 0 else "stale"
        return state, f"the newest sample is {_milliseconds(figures.age_s)} old"
    if figures.gap_s is not None and _recent(figures.gap_at_s, now_s):
        return "gap", f"{_milliseconds(figures.gap_s)} are missing"
    nominal, observed = figures.nominal_rate_hz, figures.observed_rate_hz
    if nominal and observed and abs(observed / nominal - 1.0) > RATE_OFF:
        return "rate_off", f"{observed:.1f} Hz came, {nominal:g} Hz were announced"
    return "live", f"{observed:.1f} Hz" if observed else "samples come"


def _recent(moment_s: float | None, now_s: float) -> bool:
    return moment_s is not None and now_s - moment_s < SHOWN_FOR_S


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
