"""Count lost and reordered samples, where a channel carries the index of the sample."""

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import TimeArray

_SILENCE_S = 0.5
_MOST_STEPS = 0.5


class IndexCount:
    """Counts raw samples of a stream before any filter; for the thread that receives them.

    A sample is lost where the index went past it and it never came; it is reordered where it came after a later one.
    An index that falls back after a silence or a new connection is a sender that was started again: the count goes on
    from there.

    Parameters
    ----------
    channel : int
        Which one carries the index.
    """

    def __init__(self, channel: int = 0) -> None:
        self.channel = channel
        self.samples = 0
        self._steps = 0
        self._whole = True
        self._top: int | None = None
        self._stamp_s = 0.0
        self._missing: list[range] = []
        self._lost_before = 0
        self._reordered = 0

    @property
    def holds_index(self) -> bool:
        """Whether the channel's values are whole numbers that mostly count up by one."""
        return self._whole and self.samples > 1 and self._steps >= _MOST_STEPS * (self.samples - 1)

    @property
    def lost_samples(self) -> int | None:
        """Number of lost samples; None where the channel holds no index."""
        return self._lost_before + sum(map(len, self._missing)) if self.holds_index else None

    @property
    def reordered_samples(self) -> int | None:
        """Number of samples that came after a later one or twice; None where the channel holds no index."""
        return self._reordered if self.holds_index else None

    def see(self, samples: NDArray[np.generic], stamps_s: TimeArray, reconnected: bool) -> None:
        """Count the next samples, ``(n_times, n_channels)``.

        Raises
        ------
        MoodringError
            They have no such channel.
        """
        if self.channel >= samples.shape[1]:
            raise MoodringError(
                f"index channel {self.channel} was asked for and the stream has {samples.shape[1]} channels, counted "
                "from 0; name one of them"
            )
        values = samples[:, self.channel].astype(np.float64)
        self.samples += len(values)
        if not self._whole:
            return
        if not (np.isfinite(values).all() and (values == np.rint(values)).all()):
            self._whole = False
            self._missing.clear()
            return
        index = values.astype(np.int64)
        first, last = int(index[0]), int(index[-1])
        # What nearly always comes: each sample the one after the one before.
        if self._top is not None and first == self._top + 1 and bool((np.diff(index) == 1).all()):
            self._steps += len(index)
            self._top, self._stamp_s = last, float(stamps_s[-1])
            return
        for value, stamp_s in zip(index.tolist(), stamps_s.tolist(), strict=True):
            self._one(value, stamp_s, reconnected)
            reconnected = False

    def _one(self, value: int, stamp_s: float, reconnected: bool) -> None:
        top = self._top
        again = reconnected or stamp_s - self._stamp_s > _SILENCE_S
        self._stamp_s = stamp_s
        if top is None or (value <= top and again):
            self._lost_before += sum(map(len, self._missing))
            self._missing.clear()
            self._top = value
            return
        self._steps += value == top + 1
        if value > top:
            if value > top + 1:
                self._missing.append(range(top + 1, value))
            self._top = value
            return
        self._reordered += 1
        for place, gap in enumerate(self._missing):
            if value in gap:
                halves = (range(gap.start, value), range(value + 1, gap.stop))
                self._missing[place : place + 1] = [half for half in halves if half]
                return
