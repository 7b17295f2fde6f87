"""Frames of a video file by index, decoded as they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import check_regular
from ...models.contract import Frames, Image
from ...models.signals.face.images import scaled_size

_CONTAINERS = {
    "protocol_whitelist": "file",
    "format_whitelist": "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,asf,mpeg,mpegts,mpegvideo,ogg,wav,flac,flv,mp3,aac",
}
_MOST_UNWRITTEN = 256 << 20  # bytes
_ANNOUNCING = ("matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "avi", "flv")  # their headers tell a length
_SHORT_S, _SHORT_SHARE = 0.5, 0.02  # by which tracks of whole films may end before the film
_DECODE_AHEAD = 60  # frames it is cheaper to decode on than to seek


@dataclass(frozen=True)
class FrameTimes:
    """Presentation times of the frames of a file in ``time_base`` seconds, rising; and their size as stored."""

    pts: NDArray[np.int64]
    time_base: Fraction
    height: int
    width: int

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The times in seconds."""
        return self.pts.astype(np.float64) * float(self.time_base)


def frame_times(path: Path) -> FrameTimes | None:
    """List the frames of a video file without decoding them, where the container tells; None without video.

    Raises
    ------
    MoodringError
        The file cannot be read.
    """
    try:
        with open_container(path) as container:
            stream = video_stream(container)
            if stream is None:
                return None
            size = _shown_size(path, stream)
            packets = [
                packet for packet in packets_of(path, container, stream) if packet.size and not packet.is_discard
            ]
            base = stream.time_base
        pts = [packet.pts for packet in packets]
        if not pts or any(value is None for value in pts) or not _ends_well(path, max(pts)):
            pts = _decoded_pts(path)
    except (av.FFmpegError, OSError) as error:
        raise MoodringError(f"video '{path}' cannot be read: {error_line(error)}; use a copy") from None
    return FrameTimes(np.unique(np.array(pts, dtype=np.int64)), base, *size)


