"""Everything as a user runs it, in processes of its own: the demo, replay and decode, and real recordings.

LSL sessions are private: nobody else on the network sees them, nor is seen.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.deadline
NOTICE = "demonstration model, not valid for people"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which liblsl reads a session of its own from a file, as in a lab."""
    settings = tmp_path / "lsl_api.cfg"
    settings.write_text(f"[lab]\nSessionID = test-{uuid.uuid4().hex[:8]}\n[multicast]\nResolveScope = machine\n")
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


@pytest.mark.lsl
def test_the_demo_uses_everything_and_loses_nothing(tmp_path: Path) -> None:
    out = tmp_path / "demo.json"
    done = subprocess.run(
        moodring("demo", "--headless", "--duration", 12, "--json", out, "--screenshot", tmp_path / "window.png"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert NOTICE not in done.stdout + done.stderr, "the participant is simulated, as the models' people were"
    summary = json.loads(out.read_text())
    assert_sane(summary)
    for modality in ("eeg", "face", "speech"):
        assert summary["modalities"][modality]["used_fraction"] >= 0.9
        assert summary["modalities"][modality]["lost_samples"] == 0
    assert 0 < summary["glimpsed_fraction"] <= 0.15
    assert summary["skipped_decisions"] == 0
    assert summary["dropped_decisions"] <= 1, "a busy machine may hold the window up once"
    assert (tmp_path / "window.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.lsl
@pytest.mark.data
def test_a_real_amplifier_recording_is_decoded_by_eeg_alone(
    data_dir: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with replaying(environment, data_dir / "xdf" / "switch_example.xdf", "--only", "eeg"):
        config = '[eeg]\nstream = { type = "EEG" }\nline_hz = 60\n'
        summary, said = live(environment, tmp_path, config, 12)
    assert_sane(summary)
    assert summary["modalities"]["eeg"]["used_fraction"] > 0.9
    assert summary["modalities"]["eeg"]["observed_rate_hz"] == pytest.approx(256, rel=0.02)
    assert summary["modalities"]["eeg"]["lost_samples"] == 0
    assert summary["modalities"]["face"] == absent()
    assert NOTICE in said


@pytest.mark.lsl
@pytest.mark.data
def test_a_real_film_is_decoded_by_face_and_speech(data_dir: Path, environment: dict[str, str], tmp_path: Path) -> None:
    with replaying(environment, data_dir / "grid" / "bbaf2n.mpg", "--loop"):
        config = '[face]\nstream = { name = "replay_face" }\n[speech]\nstream = { name = "replay_speech" }\n'
        summary, said = live(environment, tmp_path, config, 12)
    assert_sane(summary)
    assert summary["modalities"]["face"]["used_fraction"] > 0.9
    assert summary["modalities"]["speech"]["used_fraction"] > 0.9
    assert summary["modalities"]["eeg"] == absent()
    assert any(probabilities for _, probabilities in summary["speech"]), "a man speaks in this film"
    assert NOTICE in said


@pytest.fixture
def loudspeaker(environment: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """Run a PulseAudio of our own whose loudspeaker is heard by its default microphone."""
    if shutil.which("pulseaudio") is None or shutil.which("paplay") is None:
        pytest.skip("no PulseAudio: apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
    runtime = tmp_path / "pulse"
    runtime.mkdir(mode=0o700)
    environment.update(
        PULSE_RUNTIME_PATH=str(runtime), XDG_RUNTIME_DIR=str(runtime), HOME=str(tmp_path), PULSE_SINK="loud",
        PULSE_SOURCE="heard",
    )  # fmt: skip
    (tmp_path / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--log-target=stderr",
         "-L", "module-native-protocol-unix",
         "-L", "module-null-sink sink_name=loud rate=16000 channels=1",
         "-L", "module-virtual-source source_name=heard master=loud.monitor"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode:
            assert server.poll() is None, "PulseAudio ended"
            assert time.monotonic() < deadline, "PulseAudio did not answer within 20 s"
        yield runtime
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.audio
@pytest.mark.data
def test_a_real_voice_through_a_microphone(
    data_dir: Path, environment: dict[str, str], loudspeaker: Path, tmp_path: Path
) -> None:
    voices = sorted((data_dir / "emodb" / "wav").glob("*Wa.wav"))[:12]
    assert voices
    joined = tmp_path / "voices.wav"
    import numpy as np
    import soundfile

    pause = np.zeros(8_000, np.float32)
    pieces = [piece for voice in voices for piece in (soundfile.read(voice, dtype="float32")[0], pause)]
    soundfile.write(joined, np.concatenate(pieces), 16_000)
    player = subprocess.Popen(["paplay", str(joined)], env=environment)
    try:
        summary, said = live(environment, tmp_path, '[speech]\nmicrophone = "pulse"\n', 10)
    finally:
        player.terminate()
        player.wait(20)
    assert_sane(summary)
    assert summary["modalities"]["speech"]["present"]
    assert summary["modalities"]["speech"]["used_fraction"] > 0.9
    # Ten seconds through the buffers of PulseAudio do not tell a rate better than this.
    assert summary["modalities"]["speech"]["observed_rate_hz"] == pytest.approx(16_000, rel=0.05)
    assert sum(said is not None for _, said in summary["speech"]) > 3, "twelve angry sentences were played"
    assert NOTICE not in said, "the recogniser was trained on people"
    labels = [max(said, key=said.get) for _, said in summary["speech"] if said is not None]
    assert labels.count("anger") > len(labels) / 2, "twelve angry sentences, of speakers it was trained on"


PARITY = 0.25
"""What live and predict may differ by: voice activity counts windows of 32 ms from where it starts to listen, so each
cuts the same second up to 32 ms apart."""


@pytest.mark.audio
@pytest.mark.data
def test_a_voice_through_the_microphone_is_what_predict_says_of_the_file(
    data_dir: Path, environment: dict[str, str], loudspeaker: Path, tmp_path: Path
) -> None:
    import pylsl

    from moodring.offline.predict import pooled
    from moodring.realtime.journal import read_journal

    voices = [data_dir / "emodb" / "wav" / f"{name}.wav" for name in ("09a02Wb", "13a01Lb", "08a01Na")]
    out, journal, config = tmp_path / "predict.json", tmp_path / "journal.jsonl", tmp_path / "live.toml"
    subprocess.run(moodring("predict", "emodb", *voices, "--json", out), check=True, capture_output=True)
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
        heard_until(0.0)
        for voice, told in zip(voices, json.loads(out.read_text())["files"], strict=True):
            begin_s = pylsl.local_clock()
            subprocess.run(["paplay", str(voice)], env=environment, check=True)
            said = heard_until(pylsl.local_clock() + 1.5)
            live = [one.speech for one in said if one.time_s > begin_s and one.speech is not None]
            probabilities = dict(zip(live[0].classes, pooled(live) or (), strict=True))
            assert max(probabilities, key=lambda name: probabilities[name]) == told["label"], voice.name
            assert probabilities == pytest.approx(told["probabilities"], abs=PARITY), voice.name
    finally:
        engine.terminate()
        engine.communicate(timeout=30)


def absent() -> dict[str, Any]:
    return {
        "present": False, "used_fraction": None, "observed_rate_hz": None, "lost_samples": None, "health": None,
        "transitions": None,
    }  # fmt: skip
