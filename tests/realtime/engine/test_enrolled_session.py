"""Two people of EMO-DB take turns; one of them is enrolled."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.live import LiveConfig, ModelsSection, SpeechSection
from moodring.models.contract import AUDIO_RATE_HZ, Recording, Signal
from moodring.models.decoders.session_models import load_models
from moodring.models.decoders.speaker import enrol, load_enrolment, save_enrolment, shipped_voices
from moodring.models.decoders.voice_adaptation import VoiceHistory
from moodring.models.io.ring import rings_in
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decider import SPEAKING, Decider
from moodring.models.streaming.decision_schedule import ModalityInput, identity
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.offline.decoding.decode import decode
from moodring.offline.decoding.enrol import speech_in_files
from moodring.offline.recordings.sound import load_sound

pytestmark = pytest.mark.data
T0 = 50.0
BLOCK = AUDIO_RATE_HZ // 50


def files_of(folder: Path, speaker: str) -> list[Path]:
    return sorted((folder / "emodb" / "wav").glob(f"{speaker}*.wav"))


def _turns_of(folder: Path, speaker: str) -> list[Path]:
    return [path for path in files_of(folder, speaker) if path.stem[2:3] == "b"][::6][:4]


@pytest.fixture(scope="module")
def turns(data_dir: Path) -> tuple[Recording, list[tuple[str, float, float]]]:
    """A woman and a man, a sentence each in turn, with a second and a half between them."""
    pause = np.zeros(round(1.5 * AUDIO_RATE_HZ), np.float32)
    parts, said, at_s = [pause, pause], [], 3.0
    for turn in range(4):
        for speaker in ("08", "11"):
            sound = load_sound(_turns_of(data_dir, speaker)[turn])
            parts += [sound, pause]
            said.append((speaker, T0 + at_s, T0 + at_s + len(sound) / AUDIO_RATE_HZ))
            at_s += len(sound) / AUDIO_RATE_HZ + 1.5
    samples = np.concatenate(parts)[:, None]
    stamps = T0 + np.arange(len(samples)) / AUDIO_RATE_HZ
    heard = Signal(samples, stamps, float(AUDIO_RATE_HZ), ("audio",), "mic")
    return Recording("turns", "p", "live", T0, 0.0, None, None, heard, None), said


@pytest.fixture(scope="module")
def voices_of(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, known, made = tmp_path_factory.mktemp("voices"), shipped_voices(), {}
    for speaker in ("08", "11"):
        others = [p for p in files_of(data_dir, speaker) if p not in _turns_of(data_dir, speaker)]
        made[speaker] = folder / f"{speaker}.safetensors"
        save_enrolment(made[speaker], *enrol(speech_in_files(others[::2]), known, speaker))
    return made


def config_of(enrolment: Path | None, *others: Path) -> LiveConfig:
    speech = SpeechSection(microphone="default", headphones=True, enrolment=enrolment, others=list(others))
    return LiveConfig(speech=speech, models=ModelsSection(device="cpu"))


@pytest.mark.parametrize(("who", "other"), [("08", "11"), ("11", "08")])
def test_only_the_enrolled_voice_is_decoded(turns, voices_of, who, other):
    recording, said = turns
    decoded = decode(recording, config_of(voices_of[who], voices_of[other]))
    heard = []
    for speaker, begin_s, end_s in said:
        # From the first second's verdict to the end of what was said.
        during = [e for e in decoded.estimates if begin_s + 1.6 <= e.time_s <= end_s]
        assert during
        if speaker == who:
            heard += [e.answer("speech") is not None for e in during]
            assert all(
                (e.hearing.withheld is None) == e.hearing.speaking == (e.answer("speech") is not None) for e in during
            )
        else:
            assert all(e.answer("speech") is None and e.hearing.withheld == "another voice" for e in during)
            assert not any(e.hearing.speaking for e in during)
    # One utterance in twenty may be lost; here it is at most one of four.
    assert np.mean(heard) >= 0.75
    assert decoded.summary["hearing"]["withheld"]["another voice"] >= 8
    names = [bundle["file"] for bundle in decoded.summary["bundles"]]
    assert names[-2:] == [f"{who}.safetensors", f"{other}.safetensors"]


def _timeless(head):
    """What was heard, without its age at publication: the clocks stand elsewhere."""
    return None if head is None else replace(head, ages_s={})


def test_live_and_decoded_again_are_the_same(turns, voices_of):
    recording, _ = turns
    config = config_of(voices_of["08"])
    decoded = decode(recording, config)
    clock = VirtualClock(T0)
    models = load_models(config, ("speech",))
    ingest = ingest_factory(None, rings_in(None))(
        SourceInfo("speech", "mic", float(AUDIO_RATE_HZ), (1,), "<f4", ("audio",))
    )
    decider = Decider(decoded.plan, models, clock)
    at, live = 0, []
    samples, stamps = recording.speech.samples, recording.speech.stamps_s
    for expected in decoded.estimates:
        # A microphone's blocks, until one lies behind the decision, as a live session waits for.
        while at < len(samples) and (at == 0 or stamps[at - 1] < expected.time_s + 0.05):
            ingest.append(Chunk(samples[at : at + BLOCK], stamps[at : at + BLOCK], float(stamps[at])))
            at += BLOCK
        modality_input = ModalityInput(ingest, ingest.ring.view(), identity)
        live.append(decider.decide(expected.time_s, {"speech": modality_input}, ()))
    assert [(_timeless(e.answer("speech")), e.hearing) for e in live] == [
        (_timeless(e.answer("speech")), e.hearing) for e in decoded.estimates
    ]
    assert {e.hearing.withheld for e in live} == {None, "another voice"}


def test_a_session_starts_adapted_to_the_enrolled_voice_and_is_decoded_again_the_same(turns, voices_of, tmp_path):
    recording, _ = turns
    known = shipped_voices()
    enrolled = load_enrolment(voices_of["08"], known)
    bare = tmp_path / "bare.safetensors"
    save_enrolment(bare, enrolled.means, enrolled.spec, VoiceHistory())

    def answers(enrolment: Path, adaptation: bool) -> list[tuple[float, ...]]:
        config = config_of(enrolment)
        speech = config.speech.model_copy(update={"adaptation": adaptation})
        estimates = decode(recording, config.model_copy(update={"speech": speech})).estimates
        return [e.answer("speech").probabilities for e in estimates if e.answer("speech") is not None]

    adapted, empty, plain = (answers(*one) for one in ((voices_of["08"], True), (bare, True), (bare, False)))
    assert answers(voices_of["08"], True) == adapted
    assert len(adapted) == len(empty) == len(plain) > 4
    assert adapted[0] != empty[0] != plain[0]
    assert answers(voices_of["08"], False) == plain


def test_a_session_without_an_enrolment_adapts_to_nobody(turns):
    recording, _ = turns
    config = config_of(None)

    def answers(adaptation: bool) -> list[tuple[float, ...]]:
        speech = config.speech.model_copy(update={"adaptation": adaptation})
        estimates = decode(recording, config.model_copy(update={"speech": speech})).estimates
        return [e.answer("speech").probabilities for e in estimates if e.answer("speech") is not None]

    assert answers(True) == answers(False) != []


def test_another_voice_does_not_degrade_face_and_eeg(turns, voices_of, fakes):
    recording, said = turns
    length_s = len(recording.speech.samples) / AUDIO_RATE_HZ
    config = config_of(voices_of["08"], voices_of["11"])
    # A scripted video-EEG model beside the real voice.
    speech = load_models(config, ("speech",)).decoders[0]
    fake = fakes.fake_models()
    models = replace(fake, decoders=(fake.decoders[0], speech))
    both = replace(recording, face=fakes.recording(length_s, t0_s=T0).face)
    decoded = decode(both, config, models=models)
    for speaker, begin_s, end_s in said:
        # The first second may be the participant's, and a look sees the second before it.
        late = [e.degraded for e in decoded.estimates if begin_s + 2.6 <= e.time_s <= end_s]
        assert set(late) <= ({SPEAKING} if speaker == "08" else {None})
