"""Detect line noise at the frequency that the notch filter does not remove: 60 Hz for 50, or 50 Hz for 60."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import detrend
from scipy.signal.windows import hann

_OTHER_HZ = {50.0: 60.0, 60.0: 50.0}
_HALF_WIDTH_HZ = 1.5
_BESIDE_HZ = (3.0, 8.0)
_ABOVE_BESIDE = 4.0
_ABOVE_LINE = 2.0
_SURE_AFTER_S = 5
_CHANNELS = 8
_SURE_SHARE = 0.6


@dataclass(frozen=True)
class LineNoiseState:
    """Counts of the line noise so far.

    Attributes
    ----------
    rate_hz : float
    line_hz : float or None
        Frequency of the notch filter.
    waiting_uv : (n, at most 8) float
        Raw samples of the second that is not complete, of some channels: line noise is in all of them.
    seconds, other : int
        Complete seconds, and those with line noise at the other frequency.
    """

    rate_hz: float
    line_hz: float | None
    waiting_uv: NDArray[np.floating]
    seconds: int = 0
    other: int = 0

    @property
    def other_hz(self) -> float | None:
        """Frequency of the line noise; None where it is that of the notch filter, or fewer than five seconds came."""
        other_hz = _OTHER_HZ.get(self.line_hz or 0.0)
        sure = self.seconds >= _SURE_AFTER_S and self.other >= _SURE_SHARE * self.seconds
        return other_hz if sure else None


def detect_line_noise(state: LineNoiseState, raw_uv: NDArray[np.floating]) -> LineNoiseState:
    """Update the state with the next raw samples.

    Parameters
    ----------
    state : LineNoiseState
    raw_uv : (n_times, n_channels)
        In microvolts; the result does not depend on how they are cut into chunks.

    Returns
    -------
    LineNoiseState
    """
    other_hz = _OTHER_HZ.get(state.line_hz or 0.0)
    if other_hz is None or state.line_hz is None or state.rate_hz <= 2 * (other_hz + _BESIDE_HZ[1]):
        return state
    some_uv = raw_uv[:, :: -(-raw_uv.shape[1] // _CHANNELS)]
    waiting = np.concatenate((state.waiting_uv, some_uv)) if len(state.waiting_uv) else some_uv
    per_second = round(state.rate_hz)
    whole = len(waiting) // per_second
    found = sum(
        _stands_out(waiting[k * per_second : (k + 1) * per_second], state.rate_hz, state.line_hz, other_hz)
        for k in range(whole)
    )
    rest = waiting[whole * per_second :].copy()
    return LineNoiseState(state.rate_hz, state.line_hz, rest, state.seconds + whole, state.other + found)


def _stands_out(raw_uv: NDArray[np.floating], rate_hz: float, line_hz: float, other_hz: float) -> bool:
    """Return whether in most channels the amplitude at ``other_hz`` is far above its neighbours and ``line_hz``."""
    samples = detrend(np.nan_to_num(raw_uv.astype(np.float64), posinf=0.0, neginf=0.0), axis=0)
    amplitude = np.abs(np.fft.rfft(samples * hann(len(samples), sym=False)[:, None], axis=0))
    frequency = np.fft.rfftfreq(len(samples), 1.0 / rate_hz)
    away_hz = np.abs(frequency - other_hz)
    there = amplitude[away_hz <= _HALF_WIDTH_HZ].max(axis=0)
    beside = np.median(amplitude[(away_hz >= _BESIDE_HZ[0]) & (away_hz <= _BESIDE_HZ[1])], axis=0)
    at_line = amplitude[np.abs(frequency - line_hz) <= _HALF_WIDTH_HZ].max(axis=0)
    return bool(np.mean((there > _ABOVE_BESIDE * beside) & (there > _ABOVE_LINE * at_line)) > 0.5)
