"""Lay out the samples of a session's sources as streams of an XDF file: what was decoded, and how it arrived.

Every source is one stream of samples and, where it was recorded live, one of type ``Arrivals`` with a sample per chunk:

========== =============== ======================================================================================
kind       type            one sample
========== =============== ======================================================================================
signal     EEG, or the key one value per channel, stamped at its capture
film       VideoIndex      one frame, stamped at its capture; its number in the Matroska file
sound      AudioIndex      a block of up to 320 samples, stamped at the capture of the first: number of the first in
                           the Matroska file, count, stamp of the last, and 1 where the stamps are ``listed``
sound      AudioStamps     the stamps of a listed block, NaN after the last
========== =============== ======================================================================================

The stamps of a block that is not listed are exactly ``first + arange(count) / rate``. A stream says in its description,
under ``moodring``, which source it belongs to and which sample of the session comes first in this file.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..contract import BoolArray, TimeArray
from .stream_descriptions import ChannelFormat, SessionTimes, StreamDescription, Tree
from .xdf_writer import XdfWriter

SourceKind = Literal["signal", "film", "sound"]

ARRIVALS_TYPE = "Arrivals"
ARRIVALS_CHANNELS = ("start", "stop", "received_s", "gap", "skipped")
VIDEO_INDEX_TYPE = "VideoIndex"
VIDEO_INDEX_CHANNELS = ("frame",)
AUDIO_INDEX_TYPE = "AudioIndex"
AUDIO_INDEX_CHANNELS = ("first_sample", "sample_count", "last_stamp_s", "listed")
AUDIO_STAMPS_TYPE = "AudioStamps"
BLOCK_SAMPLES = 320

FORMATS: dict[str, ChannelFormat] = {
    "<f4": "float32",
    "<f8": "double64",
    "<i8": "int64",
    "<i4": "int32",
    "<i2": "int16",
    "|i1": "int8",
}
"""Types of numbers that XDF has, by NumPy's names."""


@dataclass(frozen=True)
class RecordedSource:
    """Description of one source in a recording.

    Attributes
    ----------
    key : str
        ``"eeg"``, ``"face"``, ``"speech"``, ``"loudspeaker"`` or another modality.
    kind : "signal", "film" or "sound"
    name : str
        Of the device or stream.
    rate_hz : float or None
        Nominal; None where the device does not say.
    channel_names : tuple of str
        Of a signal.
    dtype : str
        Of a signal: one of ``FORMATS``.
    jitter_s : float
        How far single stamps may be off without anything missing.
    delay_s : float or None
        Declared device delay, taken off the stamps already.
    times : SessionTimes or None
        Where it stands in its session, where that is known beforehand.
    arrivals : bool
        Whether the arrival of the samples is recorded.
    """

    key: str
    kind: SourceKind
    name: str
    rate_hz: float | None
    channel_names: tuple[str, ...] = ()
    dtype: str = "<f4"
    jitter_s: float = 0.0
    delay_s: float | None = None
    times: SessionTimes | None = None
    arrivals: bool = True


@dataclass(frozen=True)
class SourceChunk:
    """Samples of a source that arrived together.

    Attributes
    ----------
    stamps_s : (n,) float64
        As the source gave them.
    received_s : float
    gap : bool
    skipped : int
    values : (n, n_channels) or None
        Of a signal.
    first_in_file : int
        Of a film or sound: number of the first frame or sample in the Matroska file.
    """

    stamps_s: TimeArray
    received_s: float
    gap: bool = False
    skipped: int = 0
    values: NDArray[np.generic] | None = None
    first_in_file: int = 0


@dataclass
class _Waiting:
    """Rows of one stream that are not in the file yet."""

    number: int
    begun: bool = False
    rows: list[NDArray[np.generic]] = field(default_factory=list)
    stamps_s: list[TimeArray] = field(default_factory=list)

    def add(self, rows: NDArray[np.generic], stamps_s: TimeArray) -> None:
        """Add rows with their stamps."""
        self.rows.append(rows)
        self.stamps_s.append(stamps_s)

    def write(self, writer: XdfWriter) -> None:
        """Write what waits."""
        if self.rows:
            stamps_s = np.concatenate(self.stamps_s)
            if not self.begun:
                # The stamps are on the recording computer's clock; readers ask for an offset nevertheless.
                writer.clock_offset(self.number, float(np.nan_to_num(stamps_s[0])), 0.0)
                self.begun = True
            writer.samples(self.number, np.concatenate(self.rows), stamps_s)
            self.rows, self.stamps_s = [], []


