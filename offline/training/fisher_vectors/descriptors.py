"""Low-level descriptors of an utterance at 60 Hz: cepstra, pitch and intensity, with first and second differences.

As in Hsieh and Lee, "Joint modeling of individual neural responses using a deep voting fusion network for automatic
emotion perception decoding", who take them from Praat. Here they are those of :mod:`...voice_frames`, whose frames come
every 10 ms, read off at 60 Hz by linear interpolation.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ....models.contract import FloatArray
from ....models.signals.speech.voice_frames import COLUMNS, HOP, WIDE, FrameState, frame_features
from ....models.signals.speech.voice_summary import differences, track_pitch

RATE_HZ = 60.0
CEPSTRA = 13
COUNT = 3 * (CEPSTRA + 2)
_FRAME_HZ = 16_000 / HOP


def descriptors(samples: FloatArray) -> FloatArray:
    """Return the descriptors of an utterance.

    Parameters
    ----------
    samples : (n,) float32
        16 kHz; padded with silence where it is shorter than a frame.

    Returns
    -------
    (n_frames, 45) float32
        13 mel cepstra, pitch in semitones above 100 Hz (0 where unvoiced) and intensity in dB; then their first and
        their second differences.
    """
    rows, _ = frame_features(np.pad(samples, (0, max(0, WIDE - len(samples)))), FrameState())
    level_db = rows[:, COLUMNS["level_db"]]
    pitch_hz, _, _ = track_pitch(rows, level_db[:, 0] - level_db.max())
    cepstra = fft.dct(rows[:, COLUMNS["mel"]], norm="ortho", axis=1)[:, 1 : CEPSTRA + 1]
    at_60_hz = _read_off(np.column_stack((cepstra, 12.0 * np.log2(pitch_hz / 100.0), level_db)))
    first = differences(at_60_hz)
    return np.hstack((at_60_hz, first, differences(first))).astype(np.float32)


def _read_off(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return courses of frames at 60 Hz."""
    times_s = np.arange(len(values)) / _FRAME_HZ
    wanted_s = np.arange(0.0, times_s[-1] + 1e-9, 1.0 / RATE_HZ)
    return np.stack([np.interp(wanted_s, times_s, one) for one in values.T], axis=1)
