"""The demo as a user runs it, recorded and decoded again."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from moodring.cli.app import app
from moodring.cli.decode import session_config
from moodring.models.io.journal import read_journal
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.xdf.reading import read_streams
from tests.support.recorded import assert_equal

pytestmark = [pytest.mark.deadline, pytest.mark.lsl]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """The demo, recorded and with a picture of its window: its folder, its summary, what it said."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "moodring", "demo", "--headless", "--duration", "12", "--seed", "5"]
    command += ["--json", str(folder / "demo.json"), "--screenshot", str(folder / "window.png")]
    command += ["--record", str(folder / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return folder, json.loads((folder / "demo.json").read_text()), done.stdout + done.stderr


def test_the_demo_uses_everything_and_loses_nothing(ran: tuple[Path, dict[str, Any], str]) -> None:
    folder, summary, said = ran
    assert "not valid for people" not in said, "the participant is simulated, as the models' people were"
    for modality in ("eeg", "face", "speech"):
        assert summary["modalities"][modality]["used_fraction"] >= 0.9
        assert summary["modalities"][modality]["lost_samples"] == 0
    assert 0 < summary["glimpsed_fraction"] <= 0.15
    assert summary["decisions"] > 0
    for _, *grades in summary["estimates"]:
        for probabilities in grades:
            assert sum(probabilities) == pytest.approx(1.0, abs=1e-3)
            assert min(probabilities) >= 0
    assert summary["skipped_decisions"] == 0
    assert summary["dropped_decisions"] <= 1, "a busy machine may hold the window up once"
    assert (folder / "window.png").read_bytes().startswith(b"\x89PNG")


def test_a_recorded_session_decoded_again_says_the_same_at_every_decision(
    ran: tuple[Path, dict[str, Any], str],
) -> None:
    place, summary, _ = ran
    recorded = summary["recording"]
    folder = Path(recorded["folder"])
    assert folder == place / "data/sub-sim-005/ses-01/sub-sim-005_ses-01_task-demo_run-01"
    assert recorded["error"] is None
    assert (recorded["lost_frames"], recorded["lost_chunks"], recorded["recorder_restarts"]) == (0, 0, 0)
    assert recorded["bytes"] == pytest.approx(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()), rel=0.1)
    said = CliRunner().invoke(app, ["decode", str(folder)]).stdout
    found = re.search(
        r"(\d+) decisions in common, none only in .*, none only in .*; probabilities at most (\S+) apart", said
    )
    assert found is not None, said
    live = read_journal(folder / "decisions.jsonl")
    assert int(found[1]) == len(live) == summary["decisions"]
    assert float(found[2]) <= 1e-6, "from the first decision on"
    recording = open_recording(folder)
    assert recording.origin == "simulated"
    assert recording.participant == "sim-005"
    assert recording.truth is not None
    streams = [one for path in folder.glob("streams/part-*.xdf") for one in read_streams(path)]
    kinds = {one.type for one in streams if len(one.stamps_s)}
    assert {"EEG", "VideoIndex", "AudioIndex", "Arrivals", "EmotionTruth", "Emotion"} <= kinds
    assert not any(one.type == "VideoFrames" for one in streams)
    assert 'ended_at = "20' in (folder / "session.toml").read_text()
    assert not list(folder.rglob("*.partial"))


def test_what_the_answers_rested_on_is_the_same_live_and_decoded_again(ran: tuple[Path, dict[str, Any], str]) -> None:
    _, summary, _ = ran
    folder = Path(summary["recording"]["folder"])
    live, recording = read_journal(folder / "decisions.jsonl"), open_recording(folder)
    assert {ablation.without for one in live for ablation in one.ablations} == {"eeg", "face", "last_look"}
    assert any(gate.distance is not None for one in live for gate in one.domain_distances)
    assert sum(frame.looked for one in live for frame in one.periphery) == sum(len(one.looks) for one in live) > 0
    config = session_config(folder, recording, None, ()).model_copy(update={"journal": None})
    assert_equal(decode(recording, config, journal=live).estimates, live)
    assert sum(summary["policy"]["looked"].values()) == sum(len(one.looks) for one in live)