def packets_of(path: Path, container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets of a stream as long as all together are no larger than twice the file.

    A damaged index leads FFmpeg round in circles; headers that a container leaves out of its packets are added again.

    Raises
    ------
    MoodringError
        More come.
    """
    left = 2 * path.stat().st_size
    for packet in container.demux(stream):
        left -= packet.size
        if left < 0:
            raise MoodringError(f"'{path}' is damaged: it is read in circles and has no end; use a copy")
        yield packet


def cut_short(path: Path, kind: Literal["video", "audio"]) -> tuple[str, ...]:
    """Return in a few words how much a track lacks of what its file announces; empty where it lacks nothing.

    Films that announce nothing (MPEG streams) end where they end.
    """
    try:
        with open_container(path) as container:
            track = video_stream(container) if kind == "video" else next(iter(container.streams.audio), None)
            if track is None or container.format.name not in _ANNOUNCING:
                return ()
            announced_s, start_s = _announced_s(container, track), _start_s(track)
            packets = (packet for packet in packets_of(path, container, track) if packet.pts is not None)
            ends = [packet.pts + (packet.duration or 0) for packet in packets]
            there_s = max(0.0, float(max(ends, default=0) * track.time_base) - start_s)
    except (av.FFmpegError, OSError) as error:
        return (f"its end cannot be read ({error_line(error)})",)
    if announced_s - there_s < max(_SHORT_S, _SHORT_SHARE * announced_s):
        return ()
    return (f"is cut short: {there_s:.1f} of {announced_s:.1f} s are there",)


class FileFrames:
    """The frames of a file, scaled to at most a size; cheapest in rising order, and for one thread at a time.

    Parameters
    ----------
    path : Path
    times : FrameTimes
        From :func:`frame_times`; frame ``i`` is the one shown at ``times.pts[i]``.
    longest : int or None
        Longest side of a frame; None keeps the file's size.
    """

    def __init__(self, path: Path, times: FrameTimes, longest: int | None) -> None:
        self._path = path
        self._times = times
        self._size = (times.height, times.width)
        if longest is not None:
            self._size = scaled_size(*self._size, longest)
        self._container: Any = None
        self._decoded: Iterator[Any] = iter(())
        self._ahead: Any = None
        self._place = 0  # index of the next frame that the decoder gives
        self._last: tuple[int, Image] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames given."""
        return self._size

    def __len__(self) -> int:
        return len(self._times.pts)

    def __getitem__(self, index: int, /) -> Image:
        """Return one frame, ``(height, width, 3)`` BGR ``uint8``.

        Raises
        ------
        MoodringError
            The file ends or breaks before the frame.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        try:
            if self._container is None or not self._place <= index < self._place + _DECODE_AHEAD:
                self._seek(index)
            frame = self._frame_at(int(self._times.pts[index]))
        except (av.FFmpegError, OSError) as error:
            raise MoodringError(
                f"video '{self._path}' breaks at frame {index} of {len(self)}: {error_line(error)}; use a copy"
            ) from None
        if frame is None:
            raise MoodringError(f"video '{self._path}' ends before frame {index} of {len(self)}; it was cut short")
        self._place = index + 1
        image = _picture(frame, self._size)
        self._last = (index, image)
        return image

    def close(self) -> None:
        """Close the file; it opens again when a frame is asked for."""
        if self._container is not None:
            self._container.close()
        self._container, self._decoded, self._ahead = None, iter(()), None

    def _frame_at(self, pts: int) -> Any:
        """Decode on to a time; where no frame of that time comes, the one after stands in for it."""
        while True:
            frame = self._ahead if self._ahead is not None else next(self._decoded, None)
            if frame is None:
                return None
            self._ahead = None
            if frame.pts is not None and frame.pts >= pts:
                if frame.pts > pts:
                    self._ahead = frame
                return frame

    def _seek(self, index: int) -> None:
        target = int(self._times.pts[index])
        self._open()
        if index >= _DECODE_AHEAD:
            stream = video_stream(self._container)
            self._container.seek(target, stream=stream, backward=True)
            self._decoded = self._container.decode(stream)
            self._ahead = next((frame for frame in self._decoded if frame.pts is not None), None)
            if self._ahead is None or self._ahead.pts > target:
                self._open()  # some containers seek past the place: begin at the start

    def _open(self) -> None:
        self.close()
        self._container = open_container(self._path)
        stream = video_stream(self._container)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        self._decoded = self._container.decode(stream)


class SomeFrames:
    """Some frames of a camera, by their numbers among all."""

    def __init__(self, frames: Frames, numbers: NDArray[np.int64]) -> None:
        self._frames = frames
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int, /) -> Image:
        return self._frames[int(self._numbers[index])]


def open_container(path: Path) -> Any:
    """Open a media file, whatever bytes its titles are made of.

    Raises
    ------
    OSError
        It is no regular file, or no media file; FFmpeg's errors are among these.
    MoodringError
        Most of it was never written, and FFmpeg would search gigabytes of nothing.
    """
    check_regular(path)
    _check_written(path)
    # A playlist among the formats would open other files, and addresses.
    return av.open(str(path), metadata_errors="replace", container_options=_CONTAINERS)


def _check_written(path: Path) -> None:
    facts = path.stat()
    written = 512 * getattr(facts, "st_blocks", facts.st_size)  # Windows does not tell
    if facts.st_size - written > _MOST_UNWRITTEN:
        raise MoodringError(
            f"'{path}' should hold {facts.st_size / 1e6:.0f} MB, and {written / 1e6:.0f} MB of it were ever written: "
            "its copy was broken off; copy it again"
        )


def video_stream(container: Any) -> Any:
    """Return the first video stream that can be decoded and is no cover image; None where there is none."""
    for stream in container.streams.video:
        known = stream.codec_context is not None  # None: no decoder for it
        if known and not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


def _announced_s(container: Any, track: Any) -> float:
    """Return how long a track should be by its own account, or else the whole film's; 0 where neither is told."""
    if track.duration is not None:
        return float(track.duration * track.time_base)
    return 0.0 if container.duration is None else float(container.duration / av.time_base) - _start_s(track)


def _start_s(track: Any) -> float:
    return 0.0 if track.start_time is None else float(track.start_time * track.time_base)


def error_line(error: Exception) -> str:
    """Return an error of FFmpeg or of the system in a few words."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]


def _picture(frame: Any, size: tuple[int, int]) -> Image:
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    height, width = size if turns % 2 == 0 else (size[1], size[0])
    image = frame.reformat(width=width, height=height, format="bgr24", interpolation="AREA").to_ndarray()
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else np.asarray(image)


def _shown_size(path: Path, stream: Any) -> tuple[int, int]:
    """Return height and width as shown: phones store portrait videos rotated, which only the frames tell."""
    height, width = int(stream.codec_context.height), int(stream.codec_context.width)
    with open_container(path) as container:
        frame = next(container.decode(video_stream(container)), None)
    if frame is not None:
        height, width = frame.height, frame.width
        if round(getattr(frame, "rotation", 0) / 90) % 2:
            height, width = width, height
    if height < 1 or width < 1:
        raise MoodringError(f"video '{path}' has frames of {width}x{height} pixels; nothing can be read")
    return height, width


def _ends_well(path: Path, last_pts: int) -> bool:
    """Whether the last listed frame can be decoded: a file that was cut may list one that is not whole."""
    with open_container(path) as container:
        stream = video_stream(container)
        container.seek(last_pts, stream=stream, backward=True)
        try:
            decoded = [frame.pts for frame in container.decode(stream)]
        except av.FFmpegError:
            return False
    return last_pts in decoded


def _decoded_pts(path: Path) -> list[int]:
    """List the frames by decoding them all, up to the first that breaks."""
    found: list[int] = []
    with open_container(path) as container:
        stream = video_stream(container)
        stream.thread_type = "AUTO"
        try:
            for packet in packets_of(path, container, stream):
                found += [frame.pts for frame in packet.decode() if frame.pts is not None]
        except av.FFmpegError:
            pass  # what came before is what there is
    return found
