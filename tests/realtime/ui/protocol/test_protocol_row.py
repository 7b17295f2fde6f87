"""The experimenter's row in the live window: what it says, its buttons and keys; and what closes with the window."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QWidget

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.ipc.commands import Command
from moodring.realtime.lab.protocol.desk import DeskState
from moodring.realtime.lab.protocol.job import ProtocolJob
from moodring.realtime.lab.protocol.presenter import Progress
from moodring.realtime.ui import strings
from moodring.realtime.ui.protocol import control, texts
from moodring.realtime.ui.protocol.row import said, where
from tests.support.labels_cut import cut_labels

pytestmark = pytest.mark.qt
JOB = ProtocolJob(Path("films.toml"), "P07", "01", "lab")
RUNNING = Progress("running", 7, 81, 3, 14, "stimulus", "calm_sea", 4.2)
ALL = frozenset({"pause", "repeat", "skip", "abort"})


class ScriptedChild:
    """The participant's window as the test wants it."""

    def __init__(self, *_arguments, **_options):
        self.sent, self.waiting, self.ended, self.running, self.exit_status = [], [], [], True, None
        self.failure = None
        ScriptedChild.newest = self

    def send(self, message):
        self.sent.append(message)

    def receive(self, _timeout_s):
        if self.failure is not None:
            raise MoodringError(self.failure)
        return self.waiting.pop(0) if self.waiting else None

    def end(self, grace_s):
        self.ended.append(grace_s)
        self.running = False

    def tell(self, progress, **facts):
        self.waiting.append({"progress": asdict(progress), "keys": True, "alone": False, **facts})


@pytest.fixture
def child(window, commands, stage, monkeypatch):
    monkeypatch.setattr(control, "Child", ScriptedChild)
    window.run_protocol(control.ProtocolControl(JOB, commands))
    made = ScriptedChild.newest
    stage.to(30.0)
    made.waiting.append({"planned": "films"})
    made.tell(replace(RUNNING, phase="ready"))
    window.tick()
    return made


def test_where_it_is_in_words():
    state = DeskState(RUNNING, "films")
    assert where(state) == "running · step 7 of 81 · stimulus 3 of 14 · calm_sea · 4 s left · Protocol films"
    cross = replace(RUNNING, kind="fixation", left_s=1.0)
    assert "cross before calm_sea" in where(replace(state, progress=cross))
    asked = replace(RUNNING, kind="rating", left_s=None, stimulus="")
    assert where(replace(state, progress=asked)).endswith("rating · the participant decides · Protocol films")
    assert where(replace(state, progress=replace(RUNNING, phase="paused"))) == "paused · step 7 of 81 · Protocol films"


def test_what_is_said_first():
    state = DeskState(RUNNING, "films", can=ALL)
    assert said(state, None, "") == ("", "idle")
    assert said(DeskState(), None, "") == (texts.OPENING, "idle")
    assert said(replace(state, keys=False), None, "")[0] == texts.NO_KEYS
    assert said(replace(state, alone=True), None, "")[0] == texts.ONE_SCREEN
    assert said(replace(state, said="Broken.", bad=True, keys=False), None, "") == ("Broken.", "bad")
    over = replace(state, progress=replace(RUNNING, phase="finished"), can=frozenset())
    assert said(over, None, "")[0] == texts.FINISHED_RECORDED
    assert said(over, 12.0, "")[0] == texts.ADAPTING.format(seconds=12.0)
    assert said(over, None, "Adapted: x") == ("Adapted: x", "idle")


def test_the_row_is_there_only_with_a_protocol(window, qt):
    window.tick()
    assert not window.page.protocol.isVisible()
    window.deeds.do("protocol_begin")
    assert strings.NO_PROTOCOL in window.page.message.full


def test_buttons_and_keys_reach_the_participants_window(window, child, stage):
    assert window.page.protocol.isVisible()
    assert window.page.protocol.buttons["begin"].isEnabled()
    assert not window.page.protocol.buttons["pause"].isEnabled()
    window.page.protocol.buttons["begin"].click()
    window.page.protocol.buttons["begin"].click()
    assert child.sent == [{"do": "begin"}], "nothing is recorded: asked twice"
    child.tell(RUNNING)
    window.tick()
    QApplication.setActiveWindow(window)
    for key in (Qt.Key_F6, Qt.Key_F7, Qt.Key_F8, Qt.Key_F9, Qt.Key_F9):
        QTest.keyClick(window, key)
    assert [one["do"] for one in child.sent[1:]] == ["pause", "repeat", "skip", "abort"]


def test_a_key_that_came_to_the_participants_window_counts(window, child):
    child.tell(RUNNING)
    window.tick()
    child.waiting.append({"pressed": "pause"})
    window.tick()
    assert child.sent == [{"do": "pause"}]


def test_the_row_stays_in_another_palette(window, child):
    child.tell(RUNNING)
    window.use_theme("light")
    assert window.page.protocol.isVisible()
    assert "step 7 of 81" in window.page.protocol.text.text()


def test_a_participants_window_that_dies_is_said_and_marked(window, child, commands):
    child.tell(RUNNING)
    window.tick()
    child.failure = "the participant's window died (exit status -9); start it again"
    window.tick()
    assert "exit status -9" in window.page.protocol.text.text()
    assert commands.sent == [Command("mark", "protocol_aborted")]


def test_closing_the_window_ends_the_participants_in_order(window, child, commands):
    child.tell(RUNNING)
    window.tick()
    window.close()
    assert child.ended[0] > 0, "asked, so that it can mark the abort"
    assert commands.closed


@pytest.mark.parametrize("width", [1024, 1366, 1920])
@pytest.mark.parametrize("state", [
    DeskState(RUNNING, "a long name of a protocol about films", "", False, ALL),
    DeskState(replace(RUNNING, phase="paused"), "films", "Stimulus 'calm_sea' breaks off after 3.1 s of 6.0 s: paused. "
              "Go on tries it again, Skip leaves it out.", True, ALL),
    DeskState(replace(RUNNING, phase="finished"), "films", can=frozenset({"adapt"})),
])  # fmt: skip
def test_nothing_of_the_row_is_cut(window, qt, width, state, stage):
    stage.to(30.0)
    window.resize(width, 700)
    window.rebuild()
    window.page.protocol.show()
    window.page.protocol.show_state(state)
    qt.processEvents()
    mine = window.page.protocol.findChildren(QWidget)
    texts_cut = {one[1] for one in cut_labels(window) if one[0] != "ElidedLabel"}
    assert not [one for one in mine if hasattr(one, "text") and one.text() in texts_cut and one.isVisible()]
    assert state.progress.phase != "running" or "4 s left" in window.page.protocol.text.text(), "what counts is seen"
    assert window.page.protocol.height() >= window.page.protocol.minimumSizeHint().height()
