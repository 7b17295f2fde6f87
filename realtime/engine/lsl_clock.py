"""The clock of all stamps."""

import time

import pylsl


class LslClock:
    """The clock of all stamps: :func:`pylsl.local_clock`."""

    def now(self) -> float:
        """Return the LSL time in seconds."""
        return float(pylsl.local_clock())

    def sleep(self, seconds: float) -> None:
        """Sleep; a negative time does nothing."""
        if seconds > 0:
            time.sleep(seconds)
