"""Clocks: the same code runs on the LSL clock or, as fast as possible, on a virtual one."""

from typing import Protocol


class Clock(Protocol):
    """Protocol of a clock."""

    def now(self) -> float:
        """Return the time in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        ...


class VirtualClock:
    """A clock that advances only when told to; sleeping advances it at once.

    Parameters
    ----------
    start_s : float
        The time at the beginning.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now(self) -> float:
        """Return the virtual time in seconds."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.advance_to(self._now_s + seconds)

    def advance_to(self, time_s: float) -> None:
        """Advance the clock to a time; it never goes back."""
        self._now_s = max(self._now_s, time_s)
