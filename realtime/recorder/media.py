"""Camera and microphone as Matroska, with an index of exact stamps beside each.

Camera and microphone have a file each: in one file, packets of one wait for those of the other, and a microphone that
falls silent would hold back pictures. The index is a file of its own: it must lie on the disk as soon as the frame
does, whoever dies in between; what goes over LSL (``tell``) is there for other tools.
"""

import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from ...configs.schema.session_folder import AUDIO_INDEX_CHANNELS
from ...models.contract import TimeArray
from ...models.streaming.sources import Chunk, SourceInfo

_MILLISECOND = Fraction(1, 1000)
_EVEN_S = 1e-6
# Matroska is written in clusters; one that is not finished is lost with the process.
_SURVIVE = {"cluster_time_limit": "250", "flush_packets": "1"}
_CODECS: dict[str, tuple[str, str, dict[str, str]]] = {
    # RGB all the way: what is read again is bit for bit what the decoder saw.
    "lossless": ("libx264rgb", "bgr24", {"qp": "0", "preset": "ultrafast"}),
    # Constant rate factor: below what an eye or a face detector tells from the original.
    "small": ("libx264", "yuv444p", {"crf": "12", "preset": "veryfast"}),
}

Tell = Callable[[tuple[float, ...], float], None]


def _nobody(_row: tuple[float, ...], _stamp_s: float) -> None:
    return None


class Pictures:
    """Writes frames.

    Parameters
    ----------
    path, index_path : Path
    info : SourceInfo
    quality : "lossless" or "small"
    tell : callable
        Given each row of the index and its stamp.

    Raises
    ------
    OSError
        From every method: the disk refuses (FFmpeg's errors are among these).
    """

    def __init__(
        self,
        path: Path,
        index_path: Path,
        info: SourceInfo,
        quality: Literal["lossless", "small"],
        tell: Tell = _nobody,
    ) -> None:
        self._tell = tell
        height, width, _ = info.shape
        rate_hz = info.rate_hz or 25.0
        codec, pixels, options = _CODECS[quality]
        self._index = index_path.open("x", encoding="utf-8")
        self._index.write(f"# {info.name.splitlines()[0] if info.name else ''}\n# rate_hz {rate_hz!r}\nframe,stamp_s\n")
        self._container = av.open(str(path), "w", format="matroska", container_options=_SURVIVE)
        stream: Any = self._container.add_stream(codec, rate=Fraction(rate_hz).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.time_base = stream.codec_context.time_base = _MILLISECOND
        stream.codec_context.thread_count = 1
        # No frame waits in the encoder for others, and a reader finds a whole picture every second.
        stream.options = {**options, "tune": "zerolatency", "bf": "0", "g": str(max(1, round(rate_hz)))}
        self._stream = stream
        self._count = 0
        self._first_s = 0.0
        self._last_s = -np.inf
        self._last_ms = -1

    def write(self, item: Chunk) -> None:
        """Append frames; one whose stamp went back is left out, as the engine does."""
        for image, stamp in zip(item.samples, item.stamps_s, strict=True):
            stamp_s = float(stamp)
            if stamp_s <= self._last_s:
                continue
            self._first_s = stamp_s if self._count == 0 else self._first_s
            self._last_ms = max(self._last_ms + 1, round((stamp_s - self._first_s) * 1000))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            frame.pts, frame.time_base = self._last_ms, _MILLISECOND
            self._container.mux(self._stream.encode(frame))
            self._index.write(f"{self._count},{stamp_s!r}\n")
            self._tell((self._count,), stamp_s)
            self._count += 1
            self._last_s = stamp_s

    def flush(self) -> None:
        """Hand the index to the system; the film does so by itself."""
        self._index.flush()

    def close(self) -> None:
        """Finish both files."""
        _finish(self._container, self._stream, self._index)


class Sound:
    """Writes mono sound with 24 bits as FLAC; parameters and errors as :class:`Pictures`."""

    def __init__(self, path: Path, index_path: Path, info: SourceInfo, tell: Tell = _nobody) -> None:
        self._tell = tell
        self._rate = round(info.rate_hz or 16_000.0)
        self._index = index_path.open("x", encoding="utf-8")
        name = info.name.splitlines()[0] if info.name else ""
        columns = ",".join((AUDIO_INDEX_CHANNELS[0], AUDIO_INDEX_CHANNELS[1], "stamp_s", AUDIO_INDEX_CHANNELS[2]))
        self._index.write(f"# {name}\n# rate_hz {float(self._rate)!r}\n# jitter_s {info.jitter_s!r}\n{columns}\n")
        self._container = av.open(str(path), "w", format="matroska", container_options=_SURVIVE)
        stream: Any = self._container.add_stream("flac", rate=self._rate)
        stream.layout, stream.format = "mono", "s32"
        self._stream = stream
        self._count = 0

    def write(self, item: Chunk) -> None:
        """Append a chunk; its stamps are told by runs of even ones."""
        part = np.nan_to_num(item.samples[:, 0].astype(np.float64))
        # 24 bits in the upper part of 32, as FLAC's encoder takes them.
        whole = np.clip(np.rint(part * 2**23), -(2**23), 2**23 - 1).astype(np.int32) << 8
        frame = av.AudioFrame.from_ndarray(whole[np.newaxis], format="s32", layout="mono")
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._count, Fraction(1, self._rate)
        self._container.mux(self._stream.encode(frame))
        for first, stop in even_runs(item.stamps_s, float(self._rate)):
            first_s, last_s = float(item.stamps_s[first]), float(item.stamps_s[stop - 1])
            self._index.write(f"{self._count + first},{stop - first},{first_s!r},{last_s!r}\n")
            self._tell((self._count + first, stop - first, last_s), first_s)
        self._count += len(part)

    def flush(self) -> None:
        """Hand the index to the system; the film does so by itself."""
        self._index.flush()

    def close(self) -> None:
        """Finish both files."""
        _finish(self._container, self._stream, self._index)


def even_runs(stamps_s: TimeArray, rate_hz: float) -> tuple[tuple[int, int], ...]:
    """Cut a chunk where its stamps are not even to a microsecond; give where each run starts and stops."""
    uneven = np.flatnonzero(np.abs(np.diff(stamps_s) - 1.0 / rate_hz) > _EVEN_S) + 1
    edges = [0, *uneven.tolist(), len(stamps_s)]
    return tuple((first, stop) for first, stop in itertools.pairwise(edges) if stop > first)


def _finish(container: Any, stream: Any, index: Any) -> None:
    try:
        container.mux(stream.encode(None))
    finally:
        try:
            container.close()
        finally:
            index.close()
