"""Level and faults of a microphone, from its newest samples: clipping, silence, one value that never changes.

Full scale is 1, so 0 dB is the RMS of a square wave of full scale.
"""

import numpy as np

from ...contract import AUDIO_RATE_HZ, FloatArray, MicrophoneCheck, MicrophoneFault

CHECKED_SAMPLES = 3 * AUDIO_RATE_HZ
"""Number of newest samples that :func:`check_microphone` uses."""

CLIPPED_AT = 0.99
"""Magnitude from which a sample counts as clipped; below 1 because resampling rounds off clipped peaks."""

CLIPPED_FRACTION = 0.001
"""Fraction of clipped samples from which a second counts as clipped; speech below full scale has none."""

SILENT_BELOW_DB = -70.0
"""RMS of a second below that of any microphone in a room: a muted input, or the wrong one."""

STUCK_AFTER_S = 2.0
"""Duration of one value from which the input counts as stuck; noise gates send digital silence for less."""

QUIETEST_DB = -120.0


def check_microphone(samples: FloatArray) -> MicrophoneCheck | None:
    """Check the newest samples of a microphone.

    Parameters
    ----------
    samples : (n,) float32
        Mono, 16 kHz, in -1..1, the newest at the end. The last second is checked; samples before it count for
        ``stuck_s`` only.

    Returns
    -------
    MicrophoneCheck or None
        None for less than a second of samples.
    """
    if len(samples) < AUDIO_RATE_HZ:
        return None
    second = samples[-AUDIO_RATE_HZ:]
    level_db = rms_db(second)
    clipped_fraction = float(np.mean(np.abs(second) >= CLIPPED_AT))
    stuck_s = _stuck_samples(samples[-CHECKED_SAMPLES:]) / AUDIO_RATE_HZ
    return MicrophoneCheck(
        level_db,
        clipped_fraction,
        clipped_fraction >= CLIPPED_FRACTION,
        level_db < SILENT_BELOW_DB,
        stuck_s,
        stuck_s >= STUCK_AFTER_S,
    )


def rms_db(samples: FloatArray) -> float:
    """Return the RMS in dB of full scale; -120 for silence and for no samples."""
    if not len(samples):
        return QUIETEST_DB
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return max(QUIETEST_DB, 20.0 * float(np.log10(max(rms, 1e-9))))


def microphone_fault(findings: MicrophoneCheck | None) -> MicrophoneFault | None:
    """Return the worst fault; None where there is none."""
    if findings is None:
        return None
    return "stuck" if findings.stuck else "clipping" if findings.clipped else "silent" if findings.silent else None


def fault_text(findings: MicrophoneCheck | None) -> str:
    """Return the fault and its cure in a few words; empty where there is none."""
    fault = microphone_fault(findings)
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
