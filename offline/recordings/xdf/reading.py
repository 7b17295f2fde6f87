"""Read XDF: streams by pyxdf, with damage reported in one line instead of a traceback.

Chunks that make no sense are left out before pyxdf believes what they claim.

Source: the XDF 1.0 specification, github.com/sccn/xdf/wiki/Specifications.
"""

import gzip
import io
import logging
import mmap
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyxdf
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....configs.schema.regular_files import open_regular
from ....models.contract import TimeArray
from ....models.io.described_values import LONGEST_S
from .survey import believed_part, survey

_LEAST_UNPACKED_BYTES, _MOST_UNPACKED = 64 << 20, 30  # a packed file of zeros would grow a thousandfold

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


def read_streams(path: Path, inside: Path | None = None) -> list[ReadStream]:
    """Read all streams of an XDF file; of a damaged one, those parts that can be read, with a warning in the log.

    The samples of a session's own sources stay as they were written (see :mod:`moodring.models.io.source_streams`);
    those of every other stream are brought into the order of time. With ``inside``, the file must lie in that folder.

    Raises
    ------
    MoodringError
        Not there, not XDF, or nothing in it can be read.
    """
    try:
        with open_regular(path, inside) as file:
            magic = file.read(4)
    except OSError as error:
        raise MoodringError(f"XDF file '{path}' cannot be read: {error.strerror}; check the path") from None
    packed = magic[:2] == b"\x1f\x8b"
    if magic != b"XDF:" and not packed:
        raise MoodringError(
            f"'{path}' is not an XDF file: it starts with {magic!r} instead of b'XDF:'; give the file that "
            "was recorded, or rename it to what it is"
        )
    with _complaints() as complaints:
        streams = _load(path, packed, complaints)
    if complaints:
        _log.warning("XDF file '%s' is damaged (%s); read what is whole", path, complaints[0])
    if not streams:
        raise MoodringError(f"XDF file '{path}' holds no streams; record it again")
    read = [_stream(stream) for stream in streams]
    return [one if one.text("moodring", "source") else rising(one, path) for one in read]


def read_streams_of(raw: bytes, where: Path) -> list[ReadStream]:
    """Read the streams of an XDF file that is in memory, in the order of time; ``where`` it is from is for messages.

    Raises
    ------
    MoodringError
        Nothing in it can be read.
    """
    with _complaints() as complaints:
        try:
            streams = _streams(raw, lambda: io.BytesIO(raw), complaints)
        except Exception as error:
            raise MoodringError(f"'{where}' is damaged: {_one_line(error)}; use a copy") from None
    if complaints:
        _log.warning("XDF file '%s' is damaged (%s); read what is whole", where, complaints[0])
    return [rising(_stream(stream), where) for stream in streams]


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
    found = survey(raw)
    if found.fault is None:
        try:
            return _pyxdf(reopen())
        except Exception as error:  # pyxdf lets through whatever damaged bytes cause
            complaints.append(_one_line(error))
    else:
        complaints.append(found.fault)
    return _pyxdf(io.BytesIO(believed_part(raw, found)))


def _unpacked(path: Path, complaints: list[str]) -> bytes:
    """Unpack a file as far as that goes."""
    raw = bytearray()
    most = max(_LEAST_UNPACKED_BYTES, _MOST_UNPACKED * path.stat().st_size)
    with gzip.open(path) as file:
        try:
            while part := file.read1(1 << 20):  # a longer read would lose what came before the damage
                raw += part
                if len(raw) > most:
                    complaints.append(f"it unpacks to more than {most >> 20} MB")
                    break
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
