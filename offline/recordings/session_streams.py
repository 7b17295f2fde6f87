"""Read the XDF parts of a session folder: every source as one, and the other streams.

A recorder that died is followed by another, which writes again what may not have reached the disk. Samples of a source
are numbered over the whole session, so that what two parts hold is taken once; other streams are joined by their
stamps.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import Arrivals, TimeArray
from ...models.io.described_values import HIGHEST_RATE_HZ, LONGEST_S, number_in, short_text, whole_in
from ...models.io.source_streams import (
    ARRIVALS_TYPE,
    AUDIO_STAMPS_TYPE,
    BLOCK_SAMPLES,
    arrival_starts,
    stamps_of_blocks,
)
from .xdf.reading import ReadStream, read_streams, rising

_log = logging.getLogger(__name__)
_APART_S = 0.001
_MOST_SKIPPED = 1e12
_LOWEST_RATE_HZ = 1e-3
_LONGEST_DELAY_S = 10.0
_MOST_HOLE_SAMPLES = 16_000 * 600


@dataclass(frozen=True)
class SourceSamples:
    """The samples of one source of a session.

    Attributes
    ----------
    about : ReadStream
        Its description.
    values : (n, n_channels) array
        Of a film or sound one column: the number of each frame or sample in the Matroska file.
    stamps_s : (n,) float64
    arrivals : Arrivals or None
    """

    about: ReadStream
    values: NDArray[np.generic]
    stamps_s: TimeArray
    arrivals: Arrivals | None

    def first(self, count: int) -> "SourceSamples":
        """Return the first samples: as many as are asked for, or fewer, so that no chunk is cut."""
        if count >= len(self.stamps_s):
            return self
        arrivals = self.arrivals
        if arrivals is not None:
            chunks = int(np.searchsorted(arrivals.stop, count, side="right"))
            count = int(arrivals.stop[chunks - 1]) if chunks else 0
            whole = slice(chunks)
            arrivals = replace(
                arrivals,
                stop=arrivals.stop[whole],
                received_s=arrivals.received_s[whole],
                gap=arrivals.gap[whole],
                skipped=arrivals.skipped[whole],
            )
        return SourceSamples(self.about, self.values[:count], self.stamps_s[:count], arrivals)

    @property
    def name(self) -> str:
        """Name of the device or stream."""
        return short_text(self.about.text("moodring", "device")) or ""

    @property
    def rate_hz(self) -> float | None:
        """Nominal rate; None where the device did not say, or it makes no sense."""
        return number_in(self.about.text("moodring", "rate_hz"), _LOWEST_RATE_HZ, HIGHEST_RATE_HZ)

    @property
    def jitter_s(self) -> float:
        """How far single stamps may be off; 0 where it is not said, or makes no sense."""
        return number_in(self.about.text("moodring", "jitter_s"), 0.0, _LONGEST_DELAY_S) or 0.0

    @property
    def delay_s(self) -> float | None:
        """Declared delay of the device; None where it is not said, or makes no sense."""
        return number_in(self.about.text("moodring", "delay_s"), 0.0, _LONGEST_DELAY_S)


@dataclass(frozen=True)
class _FilePart:
    """A source in one file; ``rows`` as ``ARRIVALS_CHANNELS``, None where there are none or they do not fit."""

    about: ReadStream
    first: int
    values: NDArray[np.generic]
    stamps_s: TimeArray
    rows: NDArray[np.float64] | None


def read_parts(folder: Path, report: Callable[[str], None]) -> tuple[dict[str, SourceSamples], list[ReadStream]]:
    """Read all XDF parts in a folder.

    Parameters
    ----------
    folder : Path
    report : callable
        Told in one line of a part that cannot be read.

    Returns
    -------
    sources : dict of str to SourceSamples
        By key: ``"eeg"``, ``"face"``, ``"speech"``, ``"loudspeaker"`` and others.
    others : list of ReadStream
        Markers, truth, estimates and whatever else was recorded.
    """
    sources: dict[str, list[_FilePart]] = {}
    others: list[list[ReadStream]] = []
    for path in sorted(folder.glob("*.xdf")):
        try:
            streams = read_streams(path, folder.parent)
        except MoodringError as error:
            report(str(error))
            continue
        keys = dict.fromkeys(key for one in streams if (key := one.text("moodring", "source")))
        for key in keys:
            try:
                part = _part_of([one for one in streams if one.text("moodring", "source") == key], path)
            except ValueError as error:
                _log.warning("'%s': %s is damaged and left out (%s)", path, key, error)
                continue
            if part is not None:
                sources.setdefault(key, []).append(part)
        others.append([one for one in streams if not one.text("moodring", "source")])
    return {key: _joined(key, parts) for key, parts in sources.items()}, join_parts(others)


def _part_of(streams: Sequence[ReadStream], path: Path) -> _FilePart | None:
    by_type = {one.type: one for one in streams if one.values is not None and len(one.stamps_s)}
    arrivals, listed = by_type.pop(ARRIVALS_TYPE, None), by_type.pop(AUDIO_STAMPS_TYPE, None)
    samples = next(iter(by_type.values()), None)
    if samples is None or samples.values is None:
        return None
    first = whole_in(samples.text("moodring", "first_sample"), 0, int(_MOST_SKIPPED)) or 0
    values, stamps_s = np.asarray(samples.values), samples.stamps_s
    if samples.text("moodring", "kind") == "sound":
        values, stamps_s = _sound_samples(samples, listed)
    rows = None if arrivals is None else _without_holes(np.asarray(arrivals.values, np.float64), first)
    if rows is not None and not _fits(rows, first, len(stamps_s)):
        _log.warning("'%s': chunks of '%s' are missing; how its samples arrived is not known", path, samples.name)
        rows = None
    elif rows is not None:
        # What was written last may lie there without how it arrived.
        last = int(rows[-1, 1]) - first if len(rows) else 0
        values, stamps_s = values[:last], stamps_s[:last]
    return _FilePart(samples, first, values, stamps_s, rows) if len(stamps_s) else None


def _without_holes(rows: NDArray[np.float64], first: int) -> NDArray[np.float64]:
    """Return rows in which one stands for those that were damaged in a row: all its samples came with the next."""
    there = np.isfinite(rows).all(axis=1)
    if there.all():
        return rows
    whole = rows[there]
    ends = np.concatenate(([first], whole[:-1, 1])) if len(whole) else np.zeros(0)
    holes = np.flatnonzero(whole[:, 0] > ends)
    nothing = np.zeros(len(holes))
    put_in = np.column_stack((ends[holes], whole[holes, 0], whole[holes, 2], nothing, nothing))
    mended: NDArray[np.float64] = np.insert(whole, holes, put_in, axis=0)
    return mended


def _fits(rows: NDArray[np.float64], first: int, count: int) -> bool:
    """Whether the rows follow on each other from the first sample on, and no sample of theirs is missing."""
    if not len(rows):
        return True
    if not np.isfinite(rows).all():
        return False
    follows = bool(arrival_starts(rows).all()) and bool((rows[:, 1] > rows[:, 0]).all())
    near = np.abs(rows[:, 2] - np.median(rows[:, 2])) <= LONGEST_S
    counts = (rows[:, 4] >= 0) & (rows[:, 4] < _MOST_SKIPPED)
    whole = follows and bool(near.all()) and bool(counts.all())
    return whole and rows[0, 0] == first and rows[-1, 1] - first <= count


def _sound_samples(index: ReadStream, listed: ReadStream | None) -> tuple[NDArray[np.generic], TimeArray]:
    blocks = np.asarray(index.values, np.float64)
    there = np.isfinite(blocks).all(axis=1)
    whole, first_s = blocks[there], index.stamps_s[there]
    if not len(whole):
        return np.zeros((0, 1)), np.zeros(0)
    rows = np.zeros((0, BLOCK_SAMPLES)) if listed is None else np.asarray(listed.values, np.float64)
    if not there.all() or np.count_nonzero(whole[:, 3]) != len(rows):
        rows = _listed_for(whole, first_s, listed)
    rate_hz = number_in(index.text("moodring", "rate_hz"), _LOWEST_RATE_HZ, HIGHEST_RATE_HZ)
    stamps_s = stamps_of_blocks(whole, first_s, rows, rate_hz or 1.0)
    starts, counts = whole[:, 0], whole[:, 1]
    if not ((starts >= 0) & (starts < _MOST_SKIPPED)).all():
        raise ValueError("a block has an impossible place in its file")
    numbers = np.concatenate([np.arange(first, first + count) for first, count in whole[:, :2]])
    if not there.all():
        # What was damaged between two blocks is there without stamps, so that those behind keep their numbers.
        missing = starts[1:] - starts[:-1] - counts[:-1]
        places = np.cumsum(counts)[:-1].astype(np.int64)
        if len(missing) and ((missing < 0) | (missing > _MOST_HOLE_SAMPLES)).any():
            raise ValueError("blocks do not follow on each other")
        repeats = missing.astype(np.int64)
        lost = [np.arange(end, end + n) for end, n in zip(starts[:-1] + counts[:-1], repeats, strict=True)]
        at = np.repeat(places, repeats)
        numbers = np.insert(numbers, at, np.concatenate(lost) if lost else [])
        stamps_s = np.insert(stamps_s, at, np.nan)
    return numbers[:, np.newaxis], stamps_s


def _listed_for(blocks: NDArray[np.float64], first_s: TimeArray, listed: ReadStream | None) -> NDArray[np.float64]:
    """Return the listed stamps of the blocks that have some, found by their first; NaN where they are lost."""
    rows = {} if listed is None else dict(zip(listed.stamps_s.tolist(), np.asarray(listed.values), strict=True))
    lost = np.full(BLOCK_SAMPLES, np.nan)
    found = [rows.get(float(stamp_s), lost) for stamp_s in first_s[blocks[:, 3] > 0]]
    return np.array(found, np.float64).reshape(-1, BLOCK_SAMPLES)


def _joined(key: str, parts: list[_FilePart]) -> SourceSamples:
    width = max(part.values.shape[1] for part in parts)
    if any(part.values.shape[1] != width for part in parts):
        _log.warning("a part of the recording has another number of channels of %s and is left out", key)
        parts = [part for part in parts if part.values.shape[1] == width]
    known = all(part.rows is not None for part in parts)
    values: list[NDArray[np.generic]] = []
    stamps_s: list[TimeArray] = []
    rows: list[NDArray[np.float64]] = []
    missing, place = 0, parts[0].first
    for part in parts:
        # The same chunks again where the recorder before had died: what it wrote is taken from there.
        begin = max(part.first, place)
        missing += begin - place
        values.append(part.values[begin - part.first :])
        stamps_s.append(part.stamps_s[begin - part.first :])
        if known and part.rows is not None:
            own = part.rows[part.rows[:, 0] >= begin].copy()
            own[:, :2] -= parts[0].first + missing
            rows.append(own)
        place = max(place, part.first + len(part.stamps_s))
    if missing:
        _log.warning("%d samples of %s were lost between two parts of the recording", missing, key)
    about = parts[0].about
    samples = SourceSamples(about, np.concatenate(values), np.concatenate(stamps_s), None)
    if not known:
        ordered = rising(replace(about, values=samples.values, stamps_s=samples.stamps_s), key)
        return replace(samples, values=np.asarray(ordered.values), stamps_s=ordered.stamps_s)
    table = np.concatenate(rows)
    arrivals = Arrivals(
        stop=table[:, 1].astype(np.int64),
        received_s=table[:, 2],
        gap=table[:, 3] > 0,
        skipped=table[:, 4].astype(np.int64),
        rate_hz=samples.rate_hz,
        delay_s=samples.delay_s,
    )
    return replace(samples, arrivals=arrivals)


def join_parts(parts: Sequence[Sequence[ReadStream]]) -> list[ReadStream]:
    """Join streams of the same name, type and width over parts; of text, every part's is kept.

    Parts may overlap: of numbers, a part goes on where the part that began before it ended.
    """
    groups: dict[tuple[str, str, int, bool], list[ReadStream]] = {}
    for part in parts:
        for stream in part:
            if len(stream.stamps_s):
                key = (stream.name, stream.type, stream.channel_count, stream.values is None)
                groups.setdefault(key, []).append(stream)
    return [_together(group) for group in groups.values()]


def _together(streams: list[ReadStream]) -> ReadStream:
    first, *later = sorted(streams, key=lambda one: float(one.stamps_s[0]))
    if first.values is None:
        pairs = sorted(
            ((stamp_s, text) for one in streams for stamp_s, text in zip(one.stamps_s, one.texts, strict=False)),
            key=lambda pair: float(pair[0]),
        )
        stamps_s: TimeArray = np.array([stamp_s for stamp_s, _ in pairs], dtype=np.float64)
        return replace(first, stamps_s=stamps_s, texts=tuple(text for _, text in pairs))
    # Half a sample where the rate is known; clock offsets measured by two recorders differ by less.
    apart_s = 0.5 / first.rate_hz if first.rate_hz > 0 else _APART_S
    stamps, values = [first.stamps_s], [first.values]
    end_s = float(first.stamps_s[-1])
    for one in later:
        start = int(np.searchsorted(one.stamps_s, end_s + apart_s, side="right"))
        if one.values is None or start == len(one.stamps_s):
            continue
        stamps.append(one.stamps_s[start:])
        values.append(one.values[start:])
        end_s = float(one.stamps_s[-1])
    return replace(first, stamps_s=np.concatenate(stamps), values=np.concatenate(values))
