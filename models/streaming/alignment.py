"""Which samples belong to a moment: "up to t" is stamped at or before t, within a small tolerance for rounding."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..contract import BoolArray, EegWindow, RingReader, RingSlice, SampleRange

_TOLERANCE_S = 1e-3
_FRESH_S = 0.5
_FRESH_PERIODS = 1.5
_STALE_EEG_S = 0.1
_STALE_FRAME_S = 0.25
_RATE_OFF = 0.1


def tolerance_s(rate_hz: float | None) -> float:
    """Return the tolerance on stamps: 1 ms, or half a sample where that is less."""
    return _TOLERANCE_S if not rate_hz else min(_TOLERANCE_S, 0.5 / rate_hz)


def is_fresh(ring: RingReader, time_s: float) -> bool:
    """Return whether the newest sample is at most half a second older than a moment; 1.5 periods of a slow source."""
    newest_s, rate_hz = ring.newest_s, ring.layout.rate_hz
    fresh_s = max(_FRESH_S, _FRESH_PERIODS / rate_hz) if rate_hz else _FRESH_S
    return newest_s is not None and newest_s >= time_s - fresh_s


def has_passed(ring: RingReader, time_s: float) -> bool:
    """Return whether all samples up to a time are in the ring."""
    newest_s = ring.newest_s
    return newest_s is not None and newest_s >= time_s - tolerance_s(ring.layout.rate_hz)


def stop_at(ring: RingReader, time_s: float) -> int:
    """Return the number of samples up to a time."""
    return ring.stop_at(time_s + tolerance_s(ring.layout.rate_hz))


def eeg_window(piece: RingSlice, ring: RingReader, n: int, time_s: float, good: BoolArray) -> EegWindow | None:
    """Return the window of the last ``n`` samples up to a time.

    None where they are too few, too old, invalid (settling after the start or a gap), not finite, or so far from the
    announced rate that their rhythms would be taken for others.
    """
    if len(piece) < n or not piece.valid.all() or piece.stamps_s[-1] < time_s - _STALE_EEG_S or not good.any():
        return None
    span_s, announced_s = float(piece.stamps_s[-1] - piece.stamps_s[0]), (n - 1) / ring.layout.rate_hz
    if abs(span_s - announced_s) > _RATE_OFF * announced_s:
        return None
    if not np.isfinite(piece.samples[:, good]).all():
        return None
    return EegWindow(piece.samples, ring.layout.rate_hz, ring.layout.names, good, time_s)


def newest_frame(ring: RingReader, time_s: float) -> RingSlice | None:
    """Return the newest frame up to a time; None where it is older than a quarter of a second."""
    stop = stop_at(ring, time_s)
    piece = ring.between(stop - 1, stop)
    return piece if len(piece) and piece.stamps_s[-1] >= time_s - _STALE_FRAME_S else None


def part(piece: RingSlice, low: int, high: int) -> RingSlice:
    """Return the samples ``low`` up to but not including ``high`` of a slice, counted from its first."""
    return replace(
        piece,
        samples=piece.samples[low:high],
        stamps_s=piece.stamps_s[low:high],
        received_s=piece.received_s[low:high],
        valid=piece.valid[low:high],
        first=piece.first + low,
        stop=piece.first + high,
    )


def without_gaps(piece: RingSlice) -> tuple[RingSlice, ...]:
    """Split audio where a sample does not continue the one before (its mask is False)."""
    if not len(piece):
        return ()
    breaks = np.flatnonzero(~piece.valid[1:]) + 1
    edges = (0, *(int(edge) for edge in breaks), len(piece))
    return tuple(part(piece, low, high) for low, high in pairwise(edges))


def sample_range(first: int, stop: int) -> SampleRange | None:
    """Return the range of samples; None for none."""
    return SampleRange(first, stop) if stop > first else None
