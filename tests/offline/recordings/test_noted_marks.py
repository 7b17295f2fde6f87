"""Marks of a session's notes that no stream carried: found, each once."""

import json

from moodring.models.contract import Marker
from moodring.offline.recordings.noted_marks import with_noted_marks


def write(folder, *notes):
    lines = [one if isinstance(one, str) else json.dumps(dict(zip(("time_s", "kind", "text"), one, strict=True)))
             for one in notes]  # fmt: skip
    (folder / "notes.jsonl").write_text("\n".join(lines) + "\n")


def test_what_the_stream_lacks_is_put_in_its_place(tmp_path):
    write(tmp_path, (10.0, "mark", "stimulus_a"), (12.0, "mark", "stimulus_end"), (13.0, "mark", "rating valence=7"))
    streamed = (Marker(10.0004, "stimulus_a"), Marker(13.0, "rating valence=7"))
    found = with_noted_marks(tmp_path, streamed, 0.0)
    assert [(one.stamp_s, one.text) for one in found] == [
        (10.0004, "stimulus_a"), (12.0, "stimulus_end"), (13.0, "rating valence=7"),
    ]  # fmt: skip


def test_the_same_text_at_another_time_is_another_mark(tmp_path):
    write(tmp_path, (10.0, "mark", "fixation"), (20.0, "mark", "fixation"))
    assert len(with_noted_marks(tmp_path, (Marker(10.0, "fixation"),), 0.0)) == 2


def test_notes_marks_from_before_and_broken_lines_are_left(tmp_path):
    write(tmp_path, (10.0, "note", "coughs"), (1.0, "mark", "early"), "{broken", "[1]", '{"kind": "mark"}',
          '{"kind": "mark", "time_s": "x", "text": "y"}')  # fmt: skip
    streamed = (Marker(11.0, "a"),)
    assert with_noted_marks(tmp_path, streamed, 5.0) == streamed
    assert with_noted_marks(tmp_path / "gone", streamed, 5.0) == streamed
