"""`demo --me` as a user runs it: a film is the camera, a voice the microphone, and the terminal shows what both say."""

import contextlib
import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from moodring.models.io.bundle import bundled, load_bundle
from moodring.models.signals.face.images import scaled
from tests.support.made_films import frames_of, write_film
from tests.support.sound_server import SoundServer

pytestmark = [pytest.mark.deadline, pytest.mark.lsl, pytest.mark.audio, pytest.mark.data]
SECONDS = 14
VOICES = ("13a01Lb", "09a02Wb", "08a01Na")
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which the default microphone hears what the default loudspeaker plays."""
    modules = (
        "module-null-sink sink_name=loud rate=16000 channels=1",
        "module-virtual-source source_name=heard master=loud.monitor",
    )
    with SoundServer(tmp_path / "home", *modules) as server:
        (tmp_path / "home" / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        without_display = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
        yield os.environ | server.environment | without_display | {"PULSE_SINK": "loud", "PULSE_SOURCE": "heard"}


def screen_of(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a command on a terminal of 100 x 50 characters; return its status and all that it drew."""
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    child = subprocess.Popen(
        command, env=environment | {"TERM": "xterm-256color"}, stdin=subprocess.DEVNULL, stdout=its, stderr=its
    )
    os.close(its)
    drawn = bytearray()
    with contextlib.suppress(OSError):  # the end of a terminal whose last program is gone
        while piece := os.read(ours, 65_536):
            drawn += piece
    os.close(ours)
    return child.wait(60), _STYLES.sub("", drawn.decode("utf-8", "replace"))


def test_a_face_and_a_voice_come_to_the_screen(data_dir: Path, heard: dict[str, str], tmp_path: Path) -> None:
    # Over and over: the engine may take long to start.
    person = [scaled(one) for one in frames_of(data_dir / "faces" / "WolfgangLanger_Pexels.mp4", 2)]
    film = write_film(tmp_path / "camera.mkv", person * 6, 12.0, codec="mjpeg", pixels="yuvj420p")
    out = tmp_path / "me.json"
    over = threading.Event()

    def talk() -> None:
        while not over.is_set():
            for name in VOICES:
                voice = data_dir / "emodb" / "wav" / f"{name}.wav"
                subprocess.run(["paplay", str(voice)], env=heard, check=True)

    talking = threading.Thread(target=talk, daemon=True)
    talking.start()
    try:
        status, screen = screen_of(
            [sys.executable, "-m", "moodring", "demo", "--me", "--duration", str(SECONDS), "--json", str(out),
             "--set", f"face.camera={film}"],
            heard,
        )  # fmt: skip
    finally:
        over.set()
        talking.join(30)
    assert status == 0, screen[-3000:]
    assert "Traceback" not in screen
    summary = json.loads(out.read_text())
    for modality in ("face", "speech"):
        assert summary["modalities"][modality]["used_fraction"] > 0.1, modality
    said = [answer for _, answer in summary["heads"]["face"]["answers"] if answer is not None]
    assert said
    emotions = load_bundle(bundled("face")).spec.outputs[0].classes
    assert re.search(rf"Face, expressed in the face: [^\n]*({'|'.join(emotions)}) \d+%", screen), (
        "what the face expresses"
    )
    heard_emotions = {max(row, key=lambda name, row=row: row[name]) for _, row in summary["speech"] if row}
    assert heard_emotions
    panel = screen[screen.index("Expressed in the voice") :]
    assert any(re.search(rf"│ (not sure: )?{name} ", panel) for name in heard_emotions), "what the voice expresses"
