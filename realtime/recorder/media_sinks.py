"""Sinks that write pictures and sound into Matroska and tell the recorder what each file holds."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...models.io.matroska import FilmWriter, Quality, SoundWriter
from ...models.io.source_streams import FORMATS, RecordedSource, SourceChunk, SourceKind
from ...models.streaming.ingest.sources import Chunk, SourceInfo

Put = Callable[[str, SourceChunk], None]
_KINDS: dict[str, SourceKind] = {"face": "film", "speech": "sound", "loudspeaker": "sound"}


class FilmSink:
    """Writes frames, and hands over which frame of the file was captured when.

    Parameters
    ----------
    path : Path
    info : SourceInfo
    quality : "lossless" or "small"
    put : callable
        Takes the key of the source and each chunk.

    Raises
    ------
    OSError
        From every method: the disk refuses (FFmpeg's errors are among these).
    """

    def __init__(self, path: Path, info: SourceInfo, quality: Quality, put: Put) -> None:
        height, width, _ = info.shape
        self._put = put
        self._file = FilmWriter(path, height, width, info.rate_hz, quality)

    def write(self, item: Chunk) -> None:
        """Append a chunk."""
        first = self._file.write(item.samples, item.stamps_s, item.received_s)
        self._put("face", SourceChunk(item.stamps_s, item.received_s, item.gap, item.skipped, None, first))

    def flush(self) -> None:
        """Do nothing: the file hands everything to the system by itself."""

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class SoundSink:
    """Writes mono sound; parameters and errors as :class:`FilmSink`."""

    def __init__(self, path: Path, key: str, info: SourceInfo, put: Put) -> None:
        self._key = key
        self._put = put
        self._file = SoundWriter(path, info.rate_hz or 16_000.0)

    def write(self, item: Chunk) -> None:
        """Append a chunk."""
        first = self._file.write(item.samples[:, 0])
        self._put(self._key, SourceChunk(item.stamps_s, item.received_s, item.gap, item.skipped, None, first))

    def flush(self) -> None:
        """Do nothing: the file hands everything to the system by itself."""

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def recorded_source(key: str, info: SourceInfo) -> RecordedSource:
    """Describe a source for the recording; numbers of a type that XDF does not have are recorded as float64."""
    kind = _KINDS.get(key, "signal")
    channels: tuple[str, ...] = ()
    if kind == "signal":
        count = math.prod(info.shape)
        channels = info.channel_names
        if len(channels) != count:
            channels = tuple(f"{key}_{index + 1}" for index in range(count))
    dtype = np.dtype(info.dtype).str
    dtype = dtype if dtype in FORMATS else "<f8"
    return RecordedSource(key, kind, info.name, info.rate_hz, channels, dtype, info.jitter_s, info.delay_s)


def signal_values(chunk: Chunk, dtype: str) -> NDArray[np.generic]:
    """Return the samples of a chunk as ``(n, n_channels)`` of a type."""
    return chunk.samples.reshape(len(chunk.stamps_s), -1).astype(dtype, copy=False)
