"""Recording with a real engine, a real recorder process and real streams: who is killed, and what is left."""

import contextlib
import random
import subprocess
import time
from uuid import uuid4

import cv2
import numpy as np
import psutil
import pylsl
import pytest

from moodring.configs.schema.live import EegSection, FaceSection, LiveConfig, OutletSection, SessionSection, StreamQuery
from moodring.models.contract import Recording
from moodring.models.io.journal import read_journal
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.session_streams import read_parts
from moodring.realtime.engine.engine_process import EngineProcess
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.ipc.channel import attach
from moodring.realtime.recorder.recorder import Recorder

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
MARKERS_HZ = 10.0
pytestmark = pytest.mark.lsl


@pytest.fixture
def amplifier(stand):
    """An EEG whose first channel counts, and a light stream that counts too; their names."""
    name = f"amp-{uuid4().hex}"
    channels = [(label, "microvolts", "EEG") for label in NAMES]
    eeg = {"name": name, "count": len(NAMES), "channels": channels}
    triggers = {"name": f"{name}-triggers", "type": "Triggers", "count": 1, "rate": MARKERS_HZ}
    return stand(eeg, triggers), name


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (160, 120))
    for index in range(25 * 40):
        writer.write(np.full((120, 160, 3), index % 200, np.uint8))
    writer.release()
    return path


@pytest.fixture
def config(lsl_session, amplifier):
    name = amplifier[1]
    return LiveConfig(
        name=name,
        eeg=EegSection(stream=StreamQuery(name=name)),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 25.0}),
        outlet=OutletSection(name=f"est-{name}"),
        session=SessionSection(markers=[StreamQuery(name=f"{name}-triggers")]),
    )


def recorder_of(engine):
    """The recorder process of an engine."""
    children = psutil.Process(engine.pid).children()
    (found,) = [child for child in children if any("spawn_main" in word for word in child.cmdline())]
    return found


def snapshots(screen, question, timeout_s):
    """Poll an engine until its answer fits."""
    end_s = time.monotonic() + timeout_s
    while not question(snapshot := screen.snapshot()):
        assert time.monotonic() < end_s, snapshot.recording
        time.sleep(0.02)
    return snapshot


def folder_of(root):
    (path,) = root.rglob("session.toml")
    return path.parent


def unbroken(numbers):
    return np.array_equal(np.diff(numbers), np.ones(len(numbers) - 1))


def gone(processes, within_s):
    _, alive = psutil.wait_procs(processes, within_s)
    return not alive


@pytest.mark.deadline
def test_the_recorder_is_killed_and_then_the_engine_and_nothing_that_was_decoded_is_lost(
    config, amplifier, film, tmp_path
):
    moments = random.Random(20)
    name = amplifier[1]
    config = config.model_copy(update={"face": FaceSection(camera=str(film))})
    with EngineProcess(EngineJob(config, None, None, time.time(), record=tmp_path / "data")) as engine:
        engine.wait_ready(60)
        with attach(name) as screen:
            snapshots(screen, lambda s: s.recording.lsl and s.decisions > 2, 40)
            time.sleep(moments.uniform(0.0, 0.3))
            recorder_of(engine).kill()
            restarted = snapshots(screen, lambda s: s.recording.recorder_restarts == 1 and s.recording.lsl, 20)
            assert restarted.recording.on
            decisions = restarted.decisions
            snapshots(screen, lambda s: s.decisions > decisions + 1, 10)
            last = recorder_of(engine)
            time.sleep(moments.uniform(0.0, 0.3))
            psutil.Process(engine.pid).kill()
            killed_s = pylsl.local_clock()
    assert gone([last], 15)
    folder = folder_of(tmp_path / "data")
    recording = open_recording(folder)
    for source in (recording.eeg, recording.face):
        assert killed_s - source.stamps_s[-1] < 1.0
        assert source.arrivals.stop[-1] == len(source.stamps_s)
    assert unbroken(recording.eeg.samples[:, 0])
    assert recording.face.frames[len(recording.face.stamps_s) - 1].shape == (120, 160, 3)
    _, others = read_parts(folder / "streams", pytest.fail)
    triggers = next(one for one in others if one.name == f"{name}-triggers")
    assert killed_s - triggers.stamps_s[-1] < 1.0
    # Only the recorder reads these: what was sent while there was none is missing, and nothing else.
    missing = np.diff(triggers.values[:, 0]) - 1
    assert np.count_nonzero(missing) <= 1
    assert missing.sum() < 8 * MARKERS_HZ
    assert killed_s - read_journal(folder / "decisions.jsonl")[-1].time_s < 1.0 + config.decisions.interval_s
    assert "has died" in (folder / "log.jsonl").read_text()
    # It was alone, and closed its file in order: the footers are there.
    assert b"<sample_count>" in (folder / "streams/part-002.xdf").read_bytes()[-4000:]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "moodring", str(place)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"only root can mount a small disk: {error}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(path):
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


EEG = SourceInfo("eeg", "amp", 256.0, (len(NAMES),), "<f4", NAMES)
FACE = SourceInfo("face", "camera", 25.0, (120, 160, 3), "|u1")


def test_a_full_disk_is_announced_and_stops_the_recording_and_nothing_else(config, small_disk):
    """Then somebody else fills it at one stroke: what is written stays readable."""
    section = config.session.model_copy(update={"warn_minutes": 600.0})
    recorder = Recorder(config.model_copy(update={"session": section}), (), VirtualClock(0.0), small_disk)
    rng = np.random.default_rng(0)
    sent, news = 0, []

    def feed():
        """Hand over as much as fits into a moment; what recording says goes on."""
        nonlocal sent
        for _ in range(4):
            number = np.arange(8 * sent, 8 * sent + 8)
            values = np.repeat(number[:, np.newaxis], len(NAMES), axis=1).astype(np.float32)
            recorder.take(EEG, Chunk(values, number / 256, sent / 32))
            frame = rng.integers(0, 255, (1, 120, 160, 3), np.uint8)
            recorder.take(FACE, Chunk(frame, np.array([sent / 32]), sent / 32))
            sent += 1
        news.extend(recorder.step())
        time.sleep(0.05)

    def until(question):
        end_s = time.monotonic() + 20
        while not question():
            assert time.monotonic() < end_s, recorder.status
            feed()

    def eeg_written():
        return any(part.stat().st_size > 8192 for part in small_disk.rglob("part-001.xdf"))

    until(lambda: recorder.status.disk_low and recorder.status.parts == 1 and eeg_written())
    assert recorder.status.error is None
    assert any("disk is full in" in line for line in news)
    _fill(small_disk / "somebody else's")
    until(lambda: recorder.status.error is not None and not recorder.status.on)
    feed()
    assert any("recording has stopped" in line for line in news)
    recorder.stop()
    read: Recording = open_recording(folder_of(small_disk))
    assert unbroken(read.eeg.samples[:, 0])
    assert len(read.eeg.stamps_s) > 64
    assert len(read.face.stamps_s) > 8
    assert read.face.frames[len(read.face.stamps_s) - 1].shape == (120, 160, 3)
