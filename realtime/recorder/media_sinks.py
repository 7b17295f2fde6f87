"""Sinks that write pictures and sound into Matroska and tell the recorder what each file holds."""

from collections.abc import Callable
from pathlib import Path

from ...models.io.matroska import FilmWriter, Quality, SoundWriter
from ...models.io.source_streams import RecordedSource, SourceChunk, SourceKind
from ...models.streaming.sources import Chunk, SourceInfo

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
    """Describe a source for the recording."""
    kind = _KINDS.get(key, "signal")
    names = info.channel_names if kind == "signal" else ()
    return RecordedSource(key, kind, info.name, info.rate_hz, names, info.dtype, info.jitter_s, info.delay_s)
