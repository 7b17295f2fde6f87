"""The replay page on a recorded session of a simulated person."""

import shutil
import sys
import time
from pathlib import Path

import pytest

from moodring.cli.view import replay_tools
from tests.support.viewed_sessions import write_viewed


@pytest.fixture(scope="session")
def viewed(tmp_path_factory) -> Path:
    """A recorded session that no test changes."""
    return write_viewed(tmp_path_factory.mktemp("viewed") / "run")


@pytest.fixture
def session(viewed, tmp_path) -> Path:
    """A copy of it to write beside."""
    return Path(shutil.copytree(viewed, tmp_path / "session"))


class Clock:
    """Seconds that only a test lets pass."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


class Loudspeaker:
    """Keeps what is played."""

    def __init__(self):
        self.rates, self.blocks, self.open = [], [], False

    def __call__(self, rate_hz):
        self.rates.append(rate_hz)
        self.open = True
        return self

    def write(self, samples):
        self.blocks.append(samples.copy())
        time.sleep(len(samples) / self.rates[-1])  # as a device has no room for more

    def close(self):
        self.open = False


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def loudspeaker():
    return Loudspeaker()


@pytest.fixture
def show(qt, clock, loudspeaker, tmp_path, monkeypatch):
    """Open the page on a recording, settled; an error in anything that Qt calls fails the test."""
    errors = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: errors.append(error))
    from moodring.realtime.ui.replay.window import ReplayWindow
    from moodring.realtime.ui.settings import Settings

    made = []

    def open_page(path, size=(1366, 768), open_output=loudspeaker, folder=None):
        settings = Settings(tmp_path / "replay.ini")
        window = ReplayWindow(replay_tools(), path, folder, settings, size, clock, open_output)
        window._timer.stop()
        window.show()
        made.append(window)
        settle(qt, window)
        return window

    yield open_page
    for window in made:
        window.leave()
        window.deleteLater()
    qt.processEvents()
    assert errors == []


def settle(application, window, seconds=60.0):
    """Run the window until all that it asked for is read and shown."""
    until_s = time.monotonic() + seconds
    quiet = 0
    while quiet < 3:
        application.processEvents()
        window.tick()
        quiet = quiet + 1 if window.settled else 0
        assert time.monotonic() < until_s, "the page never settled"
        time.sleep(0.005)


@pytest.fixture
def settled(qt):
    return lambda window: settle(qt, window)
