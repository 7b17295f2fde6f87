"""A thread that writes what others hand it, so that no disk and no encoder ever holds them up."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ...models.io.files import private

_log = logging.getLogger(__name__)
_FLUSH_S = 0.2

Item = TypeVar("Item")
Taken = TypeVar("Taken", contravariant=True)


class Sink(Protocol[Taken]):
    """Destination of items; for one thread."""

    def write(self, item: Taken) -> None:
        """Write an item."""
        ...

    def flush(self) -> None:
        """Flush all data to the system, so that it survives the death of this process."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


class WriterThread(Generic[Item]):
    """Feed a sink from a bounded queue; what does not fit is counted, not waited for.

    Parameters
    ----------
    name : str
        Of the thread.
    sink : Sink
    capacity : int
        How many items may wait.
    size : callable
        How many pictures or lines an item counts for, where it is lost.

    Attributes
    ----------
    lost : int
        What was not written: there was no room, or the sink had failed.
    error : str or None
        Why nothing is written any more.
    """

    def __init__(self, name: str, sink: Sink[Item], capacity: int, size: Callable[[Item], int] = lambda _: 1) -> None:
        self.name = name
        self._sink = sink
        self._size = size
        self._items: queue.Queue[Item | None] = queue.Queue(capacity)
        self._closing = threading.Event()
        self.lost = 0
        self.error: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"record-{name}", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Queue an item; return at once."""
        if self._closing.is_set() or self.error is not None:
            self.lost += self._size(item) if self.error is not None else 0
            return
        try:
            self._items.put_nowait(item)
        except queue.Full:
            self.lost += self._size(item)

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what waits and finish the files; called again, do nothing."""
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._items.put_nowait(None)  # wakes the thread where nothing waits
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self.error = self.error or "the disk does not answer"

    def _run(self) -> None:
        try:
            self._write()
            self._sink.close()
        except Exception as error:
            # A disk and an encoder may raise anything; decoding goes on, and the screen shows what it was.
            self.error = f"{type(error).__name__}: {error}" if not isinstance(error, OSError) else _words(error)
            _log.warning("recording of %s stopped: %s", self.name, self.error)
            self._count_waiting()
            with contextlib.suppress(Exception):
                self._sink.close()

    def _write_one(self, item: Item) -> None:
        try:
            self._sink.write(item)
        except Exception:
            self.lost += self._size(item)
            raise

    def _count_waiting(self) -> None:
        """Count what waits and will not be written."""
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._items.get_nowait()
                self.lost += 0 if item is None else self._size(item)

    def _write(self) -> None:
        flushed_s = time.monotonic()
        while True:
            try:
                item = self._items.get(timeout=_FLUSH_S)
            except queue.Empty:
                item = None
            if item is not None:
                self._write_one(item)
            elif self._closing.is_set():
                return
            if time.monotonic() - flushed_s >= _FLUSH_S:
                self._sink.flush()
                flushed_s = time.monotonic()


class LineSink:
    """Append lines of text to a new file.

    Raises
    ------
    OSError
        From every method: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "xb", opener=private)  # noqa: SIM115 - closed by close()

    def write(self, item: bytes) -> None:
        """Append a line."""
        self._file.write(item + b"\n")

    def flush(self) -> None:
        """Flush all data to the system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
