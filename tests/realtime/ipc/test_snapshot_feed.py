import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.ipc.snapshot_feed import SnapshotFeed


@dataclass
class Engine:
    """A scripted engine and the way to it: each answer is a snapshot or an error."""

    answers: list
    asked: threading.Event
    finds: list

    def find(self, name):
        self.finds.append(name)
        if not self.answers:
            self.asked.set()
            raise MoodringError("none runs")
        return self

    card = SimpleNamespace(name="demo")

    def snapshot(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def follow(answers, **options):
    engine = Engine(list(answers), threading.Event(), [])
    feed = SnapshotFeed(every_s=0.0, retry_s=0.001, find=engine.find, **options)
    assert engine.asked.wait(10.0)
    return engine, feed


def test_the_newest_snapshot_stays_for_a_while_and_the_reason_is_known(script):
    gone = MoodringError("engine 'demo' has ended")
    _, feed = follow([script.snapshot_at(30.0), script.snapshot_at(30.5), gone], silent_after_s=60.0)
    assert feed.snapshot().now_s == 1030.5
    assert feed.why_silent() == "none runs"
    feed.close()


def test_a_silent_engine_gives_nothing_but_an_ended_one_its_last_word(script):
    gone = MoodringError("engine 'demo' has ended")
    _, feed = follow([script.snapshot_at(30.0), gone], silent_after_s=-1.0)
    assert feed.snapshot() is None
    feed.close()
    _, feed = follow([script.snapshot_at(30.0, phase="ended"), gone], silent_after_s=-1.0)
    assert feed.snapshot().phase == "ended"
    feed.close()


def test_it_returns_to_the_same_engine(script):
    gone = MoodringError("engine 'demo' has ended")
    engine, feed = follow([script.snapshot_at(30.0), gone, script.snapshot_at(31.0), gone], silent_after_s=60.0)
    assert feed.snapshot().now_s == 1031.0
    assert engine.finds[:2] == [None, "demo"]
    feed.close()


def test_closing_ends_its_thread():
    _, feed = follow([])
    assert feed.snapshot() is None
    feed.close()
    assert not feed._thread.is_alive()


@pytest.mark.parametrize("name", ["demo", None])
def test_the_first_search_is_for_the_name_that_was_given(name):
    engine, feed = follow([], name=name)
    assert engine.finds[0] == name
    feed.close()
