"""What `moodring check` says of amplitudes, from sources that are scripted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import (
    EegSection,
    LiveConfig,
    LslSection,
    ModelsSection,
    SessionSection,
    SpeechSection,
    StreamQuery,
)
from moodring.models.contract.calibration import Calibration
from moodring.models.decoders.session_models import load_models
from moodring.models.decoders.speaker import EnrolmentSpec, save_enrolment, shipped_voices
from moodring.models.decoders.voice_adaptation import VoiceHistory
from moodring.models.io.bundle import bundled, load_bundle, save_bundle
from moodring.models.signals.speech.voice_summary import VOICE_NUMBERS
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decoder import Extensions
from moodring.models.streaming.ingest.source_channel import SourceChannel
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.realtime.lab.doctor import Finding
from moodring.realtime.lab.preflight import check_config, check_markers, check_models, check_source
from tests.support.toy.dataset import StressDataset
from tests.support.toy.decoder import DECODER
from tests.support.toy.signal import MODALITY
from tests.support.toy.source import SOURCE
from tests.support.toy.train import train

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4")
CONFIG = LiveConfig(
    eeg=EegSection(stream=StreamQuery(name="amp")), speech=SpeechSection(microphone="default", headphones=True)
)


class Scripted:
    """Gives a tenth of a second at each poll; its memory is used again, as a device's is."""

    def __init__(self, info, samples, clock):
        self._info, self._samples, self._clock = info, samples.astype(np.float32), clock
        self._memory = np.zeros((round(info.rate_hz / 10), samples.shape[1]), np.float32)
        self._at = 0

    def open(self):
        return self._info

    def poll(self):
        self._clock.advance_to(self._clock.now() + 0.1)
        part = self._samples[self._at : self._at + len(self._memory)]
        stamps_s = 10.0 + (self._at + np.arange(len(part))) / self._info.rate_hz
        self._at += len(part)
        self._memory[: len(part)] = part
        return Chunk(self._memory[: len(part)], stamps_s, self._clock.now())


@pytest.fixture
def check(fakes):
    def run(modality, samples, rate_hz, names=(), what=None):
        clock = VirtualClock(10.0)
        source = Scripted(SourceInfo(modality, "device", rate_hz, (samples.shape[1],), "<f4", names), samples, clock)
        return check_source(SourceChannel(modality, "it", source), what or modality, fakes.fake_models(), CONFIG, clock)

    return run


@pytest.fixture
def eeg():
    rng = np.random.default_rng(3)
    return rng.normal(0, 15, (4 * 256, len(NAMES))) + rng.normal(0, 4000, len(NAMES))


def test_eeg_in_microvolts_is_fine(check, eeg):
    found = check("eeg", eeg, 256.0, NAMES)
    assert found.ok
    assert "note" not in found.text


def test_volts_that_are_taken_for_microvolts_fail_with_the_line_to_write(check, eeg):
    found = check("eeg", 1e-6 * eeg, 256.0, NAMES)
    assert not found.ok
    assert 'set eeg.units = "volts"' in found.text


def test_a_dead_channel_is_a_note_and_too_many_of_them_a_failure(check, eeg):
    eeg[:, 1] = 0.0
    found = check("eeg", eeg, 256.0, NAMES)
    assert found.ok
    assert found.text.endswith("note: one value only (connect the electrode, or check the cable): Fp2")
    eeg[:, 2:] = 0.0
    found = check("eeg", eeg, 256.0, NAMES)
    assert not found.ok
    assert "only 1 of at least 4 channels are usable" in found.text
    assert "Fp2, F3, F4, C3, C4" in found.text


@pytest.mark.parametrize(
    ("loudness", "words"),
    [
        (0.0, "one value for 3 s: muted, or the wrong device"),
        (1e-6, "silent (-120 dB)"),
        (3.0, "clipping ("),
        (0.05, ""),
    ],
)
def test_a_microphone_is_heard(check, loudness, words):
    rng = np.random.default_rng(1)
    sound = np.clip(rng.normal(0, loudness, (4 * 16_000, 1)), -1, 1)
    found = check("speech", sound, 16_000.0, ("audio",))
    assert found.ok == (not words)
    assert words in found.text
    assert check("speech", sound, 16_000.0, ("audio",), "loudspeaker").ok, "before a session it plays nothing"


