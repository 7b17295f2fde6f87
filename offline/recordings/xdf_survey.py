"""Look over the chunks of an XDF file before anything believes what they claim, and find those that make sense.

Source: the XDF 1.0 specification, github.com/sccn/xdf/wiki/Specifications.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from xml.etree import ElementTree

_MAGIC = 4
_BOUNDARY = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")
_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _BOUNDARY_TAG, _FOOTER = 1, 2, 3, 4, 5, 6
_ITEM_BYTES = {"float32": 4, "double64": 8, "int64": 8, "int32": 4, "int16": 2, "int8": 1}
_LEAST_TEXT_BYTES = 2  # one says that no stamp follows, one how long the text's length is
_STREAM_ID = 6  # tag and number of the stream
_HEAD = 24


@dataclass(frozen=True)
class Survey:
    """Which parts of a file make sense.

    Attributes
    ----------
    sane : tuple of (int, int)
        First and one past the last byte of each chunk that can be believed, in order.
    fault : str or None
        What was wrong first, where something was.
    """

    sane: tuple[tuple[int, int], ...]
    fault: str | None


@dataclass(frozen=True)
class _Layout:
    """What a sample of a stream takes at least, in bytes."""

    least_bytes: int


def survey(raw: bytes | mmap) -> Survey:
    """Judge every chunk of an XDF file.

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
    return Survey(tuple(sane), faults[0] if faults else None)


def sane_part(raw: bytes | mmap, found: Survey) -> bytes:
    """Give a file of the chunks that can be believed."""
    return raw[:_MAGIC] + b"".join(raw[first:stop] for first, stop in found.sane)


def _chunks(raw: bytes | mmap, faults: list[str]) -> Iterator[tuple[int, int, int]]:
    """Give where each chunk begins, where its content does, and where it ends."""
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
    """Say what is wrong with a chunk of a length, and note the layout where it is a stream's header."""
    tag = int.from_bytes(content[:2], "little")
    if tag == _FILE_HEADER:
        return None if _xml(content[2:]) is not None else "the file's header cannot be read"
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
    if tag == _FOOTER and _xml(content[_STREAM_ID:]) is None:
        return f"the footer of stream {number} cannot be read"
    return None


def _layout(header: bytes) -> _Layout | None:
    info = _xml(header)
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


def _xml(text: bytes) -> ElementTree.Element | None:
    try:
        # expat itself refuses entities that grow without bound.
        return ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _varlen(raw: bytes | mmap, place: int) -> tuple[int | None, int]:
    """Read XDF's number of variable length; give it, or None, and where it ends."""
    form = {1: "<B", 4: "<I", 8: "<Q"}.get(raw[place]) if place < len(raw) else None
    stop = place + 1 + struct.calcsize(form or "")
    if form is None or stop > len(raw):
        return None, place
    return int(struct.unpack_from(form, raw, place + 1)[0]), stop
