"""Time is injected: the same engine runs on the LSL clock or as fast as it can on a virtual one."""

import time
from typing import Protocol

import pylsl


class Clock(Protocol):
    """What everything that needs the time is given."""

    def now(self) -> float:
        """Tell the time in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class LslClock:
    """The clock of every stamp: :func:`pylsl.local_clock`."""

    def now(self) -> float:
        """Tell the LSL time in seconds."""
        return float(pylsl.local_clock())

    def sleep(self, seconds: float) -> None:
        """Let real time pass; nothing happens for a negative time."""
        if seconds > 0:
            time.sleep(seconds)


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
