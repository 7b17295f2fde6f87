"""The window on a scripted session."""

import pytest


class ScriptedCommands:
    """Takes the commands of a window and gives the replies that a test wants."""

    def __init__(self):
        self.sent, self.waiting, self.closed = [], [], False

    def send(self, command):
        self.sent.append(command)

    def replies(self):
        waiting, self.waiting = tuple(self.waiting), []
        return waiting

    def close(self, timeout_s=5.0):
        self.closed = True


@pytest.fixture
def commands():
    return ScriptedCommands()


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    """No test reads or writes the settings of whoever runs it."""
    monkeypatch.setenv("MOODRING_SETTINGS", str(tmp_path / "settings" / "window.ini"))


@pytest.fixture
def window(qt, stage, commands, tmp_path):
    from moodring.realtime.ui.live.view_model import ViewModel
    from moodring.realtime.ui.live.window import Window
    from moodring.realtime.ui.settings import Settings

    made = Window(ViewModel(stage, stage.clock), commands, Settings(tmp_path / "window.ini"), lambda: 1234.5)
    made._timer.stop()
    made.show()
    yield made
    made.close()
    made.deleteLater()
    qt.processEvents()
