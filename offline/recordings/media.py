"""Read films and sound files as recordings of face and speech."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import FloatArray, Recording, Signal, Video
from ...models.signals.face.images import MAX_FRAME_SIDE
from .audio import speech_signal
from .frames import FileFrames, FrameTimes, error_line, frame_times, open_container

_GAP_S = 0.05  # shorter holes between packets are rounding


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
    starts = ([] if times is None else [float(times.seconds[0])]) + ([] if sound is None else [sound[2]])
    start_s = min(starts)
    return Recording(
        name=path.stem,
        participant="unknown",
        origin=path.name,
        t0_s=0.0,
        rest_s=0.0,
        eeg=None,
        face=None if times is None else _video(path, times, start_s),
        speech=None if sound is None else _speech(path, *sound, start_s),
        truth=None,
    )


def read_wav(path: Path) -> Recording:
    """Read a sound file (wav, flac, ogg) as speech alone; see :func:`read_media` for what is raised."""
    try:
        samples, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise MoodringError(f"sound file '{path}' cannot be read: {error_line(error)}; use a copy") from None
    if not samples.size:
        raise MoodringError(f"sound file '{path}' is empty; nothing can be read")
    return Recording(
        name=path.stem,
        participant="unknown",
        origin=path.name,
        t0_s=0.0,
        rest_s=0.0,
        eeg=None,
        face=None,
        speech=_speech(path, samples, float(rate_hz), 0.0, 0.0),
        truth=None,
    )


def read_sound(path: Path) -> tuple[FloatArray, float, float] | None:
    """Decode the first sound track: ``(n, channels)``, its rate in Hz and its start in s; None without one.

    Holes between packets become silence, so that the n-th sample is where its number says; a track that breaks is
    kept up to there.
    """
    with open_container(path) as container:
        stream = next((one for one in container.streams.audio if one.codec_context is not None), None)
        if stream is None:
            return None
        rate_hz = float(stream.codec_context.sample_rate or 0)
        pieces: list[NDArray[np.float32]] = []
        start_s: float | None = None
        written = 0
        try:
            for frame in container.decode(stream):
                piece = block_of_sound(frame)
                rate_hz = rate_hz or float(frame.sample_rate)
                at_s = float(frame.pts * frame.time_base) if frame.pts is not None else None
                start_s = (at_s or 0.0) if start_s is None else start_s
                hole_s = 0.0 if at_s is None else at_s - start_s - written / rate_hz
                if hole_s > _GAP_S and pieces:
                    pieces.append(np.zeros((round(hole_s * rate_hz), pieces[0].shape[1]), dtype=np.float32))
                    written += len(pieces[-1])
                pieces.append(piece)
                written += len(piece)
        except av.FFmpegError:
            if not pieces:
                raise
    if not written or start_s is None:
        return None
    return np.concatenate(pieces), rate_hz, start_s


def block_of_sound(frame: Any) -> NDArray[np.float32]:
    """Give a decoded block as ``(n, channels)`` in -1..1, whatever the codec's own format."""
    raw: NDArray[Any] = frame.to_ndarray()
    channels = len(frame.layout.channels)
    values = raw.T if frame.format.is_planar else raw.reshape(-1, channels)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128.0) / 128.0
    if np.issubdtype(values.dtype, np.integer):
        return (values / -float(np.iinfo(values.dtype).min)).astype(np.float32)
    return values.astype(np.float32)


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
