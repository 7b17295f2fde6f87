"""Read XDF: streams by pyxdf, with damage reported in one line instead of a traceback.

Chunks that make no sense are left out before pyxdf believes what they claim.

Source: the XDF 1.0 specification, github.com/sccn/xdf/wiki/Specifications.
"""

import gzip
import io
import logging
import mmap
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyxdf
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import TimeArray

HIGHEST_RATE_HZ = 1e6
LONGEST_S = 7 * 86_400.0
"""No session is longer: what is further apart is damage."""

_MAGIC = 4
_BOUNDARY = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")
_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _BOUNDARY_TAG, _FOOTER = 1, 2, 3, 4, 5, 6
_ITEM_BYTES = {"float32": 4, "double64": 8, "int64": 8, "int32": 4, "int16": 2, "int8": 1}
_LEAST_TEXT_BYTES = 2  # one says that no stamp follows, one how long the text's length is
_STREAM_ID = 6  # tag and number of the stream
_HEAD = 24


_log = logging.getLogger(__name__)
_pyxdf_log = logging.getLogger("pyxdf.pyxdf")


@dataclass(frozen=True)
class ReadStream:
    """A stream as an XDF file holds it.

    Attributes
    ----------
    values : (n_times, n_channels) array of numbers, or None for text
    texts : tuple of str
        First channel of a stream of text.
    stamps_s : (n_times,) float64
        On the recording computer's clock; see :func:`rising`.
    desc : mapping
        pyxdf's nested lists; see :meth:`text`.
    """

    name: str
    type: str
    rate_hz: float
    channel_count: int
    values: NDArray[np.generic] | None
    texts: tuple[str, ...]
    stamps_s: TimeArray
    desc: Mapping[str, Any]
    source_id: str = ""

    def text(self, *path: str) -> str | None:
        """Return the text at a path of the description; None where there is none."""
        node: Any = self.desc
        for tag in path:
            if not isinstance(node, Mapping) or tag not in node or not node[tag]:
                return None
            node = node[tag][0]
        return node if isinstance(node, str) else None

    def channels(self, tag: str) -> list[str]:
        """Return one field of each described channel, "" where it is missing; empty without a description."""
        described = (self.desc.get("channels") or [None])[0]
        rows = described.get("channel", []) if isinstance(described, Mapping) else []
        return [((row.get(tag) or [""])[0] or "") if isinstance(row, Mapping) else "" for row in rows]


