"""Where a replay is and how fast it runs; without Qt."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

import numpy as np

from .....models.contract import TimeArray

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_SAME_S = 0.05  # a marker so close counts as the place itself


class Transport:
    """The place of a replay on the session's time, and its clock.

    Parameters
    ----------
    start_s, stop_s : float
        Of the recording, on its session's time.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    speed : float
        Times as fast; set by :meth:`set_speed`.
    """

    def __init__(self, start_s: float, stop_s: float, clock: Callable[[], float]) -> None:
        self.start_s, self.stop_s = start_s, max(stop_s, start_s)
        self.speed = 1.0
        self._clock = clock
        self._place_s = start_s
        self._since_s: float | None = None
        self.seeks = 0
        """How often it was moved, other than by playing."""

    @property
    def playing(self) -> bool:
        """Whether it runs."""
        return self._since_s is not None and self.place_s < self.stop_s

    @property
    def place_s(self) -> float:
        """The present place."""
        if self._since_s is None:
            return self._place_s
        return min(self._place_s + self.speed * (self._clock() - self._since_s), self.stop_s)

    def play(self) -> None:
        """Run; from the beginning where it is at the end."""
        if self.place_s >= self.stop_s:
            self.seek(self.start_s)
        self._since_s = self._clock()

    def pause(self) -> None:
        """Stop where it is."""
        self._place_s, self._since_s = self.place_s, None

    def toggle(self) -> None:
        """Run, or stop."""
        if self.playing:
            self.pause()
        else:
            self.pause()
            self.play()

    def seek(self, to_s: float) -> None:
        """Go to a place; it runs on where it ran."""
        self._place_s = min(max(to_s, self.start_s), self.stop_s)
        self.seeks += 1
        if self._since_s is not None:
            self._since_s = self._clock()

    def set_speed(self, speed: float) -> None:
        """Run at one of :data:`SPEEDS` from here on."""
        here_s = self.place_s
        self.speed = speed
        self._place_s = here_s
        if self._since_s is not None:
            self._since_s = self._clock()

    def faster(self, steps: int) -> None:
        """Choose a faster speed, or with a negative number a slower one."""
        place = SPEEDS.index(self.speed) + steps
        self.set_speed(SPEEDS[min(max(place, 0), len(SPEEDS) - 1)])

    def step(self, times_s: TimeArray, steps: int) -> None:
        """Stop, and go on or back by some of the times of a list, such as frames."""
        self.pause()
        here_s = self._place_s
        if steps > 0:
            index = int(np.searchsorted(times_s, here_s + 1e-6, "right")) + steps - 1
        else:
            index = int(np.searchsorted(times_s, here_s - 1e-6, "left")) + steps
        if 0 <= index < len(times_s):
            self.seek(float(times_s[index]))

    def to_marker(self, times_s: Sequence[float], steps: int) -> bool:
        """Go to the next marker, or with -1 to the one before; return whether there is one."""
        here_s = self.place_s
        if steps > 0:
            index = bisect_right(times_s, here_s + _SAME_S)
        else:
            index = bisect_left(times_s, here_s - _SAME_S) - 1
        if not 0 <= index < len(times_s):
            return False
        self.seek(times_s[index])
        return True


def page_of(
    place_s: float, page: tuple[float, float] | None, span_s: float, first_s: float = float("-inf")
) -> tuple[float, float]:
    """Return the stretch of time that the charts show: the same until the place leaves it, then the next.

    Parameters
    ----------
    place_s : float
    page : (start, stop) or None
        What they show now.
    span_s : float
        Of the new stretch.
    first_s : float
        Before which there is nothing to show.
    """
    if page is not None and page[0] <= place_s < page[1] and abs(page[1] - page[0] - span_s) < 1e-6:
        return page
    # A little of what came before stays in sight.
    start_s = max(place_s - 0.1 * span_s, first_s)
    return start_s, start_s + span_s
