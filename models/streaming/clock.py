"""Time is injected: the same engine runs on the LSL clock or as fast as it can on a virtual one."""

from typing import Protocol


class Clock(Protocol):
    """What everything that needs the time is given."""

    def now(self) -> float:
        """Tell the time in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class VirtualClock:
    """A clock that stands still until it is moved; sleeping moves it at once.

    Parameters
    ----------
    start_s : float
        The time at the beginning.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now(self) -> float:
        """Tell the virtual time in seconds."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Move the clock ahead."""
        self.advance_to(self._now_s + seconds)

    def advance_to(self, time_s: float) -> None:
        """Move the clock ahead to a time; it never goes back."""
        self._now_s = max(self._now_s, time_s)