def read_streams(path: Path) -> list[ReadStream]:
    """Read all streams of an XDF file; of a damaged one, those parts that can be read, with a warning in the log.

    The samples of a session's own sources stay as they were written (see :mod:`moodring.models.io.source_streams`);
    those of every other stream are brought into the order of time.

    Raises
    ------
    MoodringError
        Not there, not XDF, or nothing in it can be read.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise MoodringError(f"XDF file '{path}' cannot be read: {error.strerror}; check the path") from None
    packed = magic[:2] == b"\x1f\x8b"
    if magic != b"XDF:" and not packed:
        raise MoodringError(f"'{path}' is not an XDF file: it starts with {magic!r} instead of b'XDF:'")
    with _complaints() as complaints:
        streams = _load(path, packed, complaints)
    if complaints:
        _log.warning("XDF file '%s' is damaged (%s); read what is whole", path, complaints[0])
    if not streams:
        raise MoodringError(f"XDF file '{path}' holds no streams; record it again")
    read = [_stream(stream) for stream in streams]
    return [one if one.text("moodring", "source") else rising(one, path) for one in read]


def rising(stream: ReadStream, where: Path | str) -> ReadStream:
    """Return a stream in the order of its stamps, without those that are no numbers or days from the others.

    ``where`` it is from is for the log.
    """
    stamps_s, numbers, texts = stream.stamps_s, stream.values, stream.texts
    # A damaged stamp may be any number or none; one far from all others would make a session of a million years.
    with np.errstate(all="ignore"):
        finite_s = stamps_s[np.isfinite(stamps_s)]
        near = np.abs(stamps_s - (np.median(finite_s) if len(finite_s) else 0.0)) <= LONGEST_S
    if not near.all():
        _log.warning("stream of '%s': %d stamps are no numbers or days from the others", where, int((~near).sum()))
    kept = np.flatnonzero(near)
    order = kept[np.argsort(stamps_s[kept], kind="stable")]
    if np.array_equal(order, np.arange(len(stamps_s))):
        return stream
    return replace(
        stream,
        stamps_s=stamps_s[order],
        values=None if numbers is None else numbers[order],
        texts=tuple(texts[index] for index in order) if texts else (),
    )


def _load(path: Path, packed: bool, complaints: list[str]) -> list[dict[str, Any]]:
    try:
        if packed:
            raw = _unpacked(path, complaints)
            return _streams(raw, lambda: io.BytesIO(raw), complaints)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _streams(mapped, lambda: path.open("rb"), complaints)
    except Exception as error:
        raise MoodringError(
            f"XDF file '{path}' is damaged and nothing in it can be read ({_one_line(error)}); use a copy"
        ) from None


def _streams(
    raw: bytes | mmap.mmap, reopen: Callable[[], io.BufferedIOBase], complaints: list[str]
) -> list[dict[str, Any]]:
    found = _survey(raw)
    if found.fault is None:
        try:
            return _pyxdf(reopen())
        except Exception as error:  # pyxdf lets through whatever damaged bytes cause
            complaints.append(_one_line(error))
    else:
        complaints.append(found.fault)
    return _pyxdf(io.BytesIO(_sane_part(raw, found)))


def _unpacked(path: Path, complaints: list[str]) -> bytes:
    """Unpack a file as far as that goes."""
    raw = bytearray()
    with gzip.open(path) as file:
        try:
            while part := file.read1(1 << 20):  # a longer read would lose what came before the damage
                raw += part
        except (EOFError, OSError, zlib.error) as error:
            complaints.append(_one_line(error))
            if not raw:
                raise
    return bytes(raw)


def _pyxdf(file: io.BufferedIOBase) -> list[dict[str, Any]]:
    # Jitter is kept: taking it out would close up gaps.
    with file, np.errstate(all="ignore"):
        streams: list[dict[str, Any]] = pyxdf.load_xdf(file, dejitter_timestamps=False)[0]
    return streams


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect pyxdf's errors instead of printing them with their tracebacks."""
    collected: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                collected.append(record.getMessage())

    handler, spread = Collect(), _pyxdf_log.propagate
    _pyxdf_log.addHandler(handler)
    _pyxdf_log.propagate = False
    try:
        yield collected
    finally:
        _pyxdf_log.removeHandler(handler)
        _pyxdf_log.propagate = spread


def _stream(stream: Mapping[str, Any]) -> ReadStream:
    info = stream["info"]
    values: Any = stream["time_series"]
    texts = tuple(str(row[0]) if len(row) else "" for row in values) if isinstance(values, list) else ()
    desc = (info.get("desc") or [None])[0]
    return ReadStream(
        name=str((info.get("name") or [""])[0] or ""),
        type=str((info.get("type") or [""])[0] or ""),
        rate_hz=float((info.get("nominal_srate") or ["0"])[0] or 0),
        channel_count=int((info.get("channel_count") or ["0"])[0] or 0),
        values=None if isinstance(values, list) else np.asarray(values),
        texts=texts,
        stamps_s=np.asarray(stream["time_stamps"], dtype=np.float64),
        desc=desc if isinstance(desc, Mapping) else {},
        source_id=str((info.get("source_id") or [""])[0] or ""),
    )


def _one_line(error: Exception) -> str:
    lines: Sequence[str] = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@dataclass(frozen=True)
class _Survey:
    """Survey of the chunks of a file: those that are plausible.

    Attributes
    ----------
    sane : tuple of (int, int)
        First and one past the last byte of each intact chunk, in order.
    fault : str or None
        What was wrong first, where something was.
    """

    sane: tuple[tuple[int, int], ...]
    fault: str | None


@dataclass(frozen=True)
class _Layout:
    """Least size of a sample of a stream in bytes."""

    least_bytes: int


