"""The app as whole processes over real LSL: from set-up to set-up, a window that is killed, several participants."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psutil
import pytest

from moodring.configs.schema.live import (
    EegSection,
    LiveConfig,
    ModelsSection,
    OutletSection,
    SessionSection,
    StreamQuery,
)
from moodring.models.io.journal import read_journal
from moodring.offline.recordings.open import open_recording
from moodring.realtime.ipc.channel import attach
from moodring.realtime.lab.profiles import Profiles
from moodring.realtime.lab.protocol.example import write_example
from moodring.realtime.ui import strings
from tests.support.lsl_stand import wait_for

pytestmark = [pytest.mark.lsl, pytest.mark.deadline, pytest.mark.qt]
SHORT = """
name = "short"
[[stimuli]]
name = "calm_sea"
file = "calm_sea.png"
seconds = 1.0
[[stimuli]]
name = "fast_disc"
file = "fast_disc.mkv"
seconds = 1.0
[[steps]]
text = { words = "Welcome." }
[[steps]]
stimuli = { order = "random", fixation_s = 0.3, blank_s = 0.2 }
"""
HANDS = Path(__file__).parents[2] / "support" / "app_hands.py"


@pytest.fixture
def lab(lsl_session, stand, fakes, tmp_path, monkeypatch):
    """An amplifier for each participant, a config for each, and a command line with hands on its windows."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    settings = {
        "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(runtime), "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "MOODRING_SETTINGS": str(tmp_path / "window.ini"),
    }  # fmt: skip
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    bundle = fakes.write_bundle(tmp_path / "untrained.safetensors")
    started = []

    def config(participant):
        name = f"{participant.lower()}-{uuid4().hex[:8]}"
        channels = [(label, "microvolts", "EEG") for label in fakes.NAMES]
        stand({"name": name, "count": len(fakes.NAMES), "channels": channels})
        made = LiveConfig(
            name=name,
            eeg=EegSection(stream=StreamQuery(name=name)),
            models=ModelsSection(video_eeg=str(bundle), allow_simulated=True),
            lsl=lsl_session.model_copy(update={"resolve_timeout_s": 60.0}),
            outlet=OutletSection(name=f"est-{name}"),
            session=SessionSection(participant=participant),
        )
        return name, Profiles(tmp_path / "configs").save(name, made)

    def run(script, *words):
        log, said = (tmp_path / f"{len(started)}.{kind}" for kind in ("log", "said"))
        log.touch()
        with said.open("wb") as out:
            command = [sys.executable, str(HANDS), script, str(log), *map(str, words)]
            child = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT)
        started.append(child)
        return SimpleNamespace(
            process=child,
            told=lambda: [json.loads(line) for line in log.read_text().splitlines()],
            said=lambda: said.read_text(),
        )

    yield SimpleNamespace(config=config, run=run, folder=tmp_path)
    for child in started:
        if child.poll() is None:
            for one in psutil.Process(child.pid).children(recursive=True):
                one.kill()
            child.kill()
        child.wait()


def over(run, timeout_s=240.0):
    """Wait for the end of a command, and return what it said; no Qt warning and no traceback is in it."""
    status = run.process.wait(timeout_s)
    said = run.said()
    assert status == 0, said
    assert "Qt:" not in said
    assert "Traceback" not in said
    return said


def facts(run, key):
    return [line[key] for line in run.told() if key in line]


def waited(run, question, timeout_s=180.0):
    """Wait until something is so while a command runs."""

    def ask():
        assert run.process.poll() is None, run.said()
        return question()

    return wait_for(ask, timeout_s)[0]


def children(run):
    return psutil.Process(run.process.pid).children(recursive=True)


def complete(folder):
    """A recording that was closed in order: its journal, and what is opened of it."""
    assert 'ended_at = "20' in (folder / "session.toml").read_text()
    assert not list(folder.rglob("*.partial"))
    return read_journal(folder / "decisions.jsonl"), open_recording(folder)


