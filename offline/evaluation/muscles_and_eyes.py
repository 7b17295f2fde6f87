"""What of an EEG is muscle and eye rather than brain: the control for a face that leaks into the electrodes.

Muscles: power from 30 to 45 Hz over the temples, where facial muscle activity is strongest and the brain's share
smallest (Goncharova et al. 2003, https://doi.org/10.1016/S1388-2457(03)00093-2). Eyes: power from 1 to 4 Hz over the
forehead, where lids and eyeballs show (Croft and Barry 2000, https://doi.org/10.1016/S0987-7053(00)00055-1). Neither
band is read by the attention model, which sees 4 to 30 Hz, and nothing is done against artifacts here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import hann

from ...models.contract import BoolArray, FloatArray, Signal
from ...models.signals.eeg import chain
from ...models.signals.eeg.montage import canonical_name

MUSCLE_HZ = (30.0, 45.0)
EYE_HZ = (1.0, 4.0)
TEMPLES = ("F7", "F8", "FT7", "FT8", "FT9", "FT10", "T7", "T8", "TP7", "TP8")
FOREHEAD = ("Fp1", "Fpz", "Fp2", "AF7", "AF8")
WINDOW_S = 1.0
_FLOOR_UV2 = 1e-4
_SLACK_S = 1e-3


@dataclass(frozen=True)
class MuscleEyePower:
    """Power of muscles and eyes.

    Attributes
    ----------
    names : tuple of str
        "muscles T7", "eyes Fp1" …: those of the electrodes that are there.
    power : (n_times, len(names)) float32
        log10 of microvolts squared in the second before; 0 where ``there`` is False.
    there : (n_times,) bool
    """

    names: tuple[str, ...]
    power: FloatArray
    there: BoolArray


def muscle_eye_power(signal: Signal, ends_s: NDArray[np.float64], line_hz: float | None) -> MuscleEyePower:
    """Measure the power of muscles and eyes in the second before some moments.

    Parameters
    ----------
    signal : Signal
        EEG as recorded.
    ends_s : (n_times,)
        On the signal's own clock.
    line_hz : float or None
        Of the mains.
    """
    names = [canonical_name(name) for name in signal.channel_names]
    parts = [
        (f"{what} {name}", index, band)
        for what, band, places in (("muscles", MUSCLE_HZ, TEMPLES), ("eyes", EYE_HZ, FOREHEAD))
        for index, name in enumerate(names)
        if name in places
    ]
    spec = chain.EegChainSpec(rate_hz=signal.rate_hz, channel_names=signal.channel_names, line_hz=line_hz)
    chunk, _ = chain.step(chain.start(spec), signal.samples, False)
    width = round(WINDOW_S * signal.rate_hz)
    taper = hann(width, sym=False)[:, None]
    hertz = np.fft.rfftfreq(width, 1.0 / signal.rate_hz)
    bands = {band: (hertz >= band[0]) & (hertz < band[1]) for band in (MUSCLE_HZ, EYE_HZ)}
    channels = [index for _, index, _ in parts]
    newest = np.searchsorted(signal.stamps_s, ends_s + min(_SLACK_S, 0.5 / signal.rate_hz), side="right")
    power = np.zeros((len(ends_s), len(parts)), np.float32)
    there = np.zeros(len(ends_s), np.bool_)
    for at, stop in enumerate(newest):
        if stop < width or not parts or not chunk.valid[stop - width : stop].all():
            continue
        window = chunk.samples_uv[stop - width : stop, channels].astype(np.float64)
        spectrum = np.abs(np.fft.rfft((window - window.mean(axis=0)) * taper, axis=0)) ** 2
        spectrum *= 2.0 / (width * float((taper**2).sum()))
        sums = [spectrum[bands[band], column].sum() for column, (_, _, band) in enumerate(parts)]
        power[at], there[at] = np.log10(np.maximum(sums, _FLOOR_UV2)), True
    return MuscleEyePower(tuple(name for name, _, _ in parts), power, there)


def picked(measured: MuscleEyePower, names: Sequence[str]) -> FloatArray:
    """Return the columns of some names, ``(n_times, len(names))``."""
    return measured.power[:, [measured.names.index(name) for name in names]]
