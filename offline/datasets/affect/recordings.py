"""Recordings of your own with ratings: session folders, XDF, and whatever EEG MNE reads (BDF, EDF, BrainVision, FIF …).

Ratings are in ``ratings.csv`` of the folder, a line a trial:

=================== ==================================================================================================
``participant``     who
``file``            recording, session folder or EEG file, relative to the folder
``valence``         as rated; may be empty
``arousal``         as rated; may be empty
``start_s``         where the stimulus begins, from the recording's first moment; or
``marker``          the annotation with which it begins
``stop_s``          where it ends; or
``duration_s``      how long it lasts; neither: to the end
``rest_s``          seconds before the stimulus in which the person rested (optional)
``stimulus``        its name (optional)
``session``         sitting, where a person has several (optional)
``video``           film of the face; that of a session folder needs no name (optional)
``video_start_s``   where the film's first frame lies in the recording (optional)
``lowest, highest`` ends of the rating scale, 1 and 9 where they are missing
=================== ==================================================================================================

Without that file, ratings are read from the markers and annotations of every recording in the folder
(:mod:`..rated_markers`): so do sessions that moodring records beside an experiment that sends them.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ....configs.schema.errors import MoodringError
from ....configs.schema.session_folder import SESSION_FILE
from ....models.contract import Recording, Signal, Video
from ...recordings.eeg_files import SUFFIXES as EEG_SUFFIXES
from ...recordings.frames import SomeFrames
from ...recordings.monotonic_time import on_rising_time
from ...recordings.open import XDF_SUFFIXES, open_recording
from ..affect_corpus import AffectCorpus, AffectTrial, Scale, file_of, levels_of
from ..rated_markers import RatedSpan, rated_spans

TABLE = "ratings.csv"
_NEEDED = ("participant", "file", "valence", "arousal")
_FAMILY = "recordings"
_DEEPEST = 4
_LONGEST_GAP_S = 0.1
_EDGES = (3.5 / 8.0, 4.5 / 8.0)
"""Where a scale is cut, as 4.5 and 5.5 cut that from 1 to 9."""


@dataclass
class RecordedTrials:
    """Loader of trials and of films within recordings; keeps the recording opened last."""

    _path: Path | None = None
    _recording: Recording | None = field(default=None, repr=False)

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG of a trial.

        Raises
        ------
        MoodringError
            The recording cannot be read, has no EEG, ends before the trial, or has a gap in it.
        """
        recording = self._open(file_of(trial))
        eeg = recording.eeg
        if eeg is None:
            raise MoodringError(f"trial '{trial.name}': '{trial.file}' holds no EEG; leave it out")
        stamps_s = eeg.stamps_s - recording.t0_s
        inside = (stamps_s >= trial.start_s - trial.onset_s) & (stamps_s < trial.stop_s)
        if inside.sum() < eeg.rate_hz:
            raise MoodringError(
                f"trial '{trial.name}' goes from {trial.start_s:g} to {trial.stop_s:g} s, and the EEG of "
                f"'{trial.file}' from {stamps_s[0]:.1f} to {stamps_s[-1]:.1f} s; correct {TABLE} or the markers"
            )
        gap_s = float(np.diff(stamps_s[inside]).max())
        if gap_s > _LONGEST_GAP_S:
            raise MoodringError(
                f"trial '{trial.name}': the EEG of '{trial.file}' has a gap of {gap_s:.2f} s; leave the trial out, or "
                'train with on_bad = "skip"'
            )
        begins_s = trial.start_s - trial.onset_s
        return replace(eeg, samples=eeg.samples[inside], stamps_s=stamps_s[inside] - begins_s, arrivals=None)

    def film(self, trial: AffectTrial, /) -> Video | None:
        """Return the frames that the recording itself has of a trial."""
        recording = self._open(file_of(trial))
        face = recording.face
        if face is None or not len(face.stamps_s):
            return None
        stamps_s = face.stamps_s - recording.t0_s - (trial.start_s - trial.onset_s)
        chosen = np.flatnonzero((stamps_s >= 0.0) & (stamps_s <= trial.stop_s - trial.start_s + trial.onset_s))
        if not len(chosen):
            return None
        return replace(face, frames=SomeFrames(face.frames, chosen), stamps_s=stamps_s[chosen], arrivals=None)

    def _open(self, path: Path) -> Recording:
        if self._recording is None or self._path != path:
            self._path, self._recording = path, on_rising_time(open_recording(path))
        return self._recording

    def __getstate__(self) -> dict[str, object]:
        """Return nothing of what was read: another process reads for itself."""
        return {"_path": None, "_recording": None}


