"""A lock-free ring of samples for one writer and many readers, in this process or others.

The writer claims the places that it is about to overwrite, writes, and only then publishes the new count. A reader
copies and looks at the claim again afterwards: what was claimed meanwhile may be torn, so it is dropped, and the copy
that remains is consistent. Nothing is ever moved.

What that rests on: stores must become visible in the order in which they are made. Between threads of one process the
interpreter's lock sees to it on every processor, so whatever an engine decides is from whole samples. Between processes
it holds on x86-64, whose stores stay in order; on ARM and others, where Python has no fence, a screen may now and then
draw a sample of which a part is a turn of the ring old. Nothing but a screen reads a ring from another process.

The memory is a file mapped by every process (in ``/dev/shm`` where there is one, so that no disk is touched), or
anonymous. ``multiprocessing.shared_memory`` is not used: before Python 3.13 its resource tracker removes a segment
when any process that merely attached to it ends.
"""

import itertools
import json
import math
import mmap
import os
import struct
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...configs.schema.errors import MoodringError
from ..contract import BoolArray, RingFactory, RingLayout, RingSlice, RingWriter, TimeArray

_MAGIC = b"moodring"
_HEADER = struct.Struct("<8sII")  # magic, version, bytes of JSON
_VERSION = 1
_PAGE = 4096


class RingView:
    """View of a ring at one moment; samples appended later are not in it.

    Parameters
    ----------
    ring : Ring
    count : int
        Samples appended up to that moment.
    """

    def __init__(self, ring: "Ring", count: int) -> None:
        self.count = count
        self._ring = ring

    @property
    def layout(self) -> RingLayout:
        """Layout of the ring."""
        return self._ring.layout

    @property
    def newest_s(self) -> float | None:
        """Stamp of the newest sample; None without samples."""
        return self._ring.stamp_s(self.count - 1) if self.count else None

    def stop_at(self, time_s: float) -> int:
        """Return the number of samples stamped at or before a time, from the start of the stream."""
        return min(self.count, self._ring.stop_at(time_s))

    def start_at(self, time_s: float) -> int:
        """Return the number of samples stamped before a time, from the start of the stream."""
        return min(self.count, self._ring.start_at(time_s))

    def between(self, first: int, stop: int) -> RingSlice:
        """Return a copy of the samples ``first`` up to but not including ``stop``, or of those in the view."""
        return self._ring.between(first, min(stop, self.count))


