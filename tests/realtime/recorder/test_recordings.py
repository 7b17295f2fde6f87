"""Recordings that are started, paused and stopped while their session goes on: real recorders, scripted sources."""

import json

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.liblsl import own_session
from moodring.configs.schema.live import EegSection, LiveConfig, OutletSection, SessionSection, StreamQuery
from moodring.models.contract import Estimate, Ledger, SampleRange
from moodring.models.io.journal import read_journal
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decision_schedule import Plan
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.offline.recordings.open import open_recording
from moodring.realtime.recorder.notes import Note
from moodring.realtime.recorder.recordings import Recordings, recordings_of

INFO = SourceInfo("eeg", "amp", 100.0, (2,), "<f4", ("Cz", "Pz"))
CHUNK = 10


@pytest.fixture
def recordings(tmp_path):
    config = LiveConfig(
        eeg=EegSection(stream=StreamQuery(name="amp")),
        lsl=own_session("test", 1.0),
        outlet=OutletSection(enabled=False),
        session=SessionSection(participant="P1"),
    )
    made = Recordings(config, (), VirtualClock(), tmp_path)
    yield made
    made.stop()


def feed(recordings, first, stop):
    """Chunks of a source that counts: the samples of these numbers."""
    for start in range(first, stop, CHUNK):
        numbers = np.arange(start, start + CHUNK)
        values = np.repeat(numbers[:, None], 2, axis=1).astype(np.float32)
        recordings.take(INFO, Chunk(values, 100.0 + numbers / 100.0, 100.0 + start / 100.0))


def note(text, kind="mark"):
    return Note(101.0, 1.0, "2026-03-01T10:00:00.000+00:00", kind, text)


def estimate(ring, first, stop):
    return Estimate(
        time_s=100.0 + ring / 100.0, session_time_s=ring / 100.0, heads=(), used=("eeg",), looks=(), calibrated=True,
        ranges={"eeg": SampleRange(first, stop)}, ledger=Ledger(0.0, 0.0, 0.0, 0.0, 0.0), bundles=(), notices=(),
        ring_samples={"eeg": ring},
    )  # fmt: skip


def numbers_in(folder):
    return open_recording(folder).eeg.samples[:, 0].astype(int).tolist()


def test_nothing_is_recorded_before_it_is_asked_for(recordings, tmp_path):
    feed(recordings, 0, 50)
    assert recordings.status is None
    assert not list(tmp_path.iterdir())
    for reply in (recordings.finish(), recordings.pause(True), recordings.pause(False)):
        assert not reply.done
        assert reply.text.startswith("Nothing is being recorded")


def test_a_recording_begun_midway_holds_what_came_from_then_on_and_says_that_its_rest_is_missing(recordings):
    feed(recordings, 0, 300)
    recordings.begin(Plan(100.0, 0.5, 4, 2.0), [INFO])
    assert recordings.start().done
    folder = recordings._recorder.folder.path
    feed(recordings, 300, 600)
    assert recordings.status.missing == (), "what is there counts as missing for a moment only if it does not come"
    recordings.journal(estimate(ring=450, first=280, stop=440))
    assert recordings.finish().done
    assert numbers_in(folder) == list(range(300, 600))
    (line,) = read_journal(folder / "decisions.jsonl")
    assert line.ring_samples == {"eeg": 150}, "numbers of samples count from the recording's first"
    assert line.ranges["eeg"] == SampleRange(0, 140)
    recording = open_recording(folder)
    assert (recording.t0_s, recording.rest_s) == (100.0, 0.0)


def test_a_pause_leaves_out_what_comes_meanwhile_and_only_that(recordings):
    recordings.begin(Plan(100.0, 2.0, 4, 0.5), [INFO])
    recordings.start()
    folder = recordings._recorder.folder.path
    feed(recordings, 0, 200)
    assert recordings.pause(True).done
    assert recordings.status.paused
    assert recordings.status.on
    again = recordings.pause(True)
    assert (again.done, again.text) == (False, "The recording is already paused.")
    recordings.journal(estimate(ring=210, first=200, stop=210))
    feed(recordings, 200, 320)
    recordings.note(note("in the pause"))
    assert recordings.pause(False).done
    feed(recordings, 320, 500)
    recordings.journal(estimate(ring=420, first=330, stop=420))
    recordings.finish()
    assert numbers_in(folder) == [*range(200), *range(320, 500)]
    (line,) = read_journal(folder / "decisions.jsonl")
    assert line.ring_samples == {"eeg": 300}
    assert [json.loads(one)["text"] for one in (folder / "notes.jsonl").read_text().splitlines()] == ["in the pause"]