def found_in(root: Path) -> bool:
    """Return whether a folder has a table of ratings, or holds recordings."""
    return (root / TABLE).is_file() or next(_recordings(root), None) is not None


def read(root: Path) -> AffectCorpus:
    """Read a folder of rated recordings; its name is the corpus's.

    Raises
    ------
    MoodringError
        It has neither table nor rated recordings, the table lacks a column, or a value cannot be used.
    """
    loader = RecordedTrials()
    table = root / TABLE
    trials, problems = _of_table(root, table) if table.is_file() else _of_markers(root)
    if not trials:
        found = f" ({problems[0]})" if problems else ""
        raise MoodringError(
            f"'{root}' holds no {TABLE} and no recording with rating markers{found}; add the table (docs/corpora.md)"
        )
    return AffectCorpus(
        root.resolve().name,
        tuple(sorted(trials, key=lambda one: (one.subject, one.groups["session"], one.order))),
        loader,
        "rated by the person, cut at 7/16 and 9/16 of the scale (4.5 and 5.5 of 1 to 9); an edge is the lower level",
        tuple(problems),
        film=loader.film,
        release_of=_FAMILY,
    )


def _recordings(root: Path) -> Iterator[Path]:
    """Yield session folders, XDF and EEG files of a folder, not deeper than where moodring puts sessions."""
    readable = (*EEG_SUFFIXES, *XDF_SUFFIXES)
    for depth in range(_DEEPEST):
        for path in sorted(root.glob("/".join(["*"] * (depth + 1)))):
            above = [parent for parent in path.parents if parent.is_relative_to(root)]
            if any((parent / SESSION_FILE).is_file() for parent in above):
                continue
            session = path.is_dir() and (path / SESSION_FILE).is_file()
            if session or (depth < 2 and path.is_file() and path.suffix.lower() in readable):
                yield path


def _of_markers(root: Path) -> tuple[list[AffectTrial], list[str]]:
    trials: list[AffectTrial] = []
    problems: list[str] = []
    for path in _recordings(root):
        recording = open_recording(path)
        stamps_s = None if recording.eeg is None else recording.eeg.stamps_s
        if stamps_s is None or not len(stamps_s):
            problems.append(f"'{path.name}' holds no EEG")
            continue
        spans = rated_spans(recording.markers, float(stamps_s[-1]), path.name)
        if not spans:
            problems.append(f"'{path.name}' has no rating among its {len(recording.markers)} markers")
        for number, span in enumerate(spans):
            rest_s, wait_s = _rest_before(span, recording.t0_s, recording.rest_s if number == 0 else 0.0)
            name = f"{path.name} {number + 1:02d} {span.stimulus}"
            trials.append(
                AffectTrial(
                    name,
                    recording.participant,
                    stimulus=span.stimulus,
                    labels=levels_of(span.ratings, rating_scale(1.0, 9.0), name),
                    ratings=span.ratings,
                    groups={"session": path.name},
                    file=path,
                    start_s=span.start_s - recording.t0_s,
                    stop_s=span.stop_s - recording.t0_s,
                    order=number,
                    rest_s=rest_s,
                    wait_s=wait_s,
                )
            )
    return trials, problems