class Ring:
    """A ring of samples; made by :meth:`create` or :meth:`attach`.

    Attributes
    ----------
    layout : RingLayout
    path : Path or None
        The mapped file; None for memory of this process alone.
    """

    def __init__(self, memory: mmap.mmap, layout: RingLayout, offset: int, path: Path | None) -> None:
        self.layout = layout
        self.path = path
        self._memory = memory
        n = layout.capacity
        places = _offsets(layout, offset)
        self._claimed: NDArray[np.int64] = np.frombuffer(memory, np.int64, 1, places[0])
        self._published: NDArray[np.int64] = np.frombuffer(memory, np.int64, 1, places[0] + 64)
        self._stamps: TimeArray = np.frombuffer(memory, np.float64, n, places[1])
        self._received: TimeArray = np.frombuffer(memory, np.float64, n, places[2])
        self._valid: BoolArray = np.frombuffer(memory, np.bool_, n, places[3])
        count = n * math.prod(layout.shape)
        samples: NDArray[Any] = np.frombuffer(memory, np.dtype(layout.dtype), count, places[4])
        self._samples: NDArray[Any] = samples.reshape(n, *layout.shape)

    @classmethod
    def create(
        cls,
        capacity: int,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        rate_hz: float = 0.0,
        names: tuple[str, ...] = (),
        path: Path | None = None,
    ) -> "Ring":
        """Create a ring in a new file, or in anonymous memory without a path.

        Raises
        ------
        MoodringError
            There is no room for the file.
        FileExistsError
            There is such a file: to cut it to size would end every process that has it mapped (SIGBUS).
        """
        layout = RingLayout(capacity, shape, np.dtype(dtype).str, float(rate_hz), names)
        text = json.dumps(layout.__dict__).encode()
        offset = _aligned(_HEADER.size + len(text), _PAGE)
        places = _offsets(layout, offset)
        size = _aligned(places[4] + capacity * math.prod(shape) * np.dtype(dtype).itemsize, _PAGE)
        if path is None:
            memory = mmap.mmap(-1, size)
        else:
            with path.open("x+b") as file:
                _reserve(file.fileno(), size, path)
                memory = mmap.mmap(file.fileno(), size)
        # Every page is had now: none has to be found while samples come, and memory does not grow until a ring is full.
        np.frombuffer(memory, np.uint8)[:] = 0
        memory[_HEADER.size : _HEADER.size + len(text)] = text
        # The magic comes last: a reader that finds it finds everything else in place.
        memory[: _HEADER.size] = _HEADER.pack(_MAGIC, _VERSION, len(text))
        return cls(memory, layout, offset, path)

    @classmethod
    def attach(cls, path: Path | str) -> "Ring":
        """Open a ring of another process for reading.

        Raises
        ------
        MoodringError
            The file is gone or is no ring.
        """
        place = Path(path)
        try:
            with place.open("rb") as file:
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise MoodringError(f"ring '{place}' cannot be mapped ({error}); its engine has ended") from error
        head = memory[: _HEADER.size]
        magic, version, length = _HEADER.unpack(head) if len(head) == _HEADER.size else (b"", 0, 0)
        if magic != _MAGIC or version != _VERSION:
            memory.close()
            raise MoodringError(f"'{place}' is no ring of this version of moodring; attach to a running engine's ring")
        fields = json.loads(memory[_HEADER.size : _HEADER.size + length])
        layout = RingLayout(**{**fields, "shape": tuple(fields["shape"]), "names": tuple(fields["names"])})
        return cls(memory, layout, _aligned(_HEADER.size + length, _PAGE), place)

    @property
    def count(self) -> int:
        """Number of samples appended since the start."""
        return int(self._published[0])

    @property
    def newest_s(self) -> float | None:
        """Stamp of the newest sample; None without samples."""
        count = self.count
        return self.stamp_s(count - 1) if count else None

    def stamp_s(self, index: int) -> float:
        """Return the stamp of one of the newest samples, in seconds."""
        return float(self._stamps[index % self.layout.capacity])

    def view(self, count: int | None = None) -> RingView:
        """Return a view of the ring now, or as it was with ``count`` samples."""
        return RingView(self, self.count if count is None else count)

    def append(
        self, samples: NDArray[Any], stamps_s: TimeArray, received_s: float, valid: BoolArray | bool = True
    ) -> None:
        """Append samples; only for the writer.

        Parameters
        ----------
        samples : (n, *shape)
        stamps_s : (n,) float64
            Not falling, within the call and from call to call.
        received_s : float
            When they reached this process.
        valid : (n,) bool or bool
        """
        capacity = self.layout.capacity
        good = np.broadcast_to(np.asarray(valid, np.bool_), (len(samples),))
        # A claim never spans more than half of the ring: readers keep at least the other half.
        step = max(1, capacity // 2)
        for low in range(0, len(samples), step):
            block = slice(low, min(low + step, len(samples)))
            count = self.count
            self._claimed[0] = count + block.stop - block.start
            self._write(count, samples[block], stamps_s[block], received_s, good[block])
            self._published[0] = count + block.stop - block.start

    def latest(self, n: int) -> RingSlice:
        """Return a copy of the newest ``n`` samples, or of all."""
        count = self.count
        return self.between(count - n, count)

    def until(self, time_s: float, n: int) -> RingSlice:
        """Return a copy of the last ``n`` samples stamped at or before a time, or of all."""
        stop = self.stop_at(time_s)
        return self.between(stop - n, stop)

    def stop_at(self, time_s: float) -> int:
        """Return the number of samples stamped at or before a time, from the start of the stream."""
        return self._search(time_s, bisect_right)

    def start_at(self, time_s: float) -> int:
        """Return the number of samples stamped before a time, from the start of the stream."""
        return self._search(time_s, bisect_left)

    def between(self, first: int, stop: int) -> RingSlice:
        """Return a copy of the samples ``first`` up to but not including ``stop``, or of those still there."""
        count = self.count
        stop = max(0, min(stop, count))
        first = max(0, min(first, stop), count - self.layout.capacity)
        first = min(first, stop)
        pieces = [
            self._copy(array, first, stop) for array in (self._samples, self._stamps, self._received, self._valid)
        ]
        torn = max(0, min(int(self._claimed[0]) - self.layout.capacity, stop) - first)
        return RingSlice(pieces[0][torn:], pieces[1][torn:], pieces[2][torn:], pieces[3][torn:], first + torn, stop)

    def close(self) -> None:
        """Release the memory; the file stays until :func:`moodring.realtime.ipc.run_dir.remove`."""
        for name in ("_claimed", "_published", "_stamps", "_received", "_valid", "_samples"):
            self.__dict__.pop(name, None)
        self._memory.close()

    def _search(self, time_s: float, bisect: Any) -> int:
        capacity = self.layout.capacity
        count = self.count
        low = max(0, int(self._claimed[0]) - capacity)
        stamps = self._stamps
        return low + int(bisect(range(low, count), time_s, key=lambda index: stamps[index % capacity]))

    def _write(
        self, count: int, samples: NDArray[Any], stamps_s: TimeArray, received_s: float, valid: BoolArray
    ) -> None:
        capacity = self.layout.capacity
        place = count % capacity
        head = min(len(samples), capacity - place)
        for start, part in ((place, slice(0, head)), (0, slice(head, len(samples)))):
            n = part.stop - part.start
            self._samples[start : start + n] = samples[part]
            self._stamps[start : start + n] = stamps_s[part]
            self._received[start : start + n] = received_s
            self._valid[start : start + n] = valid[part]

    def _copy(self, array: NDArray[Any], first: int, stop: int) -> NDArray[Any]:
        capacity = self.layout.capacity
        place = first % capacity
        if place + stop - first <= capacity:
            return array[place : place + stop - first].copy()
        return np.concatenate((array[place:], array[: place + stop - first - capacity]))


def rings_in(folder: Path | None) -> RingFactory:
    """Return the function that makes a source's ring: a file in a folder, or memory of this process without one."""
    numbers = itertools.count()

    def make(modality: str, layout: RingLayout) -> RingWriter:
        # A file of its own each time: screens may still have the last one mapped.
        path = folder / f"{modality}-{next(numbers)}.ring" if folder is not None else None
        return Ring.create(layout.capacity, layout.shape, layout.dtype, layout.rate_hz, layout.names, path)

    return make


def _reserve(file: int, size: int, path: Path) -> None:
    """Allocate the file now, because a lack of room found later would kill the process (SIGBUS)."""
    try:
        os.truncate(file, size)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
    except OSError as error:
        raise MoodringError(
            f"ring '{path}' needs {size / 1e6:.0f} MB ({error.strerror}); free that much where it lies"
        ) from error


def _aligned(size: int, step: int) -> int:
    return -(-size // step) * step


def _offsets(layout: RingLayout, offset: int) -> tuple[int, int, int, int, int]:
    """Return the offsets of counters, stamps, arrival times, validity and samples, each aligned to a cache line."""
    n = layout.capacity
    stamps = offset + 128
    received = stamps + _aligned(8 * n, 64)
    valid = received + _aligned(8 * n, 64)
    return offset, stamps, received, valid, _aligned(valid + n, 64)
