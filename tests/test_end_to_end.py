"""Everything as a user runs it, in processes of its own: real recordings replayed, a real voice.

LSL sessions are private: nobody else on the network sees them, nor is seen.
"""

import json
import math
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moodring.configs.schema.liblsl import liblsl_settings, own_session
from moodring.models.io.bundle import bundled, load_bundle, save_bundle
from moodring.offline.recordings.write_session import write_session
from moodring.offline.simulate import EASY, simulate
from tests.support.sound_server import SoundServer
from tests.support.ungated import write_without_gate

pytestmark = pytest.mark.deadline
NOTICE = "demonstration model, not valid for people"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return private(tmp_path)


def private(folder: Path) -> dict[str, str]:
    """Return an environment in which liblsl reads a session of its own from a file, as in a lab."""
    settings, text = folder / "lsl_api.cfg", liblsl_settings(own_session("test"))
    assert text is not None
    settings.write_text(text)
    return {**os.environ, "LSLAPICFG": str(settings)}


def moodring(*words: object) -> list[str]:
    return [sys.executable, "-m", "moodring", *map(str, words)]


@contextmanager
def replaying(environment: dict[str, str], *words: object) -> Iterator[None]:
    child = subprocess.Popen(
        moodring("replay", *words), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("streams: ")
        yield
    finally:
        child.terminate()
        child.communicate(timeout=20)


def live(environment: dict[str, str], folder: Path, config: str, duration_s: float) -> tuple[dict[str, Any], str]:
    """Decode live for a while: the summary, and what was said on the terminal."""
    path, out = folder / "live.toml", folder / "live.json"
    path.write_text(f'name = "test-{uuid.uuid4().hex[:8]}"\n' + config)
    done = subprocess.run(
        moodring("live", path, "--headless", "--duration", duration_s, "--json", out),
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(out.read_text()), done.stdout + done.stderr


def assert_sane(summary: dict[str, Any]) -> None:
    assert summary["decisions"] > 0
    for _, valence, arousal in summary["estimates"]:
        for probabilities in (valence, arousal):
            assert all(math.isfinite(p) and 0 <= p <= 1 for p in probabilities)
            assert sum(probabilities) == pytest.approx(1.0, abs=1e-3)
    for _, said in summary["speech"]:
        assert said is None or sum(said.values()) == pytest.approx(1.0, abs=1e-3)


@pytest.fixture(scope="module")
def replayed(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], str]]:
    """Two recordings, each replayed to an engine of its own, both at once: what each engine said."""
    # A simulated bundle knows no real EEG, and its gate says so; how the stream is used is looked at without it.
    ungated = write_without_gate(load_bundle(bundled("attention")), tmp_path_factory.mktemp("bundle"))
    asked = {
        "amplifier": (
            ("xdf/switch_example.xdf", "--only", "eeg"),
            '[eeg]\nstream = { type = "EEG" }\nline_hz = 60\n[models]\nallow_simulated = true\n'
            f'video_eeg = "{ungated}"\n',
        ),
        "film": (
            ("grid/bbaf2n.mpg", "--loop"),
            '[face]\nstream = { name = "replay_face" }\n[speech]\nstream = { name = "replay_speech" }\n'
            "[models]\nallow_simulated = true\n",
        ),
    }

    def decoded(name: str) -> tuple[dict[str, Any], str]:
        (source, *words), config = asked[name]
        folder = tmp_path_factory.mktemp(name)
        surroundings = private(folder)
        with replaying(surroundings, data_dir / source, *words):
            return live(surroundings, folder, config, 8)

    with ThreadPoolExecutor() as pool:
        return dict(zip(asked, pool.map(decoded, asked), strict=True))


@pytest.mark.lsl
@pytest.mark.data
def test_a_real_amplifier_recording_is_decoded_by_eeg_alone(replayed: dict[str, tuple[dict[str, Any], str]]) -> None:
    summary, said = replayed["amplifier"]
    assert_sane(summary)
    assert summary["modalities"]["eeg"]["used_fraction"] > 0.9
    assert summary["modalities"]["eeg"]["observed_rate_hz"] == pytest.approx(256, rel=0.02)
    assert summary["modalities"]["eeg"]["lost_samples"] == 0
    assert summary["modalities"]["face"] == absent()
    assert NOTICE in said


@pytest.mark.lsl
@pytest.mark.data
def test_a_real_film_is_decoded_by_face_and_speech(replayed: dict[str, tuple[dict[str, Any], str]]) -> None:
    summary, said = replayed["film"]
    assert_sane(summary)
    assert summary["modalities"]["face"]["used_fraction"] > 0.9
    assert summary["modalities"]["speech"]["used_fraction"] > 0.9
    assert summary["modalities"]["eeg"] == absent()
    assert any(probabilities for _, probabilities in summary["speech"]), "a man speaks in this film"
    assert NOTICE in said


@pytest.mark.lsl
def test_a_persons_own_bundle_is_made_checked_and_decoded_with(environment: dict[str, str], tmp_path: Path) -> None:
    """A bundle that leans to "high", set upright by labels that it never says; then the next session of the person."""
    shipped = load_bundle(bundled("attention"))
    bias = shipped.tensors["net.heads.bias"].clone()
    bias[2] += 6.0
    lean, mine = tmp_path / "lean.safetensors", tmp_path / "mine.safetensors"
    save_bundle(lean, shipped.spec, {**shipped.tensors, "net.heads.bias": bias})
    person = replace(simulate(620, 74.5, EASY), face=None, speech=None)
    folder, labels = write_session(person, tmp_path / "session"), tmp_path / "labels.csv"
    rows = [f"{20 + 6 * i},6,{('low', 'medium')[i % 2]}," for i in range(9)]
    labels.write_text("\n".join(["start_s,duration_s,valence,arousal", *rows]) + "\n")
    made = subprocess.run(
        moodring("calibrate", folder, "--bundle", lean, "--labels", labels, "--out", mine),
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    config = '[eeg]\nstream = { type = "EEG" }\n[models]\nvideo_eeg = "%s"\n[session]\nparticipant = "%s"\n'
    path = tmp_path / "check.toml"
    path.write_text('name = "check"\n' + config % (mine, person.participant))
    with replaying(environment, folder):
        checked = subprocess.run(
            moodring("check", path), env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"ok    model: calibrated for {person.participant} on " in checked.stdout
    with replaying(environment, folder):
        summary, told = live(environment, tmp_path, config % (mine, person.participant), 6)
    assert_sane(summary)
    answers = [valence for _, valence, _ in summary["estimates"]]
    assert answers
    assert max(high for _, _, high in answers) < 0.85, "the bundle that leans gives it 0.94 and more"
    assert [bundle["file"] for bundle in summary["bundles"]] == ["mine.safetensors"]
    assert f"calibrated for {person.participant} on " in told
    assert "alone, and" not in told


@pytest.fixture
def loudspeaker(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """Run a sound server whose loudspeaker is heard by its default microphone."""
    modules = (
        "module-null-sink sink_name=loud rate=16000 channels=1",
        "module-virtual-source source_name=heard master=loud.monitor",
    )
    with SoundServer(tmp_path / "home", *modules) as server:
        (tmp_path / "home" / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        environment.update(server.environment, PULSE_SINK="loud", PULSE_SOURCE="heard")
        yield


PARITY = 0.25
"""What live and predict may differ by: voice activity counts windows of 32 ms from where it starts to listen, so each
cuts the same second up to 32 ms apart."""


@pytest.mark.audio
@pytest.mark.data
def test_a_voice_through_the_microphone_is_what_predict_says_of_the_file(
    data_dir: Path, environment: dict[str, str], loudspeaker: None, tmp_path: Path
) -> None:
    import pylsl

    from moodring.models.io.journal import read_journal
    from moodring.offline.decoding.predict import pooled

    voices = [data_dir / "emodb" / "wav" / f"{name}.wav" for name in ("09a02Wb", "13a01Lb", "08a01Na")]
    out, journal, config = tmp_path / "predict.json", tmp_path / "journal.jsonl", tmp_path / "live.toml"
    config.write_text(
        f'name = "test-{uuid.uuid4().hex[:8]}"\njournal = \'{journal}\'\n[speech]\nmicrophone = "pulse"\n'
    )

    def heard_until(time_s: float) -> list[Any]:
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            assert engine.poll() is None, engine.communicate()
            said = read_journal(journal) if journal.exists() else ()
            if said and said[-1].time_s > time_s:
                return list(said)
            time.sleep(0.05)
        raise AssertionError("the engine decided nothing for 60 s")

    engine = subprocess.Popen(
        moodring("live", config, "--headless", "--duration", 120, "--json", tmp_path / "live.json"),
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        # While the engine starts.
        subprocess.run(moodring("predict", "emodb", *voices, "--json", out), check=True, capture_output=True)
        heard_until(0.0)
        for voice, told in zip(voices, json.loads(out.read_text())["files"], strict=True):
            begin_s = pylsl.local_clock()
            subprocess.run(["paplay", str(voice)], env=environment, check=True)
            said = heard_until(pylsl.local_clock() + 1.5)
            late = [one.answer("speech") for one in said if one.time_s > begin_s]
            live = [answer for answer in late if answer is not None]
            probabilities = dict(zip(live[0].classes, pooled(live) or (), strict=True))
            assert max(probabilities, key=lambda name: probabilities[name]) == told["label"], voice.name
            assert probabilities == pytest.approx(told["probabilities"], abs=PARITY), voice.name
    finally:
        engine.send_signal(signal.SIGINT)
        out, error = engine.communicate(timeout=60)
    assert engine.returncode == 0, error
    summary = json.loads((tmp_path / "live.json").read_text())
    assert_sane(summary)
    heard = summary["modalities"]["speech"]
    assert heard["present"]
    assert heard["used_fraction"] > 0.9
    assert heard["observed_rate_hz"] == pytest.approx(16_000, rel=0.05), "PulseAudio's buffers tell no better"
    assert NOTICE not in out + error, "the recogniser was trained on people"


def absent() -> dict[str, Any]:
    return {
        "present": False, "used_fraction": None, "observed_rate_hz": None, "lost_samples": None, "health": None,
        "transitions": None,
    }  # fmt: skip
