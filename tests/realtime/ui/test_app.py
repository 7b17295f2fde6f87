import logging
import os
import signal
import subprocess
import sys
import uuid
from types import SimpleNamespace

import psutil
import pytest
from PyQt5.QtGui import QImage

from moodring.realtime.ipc import run_dir
from moodring.realtime.ipc.channel import ChannelServer
from moodring.realtime.ipc.commands import Reply
from moodring.realtime.ui import run_with_screen
from moodring.realtime.ui.app import Closing, run_window
from moodring.realtime.ui.application import application_here

pytestmark = pytest.mark.qt

CHILD = """
import sys
from pathlib import Path
from PyQt5.QtCore import QTimer
from moodring.realtime.ipc.snapshot_feed import SnapshotFeed
from moodring.realtime.ui.app import Closing, run_window
from moodring.realtime.ui.application import application_here
application = application_here()
QTimer.singleShot(0, lambda: print("up", flush=True))
shot = Path(sys.argv[2]) if sys.argv[2] else None
status = run_window(SnapshotFeed(sys.argv[1]), Closing(shot, screenshot_after_s=20.0, close_after_screenshot=True))
print([name for name in ("torch", "cv2") if name in sys.modules])
sys.exit(status)
"""


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """The user's runtime folder, in which a screen finds the engine."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def engine(stage, runtime):
    """The name of an engine that answers over the real channel."""
    stage.to(60.0)
    folder = run_dir.create()
    server = ChannelServer(stage.snapshot, lambda _: Reply(True, ""))
    server.start()
    process = psutil.Process()
    name = f"screens-{uuid.uuid4().hex}"
    card = run_dir.EngineCard(name, process.pid, process.create_time(), server.address, server.key.hex())
    run_dir.write_card(folder, card)
    yield name
    server.close()
    run_dir.remove(folder)


@pytest.fixture
def start(runtime):
    # What importing cv2 leaves behind in a parent process must not reach Qt.
    foreign = {"QT_QPA_PLATFORM_PLUGIN_PATH": "/nowhere/cv2/qt/plugins", "QT_QPA_FONTDIR": "/nowhere/cv2/qt/fonts"}
    environ = {**os.environ, **foreign, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(runtime)}
    started = []

    def run(*arguments):
        command = [sys.executable, "-W", "error", "-c", CHILD, *arguments]
        child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(child)
        return child

    yield run
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate()


def test_a_window_of_its_own_process_takes_its_picture_and_closes(engine, start, tmp_path):
    child = start(engine, str(tmp_path / "window.png"))
    out, errors = child.communicate(timeout=60)
    assert (child.returncode, out.splitlines(), errors) == (0, ["up", "[]"], "")
    picture = QImage(str(tmp_path / "window.png"))
    assert (picture.width(), picture.height()) == (1366, 768)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to another process")
def test_ctrl_c_closes_cleanly(engine, start):
    child = start(engine, "")
    assert child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, "")


def test_a_picture_that_cannot_be_written_is_an_error(qt, stage, tmp_path, caplog):
    stage.to(30.0)
    closing = Closing(tmp_path / "missing" / "window.png", screenshot_after_s=5.0, close_after_screenshot=True)
    assert run_window(stage, closing) == 1
    assert "cannot be written" in caplog.text
    assert stage.closed


def test_a_picture_is_taken_at_the_end_where_estimates_were_few(qt, stage, tmp_path):
    stage.to(3.0)
    assert run_window(stage, Closing(tmp_path / "window.png", close_after_s=0.3)) == 0
    assert not QImage(str(tmp_path / "window.png")).isNull()


def test_the_window_closes_when_the_session_has_ended(qt, stage):
    stage.to(30.0)
    stage.changes = {"phase": "ended"}
    why = []
    assert run_window(stage, Closing(close_when_ended=True), why.append) == 0
    assert why == ["ended"]


def test_a_window_that_was_closed_by_its_user_says_so(qt, stage):
    stage.to(30.0)
    why = []
    run_window(stage, Closing(close_after_s=0.3), why.append)
    assert why == ["user"]


class FakeEngine:
    """Over at the third question."""

    def __init__(self):
        self.asked = 0

    def over(self, _):
        self.asked += 1
        return self.asked > 2


@pytest.mark.parametrize(
    ("why", "words"), [("ended", []), ("user", ["decoding goes on"]), ("gone", ["did not answer"]), (None, ["goes on"])]
)
def test_only_a_window_closed_before_the_end_says_that_decoding_goes_on(why, words):
    window = SimpleNamespace(running=False, exit_status=0, take=lambda _: why)
    said = []
    assert run_with_screen._wait_for_window(FakeEngine(), window, False, said.append)
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))


def test_an_error_in_the_window_is_logged_and_does_not_end_it(qt, stage, caplog):
    stage.to(30.0)
    good = stage.snapshot()
    calls = []

    def moody():
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("a widget tripped")
        return good

    stage.override = moody
    hook, handler = sys.excepthook, signal.getsignal(signal.SIGINT)
    with caplog.at_level(logging.ERROR):
        assert run_window(stage, Closing(close_after_s=0.6)) == 0
    assert len(calls) > 3
    assert "a widget tripped" in caplog.text
    assert (sys.excepthook, signal.getsignal(signal.SIGINT)) == (hook, handler)


def test_paths_of_opencvs_own_qt_are_dropped_and_others_kept(qt, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/env/cv2/qt/plugins")
    monkeypatch.setenv("QT_QPA_FONTDIR", "/usr/share/fonts")
    assert application_here() is qt
    assert "QT_QPA_PLATFORM_PLUGIN_PATH" not in os.environ
    assert os.environ["QT_QPA_FONTDIR"] == "/usr/share/fonts"
