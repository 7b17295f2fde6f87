"""The ways to the replay page: the command, the set-up page, the measurement, the pictures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLineEdit

from moodring.offline.recordings.read_session import read_session
from moodring.offline.viewing.long_session import write_long_session
from moodring.offline.viewing.open import open_for_viewing

pytestmark = pytest.mark.qt


def test_the_button_of_the_set_up_page_lists_the_folder_of_the_form(qt, monkeypatch):
    from moodring.realtime.ui.replay import launch

    started = []
    monkeypatch.setattr(launch.subprocess, "Popen", lambda command, **_: started.append(command))
    line = QLineEdit("data of ours")
    button = launch.RecordingsButton(line)
    QTest.mouseClick(button, Qt.LeftButton)
    assert started == [[sys.executable, "-m", "moodring", "view", "--in", "data of ours"]]
    line.clear()
    QTest.mouseClick(button, Qt.LeftButton)
    assert started[1][-1] == "sessions"


def test_a_page_that_cannot_be_started_is_said_on_the_button(qt, monkeypatch):
    from moodring.realtime.ui.replay import launch

    def refuse(*_, **__):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(launch.subprocess, "Popen", refuse)
    button = launch.RecordingsButton(QLineEdit(""))
    QTest.mouseClick(button, Qt.LeftButton)
    assert "Cannot allocate memory" in button.text()


@pytest.mark.parametrize("arguments", [["nowhere"], []])
def test_the_command_says_what_is_wrong_in_one_line(tmp_path, arguments):
    bare = {"PATH": "/usr/bin", "PYTHONPATH": str(Path(__file__).parents[5]), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "moodring", "view", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, env=bare, cwd=tmp_path, timeout=120)
    assert found.returncode == 2
    said = found.stderr.strip().splitlines()
    assert len(said) == 1
    assert ("'nowhere' does not exist" if arguments else "needs a display") in said[0]


def test_the_measurement_is_plain_numbers(qt, viewed):
    from moodring.cli.view import replay_tools
    from moodring.realtime.ui.replay.bench import bench_view

    figures = bench_view(replay_tools(), viewed, played_s=0.3)
    assert json.loads(json.dumps(figures)) == figures
    assert figures["session_s"] == pytest.approx(16.0, abs=0.1)
    assert 0 < figures["opened_s"] <= figures["estimates_s"]
    assert figures["seek_ms"]["count"] == 40
    assert set(figures["pictures_per_s"]) == {"1x", "4x", "8x"}


def test_the_long_session_is_one_that_every_reader_takes(tmp_path):
    folder = write_long_session(tmp_path / "long", 12.0)
    whole, opened = read_session(folder), open_for_viewing(folder)
    assert whole.eeg.samples.shape == (12_000, 64)
    assert len(whole.face.stamps_s) == len(opened.film.stamps_s) == 360
    assert (whole.face.frames[70] == opened.film.frame(70)).all()
    assert opened.stop_s - opened.start_s == pytest.approx(12.0, abs=0.05)
    (recorded,) = opened.decodings()
    assert len(recorded.estimates) == 22
    assert opened.problems == ()