def test_start_on_the_set_up_page_followed_to_its_end(lab):
    _, path = lab.config("P07")
    run = lab.run("record_and_end", "app", path)
    waited(run, lambda: facts(run, "estimate"))
    processes = children(run)
    said = over(run)
    assert facts(run, "participant") == ["P07"]
    assert facts(run, "estimate") == [True]
    (ended,), (folders,) = facts(run, "ended"), facts(run, "folders")
    assert ended == "● Session of participant P07 is over"
    assert facts(run, "buttons") == [[strings.REPORT_BUTTON, strings.ENDED_REPLAY]]
    (folder,) = (lab.folder / one for one in folders)
    assert folder.parent.parent == lab.folder / "sessions" / "sub-P07"
    journal, recording = complete(folder)
    assert len(journal) >= 3
    assert recording.participant == "P07"
    assert f"recorded: {folders[0]}" in said
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive


def test_from_set_up_through_a_protocol_to_its_report_and_replay(lab):
    _, path = lab.config("P09")
    protocol = write_example(lab.folder / "films").parent / "short.toml"
    protocol.write_text(SHORT)
    run = lab.run("run_protocol", "app", path)
    said = over(run)
    assert "short" in facts(run, "protocol")[0]
    (report,), (folder,) = facts(run, "browser"), facts(run, "replay")
    markers = [one.text for one in open_recording(lab.folder / folder).markers]
    assert markers[0] == "protocol_start"
    assert markers[-1] == "protocol_end"
    assert markers.count("rating valence=7 arousal=3") == 2
    page = Path(report).read_text(encoding="utf-8")
    assert "P09" in page
    assert "calm_sea" in page
    assert f"recorded: {folder}" in said
    view = lab.run("look_back", "view", folder)
    over(view)
    assert Path(folder).name in facts(view, "heading")[0]


def test_a_killed_window_leaves_engine_and_recording_and_others_take_its_place(lab):
    name, path = lab.config("P08")
    run = lab.run("only_watch", "live", path, "--record", "data")
    waited(run, lambda: facts(run, "pid"))
    os.kill(facts(run, "pid")[0], signal.SIGKILL)
    with attach(name) as screen:
        before = screen.snapshot()
        assert before.recording.on
        waited(run, lambda: screen.snapshot().decisions > before.decisions + 2)
        assert screen.snapshot().recording.error is None
    waited(run, lambda: "the window ended with status" in run.said())
    watching = lab.run("only_watch", "monitor", name)
    waited(watching, lambda: facts(watching, "shown"))
    assert facts(watching, "read_only") == [True]
    watching.process.send_signal(signal.SIGINT)
    over(watching)
    steering = lab.run("mark_and_end", "monitor", name, "--control")
    said = over(run)
    assert facts(steering, "said")[0].startswith("● ")
    steering.process.send_signal(signal.SIGINT)  # it shows what was last, until it is closed
    over(steering)
    folder = Path(before.recording.folder)
    journal, recording = complete(lab.folder / folder)
    assert len(journal) > before.decisions + 2
    numbers = [round(2 * one.session_time_s) for one in journal]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no decision is missing"
    assert recording.participant == "P08"
    assert '"mark"' in (lab.folder / folder / "notes.jsonl").read_text()
    assert f"recorded: {folder}" in said


def test_several_participants_have_a_tile_each_and_end_together(lab):
    (first, one), (second, two) = lab.config("P01"), lab.config("P02")
    run = lab.run("open_one_and_end_all", "live", one, two, "--record", "data")
    waited(run, lambda: facts(run, "opened"))
    processes = children(run)
    said = over(run)
    assert sorted(facts(run, "who")[0]) == [f"P01 ({first})", f"P02 ({second})"]
    assert facts(run, "opened")[0] in (first, second)
    for name, participant in ((first, "P01"), (second, "P02")):
        assert f"{name}: " in said
        (folder,) = (lab.folder / "data" / f"sub-{participant}").glob("ses-*/*")
        journal, _ = complete(folder)
        assert journal
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive
