"""Labelled stretches of a recording: from a table, from markers, or from the truth of a simulated one."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import read_regular
from ...models.contract import Head, Recording
from ..datasets.affect.recordings import rating_scale
from ..datasets.affect_corpus import Scale
from ..simulate.latents import levels

LEVELS = ("low", "medium", "high")
RATINGS = rating_scale(1.0, 9.0)
_STIMULUS = re.compile(r"stimulus(?!_end)", re.IGNORECASE)
_RATING = re.compile(r"rating\s+(?P<values>\S.*)", re.IGNORECASE)
_ENDS = ("end", "stop", "stimulus_end", "rest_end")
_SIMULATED_AXES = ("valence", "arousal")


@dataclass(frozen=True)
class Stretch:
    """A stimulus or a block with its labels.

    Attributes
    ----------
    start_s, stop_s : float
        From t0.
    classes : tuple of int or None
        The class of each head of the bundle; None where there is no label.
    """

    start_s: float
    stop_s: float
    classes: tuple[int | None, ...]


def labelled_stretches(
    recording: Recording,
    heads: Sequence[Head],
    table: Path | None = None,
    scale: Scale = RATINGS,
    *,
    rest_s: float = 0.0,
) -> list[Stretch]:
    """Return the labelled stretches of a recording after its rest, in order of time.

    Parameters
    ----------
    recording : Recording
    heads : sequence of Head
        Of the bundle: what is labelled, and the classes.
    table : Path or None
        A CSV file; None takes the truth of a simulated recording, else its markers.
    scale : Scale
        Of ratings, and where it is cut: as where a model is trained on recordings of one's own.
    rest_s : float
        Stretches that begin within so many seconds from t0 are left out.

    Raises
    ------
    MoodringError
        There are no labels, or one is outside the scale, unknown, outside the recording or overlaps another.
    """
    length_s = _length_s(recording)
    if table is not None:
        found, source = _of_table(table, recording, heads, scale, length_s), f"labels '{table}'"
    elif recording.truth is not None and tuple(head.name for head in heads) == _SIMULATED_AXES:
        found, source = _of_truth(recording, length_s), f"recording '{recording.name}'"
    else:
        found, source = _of_markers(recording, heads, scale, length_s), f"recording '{recording.name}'"
    if not found:
        names = ", ".join(head.name for head in heads)
        raise MoodringError(
            f"recording '{recording.name}' carries no labels for {names}: give --labels CSV, or record markers "
            "(docs/calibrate.md)"
        )
    found = sorted(found, key=lambda one: one.start_s)
    for before, after in pairwise(found):
        if after.start_s < before.stop_s - 1e-3:
            raise MoodringError(
                f"{source}: the stretch from {after.start_s:g} s begins before that from {before.start_s:g} s ends "
                f"({before.stop_s:g} s); correct the times"
            )
    for one in found:
        if not -1e-3 <= one.start_s < one.stop_s <= length_s + 0.5:
            raise MoodringError(
                f"{source}: a stretch from {one.start_s:g} to {one.stop_s:g} s; the recording lasts {length_s:.1f} s "
                "from its t0, and a stretch ends after it begins: correct the times"
            )
    return [one for one in found if one.start_s >= rest_s - 1e-3]


def class_of(text: str, head: Head, scale: Scale, where: str) -> int | None:
    """Return the index of the class that a label names: a class of the head, or a rating; None where it is empty.

    Raises
    ------
    MoodringError
        It is neither, or outside the scale.
    """
    text = text.strip()
    if not text:
        return None
    names = [name.lower() for name in head.classes]
    if text.lower() in names:
        return names.index(text.lower())
    try:
        rating = float(text)
    except ValueError:
        rating = math.nan
    if tuple(head.classes) != LEVELS or not math.isfinite(rating):
        also = f" or a rating from {scale.lowest:g} to {scale.highest:g}" if tuple(head.classes) == LEVELS else ""
        raise MoodringError(f"{where}: {head.name} is {text!r}; {', '.join(head.classes)}{also} was expected")
    if not scale.lowest <= rating <= scale.highest:
        raise MoodringError(
            f"{where}: {head.name} is {rating:g}, outside {scale.lowest:g} to {scale.highest:g}; correct it, or name "
            "the scale of your ratings: --scale LOW:HIGH"
        )
    return LEVELS.index(scale.level(rating, where))


def parse_scale(text: str) -> Scale:
    """Return the scale whose ends are given as ``LOW:HIGH``; raise ValueError otherwise."""
    low, _, high = text.partition(":")
    lowest, highest = float(low), float(high)
    if not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
        raise ValueError(text)
    return rating_scale(lowest, highest)


def _length_s(recording: Recording) -> float:
    return max((float(np.nanmax(one.stamps_s)) for one in recording.sources.values()), default=recording.t0_s) - (
        recording.t0_s
    )


def _of_truth(recording: Recording, length_s: float) -> list[Stretch]:
    """Return one stretch per stimulus; its level is that of the mean of what was felt, as a person would rate it."""
    truth = recording.truth
    if truth is None:
        raise ValueError(f"recording '{recording.name}' has no truth")
    times_s = truth.stamps_s - recording.t0_s
    changed = np.flatnonzero(np.diff(truth.stimulus, prepend=-1) != 0)
    stops_s = [*times_s[changed[1:]].tolist(), length_s]
    found = []
    for first, stop_s in zip(changed.tolist(), stops_s, strict=True):
        rows = np.flatnonzero((times_s >= times_s[first]) & (times_s < stop_s))
        if truth.stimulus[first] >= 0 and len(rows):
            mean = truth.latents[rows].astype(np.float64).mean(axis=0)
            found.append(Stretch(float(times_s[first]), stop_s, tuple(int(level) for level in levels(mean))))
    return found


def _of_markers(recording: Recording, heads: Sequence[Head], scale: Scale, length_s: float) -> list[Stretch]:
    """Return stimuli with a rating after them, and blocks that are named after a class of the only head."""
    marks = sorted((mark.stamp_s - recording.t0_s, mark.text.strip()) for mark in recording.markers)
    found: list[Stretch] = []
    onset_s: float | None = None
    for index, (at_s, text) in enumerate(marks):
        next_s = marks[index + 1][0] if index + 1 < len(marks) else length_s
        block = text.lower().removesuffix("_start")
        if len(heads) == 1 and block in [name.lower() for name in heads[0].classes]:
            found.append(Stretch(at_s, next_s, (class_of(block, heads[0], scale, f"marker {text!r}"),)))
        elif rating := _RATING.fullmatch(text):
            if onset_s is None:
                raise MoodringError(
                    f"marker {text!r} at {at_s:.1f} s rates no stimulus: a marker 'stimulus…' was expected before it"
                )
            found.append(Stretch(*_shown(marks, onset_s, at_s), _rated(rating["values"], heads, scale, text)))
            onset_s = None
        elif _STIMULUS.match(text):
            onset_s = at_s
    return found


def _shown(marks: Sequence[tuple[float, str]], onset_s: float, rated_s: float) -> tuple[float, float]:
    """Return when a stimulus began and ended: at an end that is marked, else where it was rated."""
    ends = [at_s for at_s, text in marks if onset_s < at_s <= rated_s and text.lower() in _ENDS]
    return onset_s, min(ends, default=rated_s)


def _rated(values: str, heads: Sequence[Head], scale: Scale, text: str) -> tuple[int | None, ...]:
    given = dict(part.partition("=")[::2] for part in values.split())
    if not {head.name for head in heads} & set(given):
        raise MoodringError(
            f"marker {text!r} rates nothing that the bundle answers; 'rating "
            f"{' '.join(f'{head.name}=…' for head in heads)}' was expected"
        )
    return tuple(class_of(given.get(head.name, ""), head, scale, f"marker {text!r}") for head in heads)


def _of_table(path: Path, recording: Recording, heads: Sequence[Head], scale: Scale, length_s: float) -> list[Stretch]:
    try:
        text = read_regular(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise MoodringError(f"labels '{path}' cannot be read ({reason}); give a CSV file") from None
    reader = csv.DictReader(io.StringIO(text))
    columns = [(name or "").strip() for name in reader.fieldnames or ()]
    labels = [name for name in _columns(heads) if name in columns]
    timed = "start_s" in columns and {"stop_s", "duration_s"} & set(columns)
    if not labels or not (timed or "marker" in columns):
        raise MoodringError(
            f"labels '{path}' has columns {', '.join(columns) or 'none'}; expected start_s and stop_s (or duration_s), "
            f"or marker, and {' or '.join(_columns(heads))}"
        )
    seen: dict[str, int] = {}
    found = []
    for line, raw in enumerate(reader, start=2):
        row = {(key or "").strip(): (value or "").strip() for key, value in raw.items() if isinstance(value, str)}
        where = f"labels '{path}', line {line}"
        start_s, stop_s = _span(row, recording, seen, where, length_s)
        classes = [
            class_of(row.get(head.name) or (row.get("label", "") if len(heads) == 1 else ""), head, scale, where)
            for head in heads
        ]
        found.append(Stretch(start_s, stop_s, tuple(classes)))
    return found


def _columns(heads: Sequence[Head]) -> list[str]:
    return [*(head.name for head in heads), *(("label",) if len(heads) == 1 else ())]


def _span(
    row: Mapping[str, str], recording: Recording, seen: dict[str, int], where: str, length_s: float
) -> tuple[float, float]:
    """Return start and end of a row, by its times or by the marker that it names, each marker used once."""
    marks = sorted((mark.stamp_s - recording.t0_s, mark.text.strip()) for mark in recording.markers)
    if row.get("start_s"):
        start_s = _number(row["start_s"], "start_s", where)
    else:
        name = row.get("marker", "")
        times = [at_s for at_s, text in marks if text == name]
        index = seen.get(name, 0)
        if index >= len(times):
            raise MoodringError(f"{where}: marker {name!r} comes {len(times)} times in the recording; give start_s")
        seen[name] = index + 1
        start_s = times[index]
    if row.get("stop_s"):
        return start_s, _number(row["stop_s"], "stop_s", where)
    if row.get("duration_s"):
        return start_s, start_s + _number(row["duration_s"], "duration_s", where)
    return start_s, min((at_s for at_s, _ in marks if at_s > start_s + 1e-6), default=length_s)


def _number(text: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MoodringError(f"{where}: {name} is {text!r}; seconds from the recording's start were expected")
    return value
