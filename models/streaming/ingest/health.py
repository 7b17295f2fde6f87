"""Health of a source: its state as a pure function of figures."""

from typing import Literal

from ...contract import Figures, HealthState, Transition

STALE_AFTER_S = 0.35
LOST_AFTER_S = 0.8
AGE_OFF_S = 1.0
STALE_AFTER_PERIODS = 1.5
LOST_AFTER_PERIODS = 2.5
AGE_OFF_PERIODS = 2.0
RATE_OFF = 0.1
SHOWN_FOR_S = 0.5
RECOVERED_FOR_S = 0.3
FEWEST_GOOD = 2


SEARCHING = Transition(0.0, "searching", "not found yet")
"""The health of a source that was not found yet."""


def stale_after_s(rate_hz: float | None) -> float:
    """Return how long a source of a nominal rate may be silent before it is stale."""
    return max(STALE_AFTER_S, STALE_AFTER_PERIODS / rate_hz) if rate_hz else STALE_AFTER_S


def lost_after_s(rate_hz: float | None) -> float:
    """Return how long a source of a nominal rate may be silent before it is lost."""
    return max(LOST_AFTER_S, LOST_AFTER_PERIODS / rate_hz) if rate_hz else LOST_AFTER_S


def next_health(
    before: Transition, figures: Figures, now_s: float, started_s: float = 0.0, error: str | None = None
) -> Transition:
    """Return the health that the figures show; ``before`` itself where the state is the same.

    Parameters
    ----------
    before : Transition
        The health so far.
    figures : Figures
    now_s : float
        On the clock of the figures' moments.
    started_s : float
        Where ``time_s`` of the health counts from, on the same clock.
    error : str or None
        Why the source cannot be used now.
    """
    state, why = _state(before, figures, now_s, now_s - started_s - before.time_s)
    return before if state == before.state else Transition(now_s - started_s, state, why, figures, error)


def current_reason(health: Transition, figures: Figures, now_s: float, started_s: float = 0.0) -> str:
    """Return the reason of a state with its figure as it is now, where the state still stands."""
    state, why = _state(health, figures, now_s, now_s - started_s - health.time_s)
    return why if state == health.state else health.why


def is_flowing(health: Transition) -> bool:
    """Return whether samples come, so that a decision waits for them."""
    return health.state not in ("searching", "lost")


def _state(before: Transition, figures: Figures, now_s: float, since_s: float) -> tuple[HealthState, str]:
    if figures.silence_s is None or figures.age_s is None:
        return "searching", "nothing has come yet"
    nominal, observed = figures.nominal_rate_hz, figures.observed_rate_hz
    if figures.silence_s > lost_after_s(nominal):
        return "lost", f"silent for {figures.silence_s:.2f} s"
    if before.state == "lost" or (before.state == "recovered" and since_s < RECOVERED_FOR_S):
        return "recovered", f"samples come again, {_milliseconds(figures.age_s)} old"
    if figures.silence_s > stale_after_s(nominal):
        return "stale", f"silent for {figures.silence_s:.2f} s"
    if figures.jump_s is not None and _recent(figures.jump_at_s, now_s):
        way = "ahead" if figures.jump_s > 0 else "back"
        return "clock_jump", f"stamps went {way} by {abs(figures.jump_s):.3f} s"
    oldest_s = max(AGE_OFF_S, AGE_OFF_PERIODS / nominal) if nominal else AGE_OFF_S
    if not -AGE_OFF_S <= figures.age_s - (figures.delay_s or 0.0) <= oldest_s:
        state: Literal["clock_jump", "stale"] = "clock_jump" if figures.age_s < 0 else "stale"
        return state, f"the newest sample is {_milliseconds(figures.age_s)} old"
    if nominal and observed and abs(observed / nominal - 1.0) > RATE_OFF:
        return "rate_off", f"{observed:.1f} Hz came, {nominal:g} Hz were announced"
    if figures.gap_s is not None and _recent(figures.gap_at_s, now_s):
        return "gap", f"{_milliseconds(figures.gap_s)} are missing"
    if (
        figures.channels
        and figures.good_channels is not None
        and figures.good_channels < min(FEWEST_GOOD, figures.channels)
    ):
        broken = (
            f"values of {figures.channels - figures.good_channels} of {figures.channels} channels are missing or broken"
        )
        # Far too small or too large everywhere is rather a wrong unit than many bad electrodes.
        return "gap", broken if figures.good_channels else f"{broken}: look at the electrodes, or set eeg.units"
    return "live", f"{observed:.1f} Hz" if observed else "samples come"


def _recent(moment_s: float | None, now_s: float) -> bool:
    return moment_s is not None and now_s - moment_s < SHOWN_FOR_S


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
