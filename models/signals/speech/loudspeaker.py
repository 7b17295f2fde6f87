"""Whether a microphone hears the room's loudspeaker, told from what the loudspeaker plays: windows in, verdicts out.

While the loudspeaker plays, what the microphone hears is not taken for the participant, whoever is louder: a mixture
of two voices is nobody's. It is taken again once the loudspeaker has been quiet for as long as its sound may still be
on the way or in the room. Where what it plays is shown not to reach the microphone at all (turned down, or headphones
on the same output), nothing is withheld.

Whether it reaches the microphone is told by the generalised cross-correlation with phase transform (Knapp & Carter,
"The generalized correlation method for estimation of time delay", IEEE Trans. ASSP 24, 1976): its peak stands out at
the delay of the sound even where the sound is weaker than the participant's voice, and no other voice makes one.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ...contract import FloatArray
from .microphone_level import decibels
from .segments import WINDOW_SAMPLES

Verdict = Literal["open", "playing", "unknown"]
"""Taken for the participant; withheld, for the loudspeaker plays; withheld, for nothing is known of it."""


@dataclass(frozen=True)
class LoudspeakerRules:
    """When the loudspeaker plays, and when the microphone hears it.

    Attributes
    ----------
    active_db : float
        A window of the reference louder than this plays, in dB of full scale.
    tail_windows : int
        For how many windows (of 32 ms) after that its sound may still be heard: what player and air take, and the
        room's reverberation.
    block_windows, delay_windows : int
        How much of the microphone is correlated, and the longest delay that is looked for.
    every_windows : int
        How often it is correlated.
    heard_peak : float
        Peak of the correlation, in root mean squares of it, from which on the loudspeaker is heard. Where it is not,
        the largest of 5,000 values stays near 4.
    unheard_blocks : int
        After so many correlations without a peak, each of a block through most of which the loudspeaker played, it is
        taken for unheard, until there is one.
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
    """Between two windows.

    Attributes
    ----------
    microphone, reference : (n,) float32
        The newest samples of both, as many as a correlation needs.
    active : tuple of bool
        Of the newest windows of the reference: whether it played.
    since_active : int or None
        How many windows ago it last played; None for not yet.
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
    """Judge one more window.

    Parameters
    ----------
    state : LoudspeakerState
    microphone : (512,) float32
    reference : (512,) float32 or None
        What was played at the same time, by the stamps; None where that is not known.
    rules : LoudspeakerRules

    Returns
    -------
    verdict : "open", "playing" or "unknown"
        What the window of the microphone is to be taken for.
    state : LoudspeakerState
    """
    if reference is None:
        # What was played meanwhile may still be heard, and what was learned of the room stays true.
        return "unknown", LoudspeakerState(since_active=0, unheard=state.unheard)
    playing = decibels(reference) > rules.active_db
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


def interrupted(state: LoudspeakerState) -> LoudspeakerState:
    """Go on after a gap in the microphone: the samples before it are forgotten, what was learned is kept."""
    return LoudspeakerState(since_active=state.since_active, unheard=state.unheard)


def correlation_peak(microphone: FloatArray, reference: FloatArray, longest_delay: int) -> float:
    """Say how far the correlation of two equally long signals stands out at its best delay.

    Parameters
    ----------
    microphone, reference : (n,) float32
        Captured at the same time; the first ``longest_delay`` samples of the microphone are not used.
    longest_delay : int
        In samples; the microphone lags behind the reference by 0 up to this.

    Returns
    -------
    float
        Largest magnitude over root mean square, over all these delays; 0 where one of both is silent throughout.
    """
    heard = microphone.astype(np.float64)
    heard[:longest_delay] = 0.0
    size = 1 << (len(reference) + longest_delay - 1).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size))
    magnitude = np.abs(spectrum)
    # Below a millionth of the strongest component there is rounding, and no phase.
    floor = 1e-6 * float(magnitude.max(initial=0.0))
    if floor == 0.0:
        return 0.0
    correlation = np.fft.irfft(spectrum / np.maximum(magnitude, floor), size)[: longest_delay + 1]
    return float(np.abs(correlation).max() / np.sqrt(np.mean(np.square(correlation))))


def _mostly_played(state: LoudspeakerState, rules: LoudspeakerRules) -> bool:
    """Say whether there is a whole block to correlate, and the loudspeaker played through three quarters of it."""
    whole = len(state.microphone) == (rules.block_windows + rules.delay_windows) * WINDOW_SAMPLES
    return whole and 4 * sum(state.active) >= 3 * rules.block_windows
