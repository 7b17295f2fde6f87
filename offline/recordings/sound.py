"""Sound of files: block by block or whole, as it is or as the 16 kHz mono that is decoded, trained on and measured."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, FloatArray, Signal, TimeArray
from .frames import cut_short, error_line, open_container

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
FILM_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".m4a", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv", ".flv")
SUFFIXES = SOUND_SUFFIXES + FILM_SUFFIXES

_BLOCK_FRAMES = 16_384
_HOLE_S = 0.05  # shorter holes between packets are rounding
_LONGEST_HOLES_S = 600.0  # of silence put in, together: what is longer is a damaged time
_RIFF_OPEN_ENDED = (0, 0xFFFFFFFF)  # what writes to a pipe cannot know its size
_RIFF_SLACK_BYTES = 64  # writers disagree about padding and trailing chunks


Look = Callable[[FloatArray, float], None]
"""Takes samples ``(n, channels)`` as the file has them, and their rate in Hz."""


def stream_sound(path: Path, look: Look | None = None) -> Iterator[FloatArray]:
    """Read a sound file or a film's first sound track, block by block; memory does not grow with the file.

    Parameters
    ----------
    path : Path
        wav, flac, ogg, mp3 (libsndfile), or a film or m4a (FFmpeg).
    look : callable, optional
        Called with every block before anything is done to it.

    Yields
    ------
    (n,) float32
        16 kHz, channels averaged, in -1..1; values that are not finite are 0. A file that was cut is read as far as it
        goes; see :func:`fault`.

    Raises
    ------
    MoodringError
        Not there, of an unknown kind, empty, without sound, or not what its name says.
    """
    _known(path)
    suffix = path.suffix.lower()
    blocks = _by_soundfile(path) if suffix in SOUND_SUFFIXES else _by_ffmpeg(path)
    some = False
    try:
        for block in _resampled(blocks, look):
            some = some or len(block) > 0
            yield block
    except (soundfile.SoundFileError, av.FFmpegError, OSError) as error:
        raise MoodringError(f"sound file '{path}' cannot be read: {_why(error)}; use a copy") from None
    if not some:
        raise MoodringError(f"sound file '{path}' holds no sound; leave it out or use a copy")


def load_sound(path: Path) -> FloatArray:
    """Read a whole file as 16 kHz mono ``(n,)`` float32; see :func:`stream_sound`."""
    return np.concatenate(list(stream_sound(path)))


def read_sound(path: Path) -> tuple[FloatArray, float, float] | None:
    """Return the first sound track of a file, ``(n, channels)``, its rate in Hz and start in seconds; None without one.

    Holes between packets become silence, so that the n-th sample is where its number says; a track that breaks is
    kept up to there, as is one whose holes are longer than ten minutes.
    """
    with open_container(path) as container:
        stream = next((one for one in container.streams.audio if one.codec_context is not None), None)
        if stream is None:
            return None
        rate_hz = float(stream.codec_context.sample_rate or 0)
        pieces: list[NDArray[np.float32]] = []
        start_s: float | None = None
        written, holes_s = 0, 0.0
        try:
            for frame in container.decode(stream):
                piece = _block_of(frame)
                rate_hz = rate_hz or float(frame.sample_rate)
                at_s = float(frame.pts * frame.time_base) if frame.pts is not None else None
                start_s = (at_s or 0.0) if start_s is None else start_s
                hole_s = 0.0 if at_s is None else at_s - start_s - written / rate_hz
                if hole_s > _HOLE_S and pieces:
                    holes_s += hole_s
                    if holes_s > _LONGEST_HOLES_S:
                        break
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


def speech_signal(samples: NDArray[Any], stamps_s: TimeArray, rate_hz: float, name: str) -> Signal:
    """Average the channels, scale whole numbers to -1..1 and resample.

    Parameters
    ----------
    samples : (n_times, n_channels)
        Floats in -1..1, or whole numbers over their type's range; what is not finite counts as 0, as it does live.
    stamps_s : (n_times,) float64
    rate_hz : float
        The nominal rate of the samples.

    Returns
    -------
    Signal
        At 16 kHz; where the rate was another, stamps are interpolated between those that came.
    """
    scale = 1.0 / (np.iinfo(samples.dtype).max + 1) if samples.dtype.kind == "i" else 1.0
    with np.errstate(invalid="ignore", over="ignore"):  # a damaged file holds any bits
        mono = (samples.astype(np.float32) * np.float32(scale)).mean(axis=1, dtype=np.float32)
    mono = np.nan_to_num(mono, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    if round(rate_hz) != AUDIO_RATE_HZ and len(mono):
        mono = np.asarray(soxr.resample(mono, rate_hz, AUDIO_RATE_HZ), dtype=np.float32)
        mono = np.clip(mono, -1.0, 1.0)  # resampling overshoots at full scale
        positions = np.arange(len(mono), dtype=np.float64) * (rate_hz / AUDIO_RATE_HZ)
        stamps_s = _interpolated(positions, stamps_s, rate_hz)
    return Signal(mono[:, np.newaxis], stamps_s, float(AUDIO_RATE_HZ), ("audio",), name)


def fault(path: Path) -> str | None:
    """Return in a few words what is wrong with a sound file, without decoding all of it; None where nothing is.

    Missing, empty, unreadable, without sound, or cut short: fewer bytes or seconds than the header promises (wav,
    films), or a last block that cannot be read (flac).
    """
    try:
        _known(path)
        if path.suffix.lower() in SOUND_SUFFIXES:
            return _soundfile_fault(path)
        with open_container(path) as container:
            if not any(stream.codec_context is not None for stream in container.streams.audio):
                return "holds no sound"
    except MoodringError as error:
        return str(error).partition("' ")[2].partition(";")[0]
    except (soundfile.SoundFileError, av.FFmpegError, OSError) as error:
        return f"cannot be read: {_why(error)}"
    return _riff_fault(path) or next(iter(cut_short(path, "audio")), None)


def _known(path: Path) -> None:
    if path.is_dir():
        raise MoodringError(f"sound file '{path}' is a folder; name the files in it")
    if not path.is_file():
        raise MoodringError(f"sound file '{path}' {_absent(path)}")
    if path.suffix.lower() not in SUFFIXES:
        raise MoodringError(f"sound file '{path}' is of no known kind; expected one of {' '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise MoodringError(f"sound file '{path}' is empty; leave it out or use a copy")


def _absent(path: Path) -> str:
    if str(path) == "-":
        return "is not a regular file: nothing is read from a pipe; save the sound to a file first"
    if path.exists():
        return "is not a regular file but a pipe or a device; save the sound to a file first"
    if path.is_symlink():
        return f"is a link that leads nowhere ('{path.readlink()}'); mend the link"
    return "does not exist; check its name"


def _why(error: Exception) -> str:
    if isinstance(error, soundfile.LibsndfileError):
        # For content that is none of its formats libsndfile may say that there is no such file.
        return (
            "no sound of a known format" if "does not exist" in error.error_string else error.error_string.rstrip(".")
        )
    return error_line(error)


def _by_soundfile(path: Path) -> Iterator[tuple[NDArray[Any], float]]:
    with soundfile.SoundFile(str(path)) as file:
        some = False
        while True:
            try:
                block = file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
            except soundfile.SoundFileError:
                # A file that breaks is kept up to there, as everywhere in moodring.
                if not some:
                    raise
                return
            if not len(block):
                return
            yield block, float(file.samplerate)
            some = True


def _by_ffmpeg(path: Path) -> Iterator[tuple[NDArray[Any], float]]:
    with open_container(path) as container:
        stream = next((one for one in container.streams.audio if one.codec_context is not None), None)
        if stream is None:
            return
        some = False
        try:
            for frame in container.decode(stream):
                yield _block_of(frame), float(frame.sample_rate)
                some = True
        except av.FFmpegError:
            # A track that breaks is kept up to there, as everywhere in moodring.
            if not some:
                raise


def _resampled(blocks: Iterator[tuple[NDArray[Any], float]], look: Look | None) -> Iterator[FloatArray]:
    stream: soxr.ResampleStream | None = None
    for block, rate_hz in blocks:
        if look is not None:
            look(block, rate_hz)
        mono = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0).mean(axis=1, dtype=np.float32)
        if round(rate_hz) == AUDIO_RATE_HZ:
            yield mono
            continue
        stream = stream or soxr.ResampleStream(rate_hz, AUDIO_RATE_HZ, 1, dtype="float32")
        yield _clipped(stream.resample_chunk(mono))
    if stream is not None:
        yield _clipped(stream.resample_chunk(np.zeros(0, np.float32), last=True))


def _clipped(samples: NDArray[Any]) -> FloatArray:
    # Resampling overshoots at full scale.
    clipped: FloatArray = np.clip(samples, -1.0, 1.0).astype(np.float32)
    return clipped


def _interpolated(positions: TimeArray, stamps_s: TimeArray, rate_hz: float) -> TimeArray:
    """Return the stamps at fractional sample positions, going on at the nominal rate beyond the last."""
    last = len(stamps_s) - 1
    beyond_s = np.maximum(positions - last, 0.0) / rate_hz
    return np.interp(positions, np.arange(len(stamps_s)), stamps_s) + beyond_s


def _block_of(frame: Any) -> NDArray[np.float32]:
    """Return a decoded block as ``(n, channels)`` in -1..1, whatever the codec's own format."""
    raw: NDArray[Any] = frame.to_ndarray()
    channels = len(frame.layout.channels)
    values = raw.T if frame.format.is_planar else raw.reshape(-1, channels)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128.0) / 128.0
    if np.issubdtype(values.dtype, np.integer):
        return (values / -float(np.iinfo(values.dtype).min)).astype(np.float32)
    return values.astype(np.float32)


def _soundfile_fault(path: Path) -> str | None:
    with soundfile.SoundFile(str(path)) as file:
        if not len(file):
            return "holds no sound"
        try:
            file.seek(len(file) - 1)
            end_is_there = len(file.read(1)) > 0
        except soundfile.SoundFileError:
            end_is_there = False
        if not end_is_there:
            return "is cut short: its end cannot be read"
    return _riff_fault(path)


def _riff_fault(path: Path) -> str | None:
    """Compare the size that a RIFF header (wav, avi) promises with the file's."""
    with path.open("rb") as file:
        head = file.read(8)
    if len(head) < 8 or head[:4] != b"RIFF":
        return None
    promised = struct.unpack("<I", head[4:])[0]
    there = path.stat().st_size
    if promised in _RIFF_OPEN_ENDED or promised + 8 <= there + _RIFF_SLACK_BYTES:
        return None
    return f"is cut short: {there} of {promised + 8} bytes"
