"""Closing a window in each of its states leaves no process, thread, open file or shared memory, and Qt is silent."""

import contextlib
import gc
import sys
import threading
from collections import Counter
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from PyQt5.QtCore import QEvent
from PyQt5.QtWidgets import QApplication

from moodring.configs.schema.live import EegSection, LiveConfig, ModelsSection, OutletSection, StreamQuery
from moodring.realtime.engine.engine_process import EngineProcess
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.ipc.channel import attach
from moodring.realtime.ipc.engine_feeds import EngineFeeds
from moodring.realtime.ipc.snapshot_feed import SnapshotFeed
from moodring.realtime.lab.profiles import Profiles
from moodring.realtime.ui.live.commander import Commander
from moodring.realtime.ui.live.view_model import ViewModel
from moodring.realtime.ui.live.window import Window
from moodring.realtime.ui.settings import Settings
from moodring.realtime.ui.setup.page import SetupPage
from moodring.realtime.ui.tiles.window import TilesWindow
from tests.support.lsl_stand import Stand, wait_for

pytestmark = [pytest.mark.lsl, pytest.mark.deadline, pytest.mark.qt]


class Held:
    """What this process holds: child processes, threads, open files and sockets, mapped rings."""

    def __init__(self):
        gc.collect()
        self.processes = {one.pid for one in psutil.Process().children(recursive=True) if one.is_running()}
        self.threads = sorted(one.name for one in threading.enumerate())
        self.files = sorted(kind for one in Path("/proc/self/fd").iterdir() if (kind := _kind(one)))
        maps = Path("/proc/self/maps").read_text(encoding="utf-8")
        self.rings = sorted(line.split()[-1] for line in maps.splitlines() if "moodring-" in line)

    def beyond(self, before):
        """What is held now and was not before, by its kind; empty where nothing is."""
        more = {name: Counter(held) - Counter(getattr(before, name)) for name, held in vars(self).items()}
        return {name: list(held.elements()) for name, held in more.items() if held}


def _kind(descriptor):
    """Return what is open: a file by its path, a socket or a pipe as such."""
    try:
        return str(descriptor.readlink()).split(":[")[0]
    except OSError:
        return ""


@pytest.fixture(scope="module")
def engine(lsl_session, fakes, tmp_path_factory):
    """An engine that can be recorded, its process and its config."""
    from moodring.configs.schema.liblsl import liblsl_settings

    folder = tmp_path_factory.mktemp("engine")
    bundle = fakes.write_bundle(folder / "untrained.safetensors")
    name = f"closing-{uuid4().hex[:8]}"
    stream = {"name": name, "count": len(fakes.NAMES), "channels": [(one, "microvolts", "EEG") for one in fakes.NAMES]}
    config = LiveConfig(
        name=name,
        eeg=EegSection(stream=StreamQuery(name=name)),
        models=ModelsSection(video_eeg=str(bundle), allow_simulated=True),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 60.0}),
        outlet=OutletSection(name=f"est-{name}"),
    )
    with Stand(liblsl_settings(lsl_session), stream), EngineProcess(EngineJob(config, record_later=folder)) as made:
        made.wait_ready(240.0)
        with attach(name) as screen:
            wait_for(lambda: screen.snapshot().decisions >= 3, 120.0)
        yield made, config


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def closed(window):
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def until(question, timeout_s=60.0):
    wait_for(lambda: QApplication.processEvents() or question(), timeout_s)


def live(name, place):
    window = Window(ViewModel(SnapshotFeed(name)), Commander(name), Settings(place / "window.ini"))
    window.show()
    return window


def waiting(window, _config):
    until(lambda: window.overlay.isVisible())


def attached(window, _config):
    until(lambda: window.view is not None and window.view.traces is not None and len(window.view.history.times_s) > 1)


def recording(window, config):
    attached(window, config)
    window.deeds.do("record")
    until(lambda: (status := window.view.newest.recording) is not None and status.on)


def frozen(window, config):
    attached(window, config)
    window.deeds.do("freeze")
    until(lambda: window.view.frozen is not None)


def asking(window, config):
    attached(window, config)
    window.deeds.do("end")
    until(lambda: window.end_question.isVisible())


LIVE = {"live": attached, "recording": recording, "frozen": frozen, "asked for the end": asking}


def check_left(make, reach):
    """Open a window twice: what the first leaves is Qt's own, once for all; what the second leaves is a leak."""
    for patience_s in (2.0, 20.0):
        before = Held()
        window = make()
        reach(window)
        closed(window)
        with contextlib.suppress(AssertionError):
            wait_for(lambda before=before: not Held().beyond(before), patience_s)
        left = Held().beyond(before)
        if not left:
            return
    assert not left


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
@pytest.mark.parametrize("state", LIVE)
def test_a_live_window_leaves_nothing(qt, engine, place, state):
    _, config = engine
    check_left(lambda: live(config.name, place), lambda window: LIVE[state](window, config))
    with attach(config.name) as screen:
        assert screen.snapshot().phase in ("resting", "decoding"), "the engine goes on"


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_a_window_that_waits_for_its_engine_leaves_nothing(qt, place):
    check_left(lambda: live(f"nobody-{uuid4().hex}", place), lambda window: waiting(window, None))


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_a_window_whose_engine_hangs_leaves_nothing(qt, engine, place):
    process, config = engine

    def hang(window):
        attached(window, config)
        psutil.Process(process.pid).suspend()
        until(lambda: window.view.attachment == "gone" and window.overlay.isVisible())

    def hung():
        psutil.Process(process.pid).resume()
        return live(config.name, place)

    try:
        check_left(hung, hang)
    finally:
        psutil.Process(process.pid).resume()


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_a_window_of_several_leaves_nothing_with_a_page_open_or_not(qt, engine, place):
    _, config = engine

    def tiles():
        window = TilesWindow(EngineFeeds(lambda card: card.name == config.name), Commander, Settings(place / "t.ini"))
        window.show()
        return window

    def opened(window):
        until(lambda: window.followed and window.followed[0].snapshot is not None)
        window.open(window.followed[0].key)
        attached(window.live, config)

    check_left(tiles, lambda window: until(lambda: window.followed and window.followed[0].snapshot is not None))
    check_left(tiles, opened)


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
@pytest.mark.parametrize("state", ["searching", "set-up", "checking"])
def test_a_set_up_page_leaves_nothing(qt, engine, place, state):
    """Its search, previews and checks are processes of their own, that may just be starting."""
    _, config = engine

    def reach(page):
        if state == "set-up":
            until(lambda: page._search is None and page._probe is not None and page._probe.looks(), 120.0)
        elif state == "checking":
            page.check()
            until(lambda: page._check is not None and psutil.Process().children())

    def make():
        page = SetupPage(Settings(place / "setup.ini"), Profiles(place / "profiles"), config)
        page.show()
        return page

    check_left(make, reach)
