"""Recording with real LabRecorders: who is killed, and what is left."""

import contextlib
import random
import subprocess
import sys
import time
from uuid import uuid4

import cv2
import numpy as np
import psutil
import pylsl
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, FaceSection, LiveConfig, OutletSection, SessionSection, StreamQuery
from moodring.models.io.journal import read_journal
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.xdf_joining import join_parts
from moodring.offline.recordings.xdf_reading import read_streams
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.engine.launch import EngineProcess
from moodring.realtime.ipc.channel import attach
from moodring.realtime.recorder.labrecorder import labrecorder_program

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
MARKERS_HZ = 10.0
pytestmark = pytest.mark.lsl


@pytest.fixture(scope="module", autouse=True)
def labrecorder():
    try:
        labrecorder_program()
    except MoodringError as error:
        pytest.skip(str(error))


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


def recorders(engine):
    """The keepers and the LabRecorders under an engine, each keeper before its child."""
    return [p for p in psutil.Process(engine.pid).children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]


def four_recorders(engine):
    """Two keepers with a LabRecorder each: no part is just ending."""
    end_s = time.monotonic() + 10
    while len(found := recorders(engine)) != 4:
        assert time.monotonic() < end_s, found
        time.sleep(0.02)
    return found


def snapshots(screen, question, timeout_s):
    """Ask an engine until the answer fits."""
    end_s = time.monotonic() + timeout_s
    while not question(snapshot := screen.snapshot()):
        assert time.monotonic() < end_s, snapshot.recording
        time.sleep(0.02)
    return snapshot


def folder_of(root):
    (path,) = root.rglob("session.toml")
    return path.parent


def xdf_of(folder, name):
    """The stamps and the first channel of a stream in the XDF parts together."""
    parts = [read_streams(path) for path in sorted(folder.glob("streams/*.xdf")) if path.stat().st_size > 1000]
    stream = next(one for one in join_parts(parts) if one.name == name)
    return stream.stamps_s, stream.values[:, 0]


def unbroken(numbers):
    return np.array_equal(np.diff(numbers), np.ones(len(numbers) - 1))


def gone(processes, within_s):
    _, alive = psutil.wait_procs(processes, within_s)
    return not alive


