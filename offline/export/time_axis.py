"""One time axis for all that is exported: seconds from the first sample of the EEG file.

A file of samples has no stamps: its n-th sample is at n / rate. So stamps are smoothed as live, samples that never came
leave a hole of as many rows, and whatever else happened (markers, estimates, frames, sound) is moved onto the axis by
the stamps around it. What the amplifier's clock drifts against the computer's is thereby taken out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models.contract import Recording, Signal, TimeArray
from ...models.streaming.ingest.dejitter import DejitterState, dejitter

_KNOTS_S = 1.0


@dataclass(frozen=True)
class TimeAxis:
    """From seconds on the clock of the stamps to seconds of the files, and back; straight lines between knots.

    Attributes
    ----------
    clock_s, file_s : (n,) float64
        Rising; before the first knot and beyond the last, a second is a second.
    """

    clock_s: TimeArray
    file_s: TimeArray

    def of(self, clock_s: TimeArray) -> TimeArray:
        """Return moments of the clock on the axis; below 0 is before the first sample."""
        return _mapped(np.asarray(clock_s, np.float64), self.clock_s, self.file_s)

    def at(self, clock_s: float) -> float:
        """Return one moment of the clock on the axis."""
        return float(self.of(np.array([clock_s]))[0])

    def clock_of(self, file_s: TimeArray) -> TimeArray:
        """Return moments of the axis on the clock."""
        return _mapped(np.asarray(file_s, np.float64), self.file_s, self.clock_s)


@dataclass(frozen=True)
class EvenSamples:
    """A signal in rows of one period each.

    Attributes
    ----------
    signal : Signal
    rows : (n,) int64
        In which row each sample lies, rising; rows without a sample are holes.
    stamps_s : (n,) float64
        Smoothed.
    """

    signal: Signal
    rows: NDArray[np.int64]
    stamps_s: TimeArray

    @property
    def count(self) -> int:
        """Rows, holes included."""
        return int(self.rows[-1]) + 1

    @property
    def holes(self) -> list[tuple[int, int]]:
        """First row and one past the last of each hole."""
        before = np.flatnonzero(np.diff(self.rows) > 1)
        return [(int(self.rows[at]) + 1, int(self.rows[at + 1])) for at in before]

    def axis(self) -> TimeAxis:
        """Return the axis on which row n is at n / rate."""
        step = max(1, round(_KNOTS_S * self.signal.rate_hz))
        beside = np.flatnonzero(np.diff(self.rows) > 1)
        knots = np.unique(
            np.concatenate([np.arange(0, len(self.rows), step), [len(self.rows) - 1], beside, beside + 1])
        )
        clock_s = self.stamps_s[knots]
        rises = np.diff(clock_s, prepend=-np.inf) > 0
        return TimeAxis(clock_s[rises], self.rows[knots][rises] / self.signal.rate_hz)


def even_samples(signal: Signal) -> EvenSamples:
    """Place the samples of a signal in rows; its stamps rise, and there is at least one."""
    smooth_s, gaps, _ = dejitter(DejitterState(signal.rate_hz, signal.jitter_s), signal.stamps_s)
    missing = np.zeros(len(smooth_s), np.int64)
    for gap in gaps:
        missing[gap.first] = max(0, round(gap.seconds * signal.rate_hz))
    return EvenSamples(signal, np.arange(len(smooth_s)) + np.cumsum(missing), np.maximum.accumulate(smooth_s))


def axis_of(recording: Recording, eeg: EvenSamples | None) -> TimeAxis:
    """Return the axis of a session's files: the EEG's, or where there is none, from its first sample of anything on."""
    if eeg is not None:
        return eeg.axis()
    first_s = min((float(one.stamps_s[0]) for one in recording.sources.values()), default=recording.t0_s)
    return TimeAxis(np.array([first_s]), np.zeros(1))


def _mapped(values: TimeArray, knots: TimeArray, images: TimeArray) -> TimeArray:
    inside = np.interp(values, knots, images)
    before, beyond = np.minimum(values - knots[0], 0.0), np.maximum(values - knots[-1], 0.0)
    mapped: TimeArray = inside + before + beyond
    return mapped