class SoundServer(Scripted):
    """Settles for two seconds, in which it hands out two thirds of what it should; ``factor`` is of its rate after."""

    def __init__(self, clock, factor=1.0):
        info = SourceInfo("speech", "pulse", 16_000.0, (1,), "<f4", ("audio",), jitter_s=0.3)
        super().__init__(info, np.random.default_rng(1).normal(0, 0.05, (12 * 16_000, 1)), clock)
        self._factor, self._s = factor, 10.0

    def poll(self):
        chunk = super().poll()
        step_s = 0.15 if self._clock.now() < 12.5 else 0.1 / self._factor
        stamps_s = self._s + np.linspace(0, step_s, len(chunk.stamps_s), endpoint=False)
        self._s += step_s
        return Chunk(chunk.samples, stamps_s, chunk.received_s)


@pytest.mark.parametrize(("factor", "ok"), [(1.0, True), (0.68, False), (44.1 / 48, False)])
def test_a_sound_server_that_still_settles_is_judged_by_what_comes_after(fakes, factor, ok):
    clock = VirtualClock(10.0)
    channel = SourceChannel("speech", "it", SoundServer(clock, factor))
    found = check_source(channel, "speech", fakes.fake_models(), CONFIG, clock)
    assert found.ok == ok, found.text
    assert f"{16_000 * factor:.1f} Hz" in found.text


@pytest.mark.lsl
def test_a_marker_stream_that_is_not_there_fails_and_one_that_is_there_does_not(lsl_session, stand):
    stand(
        {"name": "triggers", "type": "Markers", "count": 1, "rate": 0.0, "format": "string"},
        {"name": "none", "count": 0},
    )
    found = check_markers(StreamQuery(name="triggers"), 10.0)
    assert found.ok
    assert "'triggers' (type Markers" in found.text
    absent = check_markers(StreamQuery(name="stimuli"), 0.5)
    assert not absent.ok
    assert "name='stimuli' of session.markers was not found" in absent.text
    assert "'triggers'" in absent.text
    assert not check_markers(StreamQuery(name="none"), 10.0).ok


@pytest.mark.lsl
@pytest.mark.usefixtures("lsl_session")
def test_every_model_is_named_with_its_own_domain():
    models = CONFIG.models.model_copy(update={"speech": "emodb", "device": "cpu"})
    loaded = load_models(CONFIG.model_copy(update={"models": models}), ("eeg", "face", "speech"))
    video_eeg, face, speech = check_models(loaded, CONFIG, {})
    assert face.text.startswith("face.safetensors, domain FER2013")
    assert "domain simulated, runs on" in video_eeg.text
    assert video_eeg.text.endswith("; abstains on EEG unlike its domain's")
    assert speech.text.endswith("; no out-of-domain gate")
    assert speech.text.startswith("emodb.safetensors, domain ")
    assert "simulated" not in speech.text


@pytest.mark.parametrize(
    ("bundle", "enrolled", "adaptation", "told"),
    [
        ("emodb", True, True, "; adapts to the participant"),
        ("simulated", True, True, "; cannot adapt to the participant"),
        ("emodb", True, False, "; no out-of-domain gate"),
        ("emodb", False, True, "; no out-of-domain gate"),
    ],
)
def test_whether_the_voice_is_adapted_to_is_told(
    bundle: str, enrolled: bool, adaptation: bool, told: str, tmp_path: Path
) -> None:
    own = None
    if enrolled:
        voices = shipped_voices()
        spec = EnrolmentSpec(
            background_sha256=voices.sha256, speech_s=30.0, level_db=-20.0, voice_numbers=VOICE_NUMBERS
        )
        save_enrolment(own := tmp_path / "own.safetensors", voices.background.means, spec, VoiceHistory())
    speech = SpeechSection(microphone="default", adaptation=adaptation, enrolment=own)
    models = ModelsSection(speech=bundle, device="cpu", allow_simulated=True)
    config = LiveConfig(speech=speech, models=models)
    (found,) = (
        one
        for one in check_models(load_models(config, ("speech",)), config, {})
        if "domain" in one.text and ".safetensors" in one.text
    )
    assert found.text.endswith(told)


