"""Causal filters of the EEG chain as second-order sections, with the state they start from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, iirnotch, sosfilt_zi, sosfreqz, tf2sos

# Quality of the notch: 2 Hz wide at 60 Hz, so it settles in a fraction of a second.
NOTCH_QUALITY = 30.0


@dataclass(frozen=True)
class FilterBank:
    """A cascade of filters.

    Attributes
    ----------
    sos : (n_sections, 6) float64
    steady : (n_sections, 2) float64
        The state after an infinite constant 1; times the first sample, it starts the filter without a transient.
    """

    sos: NDArray[np.float64]
    steady: NDArray[np.float64]


def filter_bank(rate_hz: float, low_hz: float, high_hz: float, line_hz: float | None) -> FilterBank:
    """Design Butterworth high-pass (order 2) and low-pass (order 4), and notches at the line frequency.

    Its harmonics have notches too, up to three times the low-pass, which attenuates the others by 38 dB or more.
    """
    parts = [
        butter(2, low_hz, "highpass", fs=rate_hz, output="sos"),
        butter(4, high_hz, "lowpass", fs=rate_hz, output="sos"),
    ]
    if line_hz is not None:
        top_hz = min(0.95 * rate_hz / 2.0, 3.0 * high_hz)
        for multiple in range(1, int(top_hz // line_hz) + 1):
            parts.append(tf2sos(*iirnotch(multiple * line_hz, NOTCH_QUALITY * multiple, fs=rate_hz)))
    sos = np.vstack(parts)
    return FilterBank(sos=sos, steady=sosfilt_zi(sos))


def group_delay_s(bank: FilterBank, rate_hz: float, frequency_hz: float) -> float:
    """Return the group delay at a frequency in seconds: that of the envelope of a narrow band around it."""
    step_hz = 0.01
    around = np.array([frequency_hz - step_hz, frequency_hz + step_hz])
    _, response = sosfreqz(bank.sos, around, fs=rate_hz)
    turn = float(np.angle(response[1] / response[0]))
    return -turn / (2.0 * np.pi * 2.0 * step_hz)
