"""Commands from a window over the real channel: typed, answered, and told when no engine answers."""

import threading

import pytest

from moodring.realtime.ipc import run_dir
from moodring.realtime.ipc.channel import ChannelServer
from moodring.realtime.ipc.commands import Command, Reply
from moodring.realtime.ui.live.commander import Commander
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
        run_dir.write_card(place, run_dir.card_of("commanded", server.address, server.key))
        made.append((server, place))
        return server, place

    yield start
    for server, place in made:
        server.close()
        run_dir.remove(place)


def replies(commander, count):
    found = []
    wait_for(lambda: found.extend(commander.replies()) or len(found) >= count, 30)
    return found


def test_commands_are_carried_out_in_order_and_answered(engine):
    seen = []
    engine(lambda command: seen.append(command) or Reply(True, f"Done {len(seen)}."))
    commander = Commander("commanded")
    sent = [Command("mark", "one", 3.0), Command("note", "zwei"), Command("stop_recording")]
    for command in sent:
        commander.send(command)
    assert [reply.text for reply in replies(commander, 3)] == ["Done 1.", "Done 2.", "Done 3."]
    assert seen == sent
    commander.close()


def test_a_slow_command_holds_up_nobody(engine):
    going = threading.Event()
    engine(lambda _: Reply(going.wait(30), "Finished."))
    commander = Commander("commanded")
    commander.send(Command("stop_recording"))
    assert commander.replies() == ()
    going.set()
    assert replies(commander, 1) == [Reply(True, "Finished.")]
    commander.close()


def test_what_waits_is_sent_before_the_window_closes(engine):
    seen = []
    engine(lambda command: seen.append(command.text) or Reply(True, "Done."))
    commander = Commander("commanded")
    for number in range(5):
        commander.send(Command("mark", f"mark {number}"))
    commander.close(30.0)
    assert seen == [f"mark {number}" for number in range(5)]


def test_an_engine_that_is_gone_is_told_and_one_that_returns_is_found_again(engine):
    server, place = engine(lambda _: Reply(True, "First."))
    commander = Commander("commanded")
    commander.send(Command("mark", "one"))
    assert replies(commander, 1) == [Reply(True, "First.")]
    server.close()
    run_dir.remove(place)
    commander.send(Command("mark", "two"))
    (lost,) = replies(commander, 1)
    assert not lost.done
    assert "'commanded'" in lost.text
    engine(lambda _: Reply(True, "Again."))
    commander.send(Command("mark", "three"))
    assert replies(commander, 1) == [Reply(True, "Again.")]
    commander.close()
