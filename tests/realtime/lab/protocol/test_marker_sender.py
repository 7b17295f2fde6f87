"""Markers over the real channel: in order, with their times, and none lost while an engine is away."""

import pytest

from moodring.realtime.ipc import run_dir
from moodring.realtime.ipc.channel import ChannelServer
from moodring.realtime.ipc.commands import Reply
from moodring.realtime.lab.protocol.marker_sender import MarkerSender
from tests.support.lsl_stand import wait_for


@pytest.fixture
def engine(tmp_path, monkeypatch):
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    made = []

    def start(do):
        server = ChannelServer(lambda: None, do)
        server.start()
        place = run_dir.create()
        run_dir.write_card(place, run_dir.card_of("marked", server.address, server.key))
        made.append((server, place))
        return server, place

    yield start
    for server, place in made:
        server.close()
        run_dir.remove(place)


def test_markers_come_in_order_with_their_times(engine):
    seen = []
    engine(lambda command: seen.append((command.kind, command.text, command.time_s)) or Reply(True, "Marked."))
    sender = MarkerSender("marked")
    sent = [("mark", f"stimulus_{n}", 100.0 + n) for n in range(20)]
    for _, text, at_s in sent:
        sender.send(text, at_s)
    assert sender.close(20.0)
    assert seen == sent


def test_nothing_is_lost_while_the_engine_is_away(engine):
    seen = []
    server, place = engine(lambda command: seen.append(command.text) or Reply(True, "Marked."))
    sender = MarkerSender("marked")
    sender.send("one", 1.0)
    wait_for(lambda: seen == ["one"], 20)
    server.close()
    run_dir.remove(place)
    sender.send("two", 2.0)
    sender.send("three", 3.0)
    wait_for(lambda: sender.lost, 20)
    assert "'marked'" in sender.lost
    engine(lambda command: seen.append(command.text) or Reply(True, "Marked."))
    wait_for(lambda: seen == ["one", "two", "three"], 20)
    wait_for(lambda: not sender.lost, 5)
    assert sender.close(5.0)


def test_what_cannot_be_saved_is_told(engine):
    engine(lambda command: Reply(command.text == "fine", "Marked, but not saved: no space left."))
    sender = MarkerSender("marked")
    sender.send("x", 1.0)
    wait_for(lambda: "no space left" in sender.unsaved, 20)
    sender.send("fine", 2.0)
    wait_for(lambda: not sender.unsaved, 20)
    sender.close()


def test_it_gives_up_when_it_is_closed_without_an_engine(engine):
    sender = MarkerSender("nobody")
    sender.send("x", 1.0)
    assert not sender.close(0.5)
    assert sender.waiting == 1