def _survey(raw: bytes | mmap.mmap) -> _Survey:
    """Find the intact chunks of an XDF file, before anything relies on their headers.

    A chunk is left out that ends behind the file, whose XML cannot be read, that belongs to a stream without a
    readable header, or that claims more samples than it has bytes for. After a chunk whose length makes no sense the
    search goes on at the next boundary mark.
    """
    layouts: dict[int, _Layout] = {}
    sane: list[tuple[int, int]] = []
    faults: list[str] = []
    for first, content, stop in _chunks(raw, faults):
        # Of samples, which are most of a file, only the beginning is looked at.
        is_samples = raw[content : content + 2] == _SAMPLES.to_bytes(2, "little")
        head = raw[content : min(stop, content + _HEAD) if is_samples else stop]
        fault = _fault_of(head, stop - content, layouts)
        if fault is None:
            sane.append((first, stop))
        else:
            faults.append(fault)
    more = f", and {len(faults) - 1} more chunks" if len(faults) > 1 else ""
    return _Survey(tuple(sane), f"{faults[0]}{more}" if faults else None)


def _sane_part(raw: bytes | mmap.mmap, found: _Survey) -> bytes:
    """Return a file of the intact chunks."""
    return raw[:_MAGIC] + b"".join(raw[first:stop] for first, stop in found.sane)


def _chunks(raw: bytes | mmap.mmap, faults: list[str]) -> Iterator[tuple[int, int, int]]:
    """Yield where each chunk begins, where its content does, and where it ends."""
    place = _MAGIC
    while place < len(raw):
        length, content = _varlen(raw, place)
        if length is not None and length >= 2 and content + length <= len(raw):
            yield place, content, content + length
            place = content + length
            continue
        faults.append(f"the chunk at byte {place} is cut or has an impossible length")
        mark = raw.find(_BOUNDARY, place)
        if mark < 0:
            return
        place = mark + len(_BOUNDARY)


def _fault_of(content: bytes, length: int, layouts: dict[int, _Layout]) -> str | None:
    """Return what is wrong with a chunk of a length, and note the layout where it is a stream's header."""
    tag = int.from_bytes(content[:2], "little")
    if tag == _FILE_HEADER:
        return None if _parsed(content[2:]) is not None else "the file's header cannot be read"
    if tag == _BOUNDARY_TAG:
        return None
    if tag not in (_STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _FOOTER) or len(content) < _STREAM_ID:
        return f"a chunk of unknown kind {tag}"
    number = int.from_bytes(content[2:_STREAM_ID], "little")
    if tag == _STREAM_HEADER:
        layout = _layout(content[_STREAM_ID:])
        if layout is None:
            return f"the header of stream {number} cannot be read"
        layouts[number] = layout
        return None
    if number not in layouts:
        return f"a chunk belongs to stream {number}, which has no header"
    if tag == _SAMPLES:
        count, start = _varlen(content, _STREAM_ID)
        if count is None or count * layouts[number].least_bytes > length - start:
            return f"a chunk of stream {number} claims more samples than it has bytes"
    if tag == _CLOCK_OFFSET and len(content) < _STREAM_ID + 16:
        return f"a clock offset of stream {number} is cut"
    if tag == _FOOTER and _parsed(content[_STREAM_ID:]) is None:
        return f"the footer of stream {number} cannot be read"
    return None


def _layout(header: bytes) -> _Layout | None:
    info = _parsed(header)
    if info is None:
        return None
    try:
        channels = int(info.findtext("channel_count") or "")
        float(info.findtext("nominal_srate") or "")
    except ValueError:
        return None
    kind = info.findtext("channel_format") or ""
    if channels < 0 or (kind != "string" and kind not in _ITEM_BYTES):
        return None
    return _Layout(1 + channels * _ITEM_BYTES[kind] if kind != "string" else max(_LEAST_TEXT_BYTES, 1 + channels))


def _parsed(text: bytes) -> ElementTree.Element | None:
    try:
        # expat itself refuses entities that grow without bound.
        return ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _varlen(raw: bytes | mmap.mmap, place: int) -> tuple[int | None, int]:
    """Return XDF's number of variable length, or None, and where it ends."""
    form = {1: "<B", 4: "<I", 8: "<Q"}.get(raw[place]) if place < len(raw) else None
    stop = place + 1 + struct.calcsize(form or "")
    if form is None or stop > len(raw):
        return None, place
    return int(struct.unpack_from(form, raw, place + 1)[0]), stop
