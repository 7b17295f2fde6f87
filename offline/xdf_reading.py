"""Read XDF: streams by pyxdf, with damage told in one line instead of a traceback."""

import gzip
import io
import logging
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyxdf
from numpy.typing import NDArray

from ..configs.errors import MoodringError
from ..models.contract import TimeArray

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
        On the recording computer's clock, rising.
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

    def text(self, *path: str) -> str | None:
        """Give the text at a path of the description; None where there is none."""
        node: Any = self.desc
        for tag in path:
            if not isinstance(node, Mapping) or tag not in node or not node[tag]:
                return None
            node = node[tag][0]
        return node if isinstance(node, str) else None

    def channels(self, tag: str) -> list[str]:
        """Give one field of each described channel, "" where it is missing; empty without a description."""
        described = (self.desc.get("channels") or [None])[0]
        rows = described.get("channel", []) if isinstance(described, Mapping) else []
        return [((row.get(tag) or [""])[0] or "") if isinstance(row, Mapping) else "" for row in rows]


def read_streams(path: Path) -> list[ReadStream]:
    """Read all streams of an XDF file; of a damaged one, those parts that can be read, with a warning in the log.

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
    return [_stream(stream, path) for stream in streams]


def _load(path: Path, packed: bool, complaints: list[str]) -> list[dict[str, Any]]:
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            fault = _first_fault(file)
            if not fault.impossible:
                try:
                    file.seek(0)
                    return _pyxdf(file)
                except Exception as error:  # pyxdf lets through whatever damaged bytes cause
                    complaints.append(_one_line(error))
            else:
                complaints.append("a chunk claims more samples than it has bytes")
        # pyxdf closes what it reads.
        with gzip.open(path) if packed else path.open("rb") as file:
            return _pyxdf(io.BytesIO(file.read(fault.place)))
    except Exception as error:
        raise MoodringError(
            f"XDF file '{path}' is damaged and nothing in it can be read ({_one_line(error)}); use a copy"
        ) from None


def _pyxdf(file: IO[bytes] | gzip.GzipFile) -> list[dict[str, Any]]:
    # Jitter is kept: taking it out would close up gaps.
    streams: list[dict[str, Any]] = pyxdf.load_xdf(file, dejitter_timestamps=False)[0]
    return streams


@dataclass(frozen=True)
class _Fault:
    """Where a file stops making sense, and whether pyxdf would ask for all memory there."""

    place: int
    impossible: bool


def _first_fault(file: IO[bytes] | gzip.GzipFile) -> _Fault:
    """Find the first chunk that is cut or makes no sense; the file's end where all are whole."""
    size = file.seek(0, io.SEEK_END)
    place = 4
    while place < size:
        file.seek(place)
        head = file.read(24)
        length = _varlen(head, 0)
        if length is None:
            break
        start = 1 + head[0]
        if length < 2 or place + start + length > size:
            break
        if head[start : start + 2] == b"\x03\x00" and (_varlen(head, start + 6) or 0) > length:
            return _Fault(place, impossible=True)
        place += start + length
    return _Fault(min(place, size), impossible=False)


def _varlen(head: bytes, place: int) -> int | None:
    """Read XDF's number of variable length."""
    form = {1: "<B", 4: "<I", 8: "<Q"}.get(head[place]) if place < len(head) else None
    if form is None or place + 1 + struct.calcsize(form) > len(head):
        return None
    return int(struct.unpack_from(form, head, place + 1)[0])


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


def _stream(stream: Mapping[str, Any], path: Path) -> ReadStream:
    info = stream["info"]
    values: Any = stream["time_series"]
    texts = tuple(str(row[0]) for row in values) if isinstance(values, list) else ()
    stamps_s = np.asarray(stream["time_stamps"], dtype=np.float64)
    if not np.isfinite(stamps_s).all():
        raise MoodringError(f"stream '{info['name'][0]}' of '{path}' has stamps that are no numbers; record it again")
    numbers = None if isinstance(values, list) else np.asarray(values)
    order = np.argsort(stamps_s, kind="stable")
    if not np.array_equal(order, np.arange(len(order))):
        stamps_s = stamps_s[order]
        numbers = None if numbers is None else numbers[order]
        texts = tuple(texts[index] for index in order) if texts else ()
    desc = (info.get("desc") or [None])[0]
    return ReadStream(
        name=str((info.get("name") or [""])[0] or ""),
        type=str((info.get("type") or [""])[0] or ""),
        rate_hz=float((info.get("nominal_srate") or ["0"])[0] or 0),
        channel_count=int((info.get("channel_count") or ["0"])[0] or 0),
        values=numbers,
        texts=texts,
        stamps_s=stamps_s,
        desc=desc if isinstance(desc, Mapping) else {},
    )


def _one_line(error: Exception) -> str:
    lines: Sequence[str] = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