def test_stop_pressed_twice_is_said_in_a_sentence_and_loses_nothing(recordings):
    recordings.start()
    folder = recordings._recorder.folder.path
    second = recordings.start()
    assert (second.done, second.text) == (False, f"The recording is already running, into {folder}.")
    feed(recordings, 0, 200)
    recordings.pause(True)
    first, again = recordings.finish(), recordings.finish()
    assert (first.done, first.text) == (True, f"The recording is finished, in {folder}.")
    assert (again.done, again.text) == (False, f"The recording has already stopped; it is in {folder}.")
    assert not recordings.status.on
    assert not recordings.status.paused
    assert numbers_in(folder) == list(range(200))


def test_the_next_recording_of_a_session_is_the_next_run(recordings):
    recordings.begin(Plan(100.0, 2.0, 4, 0.5), [INFO])
    recordings.start()
    feed(recordings, 0, 100)
    recordings.finish()
    first = recordings._recorder.folder.path
    feed(recordings, 100, 150)
    recordings.start()
    feed(recordings, 150, 250)
    recordings.finish()
    second = recordings._recorder.folder.path
    assert (first.name[-6:], second.name[-6:]) == ("run-01", "run-02")
    assert (numbers_in(first), numbers_in(second)) == (list(range(100)), list(range(150, 250)))
    assert recordings.status.earlier == (str(first),)


def test_a_mark_is_on_the_disk_when_the_reply_comes(recordings):
    recordings.start()
    feed(recordings, 0, 10)
    path = recordings._recorder.folder.path / "notes.jsonl"
    for text in ("one", "zwei – „drei“"):
        assert recordings.note(note(text)).text == f"Marked “{text}”."
        assert json.loads(path.read_text(encoding="utf-8").splitlines()[-1]) == {
            "time_s": 101.0, "session_time_s": 1.0, "at": "2026-03-01T10:00:00.000+00:00", "kind": "mark", "text": text,
        }  # fmt: skip


def test_marks_before_and_between_recordings_go_into_the_next_one(recordings):
    reply = recordings.note(note("too early"))
    assert reply.done
    assert "saved with the next recording" in reply.text
    recordings.start()
    feed(recordings, 0, 50)
    path = recordings._recorder.folder.path / "notes.jsonl"
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["too early"]
    recordings.note(note("in time", "note"))
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["mark", "note"]


def test_a_note_that_the_disk_refuses_is_said_and_saved_later(recordings, monkeypatch):
    from moodring.realtime.recorder import recordings as module

    recordings.start()
    feed(recordings, 0, 50)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "append_notes", full)
        reply = recordings.note(note("first"))
    assert (reply.done, "no space left on device" in reply.text) == (False, True)
    recordings.note(note("second"))
    path = recordings._recorder.folder.path / "notes.jsonl"
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["first", "second"]


def test_a_session_that_cannot_be_recorded_says_so_before_it_begins(tmp_path):
    (tmp_path / "file").write_text("x")
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")))
    with pytest.raises(MoodringError, match="session folder cannot be made"):
        recordings_of(config, (), VirtualClock(), tmp_path / "file", at_once=True)


def test_nothing_is_recorded_without_the_consent_that_is_needed(tmp_path):
    about = SessionSection(participant="P1", consent_needed=True)
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), session=about)
    refused = Recordings(config, (), VirtualClock(), tmp_path).start()
    assert not refused.done
    assert "No consent of participant 'P1' is noted" in refused.text
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MoodringError, match="No consent"):
        recordings_of(config, (), VirtualClock(), tmp_path, at_once=True)
