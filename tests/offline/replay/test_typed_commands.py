import os
import queue
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.live import LiveConfig, LslSection
from moodring.configs.schema.load import load
from moodring.models.contract import Recording
from moodring.offline.recordings.write_session import write_session
from moodring.offline.replay.playhead import Command, Pause, Seek
from moodring.offline.replay.typed_commands import announcement, read_commands


def test_what_is_said_of_the_loudspeaker_makes_a_config_that_hears_it() -> None:
    assert not any("--set" in line for line in announcement(("replay_eeg", "replay_speech")))
    option = announcement(("mine_speech", "mine_loudspeaker"))[-1].rpartition("--set ")[2]
    config = load(Path(__file__).parents[3] / "configs" / "replay.toml", LiveConfig, [option])
    assert config.speech is not None
    assert config.speech.reference is not None
    assert config.speech.reference.stream is not None
    assert config.speech.reference.stream.name == "mine_loudspeaker"


def test_lines_become_commands_and_nonsense_is_told() -> None:
    ours, theirs = os.pipe()
    sent: queue.Queue[Command] = queue.Queue()
    said: queue.Queue[str] = queue.Queue()
    read_commands(sent.put, said.put, ours)
    os.write(theirs, b"pause\nrewind\nsee")
    assert sent.get(timeout=10) == Pause()
    assert said.get(timeout=10).startswith("'rewind' is not understood")
    os.write(theirs, b"k 30\n\xff\xfe\n")
    assert sent.get(timeout=10) == Seek(30.0)
    assert "not understood" in said.get(timeout=10)
    os.close(theirs)


@pytest.mark.lsl
def test_the_command_line_replays_as_it_is_told(
    fake_recording: Callable[..., Recording], lsl_session: LslSection, tmp_path: Path
) -> None:
    import pylsl

    folder = write_session(replace(fake_recording(8.0), face=None, speech=None), tmp_path / "one")
    config = tmp_path / "lab.toml"
    config.write_text(
        f"[eeg]\nstream = {{ name = 'x' }}\n[lsl]\nsession_id = '{lsl_session.session_id}'\nresolve_scope = 'machine'\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "moodring", "replay", folder, "--only", "eeg", "--prefix", "typed", "--config", config],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert child.stdin is not None
        # The end of the input comes with it, and must not end the replay.
        child.stdin.write("pause\nseek 7\nfly\nresume\n")
        child.stdin.close()
        child.stdin = None
        (found,) = pylsl.resolve_byprop("name", "typed_eeg", 1, 60.0)
        inlet = pylsl.StreamInlet(found, max_buflen=60)
        inlet.open_stream(20.0)
        samples = []
        while not samples or samples[-1][3] < 2047:
            sample, _ = inlet.pull_sample(20.0)
            assert sample is not None
            samples.append(sample)
        out, error = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 0, error
    assert "playing at 7.0 s, speed 1" in out
    assert "'fly' is not understood" in out
    counts = np.array(samples)[:, 3]
    assert 1791 <= counts[0] <= 1793
    np.testing.assert_array_equal(np.diff(counts), 1)
