"""One film of a session that plays everywhere: H.264 and AAC in an mp4, zero where the EEG file has its zero.

Frames come at a constant rate, since players seek wrongly in films of a varying one; where no frame was recorded, the
picture is black. Sound is resampled block by block onto the axis, so that a card whose clock drifts stays in step.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import FloatArray, Image, Signal, Video
from ...models.io.files import private
from .time_axis import EvenSamples, TimeAxis, even_samples

SOUND_HZ = 48_000
"""Of the film: the codec's delay, which some players forget to take off, is shortest at a high rate."""
_BLOCK = 1024  # samples of an AAC frame
_RESAMPLED_S = 10.0
_MARGIN_S = 0.1
_STALE_S = 1.0
_MOST_FPS = 60
_CODECS = ("libx264", "aac")
_TOLD_EVERY_S = 60.0


def check_encoders() -> None:
    """Raise MoodringError where this computer's FFmpeg cannot write the film."""
    for codec in _CODECS:
        try:
            av.Codec(codec, "w")
        except (av.FFmpegError, ValueError):
            raise MoodringError(
                f"FFmpeg has no encoder '{codec}', which an mp4 needs: install PyAV's own wheel "
                "(pip install --force-reinstall --only-binary av av), or leave the film out with --no-pictures"
            ) from None


def write_film(
    path: Path,
    video: Video | None,
    sound: Signal | None,
    axis: TimeAxis,
    length_s: float,
    tell: Callable[[str], None],
) -> None:
    """Write the pictures and the sound of a session from 0 to ``length_s`` of the axis, for this user alone.

    Parameters
    ----------
    path : Path
    video : Video or None
        Its stamps rise.
    sound : Signal or None
        One channel.
    axis : TimeAxis
    length_s : float
    tell : callable
        Takes a line for each minute of film, and where frames cannot be read.

    Raises
    ------
    OSError
        The disk refuses (FFmpeg's errors are among these).
    """
    open(path, "xb", opener=private).close()
    with av.open(str(path), "w", format="mp4", container_options={"movflags": "+faststart"}) as container:
        pictures = None if video is None else _Pictures(container, video, axis, tell)
        voice = None if sound is None else _Sound(container, even_samples(sound), axis, length_s)
        told_s = _TOLD_EVERY_S
        while True:
            next_s = [one.next_s for one in (pictures, voice) if one is not None and one.next_s < length_s]
            if not next_s:
                break
            if pictures is not None and pictures.next_s == min(next_s):
                pictures.write()
            elif voice is not None:
                voice.write()
            if min(next_s) >= told_s:
                tell(f"film: {told_s / 60:.0f} of {length_s / 60:.1f} min")
                told_s += _TOLD_EVERY_S
        for one in (pictures, voice):
            if one is not None:
                one.finish()


class _Pictures:
    def __init__(self, container: Any, video: Video, axis: TimeAxis, tell: Callable[[str], None]) -> None:
        fps = Fraction(min(max(video.rate_hz, 1.0), _MOST_FPS)).limit_denominator(1000)
        self._container, self._frames, self._tell = container, video.frames, tell
        self._times_s = axis.of(video.stamps_s)
        self._period = 1 / fps  # the stream's own time base is the container's once it is open
        self._period_s = float(self._period)
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = video.width + video.width % 2, video.height + video.height % 2
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast", "profile": "main"}
        stream.codec_context.thread_count = 1
        self._stream = stream
        self._black: Image = np.zeros((stream.height, stream.width, 3), np.uint8)
        self._shown: tuple[int, Image] = (-1, self._black)
        self._count = 0

    @property
    def next_s(self) -> float:
        return self._count * self._period_s

    def write(self) -> None:
        frame = av.VideoFrame.from_ndarray(self._picture(), format="bgr24")
        frame.pts, frame.time_base = self._count, self._period
        self._container.mux(self._stream.encode(frame))
        self._count += 1

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))

    def _picture(self) -> Image:
        index = int(np.searchsorted(self._times_s, self.next_s + self._period_s / 2, side="right")) - 1
        if index < 0 or self.next_s - self._times_s[index] > _STALE_S:
            return self._black
        if index != self._shown[0]:
            self._shown = (index, self._read(index))
        return self._shown[1]

    def _read(self, index: int) -> Image:
        try:
            image = self._frames[index]
        except MoodringError as error:
            self._tell(f"note: the film is black from {self.next_s:.1f} s on: {error}")
            self._times_s = self._times_s[:index]
            return self._black
        height, width = image.shape[:2]
        shown = self._black.copy()
        shown[:height, :width] = image
        return shown


