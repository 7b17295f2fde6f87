"""Real recordings through the real path: replayed over LSL or played into a microphone, and decoded live.

Everything runs as a user runs it, in processes of its own, in an LSL session that nobody else can see.
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

pytestmark = [pytest.mark.data, pytest.mark.deadline, pytest.mark.xdist_group("live")]
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
    assert summary["modalities"]["speech"]["observed_rate_hz"] == pytest.approx(16_000, rel=0.02)
    assert sum(said is not None for _, said in summary["speech"]) > 3, "twelve angry sentences were played"
    assert NOTICE in said


def absent() -> dict[str, Any]:
    return {
        "present": False, "used_fraction": None, "observed_rate_hz": None, "lost_samples": None, "health": None,
        "transitions": None,
    }  # fmt: skip
