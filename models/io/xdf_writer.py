"""Write XDF, the file format of the LSL world, which pyxdf only reads.

Behind each chunk lies one of a kind of our own, :data:`CHECK_TAG`, which readers of XDF pass over: a CRC-32 of the
chunk, and which samples of its stream it holds. So a reader finds damage, and what is missing for it, to the sample.

Source: the XDF 1.0 specification, github.com/sccn/xdf/wiki/Specifications.
"""

import contextlib
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.foreign_text import visible
from ..contract import TimeArray
from .files import private
from .stream_descriptions import StreamDescription, Tree

_MAGIC = b"XDF:"
_BOUNDARY = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")
_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _BOUNDARY_TAG, _STREAM_FOOTER = 1, 2, 3, 4, 5, 6
_NUMBERS = {"float32": "<f4", "double64": "<f8", "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "i1"}
CHECK_TAG = 0x4D43
CHECK = struct.Struct("<IQII")
"""Stream (0 for none), samples of it before the chunk, samples in it, and the CRC-32 of the chunk and these three."""
CHECK_MARK = struct.pack("<BIH", 4, CHECK.size + 2, CHECK_TAG)
"""Begin of a chunk with a check; so long that a damaged file can be read on from the next one."""
_CHUNK_S = 5.0
_NO_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_LARGEST_PENDING_BYTES = 1 << 20

StreamValues = NDArray[np.generic] | Sequence[str] | Sequence[Sequence[str]]


@dataclass(frozen=True)
class StreamData:
    """A whole stream: ``(n_times, n_channels)`` numbers, or one text each time, and their stamps in seconds."""

    description: StreamDescription
    values: StreamValues
    stamps_s: TimeArray


class XdfWriter:
    """Write an XDF file piece by piece; a file that ends early can be read up to its last whole chunk.

    Use as a context manager: the footers are written at the end.

    Raises
    ------
    OSError
        From every method but :meth:`boundary`: the disk refuses. What was written stays readable.
    """

    def __init__(self, path: Path) -> None:
        self._file: RawIOBase = open(path, "xb", buffering=0, opener=private)  # noqa: SIM115 - closed by close()
        self._pending = bytearray()
        self._whole_bytes = 0
        self._refused: OSError | None = None
        self._streams: list[StreamDescription] = []
        self._counts: list[int] = []
        self._ends: list[tuple[float, float]] = []
        self._pending += _MAGIC
        info = ElementTree.Element("info")
        ElementTree.SubElement(info, "version").text = "1.0"
        self._chunk(_FILE_HEADER, _xml(info))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stream(self, description: StreamDescription, more: Tree = ()) -> int:
        """Announce a stream and return the number to write its samples under.

        Parameters
        ----------
        description : StreamDescription
        more : Tree
            Further elements of the header, such as the sender's host.
        """
        self._streams.append(description)
        self._counts.append(0)
        self._ends.append((0.0, 0.0))
        number = len(self._streams)
        self._chunk(_STREAM_HEADER, struct.pack("<I", number) + _xml(_header(description, more)), number)
        return number

    def samples(self, number: int, values: StreamValues, stamps_s: TimeArray) -> None:
        """Append samples, each with its stamp.

        Parameters
        ----------
        number : int
            Of the stream.
        values : (n_times, n_channels) array, or sequence of str
            A sequence of texts is one channel.
        stamps_s : (n_times,) float64

        Raises
        ------
        ValueError
            Values and stamps differ in number, or the channels do not fit the stream.
        """
        description = self._streams[number - 1]
        if len(values) != len(stamps_s):
            raise ValueError(f"{len(values)} samples of '{description.name}' came with {len(stamps_s)} stamps")
        if len(stamps_s) == 0:
            return
        if description.channel_format == "string":
            content = _texts(values, stamps_s)
        else:
            content = _numbers(np.asarray(values), stamps_s, description)
        self._chunk(_SAMPLES, struct.pack("<IBI", number, 4, len(stamps_s)) + content, number, len(stamps_s))
        first_s = self._ends[number - 1][0] if self._counts[number - 1] else float(stamps_s[0])
        self._ends[number - 1] = (first_s, float(stamps_s[-1]))
        self._counts[number - 1] += len(stamps_s)

    def clock_offset(self, number: int, collected_s: float, offset_s: float) -> None:
        """Note what to add to a stream's stamps to get the recording computer's clock.

        Parameters
        ----------
        number : int
        collected_s : float
            When it was measured, on the stream's own clock.
        offset_s : float
        """
        self._chunk(_CLOCK_OFFSET, struct.pack("<Idd", number, collected_s, offset_s), number)

    def boundary(self) -> None:
        """Write a mark from which a reader of a damaged file can go on."""
        self._chunk(_BOUNDARY_TAG, _BOUNDARY)

    def flush(self) -> None:
        """Flush all data to the system, so that it survives the death of this process."""
        if self._refused is not None:
            raise self._refused
        view = memoryview(bytes(self._pending))
        self._pending.clear()
        written = 0
        try:
            while written < len(view):
                written += self._file.write(view[written:]) or 0
        except OSError as error:
            self._refused = error
            with contextlib.suppress(OSError):
                self._file.truncate(self._whole_bytes)
            raise
        self._whole_bytes += written

    def close(self) -> None:
        """Write the footers and close the file; called again, do nothing."""
        if self._file.closed:
            return
        for number, (count, (first_s, last_s)) in enumerate(zip(self._counts, self._ends, strict=True), start=1):
            info = ElementTree.Element("info")
            ElementTree.SubElement(info, "first_timestamp").text = repr(first_s)
            ElementTree.SubElement(info, "last_timestamp").text = repr(last_s)
            ElementTree.SubElement(info, "sample_count").text = str(count)
            self._chunk(_STREAM_FOOTER, struct.pack("<I", number) + _xml(info), number)
        try:
            if self._refused is None:
                self.flush()
        finally:
            self._file.close()

    def _chunk(self, tag: int, content: bytes, number: int = 0, count: int = 0) -> None:
        chunk = struct.pack("<BIH", 4, len(content) + 2, tag) + content
        self._pending += chunk + check_of(chunk, number, self._counts[number - 1] if number else 0, count)
        if len(self._pending) > _LARGEST_PENDING_BYTES:
            self.flush()


def check_of(chunk: bytes | memoryview, number: int, first: int, count: int) -> bytes:
    """Return the check of a chunk, itself a chunk.

    Parameters
    ----------
    chunk : bytes
    number : int
        Of its stream; 0 for none.
    first, count : int
        Samples of the stream in this file before it, and in it.
    """
    facts = CHECK.pack(number, first, count, 0)[:-4]
    return CHECK_MARK + facts + struct.pack("<I", zlib.crc32(facts, zlib.crc32(chunk)))


def write_xdf(path: Path, streams: Sequence[StreamData]) -> None:
    """Write whole streams into a new file, in chunks of a few seconds by time, so that a cut file keeps all streams."""
    with XdfWriter(path) as writer:
        numbers = [writer.stream(stream.description) for stream in streams]
        for number, stream in zip(numbers, streams, strict=True):
            if len(stream.stamps_s):
                writer.clock_offset(number, float(stream.stamps_s[0]), 0.0)
        starts = [float(stream.stamps_s[0]) for stream in streams if len(stream.stamps_s)]
        ends = [float(stream.stamps_s[-1]) for stream in streams if len(stream.stamps_s)]
        edges = np.arange(min(starts), max(ends) + _CHUNK_S, _CHUNK_S) if starts else np.zeros(0)
        places = [0] * len(streams)
        for edge in [*edges[1:], np.inf]:
            writer.boundary()
            for index, stream in enumerate(streams):
                stop = int(np.searchsorted(stream.stamps_s, edge))
                part = slice(places[index], stop)
                writer.samples(numbers[index], stream.values[part], stream.stamps_s[part])
                places[index] = max(places[index], stop)


def _header(description: StreamDescription, more: Tree) -> ElementTree.Element:
    info = ElementTree.Element("info")
    for tag, text in (
        ("name", description.name),
        ("type", description.type),
        ("channel_count", str(description.channel_count)),
        ("nominal_srate", repr(float(description.rate_hz))),
        ("channel_format", description.channel_format),
        ("source_id", description.source_id),
    ):
        ElementTree.SubElement(info, tag).text = _printable(text)
    _append(info, more)
    _append(ElementTree.SubElement(info, "desc"), description.desc)
    return info


def _append(element: ElementTree.Element, tree: Tree) -> None:
    for tag, content in tree:
        child = ElementTree.SubElement(element, tag)
        if isinstance(content, str):
            child.text = _printable(content)
        else:
            _append(child, content)


def _printable(text: str) -> str:
    """Return a text without the control characters that XML cannot hold."""
    return "".join(character for character in text if character >= " " or character in "\t\n")


def _xml(element: ElementTree.Element) -> bytes:
    """Return a description as XML; what XML cannot hold (a control character in a name) is written out."""
    for one in element.iter():
        one.text = one.text and _NO_XML.sub(lambda found: visible(found[0]), one.text)
    text: bytes = ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)
    return text


def _numbers(values: NDArray[np.generic], stamps_s: TimeArray, description: StreamDescription) -> bytes:
    if values.ndim != 2 or values.shape[1] != description.channel_count:
        raise ValueError(f"'{description.name}' has {description.channel_count} channels, came: shape {values.shape}")
    kind = np.dtype(_NUMBERS[description.channel_format])
    rows = np.empty(
        len(stamps_s), dtype=[("stamp_bytes", "u1"), ("stamp", "<f8"), ("values", kind, (values.shape[1],))]
    )
    rows["stamp_bytes"], rows["stamp"], rows["values"] = 8, stamps_s, values
    content: bytes = rows.tobytes()
    return content


def _texts(values: StreamValues, stamps_s: TimeArray) -> bytes:
    pieces = []
    for row, stamp_s in zip(values, stamps_s, strict=True):
        pieces.append(struct.pack("<Bd", 8, float(stamp_s)))
        for text in (row,) if isinstance(row, str) else row:
            raw = str(text).encode()
            pieces.append(struct.pack("<BI", 4, len(raw)) + raw)
    return b"".join(pieces)
