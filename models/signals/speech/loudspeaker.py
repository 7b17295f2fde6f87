"""Whether a microphone picks up the room's loudspeaker, from windows of both signals.

While the loudspeaker plays, the microphone's signal is not attributed to the participant, because a mixture of two
voices is neither. It is again once the loudspeaker has been quiet for longer than its sound takes to arrive and decay.
Where its sound is shown not to reach the microphone (turned down, or headphones on its output), nothing is withheld.

Whether it reaches the microphone is found by the generalised cross-correlation with phase transform (Knapp & Carter,
"The generalized correlation method for estimation of time delay", IEEE Trans. ASSP 24, 1976): it has a peak at
the delay of the sound even where that is weaker than the participant's voice, and no other voice causes one.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ...contract import FloatArray
from .microphone_level import rms_db
from .segments import WINDOW_SAMPLES

Verdict = Literal["open", "playing", "unknown"]
"""Attributed to the participant; withheld because the loudspeaker plays; withheld because its signal is missing."""


@dataclass(frozen=True)
class LoudspeakerRules:
    """Parameters of the decision.

    Attributes
    ----------
    active_db : float
        RMS in dB of full scale above which a window of the reference counts as playing.
    tail_windows : int
        Number of windows (32 ms each) after that in which its sound may still be delayed: latency of the player, travel
        through air and reverberation.
    block_windows, delay_windows : int
        Length of the correlated part of the microphone, and longest delay.
    every_windows : int
        Interval between correlations.
    heard_peak : float
        Peak over RMS of the correlation from which the loudspeaker counts as delayed. Without it, the largest of 5,000
        values is near 4.
    unheard_blocks : int
        Number of correlations in a row without a peak, each of a block through most of which the loudspeaker played,
        after which it counts as unheard until the next peak.
    """

    active_db: float = -55.0
    tail_windows: int = 16
    block_windows: int = 32
    delay_windows: int = 10
    every_windows: int = 8
    heard_peak: float = 7.0
    unheard_blocks: int = 10


@dataclass(frozen=True)
class LoudspeakerState:
    """State between two windows.

    Attributes
    ----------
    microphone, reference : (n,) float32
        Newest samples of both, as many as a correlation needs.
    active : tuple of bool
        Whether each of the newest windows of the reference counts as playing.
    since_active : int or None
        Number of windows since it last played; None before the first.
    count : int
        Windows since the start.
    unheard : int
        Correlations without a peak since the last one with a peak.
    """

    microphone: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    reference: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    active: tuple[bool, ...] = ()
    since_active: int | None = None
    count: int = 0
    unheard: int = 0


def step(
    state: LoudspeakerState, microphone: FloatArray, reference: FloatArray | None, rules: LoudspeakerRules
) -> tuple[Verdict, LoudspeakerState]:
    """Return the verdict on one more window.

    Parameters
    ----------
    state : LoudspeakerState
    microphone : (512,) float32
    reference : (512,) float32 or None
        The reference at the same stamps; None where it is missing.
    rules : LoudspeakerRules

    Returns
    -------
    verdict : "open", "playing" or "unknown"
        See :data:`Verdict`.
    state : LoudspeakerState
    """
    if reference is None:
        # Sound played meanwhile may still be in the room; whether the loudspeaker reaches the microphone stays known.
        return "unknown", LoudspeakerState(since_active=0, unheard=state.unheard)
    playing = rms_db(reference) > rules.active_db
    since = 0 if playing else None if state.since_active is None else state.since_active + 1
    kept = (rules.block_windows + rules.delay_windows) * WINDOW_SAMPLES
    state = replace(
        state,
        microphone=np.concatenate((state.microphone, microphone))[-kept:],
        reference=np.concatenate((state.reference, reference))[-kept:],
        active=(*state.active, playing)[-rules.block_windows :],
        since_active=since,
        count=state.count + 1,
    )
    if state.count % rules.every_windows == 0 and _mostly_played(state, rules):
        peak = correlation_peak(state.microphone, state.reference, rules.delay_windows * WINDOW_SAMPLES)
        state = replace(state, unheard=0 if peak >= rules.heard_peak else state.unheard + 1)
    sounding = since is not None and since <= rules.tail_windows
    return ("playing" if sounding and state.unheard < rules.unheard_blocks else "open"), state


def after_gap(state: LoudspeakerState) -> LoudspeakerState:
    """Return the state after a gap in the microphone: samples are dropped, whether it hears the loudspeaker is kept."""
    return LoudspeakerState(since_active=state.since_active, unheard=state.unheard)


def correlation_peak(microphone: FloatArray, reference: FloatArray, longest_delay: int) -> float:
    """Return the peak over RMS of the generalised cross-correlation (PHAT) of two signals.

    Parameters
    ----------
    microphone, reference : (n,) float32
        Of equal length, captured at the same time; the first ``longest_delay`` samples of the microphone are not used.
    longest_delay : int
        In samples; the microphone may lag the reference by 0 to this.

    Returns
    -------
    float
        Largest magnitude over RMS, over these delays; 0 where either signal is silent throughout.
    """
    delayed = microphone.astype(np.float64)
    delayed[:longest_delay] = 0.0
    size = 1 << (len(reference) + longest_delay - 1).bit_length()
    spectrum = np.fft.rfft(delayed, size) * np.conj(np.fft.rfft(reference, size))
    magnitude = np.abs(spectrum)
    # Below a millionth of the strongest component, phases are rounding errors.
    floor = 1e-6 * float(magnitude.max(initial=0.0))
    if floor == 0.0:
        return 0.0
    correlation = np.fft.irfft(spectrum / np.maximum(magnitude, floor), size)[: longest_delay + 1]
    return float(np.abs(correlation).max() / np.sqrt(np.mean(np.square(correlation))))


def _mostly_played(state: LoudspeakerState, rules: LoudspeakerRules) -> bool:
    """Return whether a whole block is there and the loudspeaker played in at least three quarters of its windows."""
    whole = len(state.microphone) == (rules.block_windows + rules.delay_windows) * WINDOW_SAMPLES
    return whole and 4 * sum(state.active) >= 3 * rules.block_windows
