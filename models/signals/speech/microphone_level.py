"""What is wrong with a microphone, told from its newest samples: clipping, silence, a stream of one value.

Thresholds are stated here once. Full scale is 1, so 0 dB is a square wave of full scale.
"""

from dataclasses import dataclass

import numpy as np

from ...contract import AUDIO_RATE_HZ, FloatArray, MicrophoneFault

LISTEN_SAMPLES = 3 * AUDIO_RATE_HZ
"""How many of the newest samples :func:`judge_sound` makes use of."""

CLIPPED_AT = 0.99
"""A sample this far out is at the end of the converter's scale; resampling moves flat tops a little below 1."""

CLIPPED_FRACTION = 0.001
"""Speech that is not clipped has no such sample at all; from one in a thousand on it is heard."""

SILENT_BELOW_DB = -70.0
"""Quieter over a second than the noise of any microphone in a room: a muted input, or a wrong one."""

STUCK_AFTER_S = 2.0
"""A converter never repeats one value for so long; programs that cut pauses to digital silence do, for less."""

QUIETEST_DB = -120.0


@dataclass(frozen=True)
class SoundFindings:
    """What the newest second of a microphone shows.

    Attributes
    ----------
    level_db : float
        RMS in dB of full scale, -120 at least.
    clipped_fraction : float
        Of the samples, those at the end of the scale (0..1).
    clipped, silent : bool
        Whether that is too much, and whether the second is quieter than any room.
    stuck_s : float
        For how long the samples have had one and the same value, such as digital zero; 3 at most.
    stuck : bool
        Whether that is too long for a microphone that is alive.
    """

    level_db: float
    clipped_fraction: float
    clipped: bool
    silent: bool
    stuck_s: float
    stuck: bool


def judge_sound(samples: FloatArray) -> SoundFindings | None:
    """Judge the newest samples of a microphone.

    Parameters
    ----------
    samples : (n,) float32
        Mono, 16 kHz, in -1..1, the newest at the end. The last second is judged; what came before it only says for
        how long one value has stood.

    Returns
    -------
    SoundFindings or None
        None for less than a second of samples.
    """
    if len(samples) < AUDIO_RATE_HZ:
        return None
    second = samples[-AUDIO_RATE_HZ:]
    level_db = decibels(second)
    clipped_fraction = float(np.mean(np.abs(second) >= CLIPPED_AT))
    stuck_s = _stuck_samples(samples[-LISTEN_SAMPLES:]) / AUDIO_RATE_HZ
    return SoundFindings(
        level_db,
        clipped_fraction,
        clipped_fraction >= CLIPPED_FRACTION,
        level_db < SILENT_BELOW_DB,
        stuck_s,
        stuck_s >= STUCK_AFTER_S,
    )


def decibels(samples: FloatArray) -> float:
    """Give the RMS in dB of full scale; -120 for silence and for no samples."""
    if not len(samples):
        return QUIETEST_DB
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return max(QUIETEST_DB, 20.0 * float(np.log10(max(rms, 1e-9))))


def fault_of(findings: SoundFindings | None) -> MicrophoneFault | None:
    """Name what is wrong, the worst first; None where nothing is."""
    if findings is None:
        return None
    return "stuck" if findings.stuck else "clipping" if findings.clipped else "silent" if findings.silent else None


def in_words(findings: SoundFindings | None) -> str:
    """Say in a few words what is wrong and what to do; empty where nothing is."""
    fault = fault_of(findings)
    if findings is None or fault is None:
        return ""
    if fault == "stuck":
        return f"one value for {findings.stuck_s:.0f} s: muted, or the wrong device"
    if fault == "clipping":
        return f"clipping ({findings.clipped_fraction:.1%} of samples): lower the gain"
    return f"silent ({findings.level_db:.0f} dB): muted, or the wrong device"


def _stuck_samples(samples: FloatArray) -> int:
    """Count the samples at the end that are all the same."""
    other = np.flatnonzero(samples != samples[-1])
    return len(samples) - (int(other[-1]) + 1 if len(other) else 0)
