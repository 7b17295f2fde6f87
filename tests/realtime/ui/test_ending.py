"""The end of a session: asked once, told once; and what there is afterwards."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QVBoxLayout, QWidget

from moodring.configs.schema.live import LiveConfig, SessionSection
from moodring.configs.schema.session_folder import CONFIG_FILE, REPORT_FILE
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.ipc.commands import Command, Reply
from moodring.realtime.ui import strings, theme
from moodring.realtime.ui.ending.card import EndedCard
from moodring.realtime.ui.ending.ended import Ended, ended_badly, ended_well
from moodring.realtime.ui.ending.report_run import ReportRun
from tests.realtime.ui.test_live_page import press
from tests.realtime.ui.test_window import play, words
from tests.support.labels_cut import cut_labels
from tests.support.lsl_stand import wait_for

pytestmark = pytest.mark.qt
END = Command("stop_session")


def ask(window):
    press(window, Qt.Key_E, Qt.ControlModifier)


# -- before


def test_the_end_is_asked_for_and_the_engine_is_told_once(window, stage, script, commands):
    stage.changes = {"recording": script.recording()}
    play(window, stage, 30, 30)
    ask(window)
    ask(window)
    window.controls.buttons["end"].click()
    assert window.end_question.isVisible()
    assert "data/sub-P1" in window.end_question.text.text(), "what becomes of the recording"
    assert commands.sent == [], "nothing ends unasked"
    QTest.keyClick(window.end_question.yes, Qt.Key_Return)
    assert not window.end_question.isVisible()
    window.end_question.yes.click()
    ask(window)
    assert commands.sent == [END]
    assert not window.end_question.isVisible(), "it is being done"


@pytest.mark.parametrize("way", ["no", "escape"])
def test_the_session_goes_on_where_the_user_thinks_better_of_it(window, stage, commands, way):
    play(window, stage, 30, 30)
    ask(window)
    assert strings.END_NO_RECORDING in window.end_question.text.text()
    window.end_question.no.click() if way == "no" else press(window, Qt.Key_Escape)
    assert not window.end_question.isVisible()
    assert commands.sent == []
    ask(window)
    assert window.end_question.isVisible(), "it may be asked again"


def test_an_engine_that_did_not_take_it_can_be_told_again(window, stage, commands):
    play(window, stage, 30, 30)
    ask(window)
    window.end_question.yes.click()
    commands.waiting = [Reply(False, "engine 'lab' has not answered for 5 s")]
    window.tick()
    ask(window)
    window.end_question.yes.click()
    assert commands.sent == [END, END]


def test_the_question_outlives_a_window_that_changes_its_size(window, stage, commands):
    play(window, stage, 30, 30)
    ask(window)
    window.end_question.yes.click()
    window.rebuild()
    ask(window)
    assert not window.end_question.isVisible()
    assert commands.sent == [END]


def test_while_it_ends_the_header_says_what_is_being_done(window, stage, script, commands):
    stage.changes = {"recording": script.recording(), "phase": "ending"}
    play(window, stage, 30, 30)
    assert window.header.phase.text() == "▲ ending: finishing the recording"
    ask(window)
    assert not window.end_question.isVisible()


@pytest.mark.parametrize("size", [(1024, 700), (1366, 768), (1920, 1080)])
def test_the_question_is_whole(window, stage, script, size):
    stage.changes = {"recording": script.recording(folder="studies-of-the-lab/films/data/sub-P07/ses-01/run-01")}
    window.resize(*size)
    window.rebuild()
    play(window, stage, 30, 31)
    ask(window)
    QApplication.processEvents()
    assert (window.width(), window.height()) == size
    assert not cut_labels(window)
    for button in (window.end_question.yes, window.end_question.no, window.controls.buttons["end"]):
        assert button.width() >= button.sizeHint().width()


# -- afterwards


@pytest.fixture
def job(tmp_path):
    return EngineJob(LiveConfig(session=SessionSection(participant="P07"), eeg={"stream": {"name": "amp"}}))


def summary(folder, **recording):
    recorded = {"folder": str(folder), "earlier": (), "error": None, "missing": (), **recording}
    return {
        "duration_s": 754.0, "decisions": 1480, "calibrated_decisions": 1400, "rest_s": 20.0, "faces": None,
        "hearing": {"faults": {}}, "modalities": {"eeg": {"present": True, "used_fraction": 0.99}},
        "recording": recorded,
    }  # fmt: skip


def test_every_recording_that_is_there_is_known_afterwards(job, tmp_path):
    first, second = tmp_path / "run-01", tmp_path / "run-02"
    for folder in (first, second):
        folder.mkdir()
    ended = ended_well(job, summary(second, earlier=(str(first), str(tmp_path / "removed, as it was empty"))))
    assert ended.recordings == (second, first), "the newest first"
    assert ended.participant == "P07"
    assert ended.line.startswith("12:34, 1480 decisions")
    assert not ended.problems
    lacking = ended_well(job, summary(second, error="the disk is full", missing=("markers",)))
    assert ["disk is full" in lacking.problems[0], "markers" in lacking.problems[1]] == [True, True]
    unrecorded = ended_well(job, summary(second) | {"recording": dict.fromkeys(summary(second)["recording"])})
    assert unrecorded.recordings == ()


class Desktop:
    """A desktop with a browser, or without."""

    def __init__(self, browser=True):
        self.opened, self.browser = [], browser

    def __call__(self, url):
        self.opened.append(Path(url.toLocalFile()))
        return self.browser


@pytest.fixture
def card(qt, tmp_path):
    page = QWidget()
    page.setFixedSize(1000, 300)
    column = QVBoxLayout(page)
    page.show()

    def make(ended, desktop=None):
        one = EndedCard(ended, ReportRun(desktop or Desktop()))
        column.addWidget(one)
        return one

    yield make
    for one in page.findChildren(EndedCard):
        one.close_run()
    page.close()
    page.deleteLater()


def python_that(monkeypatch, tmp_path, what):
    """Let `python -m moodring report FOLDER` do something else."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{what}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def made(card, qt, timeout_s=60.0):
    wait_for(lambda: qt.processEvents() or not card.report.running, timeout_s)
    return card.said.full


