"""The experimenter's side: what each button does, what is said, and what pauses the protocol."""

from dataclasses import asdict
from pathlib import Path

import pytest

from moodring.models.contract import RecordingStatus
from moodring.realtime.lab.protocol.desk import CONFIRM_S, Desk
from moodring.realtime.lab.protocol.presenter import Progress


def recording(on=True, error=None, paused=False, folder="data/run-01", lsl=True):
    return RecordingStatus(
        on=on, folder=folder, bytes=0, minutes_left=None, disk_low=False, lost_frames=0, lost_chunks=0, parts=1,
        recorder_restarts=0, lsl=lsl, news=None, error=error, missing=(), paused=paused,
    )  # fmt: skip


class Made:
    def __init__(self):
        self.sent, self.marked = [], []
        self.desk = Desk(self.sent.append, self.marked.append)
        self.desk.take({"planned": "films"})
        self.desk.look(True, recording(), None)

    def phase(self, phase, trouble=""):
        progress = Progress(phase, 3, 20, 1, 6, "stimulus", "beach", 4.0, trouble)
        self.desk.take({"progress": asdict(progress), "keys": True, "alone": False})
        self.desk.look(True, recording(), None)

    def do(self, deed, now_s=0.0):
        self.desk.do(deed, now_s)
        return self.desk.state(now_s).said


@pytest.fixture
def made():
    return Made()


def test_nothing_can_be_done_until_the_window_is_there(made):
    assert made.desk.state(0.0).can == frozenset()
    made.do("begin")
    assert made.sent == []


def test_begin_pause_go_on_repeat_skip(made):
    made.phase("ready")
    assert made.desk.state(0.0).can == {"begin"}
    made.do("begin")
    made.phase("running")
    for deed in ("pause", "repeat", "skip"):
        made.do(deed)
    made.phase("paused")
    made.do("pause")
    assert [one["do"] for one in made.sent] == ["begin", "pause", "repeat", "skip", "resume"]


def test_abort_is_asked_twice_and_soon(made):
    made.phase("running")
    assert "again" in made.do("abort", 10.0)
    assert made.desk.state(10.0).confirm
    assert "again" in made.do("abort", 10.0 + CONFIRM_S + 0.1), "too late: asked anew"
    assert made.sent == []
    made.do("abort", 12.0 + CONFIRM_S)
    assert made.sent == [{"do": "abort"}]
    made.do("abort", 50.0)
    made.do("pause", 51.0)
    made.do("abort", 52.0)
    assert [one["do"] for one in made.sent] == ["abort", "pause"], "something else in between"


def test_without_a_recording_it_begins_when_asked_twice(made):
    made.phase("ready")
    made.desk.look(True, None, None)
    assert "Nothing is being recorded" in made.do("begin")
    assert made.sent == []
    made.do("begin")
    assert made.sent == [{"do": "begin"}]


def test_it_does_not_begin_before_the_recorder_has_every_stream(made):
    made.phase("ready")
    made.desk.look(True, recording(lsl=False), None)
    assert "every stream" in made.do("begin")
    assert made.sent == []
    made.desk.look(True, recording(), None)
    made.do("begin")
    assert made.sent == [{"do": "begin"}]


def test_it_does_not_begin_within_the_sessions_own_rest_or_without_engine(made):
    made.phase("ready")
    made.desk.look(True, recording(), 12.0)
    assert "12 s" in made.do("begin")
    made.desk.look(False, recording(), None)
    assert "engine" in made.do("begin")
    assert made.sent == []


@pytest.mark.parametrize(
    "after", [recording(on=False, error="the disk is full (8 MB are kept free)"), recording(on=False), None,
              recording(paused=True)],
)  # fmt: skip
def test_a_recording_that_stops_pauses_the_protocol(made, after):
    made.phase("running")
    made.desk.look(True, after, None)
    (message,) = made.sent
    assert message["do"] == "pause"
    assert "The recording has stopped" in message["why"]
    assert "disk is full" in message["why"] or after is None or after.error is None
    made.desk.look(True, after, None)
    assert len(made.sent) == 1, "once"
    progress = Progress("paused", 3, 20, 1, 6, trouble=message["why"])
    made.desk.take({"progress": asdict(progress)})
    made.desk.look(True, after, None)
    made.do("pause")
    assert len(made.sent) == 1, "not shown for nothing"
    made.desk.look(True, recording(folder="data/run-02"), None)
    made.do("pause")
    assert made.sent[-1] == {"do": "resume"}


def test_an_engine_that_is_silent_pauses_the_protocol(made):
    made.phase("running")
    made.desk.look(False, recording(), None)
    assert made.sent[0]["do"] == "pause"
    assert "does not answer" in made.sent[0]["why"]
    progress = Progress("paused", 3, 20, 1, 6)
    made.desk.take({"progress": asdict(progress)})
    assert "does not answer" in made.do("pause")
    made.desk.look(True, recording(), None)
    made.do("pause")
    assert made.sent[-1] == {"do": "resume"}


def test_a_window_that_dies_is_an_abort_that_is_marked_once(made):
    made.phase("running")
    made.desk.fail("it has ended (exit status -9)")
    made.desk.fail("it has ended (exit status -9)")
    state = made.desk.state(0.0)
    assert made.marked == ["protocol_aborted"]
    assert (state.bad, state.can) == (True, frozenset())
    assert "exit status -9" in state.said


def test_a_window_that_never_came_aborts_nothing(made):
    made.desk.fail("stimulus 'beach': 'beach.jpg' is not there")
    assert made.marked == []
    assert "'beach.jpg' is not there" in made.desk.state(0.0).said


def test_the_models_are_adapted_once_the_recording_is_finished(made):
    made.phase("running")
    made.phase("finished")
    assert made.desk.recorded is None
    assert "adapt" not in made.desk.state(0.0).can
    made.desk.look(True, recording(on=False), None)
    assert made.desk.recorded == Path("data/run-01")
    assert "adapt" in made.desk.state(0.0).can


def test_trouble_of_the_participants_window_is_said(made):
    made.phase("paused", "Stimulus 'beach' breaks off.")
    state = made.desk.state(0.0)
    assert (state.said, state.bad) == ("Stimulus 'beach' breaks off.", True)
