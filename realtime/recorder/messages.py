"""Messages from an engine to its recorder: a line of JSON and the bytes of arrays; nothing executes when read."""

import json
import struct
from dataclasses import asdict
from typing import Any

import numpy as np

from ...models.io.source_streams import RecordedSource, SourceChunk

_LENGTH = struct.Struct("<I")
STOP = b"stop"
"""Asks the recorder to finish its file and to end."""


def source_message(number: int, source: RecordedSource) -> bytes:
    """Return the message that announces a source; its times are not part of it."""
    facts = {key: value for key, value in asdict(source).items() if key not in ("times", "arrivals")}
    return _packed({"number": number, "source": facts}, b"")


def chunk_message(number: int, key: str, first: int, chunk: SourceChunk) -> bytes:
    """Return the message with a chunk.

    Parameters
    ----------
    number : int
        Of the message, to be acknowledged.
    key : str
        Of the source.
    first : int
        Number of the source's sample that comes first.
    chunk : SourceChunk
    """
    values = chunk.values
    header = {
        "number": number,
        "key": key,
        "first": first,
        "count": len(chunk.stamps_s),
        "received_s": float(chunk.received_s),
        "gap": bool(chunk.gap),
        "skipped": int(chunk.skipped),
        "first_in_file": int(chunk.first_in_file),
        "dtype": None if values is None else values.dtype.str,
    }
    stamps = np.asarray(chunk.stamps_s, np.float64).tobytes()
    return _packed(header, stamps + (b"" if values is None else values.tobytes()))


def pause_message(number: int, paused: bool) -> bytes:
    """Return the message that makes the recorder pass over the LSL streams it reads itself, or take them again."""
    return _packed({"number": number, "paused": paused}, b"")


def header_of(message: bytes) -> dict[str, Any]:
    """Return what a message says of itself."""
    stop = _LENGTH.size + _LENGTH.unpack_from(message)[0]
    header: dict[str, Any] = json.loads(message[_LENGTH.size : stop])
    return header


def source_of(header: dict[str, Any]) -> RecordedSource:
    """Return the source that a message announces."""
    facts = header["source"]
    return RecordedSource(**{**facts, "channel_names": tuple(facts["channel_names"])})


def chunk_of(header: dict[str, Any], message: bytes) -> SourceChunk:
    """Return the chunk in a message."""
    start = _LENGTH.size + _LENGTH.unpack_from(message)[0]
    count = header["count"]
    stamps_s = np.frombuffer(message, np.float64, count, start)
    values = None
    if header["dtype"] is not None:
        values = np.frombuffer(message, np.dtype(header["dtype"]), -1, start + stamps_s.nbytes).reshape(count, -1)
    return SourceChunk(
        stamps_s, header["received_s"], header["gap"], header["skipped"], values, header["first_in_file"]
    )


def _packed(header: dict[str, Any], content: bytes) -> bytes:
    line = json.dumps(header).encode()
    return _LENGTH.pack(len(line)) + line + content
