"""A session over LSL with lost samples and clock jumps, recorded, and decoded again from its folder."""

import time
from uuid import uuid4

import numpy as np
import pytest

from moodring.configs.schema.live import EegSection, LiveConfig, SpeechSection, StreamQuery
from moodring.models.io.journal import read_journal
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.open import open_recording
from moodring.realtime.engine.engine_process import EngineProcess
from moodring.realtime.engine.job import EngineJob
from tests.support.recorded import assert_equal

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
JUMP_S, LOST_S = 10.0, 0.75


@pytest.mark.lsl
@pytest.mark.deadline
def test_what_was_lost_and_what_jumped_is_decoded_again_as_it_was(stand, lsl_session, tmp_path):
    name = uuid4().hex
    amplifier = {
        "name": f"amp-{name}",
        "count": len(NAMES),
        "channels": [(label, "microvolts", "EEG") for label in NAMES],
        "jumps": [(6.0, JUMP_S)],
        "gaps": [(8.5, 8.5 + LOST_S)],
    }
    microphone = {"name": f"mic-{name}", "type": "Audio", "count": 1, "rate": 16000.0, "gaps": [(7.0, 7.3)]}
    config = LiveConfig(
        name=f"engine-{name}",
        eeg=EegSection(stream=StreamQuery(name=amplifier["name"]), delay_s=0.02),
        speech=SpeechSection(stream=StreamQuery(name=microphone["name"]), headphones=True),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 25.0}),
    )
    with (
        stand(amplifier, microphone),
        EngineProcess(EngineJob(config, 12.0, None, time.time(), record=tmp_path)) as engine,
    ):
        summary = engine.wait_done(90.0)
    eeg = summary["modalities"]["eeg"]
    assert eeg["figures"]["clock_offset_s"] == pytest.approx(-JUMP_S, abs=0.1)
    assert eeg["lost_samples"] == pytest.approx(LOST_S * 256, abs=3)
    folder = next(tmp_path.rglob("session.toml")).parent
    recording, journal = open_recording(folder), read_journal(folder / "decisions.jsonl")
    assert len(journal) == summary["decisions"] > 15
    assert np.diff(recording.eeg.stamps_s).max() == pytest.approx(JUMP_S, abs=0.01), "stamps as they came"
    decoded = decode(recording, config, journal=journal)
    assert_equal(decoded.estimates, journal)
    again = decoded.summary["modalities"]
    for modality in ("eeg", "speech"):
        assert again[modality]["lost_samples"] == summary["modalities"][modality]["lost_samples"]
