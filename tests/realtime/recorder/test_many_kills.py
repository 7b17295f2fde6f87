"""Recorder, screen and engine are killed again and again at random moments; nothing that was decoded is lost."""

import random
import time
from uuid import uuid4

import numpy as np
import psutil
import pytest
from pylsl import local_clock

from moodring.configs.schema.live import EegSection, LiveConfig, OutletSection, StreamQuery
from moodring.models.io.journal import read_journal
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.open import open_recording
from moodring.realtime.engine.engine_process import EngineProcess
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.ipc.channel import attach
from tests.support.fault_injectors import RecordingInjector, ScreenInjector
from tests.support.lsl_stand import wait_for
from tests.support.recorded import assert_equal

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
SESSIONS = 3
pytestmark = [pytest.mark.lsl, pytest.mark.long]


@pytest.mark.parametrize("seed", range(SESSIONS))
def test_nine_random_kills_lose_nothing_that_was_decoded(lsl_session, stand, fakes, tmp_path, seed):
    moments = random.Random(seed)
    name = f"killed-{uuid4().hex[:8]}"
    stand({"name": name, "channels": [(label, "microvolts", "EEG") for label in NAMES], "count": len(NAMES)})
    config = LiveConfig(
        name=name,
        eeg=EegSection(stream=StreamQuery(name=name)),
        models={"video_eeg": str(fakes.write_bundle(tmp_path / "v.safetensors")), "device": "cpu"},
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 25.0}),
        outlet=OutletSection(name=f"est-{name}"),
    )
    with EngineProcess(EngineJob(config, record=tmp_path / "data")) as engine:
        engine.wait_ready(90.0)
        with attach(name) as client:

            def records(parts):
                snapshot = client.snapshot()
                status = snapshot.recording
                return status is not None and status.on and status.lsl and status.parts >= parts and snapshot.estimate

            wait_for(lambda: records(1), 60.0)
            first, last = moments.sample(("recorder", "screen"), 2)
            for victim in (first, last):
                before = client.snapshot()
                time.sleep(moments.uniform(0.0, 1.0))
                if victim == "recorder":
                    RecordingInjector(engine.pid, tmp_path).kill()
                    wait_for(lambda: records(2), 30.0)
                else:
                    with ScreenInjector(name) as screen:
                        time.sleep(moments.uniform(0.0, 1.0))
                        screen.kill()
                decided = before.decisions
                wait_for(lambda decided=decided: client.snapshot().decisions > decided + 2, 15.0)
            assert client.snapshot().recording.lost_chunks == 0
            time.sleep(moments.uniform(0.0, 1.0))
            recorders = psutil.Process(engine.pid).children(recursive=True)
            psutil.Process(engine.pid).kill()
            killed_s = local_clock()
    _, alive = psutil.wait_procs(recorders, 20)
    assert not alive
    (path,) = (tmp_path / "data").rglob("session.toml")
    recording, journal = open_recording(path.parent), read_journal(path.parent / "decisions.jsonl")
    counts = recording.eeg.samples[:, 0]
    np.testing.assert_array_equal(np.diff(counts), 1.0)
    assert killed_s - recording.eeg.stamps_s[-1] < 2.0
    kept = [entry for entry in journal if entry.ring_samples.get("eeg", 0) <= len(recording.eeg.stamps_s)]
    assert len(kept) >= len(journal) - 4
    assert_equal(decode(recording, config, journal=kept).estimates, kept)