def _rest_before(span: RatedSpan, t0_s: float, rest_s: float) -> tuple[float, float]:
    """Return how long the rest before a stimulus was, and how long after it the stimulus began."""
    if span.rest_start_s is not None and span.rest_stop_s is not None:
        return span.rest_stop_s - span.rest_start_s, span.start_s - span.rest_stop_s
    lasted_s = min(rest_s, span.start_s - t0_s)
    return (lasted_s, span.start_s - t0_s - lasted_s) if lasted_s > 0 else (0.0, 0.0)


def _of_table(root: Path, table: Path) -> tuple[list[AffectTrial], list[str]]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        columns = [name.strip().lower() for name in reader.fieldnames or ()]
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            raise MoodringError(
                f"'{table}' has no column {missing[0]} (it has {', '.join(columns) or 'none'}); "
                f"{', '.join(_NEEDED)} were expected: add it"
            )
        rows = [
            {(key or "").strip().lower(): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
            for row in reader
        ]
    trials: list[AffectTrial] = []
    problems: list[str] = []
    for number, row in enumerate(rows, start=2):
        where = f"'{table}' line {number}"
        path = root / row["file"]
        if not path.exists():
            problems.append(f"{where}: '{row['file']}' has ratings and is not there")
            continue
        trials.append(_trial(root, path, row, where, sum(one.subject == row["participant"] for one in trials)))
    return trials, problems


def _trial(root: Path, path: Path, row: dict[str, str], where: str, order: int) -> AffectTrial:
    start_s, stop_s = _number(row, "start_s", where), _number(row, "stop_s", where)
    if start_s is None and row.get("marker"):
        start_s = _marked_s(path, row["marker"], where)
    start_s = start_s or 0.0
    duration_s = _number(row, "duration_s", where)
    if stop_s is None:
        stop_s = float("inf") if duration_s is None else start_s + duration_s
    if stop_s <= start_s:
        raise MoodringError(f"{where}: the stimulus goes from {start_s:g} to {stop_s:g} s; let it end after it begins")
    lowest, highest = _number(row, "lowest", where), _number(row, "highest", where)
    scale = rating_scale(1.0 if lowest is None else lowest, 9.0 if highest is None else highest)
    rated = {axis: _number(row, axis, where) for axis in ("valence", "arousal")}
    ratings = {axis: value for axis, value in rated.items() if value is not None}
    name = f"{row['participant']} {order + 1:02d} {row.get('stimulus') or path.name}"
    rest_s = min(_number(row, "rest_s", where) or 0.0, start_s)
    film = root / row["video"] if row.get("video") else None
    if film is not None and not film.is_file():
        raise MoodringError(f"{where}: film '{row['video']}' is not there; correct the name, or leave it empty")
    return AffectTrial(
        name,
        row["participant"],
        stimulus=row.get("stimulus", ""),
        labels=levels_of(ratings, scale, name),
        ratings=ratings,
        groups={"session": row.get("session", "")},
        file=path,
        start_s=start_s,
        stop_s=stop_s,
        order=order,
        rest_s=rest_s,
        video=film,
        video_start_s=(_number(row, "video_start_s", where) or 0.0) - (start_s - rest_s),
    )


def _marked_s(path: Path, text: str, where: str) -> float:
    recording = open_recording(path)
    found = next((marker for marker in recording.markers if marker.text.strip() == text), None)
    if found is None:
        raise MoodringError(f"{where}: '{path.name}' has no annotation '{text}'; correct the column marker")
    return found.stamp_s - recording.t0_s


def _number(row: dict[str, str], column: str, where: str) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise MoodringError(f"{where}: {column} is {text!r}; a number was expected: correct it")
    return value


def rating_scale(lowest: float, highest: float) -> Scale:
    """Return a scale of the person's own ratings, cut at 7/16 and 9/16."""
    low, medium = (lowest + edge * (highest - lowest) for edge in _EDGES)
    return Scale(lowest, highest, low, medium)
