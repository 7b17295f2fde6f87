"""Events from markers and notes: how long each lasted, and nothing twice."""

from pathlib import Path

import numpy as np

from moodring.configs.schema import session_folder as names
from moodring.models.contract import Marker, Recording
from moodring.offline.export.events import Event, events_of
from moodring.offline.export.ratings_table import rating_rows
from moodring.offline.export.time_axis import TimeAxis
from moodring.offline.recordings.session_record import Line, SessionRecord

AXIS = TimeAxis(np.array([100.0]), np.zeros(1))


def events(*markers: tuple[float, str], notes: tuple[tuple[float, dict[str, str]], ...] = ()) -> list[Event]:
    made = tuple(Marker(100.0 + at_s, text) for at_s, text in markers)
    recording = Recording("one", "P1", "live", 100.0, 0.0, None, None, None, None, made)
    about = names.SessionFile(version=names.VERSION, name="one", participant="P1", origin="live", rest_s=0.0)
    taken = tuple(Line(100.0 + at_s, values) for at_s, values in notes)
    return events_of(SessionRecord(Path("one"), about, None, recording, (), taken, (), {}, ()), AXIS, None)


def test_a_mark_that_was_sent_as_a_marker_too_is_there_once() -> None:
    found = events(
        (1.0, "door"),
        notes=((1.02, {"text": "door"}), (5.0, {"text": "door"}), (6.0, {"text": "", "kind": "mark"})),
    )
    assert [(one.kind, one.text, round(one.onset_s, 2)) for one in found] == [
        ("marker", "door", 1.0), ("note", "door", 5.0), ("note", "mark", 6.0)]  # fmt: skip


def test_a_stimulus_lasts_until_whatever_ends_it_comes_first() -> None:
    found = events(
        (0.0, "stimulus_a"), (2.0, "stimulus_end"), (3.0, "rating valence=1 arousal=9"),
        (4.0, "stimulus b"), (7.0, "trial_broken_off"),
        (8.0, "stimulus_b"), (9.5, "rating valence=5"),
        (10.0, "stimulus_c"), (11.0, "stimulus_d"),
    )  # fmt: skip
    shown = [(one.text, one.duration_s) for one in found if one.kind == "stimulus"]
    assert shown == [
        ("stimulus_a", 2.0),
        ("stimulus b", 3.0),
        ("stimulus_b", 1.5),
        ("stimulus_c", 1.0),
        ("stimulus_d", 0.0),
    ]
    rows = rating_rows(found)
    assert [(row["stimulus"], row["stimulus_onset"], row.get("arousal")) for row in rows] == [
        ("a", 0.0, 9.0),
        ("b", 8.0, None),
    ]


def test_a_rating_without_a_stimulus_is_an_event_and_no_row() -> None:
    found = events((1.0, "rating valence=5 arousal=5"), (2.0, "keyword joy"))
    assert [one.kind for one in found] == ["rating", "marker"]
    assert rating_rows(found) == []
