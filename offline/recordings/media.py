"""Read films and sound files as recordings of face and speech."""

import logging
from pathlib import Path

import av
import numpy as np
import soundfile

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import check_regular
from ...models.contract import FloatArray, Recording, Signal, Video
from ...models.signals.face.images import MAX_FRAME_SIDE
from .frames import FileFrames, FrameTimes, cut_short, error_line, frame_times
from .sound import fault, read_sound, speech_signal

_log = logging.getLogger(__name__)


def read_media(path: Path) -> Recording:
    """Read a film: its frames as they are asked for, at most 320 pixels long, and its sound at 16 kHz.

    Stamps count from the first sample or frame of the file.

    Raises
    ------
    MoodringError
        Not there, no film, nothing in it, or damaged beyond reading.
    """
    try:
        times = frame_times(path)
        sound = read_sound(path)
    except (av.FFmpegError, OSError) as error:
        raise MoodringError(f"media file '{path}' cannot be read: {error_line(error)}; use a copy") from None
    if times is not None and len(times.pts) == 0:
        times = None
    if times is None and sound is None:
        raise MoodringError(f"media file '{path}' holds no frame and no sound; nothing can be read")
    for what, lacks in (("pictures", cut_short(path, "video")), ("sound", cut_short(path, "audio"))):
        for line in lacks:
            _log.warning("media file '%s': its track of %s %s; what is there is used", path, what, line)
    starts = ([] if times is None else [float(times.seconds[0])]) + ([] if sound is None else [sound[2]])
    start_s = min(starts)
    face = None if times is None else _video(path, times, start_s)
    return _recording(path, face, None if sound is None else _speech(path, *sound, start_s))


def read_video(path: Path) -> Video:
    """Read the pictures of a film alone, at most 320 pixels long; stamps count from its first frame.

    Raises
    ------
    MoodringError
        Not there, no film, no frame in it, or damaged beyond reading.
    """
    try:
        times = frame_times(path)
    except OSError as error:
        raise MoodringError(f"film '{path}' cannot be read: {error_line(error)}; use a copy") from None
    if times is None or not len(times.pts):
        raise MoodringError(f"film '{path}' holds no frame; use a copy")
    return _video(path, times, float(times.seconds[0]))


def read_wav(path: Path) -> Recording:
    """Read a sound file (wav, flac, ogg) as speech alone; see :func:`read_media` for what is raised."""
    try:
        check_regular(path)
        samples, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise MoodringError(f"sound file '{path}' cannot be read: {error_line(error)}; use a copy") from None
    if not samples.size:
        raise MoodringError(f"sound file '{path}' is empty; nothing can be read")
    if (lacks := fault(path)) is not None:
        _log.warning("sound file '%s' %s; what is there is used", path, lacks)
    return _recording(path, None, _speech(path, samples, float(rate_hz), 0.0, 0.0))


def _recording(path: Path, face: Video | None, speech: Signal | None) -> Recording:
    return Recording(path.stem, "unknown", path.name, 0.0, 0.0, None, face, speech, None)


def _speech(path: Path, samples: FloatArray, rate_hz: float, sound_start_s: float, start_s: float) -> Signal:
    stamps_s = sound_start_s - start_s + np.arange(len(samples)) / rate_hz
    return speech_signal(samples, stamps_s, rate_hz, path.name)


def _video(path: Path, times: FrameTimes, start_s: float) -> Video:
    stamps_s = times.seconds - start_s
    span_s = float(stamps_s[-1] - stamps_s[0])
    rate_hz = (len(stamps_s) - 1) / span_s if span_s > 0 else 25.0
    frames = FileFrames(path, times, MAX_FRAME_SIDE)
    height, width = frames.size
    return Video(frames, stamps_s, rate_hz, height, width, path.name)
