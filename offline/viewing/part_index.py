"""Index of one XDF part of a session folder: where the samples of each stream lie, without reading them.

Source: the XDF 1.0 specification, github.com/sccn/xdf/wiki/Specifications; for the checks
:mod:`moodring.models.io.xdf_writer`.
"""

import mmap
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import open_regular
from ...models.contract import TimeArray
from ...models.io.xdf_writer import CHECK, CHECK_MARK

_HEAD = struct.Struct("<BIHI")  # how long the length is, the length, the tag, the stream
_DOUBLE = struct.Struct("<d")
_LENGTH_BYTES = 5
_TO_ROWS = 16  # from a chunk's begin to its first row: length, tag, stream, count
_STAMP_BYTES = 9
_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _FOOTER = 1, 2, 3, 4, 6
_TYPES = {"float32": "<f4", "double64": "<f8", "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "i1"}


@dataclass
class PartStream:
    """A stream of a part.

    Attributes
    ----------
    number : int
    about : Element
        Its header.
    begins, ends : (n_chunks,) int64
        First and one past the last byte of its chunks of samples.
    """

    number: int
    about: ElementTree.Element
    begins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    ends: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def type(self) -> str:
        """Its type."""
        return self.about.findtext("type") or ""

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """Type of a row; None for text."""
        kind = _TYPES.get(self.about.findtext("channel_format") or "")
        channels = int(self.about.findtext("channel_count") or "0")
        if kind is None or channels < 1:
            return None
        return np.dtype([("stamp_bytes", "u1"), ("stamp", "<f8"), ("values", kind, (channels,))])

    def fact(self, key: str) -> str:
        """Return what its description says under ``moodring``; "" where nothing."""
        return self.about.findtext(f"desc/moodring/{key}") or ""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of its channels."""
        return tuple(one.findtext("label") or "" for one in self.about.iterfind("desc/channels/channel"))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each chunk of numbers."""
        dtype = self.dtype
        size = dtype.itemsize if dtype is not None else 1
        return np.asarray((self.ends - self.begins - _TO_ROWS) // size, np.int64)


class PartIndex:
    """One XDF part, mapped into memory, and where its chunks are.

    Parameters
    ----------
    path : Path
    inside : Path
        The folder that it must lie in.

    Raises
    ------
    MoodringError
        It cannot be read, or is no XDF file.

    Attributes
    ----------
    streams : dict of int to PartStream
    fault : str or None
        What is damaged, where something is.
    """

    def __init__(self, path: Path, inside: Path) -> None:
        self.path = path
        self.fault: str | None = None
        try:
            with open_regular(path, inside) as file:
                self._raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is empty"
            raise MoodringError(f"XDF file '{path}' cannot be read: {why}; use a copy") from None
        if self._raw[:4] != b"XDF:":
            raise MoodringError(f"'{path}' is not an XDF file; use a copy")
        self._small: dict[int, list[tuple[int, int]]] = {}
        self.streams: dict[int, PartStream] = {}
        self._walk()

    def rows(self, stream: PartStream, first: int, stop: int) -> NDArray[Any]:
        """Return the rows of some of a stream's chunks; a chunk that does not fit its check is left out."""
        dtype = stream.dtype
        if dtype is None:
            raise ValueError("a stream of text has no rows of numbers")
        begins, counts = stream.begins[first:stop], stream.counts[first:stop]
        edges = zip(begins.tolist(), stream.ends[first:stop].tolist(), counts.tolist(), strict=True)
        pieces = [
            self._raw[begin + _TO_ROWS : begin + _TO_ROWS + count * dtype.itemsize]
            for begin, end, count in edges
            if self._fits(begin, end)
        ]
        return np.frombuffer(b"".join(pieces), dtype)

    def first_stamps(self, stream: PartStream) -> TimeArray:
        """Return the stamp of the first row of each chunk."""
        return self._at(stream.begins + _TO_ROWS + 1)

    def first_values(self, stream: PartStream, column: int) -> NDArray[np.float64]:
        """Return a column of the first row of each chunk of a stream of doubles."""
        return self._at(stream.begins + _TO_ROWS + _STAMP_BYTES + 8 * column)

    def last_row(self, stream: PartStream) -> NDArray[Any]:
        """Return the last row that is whole; empty where there is none."""
        for chunk in range(len(stream.begins) - 1, -1, -1):
            rows = self.rows(stream, chunk, chunk + 1)
            if len(rows):
                return rows[-1:]
        return np.zeros(0, stream.dtype)

    def only(self, numbers: Sequence[int]) -> bytes:
        """Return a file of some streams alone, for readers of whole files."""
        chosen = set(numbers)
        places: list[tuple[int, int]] = list(self._small.get(0, ()))
        for number in chosen:
            stream = self.streams[number]
            places += self._small.get(number, ())
            places += zip(stream.begins.tolist(), stream.ends.tolist(), strict=True)
        return self._raw[:4] + b"".join(self._raw[begin:end] for begin, end in sorted(places))

    def close(self) -> None:
        """Let go of the file; arrays that were read stay."""
        self._raw.close()

    def _at(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        unpack, raw = _DOUBLE.unpack_from, self._raw
        return np.array([unpack(raw, place)[0] for place in places.tolist()], np.float64)

    def _fits(self, begin: int, end: int) -> bool:
        """Return whether a chunk fits its check; one without a check is believed."""
        mark = len(CHECK_MARK)
        if self._raw[end : end + mark] != CHECK_MARK:
            return True
        facts = self._raw[end + mark : end + mark + CHECK.size]
        if len(facts) < CHECK.size:
            return True
        return zlib.crc32(facts[:-4], zlib.crc32(self._raw[begin:end])) == int.from_bytes(facts[-4:], "little")

    def _walk(self) -> None:
        """Go from chunk to chunk by their lengths; behind damage, on from the next check."""
        raw, end, unpack = self._raw, len(self._raw), _HEAD.unpack_from
        samples: dict[int, tuple[list[int], list[int]]] = {}
        place = 4
        while place + _HEAD.size <= end:
            form, length, tag, number = unpack(raw, place)
            stop = place + _LENGTH_BYTES + length
            if form != 4 or stop > end:
                self.fault = f"'{self.path}' is damaged or was cut; what is whole is shown"
                place = raw.find(CHECK_MARK, place + 1)
                if place < 0:
                    break
                continue
            if tag == _SAMPLES:
                known = samples.get(number)
                if known is not None:
                    known[0].append(place)
                    known[1].append(stop)
            elif tag == _STREAM_HEADER:
                if self._take_header(number, place, stop):
                    samples[number] = ([], [])
            elif tag == _FILE_HEADER:
                self._small.setdefault(0, []).append((place, stop))
            elif tag in (_CLOCK_OFFSET, _FOOTER) and number in samples:
                self._small.setdefault(number, []).append((place, stop))
            place = stop
        for number, (begins, ends) in samples.items():
            self.streams[number].begins = np.array(begins, np.int64)
            self.streams[number].ends = np.array(ends, np.int64)

    def _take_header(self, number: int, place: int, stop: int) -> bool:
        try:
            about = ElementTree.fromstring(self._raw[place + _HEAD.size : stop])  # noqa: S314 - expat bounds entities
        except (ElementTree.ParseError, ValueError, LookupError):
            self.fault = f"'{self.path}': the header of stream {number} cannot be read"
            return False
        self.streams[number] = PartStream(number, about)
        self._small.setdefault(number, []).append((place, stop))
        return True
