"""Decimation of samples to the columns of a screen."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ....models.contract import FloatArray, RingLayout, RingSlice, TimeArray
from .view import SCALES_UV, Passband

COLUMNS = 400
SOUND_BINS = 120
_LEAD_S = 2.0  # for a display filter to settle
_ORDER = 2


class Readable(Protocol):
    """Protocol of a ring, or of a copy of one, that can be read."""

    layout: RingLayout

    @property
    def count(self) -> int:
        """Number of samples since the start."""
        ...

    def between(self, first: int, stop: int) -> RingSlice:
        """Return a copy of the samples ``first`` up to but not including ``stop``, or of those still there."""
        ...

    def start_at(self, time_s: float) -> int:
        """Return the number of samples stamped before a time."""
        ...


class HeldRing:
    """A copy of what a ring held at one moment, read as the ring itself; what is later than a time is hidden."""

    def __init__(self, layout: RingLayout, cut: RingSlice) -> None:
        self.layout = layout
        self._cut = cut
        self._count = cut.stop

    @property
    def count(self) -> int:
        """Number of samples since the start, up to the time of :meth:`show_until`."""
        return self._count

    @property
    def oldest_s(self) -> float | None:
        """Stamp of the oldest sample; None without samples."""
        return float(self._cut.stamps_s[0]) if len(self._cut) else None

    def show_until(self, time_s: float) -> None:
        """Hide what is later than a time."""
        self._count = self._cut.first + int(np.searchsorted(self._cut.stamps_s, time_s, "right"))

    def start_at(self, time_s: float) -> int:
        """Return the number of samples stamped before a time."""
        return self._cut.first + int(np.searchsorted(self._cut.stamps_s, time_s, "left"))

    def between(self, first: int, stop: int) -> RingSlice:
        """Return the samples ``first`` up to but not including ``stop``, or of those that are there."""
        cut = self._cut
        stop = max(cut.first, min(stop, self._count))
        first = max(cut.first, min(first, stop))
        part = slice(first - cut.first, stop - cut.first)
        return RingSlice(cut.samples[part], cut.stamps_s[part], cut.received_s[part], cut.valid[part], first, stop)


class Scroll:
    """The last seconds of a signal in columns, each the smallest and the largest value of its stretch.

    Only new samples are read and filtered; stretches start at multiples of their length in the whole stream, so that
    peaks do not flicker.

    Parameters
    ----------
    ring : Readable
    window_s : float
    passband : (low, high) in hertz or None
        A causal filter for display only.
    """

    def __init__(self, ring: Readable, window_s: float, passband: Passband | None = None) -> None:
        rate_hz = ring.layout.rate_hz
        self._ring = ring
        self._length = max(1, int(window_s * rate_hz / COLUMNS))
        self._columns = max(2, int(window_s * rate_hz) // self._length)
        channels = ring.layout.shape[0]
        self._values = np.full((self._columns, 2, channels), np.nan, np.float32)
        self._stamps = np.full((self._columns, 2), np.nan)
        self._sos = None if passband is None else _band(passband, rate_hz)
        self._state: NDArray[np.float64] | None = None
        self._lead = 0 if self._sos is None else int(_LEAD_S * rate_hz)
        self._next = self._start()

    def advance(self) -> None:
        """Take in what is new."""
        length = self._length
        if self._ring.count - self._next > self._columns * length + self._lead:
            self._next, self._state = self._start(), None
        columns = (self._ring.count - self._next) // length
        if columns < 1:
            return
        cut = self._ring.between(self._next, self._next + columns * length)
        if cut.first != self._next:  # overwritten meanwhile: begin again
            self._next, self._state = self._start(), None
            return
        samples = self._filtered(cut)
        samples[~cut.valid] = np.nan
        first = self._next // length
        self._next += columns * length
        kept = min(columns, self._columns)
        places = np.arange(first + columns - kept, first + columns) % self._columns
        stretches = samples[(columns - kept) * length :].reshape(kept, length, -1)
        stamps = cut.stamps_s[(columns - kept) * length :].reshape(kept, length)
        self._values[places, 0], self._values[places, 1] = stretches.min(axis=1), stretches.max(axis=1)
        self._stamps[places, 0], self._stamps[places, 1] = stamps[:, 0], stamps[:, -1]

    def columns(self) -> tuple[TimeArray, FloatArray]:
        """Return the columns, oldest first.

        Returns
        -------
        times_s : (2 * n,) float64
            Before the newest sample.
        values : (2 * n, n_channels) float32
            The smallest and the largest of each stretch; NaN where not valid.
        """
        newest = self._next // self._length
        places = np.arange(newest - self._columns, newest) % self._columns
        places = places[np.isfinite(self._stamps[places, 0])]
        stamps = self._stamps[places].ravel()
        values = self._values[places].reshape(2 * len(places), self._values.shape[2])
        return (stamps - stamps[-1] if len(stamps) else stamps), values

    def _start(self) -> int:
        length = self._length
        whole = self._ring.count // length * length
        wanted = max(whole - (self._columns + -(-self._lead // length)) * length, 0)
        oldest = self._ring.between(wanted, self._ring.count).first
        return -(-oldest // length) * length

    def _filtered(self, cut: RingSlice) -> FloatArray:
        if self._sos is None:
            return np.array(cut.samples, np.float32)
        from scipy.signal import sosfilt, sosfilt_zi

        known = np.where(cut.valid[:, None], cut.samples, 0.0)
        if self._state is None:
            self._state = sosfilt_zi(self._sos)[:, :, None] * known[0]
        filtered, self._state = sosfilt(self._sos, known, axis=0, zi=self._state)
        return np.asarray(filtered, np.float32)


def _band(passband: Passband, rate_hz: float) -> NDArray[np.float64]:
    from scipy.signal import butter

    low, high = passband
    sections: NDArray[np.float64] = butter(
        _ORDER, (low, min(high, 0.45 * rate_hz)), "bandpass", fs=rate_hz, output="sos"
    )
    return sections


def fitting_span(values: FloatArray) -> float | None:
    """Return the round distance between traces that fits most of a signal; None where there is too little of it."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    need = 2.2 * float(np.percentile(np.abs(finite), 90))
    return next((scale for scale in SCALES_UV if need <= scale), SCALES_UV[-1])


def loudness(cut: RingSlice, per_bin: int, bins: int = SOUND_BINS) -> FloatArray:
    """Return the largest absolute sample of each stretch of sound, ``(bins,)``; 0 before the stream's start."""
    out = np.zeros(bins, np.float32)
    skip = -cut.first % per_bin
    count = max((len(cut) - skip) // per_bin, 0)
    if count:
        peaks = np.abs(cut.samples[skip : skip + count * per_bin]).reshape(count, -1).max(axis=1)
        out[-min(count, bins) :] = peaks[-bins:]
    return out
