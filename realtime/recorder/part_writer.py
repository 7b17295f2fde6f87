"""Write one XDF part: the chunks that the engine hands over, and the streams that the recorder reads itself."""

import threading
from pathlib import Path

from ...models.contract import TimeArray
from ...models.io.source_streams import RecordedSource, SourceStreams
from ...models.io.stream_descriptions import StreamDescription, Tree
from ...models.io.xdf_writer import StreamValues, XdfWriter
from .messages import chunk_of, header_of, source_of

_BOUNDARY_EVERY = 50  # flushes


class PartWriter:
    """Write one file; methods may be called from any thread.

    Parameters
    ----------
    path : Path
        Of a file that is not there yet.

    Raises
    ------
    OSError
        From :meth:`flush`, :meth:`close` and the making: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._writer = XdfWriter(path)
        self._known: dict[str, RecordedSource] = {}
        self._sources: dict[str, SourceStreams] = {}
        self._newest = -1
        self._paused = False
        self._flushes = 0
        self.flush()

    def take(self, message: bytes) -> None:
        """Write a message of :mod:`~moodring.realtime.recorder.messages`."""
        header = header_of(message)
        with self._lock:
            self._newest = max(self._newest, header["number"])
            if "paused" in header:
                self._paused = bool(header["paused"])
                return
            if "source" in header:
                source = source_of(header)
                self._known.setdefault(source.key, source)
                return
            key, first = header["key"], header["first"]
            streams = self._sources.get(key)
            if streams is None:
                streams = self._sources[key] = SourceStreams(self._writer, self._known[key], first)
            if first >= streams.next:
                streams.append(chunk_of(header, message))

    def stream(self, description: StreamDescription, more: Tree = ()) -> int:
        """Announce an LSL stream and return the number to write it under."""
        with self._lock:
            return self._writer.stream(description, more)

    def samples(self, number: int, values: StreamValues, stamps_s: TimeArray) -> None:
        """Append samples of an LSL stream; while the recording is paused they are passed over."""
        with self._lock:
            if not self._paused:
                self._writer.samples(number, values, stamps_s)

    def clock_offset(self, number: int, collected_s: float, offset_s: float) -> None:
        """Note by how much the clock of an LSL stream's sender is off; see :meth:`XdfWriter.clock_offset`."""
        with self._lock:
            self._writer.clock_offset(number, collected_s, offset_s)

    def flush(self) -> int:
        """Flush all data to the system, and return the number of the newest message that is safe; -1 before any."""
        with self._lock:
            for streams in self._sources.values():
                streams.write()
            self._flushes += 1
            if self._flushes % _BOUNDARY_EVERY == 0:
                self._writer.boundary()
            self._writer.flush()
            return self._newest

    def close(self) -> None:
        """Write what waits and the footers, and close the file."""
        with self._lock:
            for streams in self._sources.values():
                streams.write()
            self._writer.close()
