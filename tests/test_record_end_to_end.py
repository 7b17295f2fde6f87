"""The demo recorded and decoded again, as a user does it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from moodring.cli import app
from moodring.configs.errors import MoodringError
from moodring.offline.open import open_recording
from moodring.offline.xdf_reading import read_streams
from moodring.realtime.journal import read_journal
from moodring.realtime.recorder.labrecorder import labrecorder_program

pytestmark = [pytest.mark.deadline, pytest.mark.lsl]


def moodring(*words: object) -> str:
    command = [sys.executable, "-m", "moodring", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_recorded_session_decoded_again_says_the_same_at_every_decision(tmp_path: Path) -> None:
    try:
        labrecorder_program()
    except MoodringError as error:
        pytest.skip(str(error))
    out = tmp_path / "demo.json"
    moodring("demo", "--headless", "--duration", 9, "--seed", 5, "--record", tmp_path / "data", "--json", out)
    summary = json.loads(out.read_text())
    recorded = summary["recording"]
    folder = Path(recorded["folder"])
    assert folder == tmp_path / "data/sub-sim-005/ses-01/sub-sim-005_ses-01_task-demo_run-01"
    assert recorded["error"] is None
    assert (recorded["lost_frames"], recorded["lost_chunks"], recorded["recorder_restarts"]) == (0, 0, 0)
    assert recorded["bytes"] == pytest.approx(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()), rel=0.1)
    said = CliRunner().invoke(app, ["decode", str(folder)]).stdout
    found = re.search(r"(\d+) decisions in common, .*probabilities at most (\S+) apart", said)
    assert found is not None, said
    live = read_journal(folder / "decisions.jsonl")
    assert int(found[1]) == len([one for one in live if one.readout is not None]) == summary["decisions"]
    assert float(found[2]) < 1e-3
    recording = open_recording(folder)
    assert recording.origin == "simulated"
    assert recording.participant == "sim-005"
    assert recording.truth is not None
    streams = [one for path in folder.glob("streams/part-*.xdf") for one in read_streams(path)]
    kinds = {one.type for one in streams if len(one.stamps_s)}
    assert {"EEG", "Audio", "EmotionTruth", "Emotion"} <= kinds
    assert not any(one.type == "VideoFrames" for one in streams)
    assert 'ended_at = "20' in (folder / "session.toml").read_text()
    assert not list(folder.rglob("*.new"))
