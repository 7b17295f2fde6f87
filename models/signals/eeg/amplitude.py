"""Amplitudes of raw EEG before a session: a wrong unit, and bad channels, each with its cause and cure.

The thresholds are those of a running session: :mod:`.channel_quality`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...contract import BoolArray
from .channel_quality import BRIDGED, COMMON, FLAT_UV, LOUD_UV, RAIL_SHARE, SPAN_UV, band_levels, channel_faults

_PLAUSIBLE_UV = (1.0, 200.0)
"""Of the median channel in the EEG band (rms over a second): awake scalp EEG has 3 to 50."""
_NAMED = 6
_SHARED = {
    COMMON: "nothing but one common signal (connect reference and ground, and see that the cap is on a head)",
    BRIDGED: "bridged to another electrode (wipe off the gel between them)",
}


@dataclass(frozen=True)
class AmplitudeFindings:
    """Findings in one second of raw EEG.

    Attributes
    ----------
    typical_uv : float
        Of the median scalp channel: rms in the EEG band.
    good : int
        Scalp channels that a session would use.
    unit : str
        What is wrong with the unit and what to set; empty where the amplitudes are plausible.
    channels : str
        Which scalp channels are bad, why, and what to do; empty where none is.
    """

    typical_uv: float
    good: int
    unit: str
    channels: str


def check_amplitudes(
    raw_uv: NDArray[np.float64], names: tuple[str, ...], scalp: BoolArray, rate_hz: float, line_hz: float | None
) -> AmplitudeFindings:
    """Check the amplitudes of a second of raw EEG.

    Parameters
    ----------
    raw_uv : (n_times, n_channels) float64
        A second, in what is taken for microvolts.
    names : tuple of str
    scalp : (n_channels,) bool
        Channels to check.
    rate_hz : float
    line_hz : float or None

    Returns
    -------
    AmplitudeFindings
    """
    finite = np.asarray(np.isfinite(raw_uv).all(axis=0))
    samples = np.where(finite, raw_uv, 0.0)
    band_uv, _ = band_levels(samples, rate_hz, line_hz)
    span_uv = samples.max(axis=0) - samples.min(axis=0)
    everyone: BoolArray = np.ones(len(names), dtype=np.bool_)
    found = channel_faults(raw_uv, scalp, everyone, rate_hz, line_hz)
    good = np.array([not fault for fault in found], np.bool_) & scalp
    living = scalp & finite & (span_uv > 0)
    typical_uv = float(np.median(band_uv[living])) if living.any() else 0.0
    faults: dict[str, list[str]] = {}
    for index in np.flatnonzero(scalp & ~good):
        fault = _SHARED.get(found[index]) or _fault(finite[index], samples[:, index], band_uv[index], span_uv[index])
        faults.setdefault(fault, []).append(names[index])
    unit = _unit(typical_uv) if not good.any() else ""
    channels = "; ".join(f"{fault}: {_listed(bad)}" for fault, bad in faults.items())
    return AmplitudeFindings(typical_uv, int(good.sum()), unit, channels)


def _unit(typical_uv: float) -> str:
    """Return the cure for a wrong unit, recognised by its power of ten; empty where there is none."""
    lowest_uv, highest_uv = _PLAUSIBLE_UV
    for factor, sent, taken in ((1e6, "volts", "microvolts"), (1e3, "millivolts", "microvolts")):
        if lowest_uv <= typical_uv * factor <= highest_uv:
            return f'{sent} are taken for {taken}: set eeg.units = "{sent}", or the unit where the stream is sent'
    for factor, taken in ((1e6, "volts"), (1e3, "millivolts")):
        if lowest_uv <= typical_uv / factor <= highest_uv:
            return (
                f"microvolts are taken for {taken}, or nanovolts for microvolts: set eeg.units, or the unit where the "
                "stream is sent"
            )
    return ""


def _fault(finite: bool, samples: NDArray[np.float64], band_uv: float, span_uv: float) -> str:
    if not finite:
        return "values that are no numbers (restart the amplifier)"
    if span_uv == 0.0:
        return "one value only (connect the electrode, or check the cable)"
    at_rail = max((samples == samples.max()).mean(), (samples == samples.min()).mean())
    if at_rail >= RAIL_SHARE:
        return "at the amplifier's rail (fill the electrode with gel, or press it on)"
    if band_uv < FLAT_UV:
        return f"flat, below {FLAT_UV:g} µV (connect the electrode, or find the short to the reference)"
    if span_uv > SPAN_UV or band_uv > LOUD_UV:
        return "far louder than EEG (fix the electrode, check its impedance and the ground)"
    return "louder or with more line noise than the others (check its impedance)"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
