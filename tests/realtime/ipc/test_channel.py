import os
import signal
import stat
import threading
from multiprocessing.connection import Client

import psutil
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.processes import Child
from moodring.realtime.ipc import run_dir
from moodring.realtime.ipc.channel import READ_ONLY, ChannelServer, EngineClient, attach
from moodring.realtime.ipc.commands import Command, Reply
from tests.support.lsl_stand import wait_for


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(run_dir, "_SYSTEM_RUNTIME", tmp_path / "none")
    monkeypatch.setattr(run_dir, "_SHARED_MEMORY", tmp_path)
    return tmp_path


@pytest.fixture
def served(stage, root):
    asked = []
    stage.t = 30.0
    server = ChannelServer(stage.snapshot, lambda command: asked.append(command) or Reply(True, "Done."))
    server.start()
    folder = run_dir.create()
    run_dir.write_card(folder, run_dir.card_of("scripted", server.address, server.key))
    yield server, asked, folder
    server.close()
    run_dir.remove(folder)


def test_a_screen_attaches_by_name_and_asks(served, stage):
    _, asked, _ = served
    with attach("scripted", control=True) as client:
        assert client.snapshot().engine == stage.snapshot().engine
        command = Command("note", "the participant sneezed, „laut“", 1012.5)
        assert client.do(command) == Reply(True, "Done.")
    assert asked == [command]


def test_a_screen_that_only_watches_is_refused_by_the_engine_itself(served):
    _, asked, _ = served
    with attach("scripted") as monitor:
        for kind in ("stop_session", "mark", "stop_recording"):
            assert monitor.do(Command(kind, "x")) == READ_ONLY
        assert monitor.snapshot(), "it goes on watching"
    assert asked == []


@pytest.mark.parametrize("nonsense", [b'{"kind": "format_the_disk"}', b'{"kind": 3}', b"{", b"\xff"])
def test_a_command_that_is_none_ends_only_that_screen(served, nonsense):
    _, asked, _ = served
    with attach("scripted", control=True) as rude, pytest.raises(MoodringError, match="has ended"):
        rude._ask(nonsense)
    with attach("scripted") as polite:
        assert polite.snapshot()
    assert asked == []


def test_several_screens_and_one_that_hangs(served):
    server, _, _ = served
    # This one connects and never says a word; the next are served all the same.
    silent = Client(server.address)
    screens = [attach() for _ in range(3)]
    assert len({screen.snapshot().t0_s for screen in screens}) == 1
    for screen in screens:
        screen.close()
    silent.close()
    with attach() as late:
        assert late.snapshot()


def test_nonsense_ends_only_that_screen(served):
    card = run_dir.find("scripted")
    with Client(card.address, authkey=bytes.fromhex(card.key)) as rude:
        rude.send_bytes(b"x" * 16_000)
        with pytest.raises((EOFError, OSError)):
            rude.recv_bytes()
    with attach("scripted") as polite:
        assert polite.snapshot()


def test_the_wrong_key_is_refused(served):
    card = run_dir.find("scripted")
    with pytest.raises(MoodringError, match="does not answer"):
        EngineClient(run_dir.EngineCard(card.name, card.pid, card.started_s, card.address, "00" * 32))


def test_an_engine_that_has_ended_says_so(served):
    server, _, folder = served
    client = attach("scripted")
    server.close()
    with pytest.raises(MoodringError, match="has ended"):
        client.snapshot(), client.snapshot()
    client.close()
    run_dir.remove(folder)
    with pytest.raises(MoodringError, match="named 'scripted' was expected; running: none"):
        attach("scripted")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are POSIX")
def test_the_card_is_private(served):
    folder = served[2]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "engine.json").stat().st_mode) == 0o600


def _nothing(_):
    return Reply(False, "")


def _serve_and_wait(parent, address):
    """An engine that answers until it is stopped from outside."""
    server = ChannelServer(lambda: None, _nothing)
    server.start()
    parent.send({"address": server.address, "key": server.key.hex()})
    parent.ended.wait(120)


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_stopped_engine_holds_no_client_for_ever(root):
    with Child("engine", _serve_and_wait, "") as child:
        card = run_dir.EngineCard("stopped", child.pid, 0.0, child.wait_for("address", 60.0), child.latest["key"])
        with EngineClient(card, 0.2) as attached:
            os.kill(child.pid, signal.SIGSTOP)
            try:
                wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED, 20.0)
                for ask in (attached.snapshot, *(lambda: EngineClient(card, 0.2) for _ in range(4))):
                    with pytest.raises(MoodringError, match=r"has not answered for 0.2 s: process \d+ is stopped"):
                        ask()
            finally:
                os.kill(child.pid, signal.SIGCONT)


def test_an_engine_that_is_busy_is_told_from_one_that_has_ended(root):
    busy = threading.Event()
    server = ChannelServer(lambda: busy.wait(60.0), _nothing)
    server.start()
    with EngineClient(run_dir.card_of("busy", server.address, server.key), 0.2) as client:
        with pytest.raises(MoodringError, match=r"has not answered for 0\.2 s"):
            client.snapshot()
        with pytest.raises(MoodringError, match="has ended"):
            client.snapshot()
    busy.set()
    server.close()
