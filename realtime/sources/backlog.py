"""Detect that a reader has fallen behind: LSL then delivers the oldest samples first, without a notice."""

from dataclasses import dataclass

BEHIND_S = 0.5
PATIENCE_S = 1.0
KEPT_S = 0.1


@dataclass(frozen=True)
class BacklogState:
    """Since when more than half a second of samples has been waiting; None where it has not."""

    since_s: float | None = None


def behind(state: BacklogState, backlog: int, rate_hz: float, now_s: float) -> tuple[BacklogState, int]:
    """Return how many of the waiting samples to drop.

    Many samples that come at once are no reason: they are read in a moment. A reader that stays behind for a second
    will never catch up.

    Parameters
    ----------
    state : BacklogState
    backlog : int
        Samples that wait after a read.
    rate_hz : float
        Nominal; 0 for none, and then nothing is thrown away.
    now_s : float
        Monotonic.
    """
    if rate_hz <= 0 or backlog < BEHIND_S * rate_hz:
        return BacklogState(), 0
    if state.since_s is None:
        return BacklogState(now_s), 0
    if now_s - state.since_s < PATIENCE_S:
        return state, 0
    return BacklogState(), backlog - round(KEPT_S * rate_hz)
