"""Notice that the mains hum at the other frequency than the one that is filtered out."""

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
class MainsState:
    """What was heard so far.

    Attributes
    ----------
    rate_hz : float
    line_hz : float or None
        What is filtered out.
    waiting_uv : (n, at most 8) float
        Raw samples of the second that is not whole yet, of some channels: the mains hum in all of them.
    seconds, other : int
        Whole seconds, and those in which the other mains stood out.
    """

    rate_hz: float
    line_hz: float | None
    waiting_uv: NDArray[np.floating]
    seconds: int = 0
    other: int = 0

    @property
    def other_hz(self) -> float | None:
        """The frequency at which the mains do hum; None where it is the one that is filtered out, or not yet sure."""
        other_hz = _OTHER_HZ.get(self.line_hz or 0.0)
        sure = self.seconds >= _SURE_AFTER_S and self.other >= _SURE_SHARE * self.seconds
        return other_hz if sure else None


def listen(state: MainsState, raw_uv: NDArray[np.floating]) -> MainsState:
    """Take the raw samples that come next, ``(n_times, n_channels)``, in whatever pieces."""
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
    return MainsState(state.rate_hz, state.line_hz, rest, state.seconds + whole, state.other + found)


def _stands_out(raw_uv: NDArray[np.floating], rate_hz: float, line_hz: float, other_hz: float) -> bool:
    """Say whether, in most channels, the other mains is far above its neighbourhood and above the one filtered out."""
    samples = detrend(np.nan_to_num(raw_uv.astype(np.float64), posinf=0.0, neginf=0.0), axis=0)
    amplitude = np.abs(np.fft.rfft(samples * hann(len(samples), sym=False)[:, None], axis=0))
    frequency = np.fft.rfftfreq(len(samples), 1.0 / rate_hz)
    away_hz = np.abs(frequency - other_hz)
    there = amplitude[away_hz <= _HALF_WIDTH_HZ].max(axis=0)
    beside = np.median(amplitude[(away_hz >= _BESIDE_HZ[0]) & (away_hz <= _BESIDE_HZ[1])], axis=0)
    at_line = amplitude[np.abs(frequency - line_hz) <= _HALF_WIDTH_HZ].max(axis=0)
    return bool(np.mean((there > _ABOVE_BESIDE * beside) & (there > _ABOVE_LINE * at_line)) > 0.5)