def test_a_report_is_made_by_the_command_and_opened(card, qt, monkeypatch, tmp_path):
    python_that(monkeypatch, tmp_path, f'echo "$*" > "{tmp_path}/asked"; sleep 0.3')
    desktop = Desktop()
    one = card(Ended("P07", "12:34", recordings=(tmp_path / "run-01", tmp_path / "run-02")), desktop)
    one.folder.setCurrentIndex(1)
    one.buttons[strings.REPORT_BUTTON].click()
    assert one.said.full == f"● {strings.REPORT_MAKING}"
    one.buttons[strings.REPORT_BUTTON].click()
    assert made(one, qt).startswith("● The report is open")
    assert (tmp_path / "asked").read_text().split() == ["-m", "moodring", "report", str(tmp_path / "run-02")]
    assert desktop.opened == [(tmp_path / "run-02" / REPORT_FILE).resolve()]


def test_a_report_that_fails_or_has_no_browser_says_so(card, qt, monkeypatch, tmp_path):
    python_that(monkeypatch, tmp_path, "echo noise >&2; echo 'moodring: no session is in run-01' >&2; exit 1")
    desktop = Desktop(browser=False)
    one = card(Ended("P07", "12:34", recordings=(tmp_path / "run-01",)), desktop)
    one.buttons[strings.REPORT_BUTTON].click()
    assert made(one, qt) == "■ no session is in run-01"
    assert one.said.property("tint") == theme.TONES["bad"]
    assert not desktop.opened
    python_that(monkeypatch, tmp_path, "exit 0")
    one.buttons[strings.REPORT_BUTTON].click()
    assert REPORT_FILE in made(one, qt)
    assert one.said.full.startswith("■ The report is made, but no browser")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    one.buttons[strings.REPORT_BUTTON].click()
    assert "■" in made(one, qt)


def test_a_report_under_way_ends_with_the_page(card, qt, monkeypatch, tmp_path):
    python_that(monkeypatch, tmp_path, "exec sleep 60")
    one = card(Ended("P07", "12:34", recordings=(tmp_path,)))
    one.buttons[strings.REPORT_BUTTON].click()
    wait_for(lambda: qt.processEvents() or one.report._process.processId(), 20)
    one.close_run()
    assert not one.report.running


def test_without_a_recording_there_is_nothing_to_report(card):
    one = card(Ended("P07", "12:34"))
    assert not one.buttons
    assert strings.ENDED_NOTHING in words(one)


def test_a_session_that_failed_says_why(card, job):
    one = card(ended_badly(job, "the engine died (exit status -9)"))
    assert one.title.text() == "■ Session of participant P07 has failed"
    assert one.line.full == "the engine died (exit status -9)"


def test_what_a_session_recorded_until_it_failed_is_there(card, job, tmp_path):
    place = tmp_path / "sub-P07" / "ses-01"
    began_s = time.time()
    for number, written_s in ((1, began_s - 500.0), (2, began_s + 1.0), (3, began_s + 90.0)):
        folder = place / f"sub-P07_ses-01_task-live_run-{number:02}"
        folder.mkdir(parents=True)
        (folder / CONFIG_FILE).touch()
        os.utime(folder / CONFIG_FILE, (written_s, written_s))
    failed = ended_badly(replace(job, record=tmp_path, started_wall_s=began_s), "the engine died")
    assert [one.name[-2:] for one in failed.recordings] == ["03", "02"], "not that of an earlier session"
    one = card(failed)
    assert strings.ENDED_NOTHING not in words(one)
    assert strings.REPORT_BUTTON in one.buttons


def test_another_screen_adds_what_it_does_with_a_recording(card, tmp_path):
    one = card(Ended("P07", "12:34", recordings=(tmp_path / "a", tmp_path / "b")))
    taken = []
    one.offer("Look at it", "", taken.append)
    one.folder.setCurrentIndex(1)
    one.buttons["Look at it"].click()
    assert taken == [tmp_path / "b"]


def test_the_recording_that_is_chosen_is_replayed(qt_application, tmp_path):
    def fail(_):
        raise OSError(11, "too many processes")

    opened = []
    for replay in (opened.append, fail):
        one = EndedCard(Ended("P07", "12:34", recordings=(tmp_path / "a", tmp_path / "b")), replay=replay)
        one.folder.setCurrentIndex(1)
        one.buttons[strings.ENDED_REPLAY].click()
        one.close_run()
    assert opened == [tmp_path / "b"]
    assert "cannot be started: too many processes" in one.said.full