class _Sound:
    def __init__(self, container: Any, samples: EvenSamples, axis: TimeAxis, length_s: float) -> None:
        self._container = container
        self._count, self._length_s = 0, length_s
        self._blocks = _blocks(_resampled(samples, axis, length_s))
        self._stream = container.add_stream("aac", rate=SOUND_HZ)
        self._stream.layout = "mono"
        self._stream.bit_rate = 128_000

    @property
    def next_s(self) -> float:
        return self._count / SOUND_HZ

    def write(self) -> None:
        block = next(self._blocks, None)
        if block is None:
            self._count = max(self._count + 1, round(self._length_s * SOUND_HZ) + 1)
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[np.newaxis]), "fltp", "mono")
        frame.sample_rate = SOUND_HZ
        frame.pts, frame.time_base = self._count, Fraction(1, SOUND_HZ)
        self._container.mux(self._stream.encode(frame))
        self._count += len(block)

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))


def _blocks(pieces: Iterator[FloatArray]) -> Iterator[FloatArray]:
    """Yield the samples in blocks of the codec's size; the last may be shorter."""
    left: FloatArray = np.zeros(0, np.float32)
    for piece in pieces:
        left = np.concatenate([left, piece])
        whole = len(left) - len(left) % _BLOCK
        yield from (left[at : at + _BLOCK] for at in range(0, whole, _BLOCK))
        left = left[whole:]
    if len(left):
        yield left


def _resampled(samples: EvenSamples, axis: TimeAxis, length_s: float) -> Iterator[FloatArray]:
    """Yield the sound from 0 to the end of the axis, in order; silence where there is none."""
    own = samples.axis()
    rate_hz = samples.signal.rate_hz
    start_s = 0.0
    while start_s < length_s:
        stop_s = min(start_s + _RESAMPLED_S, length_s)
        count = round(stop_s * SOUND_HZ) - round(start_s * SOUND_HZ)
        # Where the ends of the block lie among the rows of the card, which may drift against the axis.
        ends_s = own.of(axis.clock_of(np.array([start_s - _MARGIN_S, stop_s + _MARGIN_S])))
        first, last = (round(float(end_s) * rate_hz) for end_s in ends_s)
        rows = _rows(samples, first, last)
        in_hz = (ends_s[1] - ends_s[0]) * rate_hz / (stop_s - start_s + 2 * _MARGIN_S)
        found = np.asarray(soxr.resample(rows, in_hz, SOUND_HZ), np.float32)
        late_s = (float(ends_s[0]) * rate_hz - first) / rate_hz  # of the block's begin behind its first row
        skipped = round((_MARGIN_S + late_s) * SOUND_HZ)
        piece: FloatArray = np.zeros(count, np.float32)
        cut = found[skipped : skipped + count]
        piece[: len(cut)] = np.clip(cut, -1.0, 1.0)
        yield piece
        start_s = stop_s


def _rows(samples: EvenSamples, first: int, last: int) -> NDArray[np.float32]:
    """Return rows ``first`` up to ``last`` of a sound, 0 where there is no sample."""
    found: NDArray[np.float32] = np.zeros(max(0, last - first), np.float32)
    begin, end = np.searchsorted(samples.rows, [first, last])
    values = np.nan_to_num(samples.signal.samples[begin:end, 0], nan=0.0, posinf=0.0, neginf=0.0)
    found[samples.rows[begin:end] - first] = values
    return found
