"""Find the chunks of an XDF file that can be believed, before anything relies on what they claim.

Files of this project have a check behind each chunk (:mod:`moodring.models.io.xdf_writer`): a chunk that does not fit
its own is left out, and what its stream lacks for it is put in as samples without a stamp, so that those behind keep
their numbers.

Source: the XDF 1.0 specification, github.com/sccn/xdf/wiki/Specifications.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np

from ....models.io.xdf_writer import CHECK, CHECK_MARK, CHECK_TAG, check_of

Raw = bytes | mmap.mmap

MAGIC_BYTES = 4
_BOUNDARY = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")
_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _BOUNDARY_TAG, _FOOTER = 1, 2, 3, 4, 5, 6
_TYPES = {"float32": "<f4", "double64": "<f8", "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "i1"}
_LEAST_TEXT_BYTES = 2  # one says that no stamp follows, one how long the text's length is
_STREAM_ID = 6  # tag and number of the stream
_HEAD = 24


@dataclass(frozen=True)
class Survey:
    """What of a file can be believed.

    Attributes
    ----------
    pieces : tuple of (int, int) or bytes
        First and one past the last byte of each chunk that can be believed, in order; and chunks of samples without a
        stamp, in the place of those that cannot.
    fault : str or None
        What was wrong, where something was.
    """

    pieces: tuple[tuple[int, int] | bytes, ...]
    fault: str | None


@dataclass(frozen=True)
class _Layout:
    """Of a stream: number of channels, type of its numbers (None is text), least size of a sample in bytes."""

    channels: int
    dtype: str | None
    least_bytes: int


@dataclass
class _Believed:
    """What a survey has found so far.

    ``missing`` counts the samples of the chunks that were left out; ``fill_bytes`` may still be put in for them: what
    was left out had no more than the file.
    """

    layouts: dict[int, _Layout] = field(default_factory=dict)
    pieces: list[tuple[int, int] | bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    missing: int = 0
    fill_bytes: int = 0


def survey(raw: Raw) -> Survey:
    """Find the chunks of an XDF file that can be believed.

    A chunk is left out that does not fit its check, ends behind the file, whose XML cannot be read, that belongs to a
    stream without a readable header, or that claims more samples than it has bytes for. After a chunk whose length
    makes no sense the search goes on at the next check, or at the next boundary mark in a file without checks.
    """
    found = _Believed(fill_bytes=len(raw))
    if raw.find(CHECK_MARK, 0, len(raw)) >= 0:
        _take_checked(raw, found)
    else:
        for first, content, stop in _chunks(raw, found.faults):
            _take(raw, (first, content, stop), found)
    faults = found.faults
    more = f", and {len(faults) - 1} more chunks" if len(faults) > 1 else ""
    lost = f"; {found.missing} samples are missing" if found.missing else ""
    return Survey(tuple(found.pieces), f"{faults[0]}{more}{lost}" if faults else None)


def believed_part(raw: Raw, found: Survey) -> bytes:
    """Return a file of the chunks that can be believed."""
    pieces = (piece if isinstance(piece, bytes) else raw[piece[0] : piece[1]] for piece in found.pieces)
    return raw[:MAGIC_BYTES] + b"".join(pieces)


def _take_checked(raw: Raw, found: _Believed) -> None:
    """Take the chunks that fit their checks; after one that does not, go on behind the next check."""
    place, view = MAGIC_BYTES, memoryview(raw)
    step = len(CHECK_MARK) + CHECK.size
    try:
        while place < len(raw):
            length, content = _varlen(raw, place)
            stop = content + (length or 0)
            whole = length is not None and length >= 2 and stop <= len(raw)
            mark = stop if whole and raw[stop : stop + len(CHECK_MARK)] == CHECK_MARK else raw.find(CHECK_MARK, place)
            if mark < 0 or mark + step > len(raw):
                # The end of a file that was cut.
                if whole and (stop == len(raw) or mark == stop):
                    _take(raw, (place, content, stop), found)
                else:
                    found.faults.append(f"the chunk at byte {place} is cut or has an impossible length")
                return
            number, first, count, _ = CHECK.unpack(raw[mark + len(CHECK_MARK) : mark + step])
            if mark == stop and check_of(view[place:stop], number, first, count) == raw[mark : mark + step]:
                _fill(number, first, found)
                _take(raw, (place, content, stop), found)
                found.counts[number] = first + count
            else:
                found.faults.append(f"the chunk at byte {place} does not fit its check")
            place = mark + step
    finally:
        view.release()


def _fill(number: int, first: int, found: _Believed) -> None:
    """Put samples without a stamp in the place of those that lie before a chunk's first and were left out."""
    layout, missing = found.layouts.get(number), first - found.counts.get(number, 0)
    if layout is None or missing <= 0:
        return
    found.missing += missing
    if layout.dtype is None:
        return
    found.fill_bytes -= missing * np.dtype(_row(layout)).itemsize
    if found.fill_bytes < 0:
        raise ValueError(f"{missing} samples of stream {number} are said to be missing, more than a file can have lost")
    rows = np.zeros(missing, dtype=_row(layout))
    rows["stamp_bytes"], rows["stamp"] = 8, np.nan
    if np.dtype(layout.dtype).kind == "f":
        rows["values"] = np.nan
    content = struct.pack("<HIBI", _SAMPLES, number, 4, missing) + rows.tobytes()
    found.pieces.append(struct.pack("<BI", 4, len(content)) + content)


def _row(layout: _Layout) -> list[tuple[str, str] | tuple[str, str, tuple[int, ...]]]:
    return [("stamp_bytes", "u1"), ("stamp", "<f8"), ("values", str(layout.dtype), (layout.channels,))]


def _take(raw: Raw, chunk: tuple[int, int, int], found: _Believed) -> None:
    """Take a chunk, of which first byte, first byte of its content and end are given, where it can be believed."""
    first, content, stop = chunk
    if raw[content : content + 2] == CHECK_TAG.to_bytes(2, "little"):
        return
    # Of samples, which are most of a file, only the beginning is looked at.
    is_samples = raw[content : content + 2] == _SAMPLES.to_bytes(2, "little")
    head = raw[content : min(stop, content + _HEAD) if is_samples else stop]
    fault = _fault_of(head, stop - content, found.layouts)
    if fault is None:
        found.pieces.append((first, stop))
    else:
        found.faults.append(fault)


def _chunks(raw: Raw, faults: list[str]) -> Iterator[tuple[int, int, int]]:
    """Yield where each chunk begins, where its content does, and where it ends."""
    place = MAGIC_BYTES
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
    if channels < 0 or (kind != "string" and kind not in _TYPES):
        return None
    if kind == "string":
        return _Layout(channels, None, max(_LEAST_TEXT_BYTES, 1 + channels))
    return _Layout(channels, _TYPES[kind], 1 + channels * np.dtype(_TYPES[kind]).itemsize)


def _parsed(text: bytes) -> ElementTree.Element | None:
    try:
        # expat itself refuses entities that grow without bound.
        return ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _varlen(raw: Raw, place: int) -> tuple[int | None, int]:
    """Return XDF's number of variable length, or None, and where it ends."""
    form = {1: "<B", 4: "<I", 8: "<Q"}.get(raw[place]) if place < len(raw) else None
    stop = place + 1 + struct.calcsize(form or "")
    if form is None or stop > len(raw):
        return None, place
    return int(struct.unpack_from(form, raw, place + 1)[0]), stop