class SourceStreams:
    """Write one source into an XDF file.

    Parameters
    ----------
    writer : XdfWriter
    source : RecordedSource
    first : int
        Number of the session's sample that comes first here.
    """

    def __init__(self, writer: XdfWriter, source: RecordedSource, first: int = 0) -> None:
        self.source = source
        self.next = first
        self._writer = writer
        self._samples = self._stream(*_samples_layout(source), first)
        self._listed = self._stream(AUDIO_STAMPS_TYPE, _ordinals(BLOCK_SAMPLES), "double64", 0.0, first)
        self._arrivals = self._stream(ARRIVALS_TYPE, ARRIVALS_CHANNELS, "double64", 0.0, first)

    def append(self, chunk: SourceChunk) -> None:
        """Add a chunk; it is in the file after :meth:`write`."""
        count = len(chunk.stamps_s)
        if not count:
            return
        if self.source.kind == "sound":
            self._append_sound(chunk)
        elif self.source.kind == "film":
            numbers = np.arange(chunk.first_in_file, chunk.first_in_file + count, dtype=np.float64)
            self._put(self._samples, numbers[:, np.newaxis], chunk.stamps_s)
        elif chunk.values is not None:
            self._put(self._samples, chunk.values, chunk.stamps_s)
        row = [self.next, self.next + count, chunk.received_s, float(chunk.gap), chunk.skipped]
        self.next += count
        self._put(self._arrivals, np.array([row], np.float64), np.array([chunk.received_s]))

    def write(self) -> None:
        """Write what waits; how it arrived comes last, so that no row of it is without its samples."""
        for waiting in (self._listed, self._samples, self._arrivals):
            if waiting is not None:
                waiting.write(self._writer)

    def _append_sound(self, chunk: SourceChunk) -> None:
        rate_hz = self.source.rate_hz or 1.0
        for start in range(0, len(chunk.stamps_s), BLOCK_SAMPLES):
            stamps_s = chunk.stamps_s[start : start + BLOCK_SAMPLES]
            listed = not np.array_equal(stamps_s, even_stamps(float(stamps_s[0]), len(stamps_s), rate_hz))
            if listed:
                row = np.full((1, BLOCK_SAMPLES), np.nan)
                row[0, : len(stamps_s)] = stamps_s
                self._put(self._listed, row, stamps_s[:1])
            index = [chunk.first_in_file + start, len(stamps_s), float(stamps_s[-1]), float(listed)]
            self._put(self._samples, np.array([index], np.float64), stamps_s[:1])

    def _put(self, waiting: _Waiting | None, rows: NDArray[np.generic], stamps_s: TimeArray) -> None:
        if waiting is not None:
            waiting.add(rows, stamps_s)

    def _stream(
        self, kind: str, labels: tuple[str, ...], form: ChannelFormat, rate_hz: float, first: int
    ) -> _Waiting | None:
        source = self.source
        if (kind == AUDIO_STAMPS_TYPE and source.kind != "sound") or (kind == ARRIVALS_TYPE and not source.arrivals):
            return None
        suffix = {ARRIVALS_TYPE: "_arrivals", AUDIO_STAMPS_TYPE: "_stamps"}.get(kind, "")
        desc = (_channels(labels, kind), ("moodring", _facts(source, first)))
        name = source.name if not suffix else f"{source.key}{suffix}"
        number = self._writer.stream(
            StreamDescription(name, kind, len(labels), rate_hz, form, f"{source.key}{suffix}", desc)
        )
        return _Waiting(number)


def even_stamps(first_s: float, count: int, rate_hz: float) -> TimeArray:
    """Return ``count`` stamps from ``first_s`` on, one period of the rate apart."""
    stamps_s: TimeArray = first_s + np.arange(count) / rate_hz
    return stamps_s


def stamps_of_blocks(
    index: NDArray[np.float64], first_s: TimeArray, listed: NDArray[np.float64], rate_hz: float
) -> TimeArray:
    """Return the stamps of all samples of a sound.

    Parameters
    ----------
    index : (n_blocks, 4) float64
        As ``AUDIO_INDEX_CHANNELS`` names the columns.
    first_s : (n_blocks,) float64
        Stamp of the first sample of each block.
    listed : (n_listed, 320) float64
    rate_hz : float

    Raises
    ------
    ValueError
        A block claims more samples than a block has, or there are fewer listed blocks than the index says.
    """
    counts = index[:, 1]
    if not (np.isfinite(index[:, :2]).all() and (counts >= 1).all() and (counts <= BLOCK_SAMPLES).all()):
        raise ValueError(f"a block has 1 to {BLOCK_SAMPLES} samples")
    if np.count_nonzero(index[:, 3]) != len(listed):
        raise ValueError("blocks of stamps are missing")
    rows = iter(listed)
    pieces = [
        next(rows)[: int(count)] if is_listed else even_stamps(float(stamp_s), int(count), rate_hz)
        for (_, count, _, is_listed), stamp_s in zip(index, first_s, strict=True)
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0)


def arrival_starts(rows: NDArray[np.float64]) -> BoolArray:
    """Return which rows of an arrival stream begin where the one before ended."""
    follows: BoolArray = np.ones(len(rows), np.bool_)
    follows[1:] = rows[1:, 0] == rows[:-1, 1]
    return follows


def _samples_layout(source: RecordedSource) -> tuple[str, tuple[str, ...], ChannelFormat, float]:
    if source.kind == "film":
        return VIDEO_INDEX_TYPE, VIDEO_INDEX_CHANNELS, "double64", 0.0
    if source.kind == "sound":
        return AUDIO_INDEX_TYPE, AUDIO_INDEX_CHANNELS, "double64", 0.0
    kind = "EEG" if source.key == "eeg" else source.key
    return kind, source.channel_names, FORMATS[source.dtype], source.rate_hz or 0.0


def _facts(source: RecordedSource, first: int) -> Tree:
    facts: list[tuple[str, str]] = [
        ("source", source.key),
        ("kind", source.kind),
        ("first_sample", str(first)),
        ("device", source.name),
        ("rate_hz", "" if source.rate_hz is None else repr(float(source.rate_hz))),
        ("jitter_s", repr(float(source.jitter_s))),
        ("delay_s", "" if source.delay_s is None else repr(float(source.delay_s))),
    ]
    times = source.times
    if times is not None:
        facts += [
            ("origin", times.origin),
            ("participant", times.participant),
            ("first_sample_after_t0_s", repr(float(times.first_sample_after_t0_s))),
            ("rest_s", repr(float(times.rest_s))),
        ]
    return tuple(facts)


def _channels(labels: tuple[str, ...], kind: str) -> tuple[str, Tree]:
    unit = (("unit", "microvolts"), ("type", "EEG")) if kind == "EEG" else ()
    return "channels", tuple(("channel", (("label", label), *unit)) for label in labels)


def _ordinals(count: int) -> tuple[str, ...]:
    return tuple(f"stamp_{index:03}" for index in range(count))