@pytest.mark.lsl
@pytest.mark.usefixtures("lsl_session")
def test_a_decoder_and_a_source_of_the_labs_own_are_checked_too(tmp_path, monkeypatch):
    monkeypatch.setattr("moodring.realtime.lab.preflight._LISTEN_S", 1.0)
    train(StressDataset(people=2), bundle := tmp_path / "stress.safetensors")
    config = LiveConfig(
        eeg=EegSection(stream=StreamQuery(name="nobody")),
        models=ModelsSection(more=[bundle], device="cpu"),
        lsl=LslSection(resolve_timeout_s=0.5),
    )
    found = list(check_config(config, Extensions((DECODER,), (SOURCE,))))
    assert "stress.safetensors, domain simulated" in found[-1].text
    assert [(one.what, one.ok) for one in found if one.what in ("eeg", MODALITY)] == [("eeg", False), (MODALITY, True)]
    assert any(one.text.startswith("'simulated skin': 2 channels, ") for one in found)


@pytest.mark.lsl
@pytest.mark.usefixtures("lsl_session")
def test_an_enrolment_that_is_missing_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    speech = SpeechSection(microphone="default", headphones=True, enrolment=Path("me.safetensors"))
    with pytest.raises(MoodringError) as caught:
        next(check_config(LiveConfig(speech=speech)))
    assert f"'me.safetensors' does not exist (looked for '{tmp_path / 'me.safetensors'}')" in str(caught.value)


def of(modality, origin, rest_s=None):
    return SourceInfo(modality, "amp", 256.0, (10,), "<f4", NAMES, origin=origin, rest_s=rest_s)


def test_a_model_that_will_not_answer_is_no_ok():
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), models=ModelsSection(device="cpu"))
    models = load_models(config, ("eeg",))
    person = list(check_models(models, config, {"eeg": of("eeg", None)}))
    assert (person[0].ok, person[0].note) == (True, True)
    assert "attention.safetensors will not answer: no model of felt emotion in people" in person[0].text
    assert not person[-1].ok
    assert "no model of the config answers" in person[-1].text
    assert models.guarded[0].why.endswith("for models.video_eeg"), "the key that the user set"
    simulated = list(check_models(models, config, {"eeg": of("eeg", "simulated")}))
    assert [(one.ok, one.note) for one in simulated] == [(True, False)]


def test_a_bundle_of_another_person_is_noted_and_ones_own_is_ok(tmp_path):
    shipped = load_bundle(bundled("attention"))
    mark = Calibration("P07", "session", "2026-11-26", "attention.safetensors", "0" * 64, 9, 7, 0.2, 0.1, 0.3)
    save_bundle(tmp_path / "p07.safetensors", replace(shipped.spec, calibration=mark), shipped.tensors)
    section = ModelsSection(video_eeg=str(tmp_path / "p07.safetensors"), device="cpu")
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), models=section)
    models = load_models(config, ("eeg",))
    found = {}
    for whose in ("P07", "P08"):
        session = config.model_copy(update={"session": SessionSection(participant=whose)})
        found[whose] = list(check_models(models, session, {"eeg": of("eeg", "simulated")}))[-1]
    assert found["P07"] == Finding("model", True, "calibrated for P07 on 2026-11-26")
    assert (found["P08"].ok, found["P08"].note) == (True, True)
    assert found["P08"].text.endswith("the participant is P08: use 'attention.safetensors' or P08's own bundle")


def test_a_model_that_needs_a_rest_says_so_where_none_is_declared():
    section = ModelsSection(video_eeg="none", more=["workload"], device="cpu")
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), models=section)
    models = load_models(config, ("eeg",))
    without = list(check_models(models, config, {"eeg": of("eeg", None)}))
    assert [one.ok for one in without] == [True, True, False]
    assert "set decisions.rest_s" in without[1].text
    rested = list(check_models(models, config, {"eeg": of("eeg", None, 30.0)}))
    assert [(one.ok, one.note) for one in rested] == [(True, False)]


def test_a_common_signal_is_a_failure_with_its_cure(check):
    rng = np.random.default_rng(8)
    common = 8.0 * (rng.normal(size=(4 * 256, 1)) + 0.1 * rng.normal(size=(4 * 256, len(NAMES))))
    found = check("eeg", common, 256.0, NAMES)
    assert not found.ok
    assert "nothing but one common signal (connect reference and ground" in found.text
