"""The end of a session as a command: told once, and nothing begins after it."""

import threading
from types import SimpleNamespace

import pytest

from moodring.models.streaming.clock import VirtualClock
from moodring.realtime.engine.commands import Commands
from moodring.realtime.ipc.commands import Command, Reply


class Recordings:
    """A recorder that counts its starts."""

    def __init__(self):
        self.started = 0

    def start(self):
        self.started += 1
        return Reply(True, "Recording.")

    def finish(self):
        return Reply(True, "The recording is finished.")

    def pause(self, _):
        return Reply(True, "")


@pytest.fixture
def told():
    recordings, stopping = Recordings(), threading.Event()
    return Commands(SimpleNamespace(recordings=recordings), VirtualClock(10.0), stopping), recordings, stopping


def test_a_session_is_ended_once(told):
    commands, _, stopping = told
    assert commands.do(Command("stop_session")) == Reply(True, "The session ends.")
    assert stopping.is_set()
    assert commands.do(Command("stop_session")) == Reply(False, "The session is already ending.")


def test_no_recording_begins_in_a_session_that_is_ending(told):
    commands, recordings, _ = told
    assert commands.do(Command("start_recording")).done
    commands.do(Command("stop_session"))
    reply = commands.do(Command("start_recording"))
    assert (reply.done, recordings.started) == (False, 1)
    assert "ending" in reply.text
    assert commands.do(Command("stop_recording")).done, "one that runs can still be stopped"
