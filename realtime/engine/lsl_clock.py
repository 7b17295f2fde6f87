"""The clock of every stamp."""

import time

import pylsl


class LslClock:
    """The clock of every stamp: :func:`pylsl.local_clock`."""

    def now(self) -> float:
        """Tell the LSL time in seconds."""
        return float(pylsl.local_clock())

    def sleep(self, seconds: float) -> None:
        """Let real time pass; nothing happens for a negative time."""
        if seconds > 0:
            time.sleep(seconds)
