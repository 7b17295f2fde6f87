"""Blinks in video and EEG, and the lag between them.

A closing lid slides over the cornea and shifts the standing potential of the eye at the forehead (Croft and Barry 2000,
https://doi.org/10.1016/S0987-7053(00)00055-1): the deflection at Fp1 and Fp2 follows the lid without delay and is
highest where the eye is shut. Nothing here is causal: filters are zero-phase, so that they add no delay.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import butter, find_peaks, peak_widths, sosfiltfilt

from ....configs.schema.errors import MoodringError
from ...contract import Image, TimeArray
from ..eeg.montage import canonical_name
from ..face.detection import FaceDetector

FRONTAL = ("Fp1", "Fp2", "Fpz", "AF7", "AF8", "AF3", "AF4")
FARTHEST_S = 0.7
FEWEST_BLINKS = 5

_BAND_HZ = (0.5, 15.0)
_PATCH = (24, 16)
_PATCH_OF_EYES = 0.56  # its width in distances between the eyes
_DRIFT_S = 3.0
_OVER_NOISE = 4.0
_SMALLEST_UV = 25.0
_FLAT_UV = 0.3
_ALIKE = 0.6
_SMALLEST_CLOSURE = 0.08
_TOP = 0.9  # the middle of a blink is that of the part above this share of its height
_LONGEST_S = 0.6
_APART_S = 0.3
_GRID_HZ = 100.0
_SAME_BLINK_S = 0.15
_LEAST_AGREEMENT = 0.3
_RIVAL = 0.8
_RIVAL_FROM_S = 0.25
_FEWEST_FACES = 0.7

Values = NDArray[np.float64]


def eye_closure(frames: Sequence[Image], stamps_s: TimeArray, finder: FaceDetector) -> Values:
    """Return how far the eyes are closed in each frame, from the loss of contrast around them.

    An open eye has a dark pupil beside a bright sclera and a lid has neither, wherever the eye looks.

    Parameters
    ----------
    frames : sequence of (height, width, 3) uint8
        BGR.
    stamps_s : (n_frames,) float64
    finder : FaceDetector

    Returns
    -------
    (n_frames,) float64
        About 0 while open and higher the farther closed: log of the median contrast of the seconds around over the
        frame's contrast.

    Raises
    ------
    MoodringError
        No face in too many of the frames.
    """
    eyes = [finder.find_eyes(frame) for frame in frames]
    known = [index for index, pair in enumerate(eyes) if pair is not None]
    if len(known) < max(8, _FEWEST_FACES * len(frames)):
        raise MoodringError(
            f"a face was found in {len(known)} of {len(frames)} frames, {_FEWEST_FACES:.0%} are needed to see blinks; "
            "sit upright in front of the camera, with light from the front"
        )
    places = np.stack([pair for pair in eyes if pair is not None]).reshape(len(known), 4)
    every = np.stack([np.interp(np.arange(len(frames)), known, column) for column in places.T], axis=1)
    # The detected points move a little with the lids; the median follows the head only.
    steady = median_filter(every, size=(9, 1), mode="nearest").reshape(-1, 2, 2)
    contrast = np.array([_contrast(frame, pair) for frame, pair in zip(frames, steady, strict=True)])
    rate_hz = (len(stamps_s) - 1) / max(float(stamps_s[-1] - stamps_s[0]), 1e-9)
    span = 2 * round(_DRIFT_S * rate_hz / 2) + 1
    return np.asarray(median_filter(contrast, size=span, mode="nearest") - contrast, np.float64)


def frontal_signal(samples_uv: NDArray[np.floating], names: Sequence[str], rate_hz: float) -> Values:
    """Return the mean of the frontal electrodes, 0.5-15 Hz, zero-phase, with blinks upward.

    Parameters
    ----------
    samples_uv : (n_times, n_channels)
    names : sequence of str
    rate_hz : float

    Returns
    -------
    (n_times,) float64
        In microvolts.

    Raises
    ------
    MoodringError
        None of the electrodes is there.
    """
    canonical = [canonical_name(name) for name in names]
    pair = [index for index, name in enumerate(canonical) if name in FRONTAL[:2]]
    picks = pair or [index for index, name in enumerate(canonical) if name in FRONTAL]
    if not picks:
        raise MoodringError(
            f"blinks show at {', '.join(FRONTAL)}; the EEG has none of them (came: {', '.join(names)}): "
            "name one with eeg.rename, or measure with a photodiode"
        )
    sos = butter(2, _BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    raw = np.nan_to_num(np.asarray(samples_uv, np.float64)[:, picks])
    clean = sosfiltfilt(sos, raw - np.median(raw, axis=0), axis=0)
    together = _attached(clean)
    return np.asarray(together * np.sign(float(np.mean(together**3)) or 1.0))


def blink_lags(closure: Values, frames_s: TimeArray, frontal_uv: Values, eeg_s: TimeArray) -> Values:
    """Return the lag of the EEG behind the video at each blink found in both.

    Parameters
    ----------
    closure, frames_s : (n_frames,) float64
        As of :func:`eye_closure`.
    frontal_uv, eeg_s : (n_times,) float64
        As of :func:`frontal_signal`.

    Returns
    -------
    (n_blinks,) float64
        Seconds; negative where the video is the later one.

    Raises
    ------
    MoodringError
        Too few blinks in one of them, or no one lag at which both agree.
    """
    seen = _blinks(closure, frames_s, _SMALLEST_CLOSURE)
    felt = _blinks(frontal_uv, eeg_s, _SMALLEST_UV)
    for count, where, verb in ((len(seen), "the video", "shows"), (len(felt), "the forehead channels", "show")):
        if count < FEWEST_BLINKS:
            raise MoodringError(
                f"{where} {verb} {count} blinks, at least {FEWEST_BLINKS} are needed; blink firmly, once at a time, "
                "with the eyes in the picture and the forehead electrodes attached"
            )
    coarse_s = _coarse_lag_s(closure, frames_s, frontal_uv, eeg_s)
    lags = []
    for moment_s in felt:
        distances = moment_s - coarse_s - seen
        if np.abs(distances).min() < _SAME_BLINK_S:
            lags.append(moment_s - float(seen[np.argmin(np.abs(distances))]))
    if len(lags) < FEWEST_BLINKS:
        raise MoodringError(
            f"video and EEG share {len(lags)} blinks of {len(seen)} and {len(felt)}, at least {FEWEST_BLINKS} are "
            "needed; sit still and blink when asked"
        )
    return np.array(lags)


def _attached(clean: Values) -> Values:
    """Return the mean of the electrodes if they correlate; otherwise (one is off) the quietest with a signal."""
    spread = np.median(np.abs(clean), axis=0)
    alive = np.flatnonzero(spread > _FLAT_UV)
    if not len(alive):
        return np.asarray(clean[:, 0])
    clean = clean[:, alive]
    alike = np.corrcoef(clean, rowvar=False).reshape(len(alive), -1).min() > _ALIKE
    return np.asarray(clean.mean(axis=1) if alike else clean[:, np.argmin(spread[alive])])


def _contrast(frame: Image, eyes: Values) -> float:
    """Return the log contrast around both eyes, in windows that turn and scale with the head."""
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    right = (eyes[1] - eyes[0]) * _PATCH_OF_EYES / _PATCH[0]
    down = np.array([-right[1], right[0]])
    total = 0.0
    for eye in eyes:
        corner = eye - right * (_PATCH[0] - 1) / 2 - down * (_PATCH[1] - 1) / 2
        warp = np.stack([right, down, corner], axis=1)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        patch = cv2.warpAffine(grey, warp, _PATCH, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        total += float(np.log(patch.std() + 1.0))
    return total / len(eyes)


def _blinks(signal: Values, stamps_s: TimeArray, smallest: float) -> Values:
    """Return the times of blinks: the centre of the part above 90 % of each peak."""
    if len(signal) < 8:
        return np.empty(0)
    rate_hz = (len(stamps_s) - 1) / float(stamps_s[-1] - stamps_s[0])
    noise = 1.48 * float(np.median(np.abs(signal - np.median(signal))))
    bar = max(smallest, _OVER_NOISE * noise)
    peaks, _ = find_peaks(signal, height=bar, distance=max(1, round(_APART_S * rate_hz)))
    # Peaks far below the median peak are not blinks.
    peaks = peaks[signal[peaks] > 0.4 * np.median(signal[peaks])] if len(peaks) else peaks
    if not len(peaks):
        return np.empty(0)
    prominence = (signal[peaks], np.zeros(len(peaks), np.intp), np.full(len(peaks), len(signal) - 1, np.intp))
    width, _, left, right = peak_widths(signal, peaks, 1.0 - _TOP, prominence_data=prominence)
    index = np.arange(len(stamps_s))
    middles = (np.interp(left, index, stamps_s) + np.interp(right, index, stamps_s)) / 2
    return np.asarray(middles[width / rate_hz < _LONGEST_S])


def _coarse_lag_s(closure: Values, frames_s: TimeArray, frontal_uv: Values, eeg_s: TimeArray) -> float:
    """Return the lag of the highest correlation of both signals, which must be unique."""
    start_s, stop_s = max(frames_s[0], eeg_s[0]), min(frames_s[-1], eeg_s[-1])
    grid_s = np.arange(start_s, stop_s, 1.0 / _GRID_HZ)
    both = []
    for signal, stamps_s in ((closure, frames_s), (frontal_uv, eeg_s)):
        # Clipped, so that one jerk of the head or one bad second does not outweigh ten blinks.
        high = float(np.percentile(signal, 99))
        row = np.clip(np.interp(grid_s, stamps_s, signal), 0.0, max(high, 1e-9))
        both.append(row - row.mean())
    farthest = round(FARTHEST_S * _GRID_HZ)
    if len(grid_s) < 4 * farthest:
        raise MoodringError(f"video and EEG overlap by {stop_s - start_s:.1f} s; {4 * FARTHEST_S:g} s are needed")
    seen, felt = both
    inner = slice(farthest, len(grid_s) - farthest)
    scale = max(float(np.linalg.norm(seen[inner]) * np.linalg.norm(felt)), 1e-9)
    shifts = np.arange(-farthest, farthest + 1)
    match = np.array([seen[inner] @ felt[farthest + k : len(grid_s) - farthest + k] for k in shifts]) / scale
    best = int(np.argmax(match))
    away = np.abs(shifts - shifts[best]) > _RIVAL_FROM_S * _GRID_HZ
    if match[best] < _LEAST_AGREEMENT or match[away].max() > _RIVAL * match[best]:
        raise MoodringError(
            f"no one lag within {FARTHEST_S:g} s brings the blinks of video and EEG together (best agreement "
            f"{match[best]:.2f}, next {match[away].max():.2f}); blink at uneven intervals and sit still"
        )
    return float(shifts[best] / _GRID_HZ)
