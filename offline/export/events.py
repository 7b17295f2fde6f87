"""Events of a session: markers, ratings, notes and holes, each with how long it lasted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...models.contract import Marker
from ..recordings.session_record import Line, SessionRecord
from .time_axis import EvenSamples, TimeAxis

HOLE = "BAD_ACQ_SKIP"
"""As MNE calls a stretch that was not recorded; its filters and epochs leave such stretches out."""
COLUMNS = ("onset", "duration", "sample", "trial_type", "value", "valence", "arousal")
DESCRIPTION: dict[str, Any] = {
    "onset": {
        "Description": "Seconds from the first sample of the EEG file (without EEG: of the recording)",
        "Format": "number",
    },
    "duration": {"Description": "Seconds; 0 for a moment", "Format": "number"},
    "sample": {"Description": "Row of the EEG file, from 0"},
    "trial_type": {
        "Description": "What kind of event it is",
        "Levels": {
            "stimulus": "a stimulus is shown, until its end is marked, it is rated or the next one begins",
            "rest": "the person rests",
            "rating": "the person has rated the stimulus before",
            "marker": "any other marker of the experiment",
            "note": "a note of the experimenter",
            HOLE: "samples that never came; they are 0 in the file",
        },
    },
    "value": {"Description": "The marker as it was sent, or the text of the note"},
    "valence": {"Description": "Of a rating: valence as the person gave it"},
    "arousal": {"Description": "Of a rating: arousal as the person gave it"},
}
_STIMULUS = re.compile(r"stimulus[_ ](?!end$)(?P<name>.+)", re.IGNORECASE)
_STIMULUS_END = re.compile(r"stimulus[_ ]end|trial[_ ]broken[_ ]off|rating[_ ].+", re.IGNORECASE)
_SAME_S = 0.1
_RATING = re.compile(r"rating[_ ](?P<values>.+)", re.IGNORECASE)
_START = re.compile(r"(?P<what>.+)[_ ]start", re.IGNORECASE)
_NUMBER = re.compile(r"(?P<name>[a-z_]+)=(?P<value>[-+]?\d+(?:\.\d+)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Event:
    """Something that happened at a time on the axis; ``ratings`` are of a rating."""

    onset_s: float
    duration_s: float
    kind: str
    text: str
    ratings: dict[str, float] = field(default_factory=dict)


def events_of(session: SessionRecord, axis: TimeAxis, eeg: EvenSamples | None) -> list[Event]:
    """Return the events of a session in order of time."""
    markers = sorted(session.recording.markers, key=lambda one: one.stamp_s)
    found = [_of_marker(marker, markers[number + 1 :], axis) for number, marker in enumerate(markers)]
    found += [_of_note(note, axis) for note in session.notes if not _is_marker(note, markers)]
    if eeg is not None:
        rate_hz = eeg.signal.rate_hz
        found += [
            Event(start / rate_hz, (stop - start) / rate_hz, HOLE, "samples never came") for start, stop in eeg.holes
        ]
    return sorted(found, key=lambda one: one.onset_s)


def event_rows(events: Sequence[Event], eeg: EvenSamples | None) -> list[dict[str, Any]]:
    """Return the rows of ``events.tsv``."""
    rows = []
    for one in events:
        sample = None if eeg is None else round(one.onset_s * eeg.signal.rate_hz)
        given = {axis: one.ratings.get(axis) for axis in ("valence", "arousal")}
        rows.append(
            {
                "onset": one.onset_s,
                "duration": one.duration_s,
                "sample": sample,
                "trial_type": one.kind,
                "value": one.text,
                **given,
            }
        )
    return rows


def stimulus_name(text: str) -> str | None:
    """Return which stimulus begins with a marker; None for another marker."""
    named = _STIMULUS.fullmatch(text.strip())
    return None if named is None else named["name"]


def _of_marker(marker: Marker, later: Sequence[Marker], axis: TimeAxis) -> Event:
    text = marker.text.strip()
    onset_s = axis.at(marker.stamp_s)
    if rating := _RATING.fullmatch(text):
        numbers = {one["name"].lower(): float(one["value"]) for one in _NUMBER.finditer(rating["values"])}
        return Event(onset_s, 0.0, "rating", text, numbers)
    if _STIMULUS.fullmatch(text):
        ends = (one for one in later if _STIMULUS_END.fullmatch(one.text.strip()) or stimulus_name(one.text))
        return Event(onset_s, _until(next(ends, None), onset_s, axis), "stimulus", text)
    if started := _START.fullmatch(text):
        end = re.compile(re.escape(started["what"]) + "[_ ]end", re.IGNORECASE)
        kind = "rest" if started["what"].lower() == "rest" else "marker"
        ends = (one for one in later if end.fullmatch(one.text.strip()))
        return Event(onset_s, _until(next(ends, None), onset_s, axis), kind, text)
    return Event(onset_s, 0.0, "marker", text)


def _until(end: Marker | None, onset_s: float, axis: TimeAxis) -> float:
    return 0.0 if end is None else max(0.0, axis.at(end.stamp_s) - onset_s)


def _of_note(note: Line, axis: TimeAxis) -> Event:
    return Event(axis.at(note.time_s), 0.0, "note", note.text("text").strip() or note.text("kind"))


def _is_marker(note: Line, markers: Sequence[Marker]) -> bool:
    """Whether a note was sent as a marker too."""
    text = note.text("text").strip()
    return any(text == one.text.strip() and abs(one.stamp_s - note.time_s) <= _SAME_S for one in markers)