@pytest.mark.deadline
def test_recorders_and_screens_are_killed_at_random_moments_and_then_the_engine(config, amplifier, tmp_path):
    """Nine of ten random kills: five of recorders, three of screens, one of the engine; the tenth is below."""
    moments = random.Random(20)
    name = amplifier[1]
    with EngineProcess(EngineJob(config, None, None, time.time(), record=tmp_path)) as engine:
        engine.wait_ready(60)
        with attach(name) as screen:
            snapshots(screen, lambda s: s.recording.lsl and s.decisions > 2, 40)
            for kill in range(5):
                if kill < 3:
                    window = subprocess.Popen(
                        [sys.executable, "-m", "moodring", "monitor", name, "--headless"],
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                time.sleep(moments.uniform(0.2, 1.5))
                # A keeper or a LabRecorder, of either line.
                moments.choice(four_recorders(engine)).kill()
                restarted = snapshots(
                    screen, lambda s, n=kill: s.recording.recorder_restarts > n and s.recording.lsl, 12
                )
                assert restarted.recording.on
                time.sleep(moments.uniform(0.0, 0.5))
                window.kill()
                window.wait()
            decisions = screen.snapshot().decisions
            snapshots(screen, lambda s: s.decisions > decisions + 1, 4)
            children = recorders(engine)
            time.sleep(moments.uniform(0.0, 1.0))
            psutil.Process(engine.pid).kill()
            killed_s = pylsl.local_clock()
    assert gone(children, 15)
    folder = folder_of(tmp_path)
    recording = open_recording(folder)
    assert killed_s - recording.eeg.stamps_s[-1] < 1.0
    assert unbroken(recording.eeg.samples[:, 0])
    for stream in (name, f"{name}-triggers"):
        assert killed_s - xdf_of(folder, stream)[0][-1] < 1.0, stream
    assert unbroken(xdf_of(folder, f"{name}-triggers")[1])
    said = read_journal(folder / "decisions.jsonl")
    assert killed_s - said[-1].time_s < 1.0 + config.decisions.interval_s
    assert "has died" in (folder / "log.jsonl").read_text()
    # LabRecorder was told to stop by the engine's death, and closed its file.
    last = max(folder.glob("streams/part-*.txt"))
    assert "Closing the file" in last.read_text()


@pytest.mark.deadline
def test_the_engine_is_killed_with_a_camera_at_a_random_moment(config, film, tmp_path):
    config = config.model_copy(update={"face": FaceSection(camera=str(film))})
    with EngineProcess(EngineJob(config, None, None, time.time(), record=tmp_path / "data")) as engine:
        engine.wait_ready(60)
        with attach(config.name) as screen:
            snapshots(screen, lambda s: s.phase == "decoding", 40)
            begun_s = pylsl.local_clock()
            time.sleep(random.Random(21).uniform(0.0, 3.0))
            children = recorders(engine)
            psutil.Process(engine.pid).kill()
            killed_s = pylsl.local_clock()
    assert gone(children, 15)
    recording = open_recording(folder_of(tmp_path / "data"))
    assert recording.t0_s == pytest.approx(begun_s, abs=5.0)
    assert unbroken(recording.eeg.samples[:, 0])
    assert killed_s - recording.eeg.stamps_s[-1] < 1.0
    assert killed_s - recording.face.stamps_s[-1] < 1.0
    assert recording.face.frames[len(recording.face.stamps_s) - 1].shape == (120, 160, 3)


@pytest.fixture
def recorded_session(config, fakes, tmp_path):
    """A session of this process with scripted models and a recorder."""
    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.session import Session
    from moodring.realtime.recorder.recorder import Recorder, RecorderPlace

    with contextlib.ExitStack() as stack:

        def make(root, **changes):
            clock = LslClock()
            models = fakes.fake_models(clock.now)
            chosen = config.model_copy(update=changes)
            recorder = Recorder(chosen, models.bundles, clock, RecorderPlace(root, tmp_path))
            return stack.enter_context(Session(chosen, models, clock, None, clock.now(), recorder))

        yield make


def test_a_stream_that_comes_late_or_back_as_another_gets_a_part_of_its_own(
    config, amplifier, recorded_session, stepping, stand, tmp_path
):
    import threading

    late = f"late-{uuid4().hex}"
    section = SessionSection(markers=[*config.session.markers, StreamQuery(name=late)])
    session = recorded_session(tmp_path / "out", session=section)
    session.connect(threading.Event())
    session.start()
    wait = stepping(session)

    def recording():
        return session.snapshot().recording

    wait(lambda: recording().lsl, 60)
    begun = recording().parts
    for shape in ({"count": 1}, {"count": 2, "source_id": "another"}):
        here = stand({"name": late, "type": "Triggers", "rate": MARKERS_HZ, **shape})
        wait(lambda begun=begun: recording().parts >= begun + 2 and recording().lsl, 60)
        begun = recording().parts
        end_s = pylsl.local_clock() + 1.5
        wait(lambda end_s=end_s: pylsl.local_clock() > end_s, 5)
        here.kill()
        wait(lambda: True, 1)
    session.stop()
    folder = folder_of(tmp_path / "out")
    parts = [read_streams(path) for path in sorted(folder.glob("streams/part-*.xdf"))]
    widths = {one.channel_count for part in parts for one in part if one.name == late and len(one.stamps_s)}
    assert widths == {1, 2}
    # Nothing is missing of the others where one part takes over from the other.
    assert unbroken(xdf_of(folder, f"{amplifier[1]}-triggers")[1])
    assert unbroken(xdf_of(folder, amplifier[1])[1])
    assert recording().error is None


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


@pytest.mark.deadline
def test_a_full_disk_is_announced_and_stops_the_recording_and_nothing_else(
    config, recorded_session, stepping, small_disk, film
):
    """Then somebody else fills it at one stroke: what is written stays readable."""
    import threading

    section = config.session.model_copy(update={"warn_minutes": 600.0})
    session = recorded_session(small_disk, session=section, face=FaceSection(camera=str(film)))
    session.connect(threading.Event())
    session.start()
    wait = stepping(session)

    def recording():
        return session.snapshot().recording

    wait(lambda: recording().lsl and session.tally.decisions > 2, 25)
    wait(lambda: recording().disk_low, 8)
    assert recording().error is None
    assert recording().minutes_left < 600
    assert any("disk is full in" in notice for notice in session.snapshot().notices)
    _fill(small_disk / "somebody else's")
    wait(lambda: recording().error is not None and not recording().on, 8)
    decisions = session.tally.decisions
    wait(lambda: session.tally.decisions >= decisions + 3, 5)
    assert any(notice.startswith("NOT RECORDING") for notice in session.snapshot().notices)
    session.stop()
    recording_ = open_recording(folder_of(small_disk))
    assert unbroken(recording_.eeg.samples[:, 0])
    assert len(recording_.eeg.stamps_s) > 256
    assert len(recording_.face.stamps_s) > 25
