"""Enrolments as files, and what is refused as one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import AUDIO_RATE_HZ, FloatArray, SpeechSegment
from moodring.models.decoders import speaker
from moodring.models.decoders.speaker import Voices, load_enrolment, load_voices, save_enrolment, save_voices
from moodring.models.decoders.speech import UtteranceCutter
from moodring.models.decoders.voice_activity import VoiceActivity
from moodring.models.io.bundle import bundled
from moodring.offline.simulate.voice import simulate_voice


@pytest.fixture(scope="module")
def known() -> Voices:
    return speaker.shipped_voices()


@pytest.fixture(scope="module")
def talk() -> tuple[SpeechSegment, ...]:
    return cut(simulate_voice(11, 90.0))


@pytest.fixture
def enrolled(known: Voices, talk: tuple[SpeechSegment, ...], tmp_path: Path) -> Path:
    path = tmp_path / "voice.safetensors"
    save_enrolment(path, *speaker.enrol(talk, known, "talk"))
    return path


def cut(sound: FloatArray) -> tuple[SpeechSegment, ...]:
    cutter = UtteranceCutter(VoiceActivity())
    return (*cutter.feed(sound, 0.0), *cutter.close())


def test_an_enrolment_comes_back_as_it_was(known: Voices, talk: tuple[SpeechSegment, ...], tmp_path: Path) -> None:
    means, spec, voice = speaker.enrol(talk, known, "talk")
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    sha256 = save_enrolment(one, means, spec, voice)
    assert save_enrolment(two, means, spec, voice) == sha256
    assert one.read_bytes() == two.read_bytes()
    again = load_enrolment(one, known)
    np.testing.assert_array_equal(again.means, means)
    assert len(voice) > 3
    np.testing.assert_array_equal(again.voice.numbers, voice.numbers)
    assert (again.spec, again.sha256, again.name) == (spec, sha256, "one.safetensors")
    assert spec.background_sha256 == known.sha256
    assert spec.speech_s == pytest.approx(sum(s.n_samples for s in talk) / AUDIO_RATE_HZ, abs=0.01)
    assert -60 < spec.level_db < 0


def test_the_shipped_background_is_small() -> None:
    assert bundled("voices").stat().st_size < 200_000
    assert bundled("voices").with_suffix(".md").is_file()


def test_too_little_none_and_clipped_are_refused(known: Voices, talk: tuple[SpeechSegment, ...]) -> None:
    with pytest.raises(
        MoodringError, match=r"^talk: .* s of speech, an enrolment needs 20 s; let the person say more$"
    ):
        speaker.enrol(talk[:10], known, "talk")
    with pytest.raises(MoodringError, match=r"^silence: no speech was found"):
        speaker.enrol(cut(np.zeros(30 * AUDIO_RATE_HZ, np.float32)), known, "silence")
    loud = cut(np.clip(simulate_voice(11, 90.0) * 60, -1, 1))
    with pytest.raises(MoodringError, match=r"^loud: clipping \(.*% of samples\); lower the gain"):
        speaker.enrol(loud, known, "loud")


def test_a_copy_counted_many_times_is_not_enough(known: Voices) -> None:
    short = simulate_voice(11, 20.0)
    # Cut elsewhere each time, at another volume and without its pauses.
    loud = short[np.abs(short) > 0]
    copies = cut(np.concatenate([short, 0.5 * loud, *(short[1234 * n :] for n in range(1, 8))]))
    assert sum(s.n_samples for s in copies) > 30 * AUDIO_RATE_HZ
    with pytest.raises(MoodringError, match=r"^loop: .* s are the same recording again; an enrolment needs 20 s"):
        speaker.enrol(copies, known, "loop")


def test_the_participants_own_voice_is_no_other(known: Voices, enrolled: Path, tmp_path: Path) -> None:
    copy, other = tmp_path / "copy.safetensors", tmp_path / "other.safetensors"
    copy.write_bytes(enrolled.read_bytes())
    save_enrolment(other, *speaker.enrol(cut(simulate_voice(12, 90.0)), known, "other"))
    assert len(speaker.load_gate(enrolled, [other]).enrolments) == 2
    for own in (enrolled, copy):
        with pytest.raises(MoodringError, match=r"^speech.others names '.*', which is the participant's own") as caught:
            speaker.load_gate(enrolled, [other, own])
        assert "\n" not in str(caught.value)


def test_what_is_no_enrolment_is_refused(known: Voices, enrolled: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"

    def refused(words: str) -> None:
        with pytest.raises(MoodringError, match=words) as caught:
            load_enrolment(bad, known)
        assert "\n" not in str(caught.value)

    refused("does not exist")
    bad.write_text("hello, I am a voice")
    refused("truncated or no .safetensors file")
    bad.write_bytes(enrolled.read_bytes()[:-20])
    refused("truncated or no .safetensors file")
    bad.write_bytes(bundled("emodb").read_bytes())
    refused("not a file about voices")
    bad.write_bytes(bundled("voices").read_bytes())
    refused("not an enrolment of this moodring")
    with pytest.raises(MoodringError, match="not a background of voices of this moodring"):
        load_voices(enrolled)


def test_an_enrolment_of_another_background_is_refused(known: Voices, enrolled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_voices(other, known.background, known.spec.model_copy(update={"seed": 99}))
    with pytest.raises(MoodringError, match=r"made with another background of voices .* run 'moodring enrol' again"):
        load_enrolment(enrolled, load_voices(other))


@pytest.mark.parametrize("spoil", ["shape", "nan", "name", "short"])
def test_arrays_that_do_not_fit_are_refused(known: Voices, enrolled: Path, tmp_path: Path, spoil: str) -> None:
    spec = load_enrolment(enrolled, known).spec
    means = load_file(enrolled)["means"]
    bad = tmp_path / "bad.safetensors"
    arrays = {"means": means}
    match spoil:
        case "shape":
            arrays["means"] = means[:-1]
        case "nan":
            arrays["means"] = np.where(np.arange(means.shape[1]) == 3, np.nan, means).astype(np.float32)
        case "name":
            arrays = {"other": means}
    said = spec.model_dump_json().replace(f"{spec.speech_s}", "3.0") if spoil == "short" else spec.model_dump_json()
    save_file(arrays, bad, {"moodring_voices": said})
    with pytest.raises(MoodringError, match="speech_s" if spoil == "short" else "make it again"):
        load_enrolment(bad, known)


def test_a_background_that_cannot_be_is_refused(known: Voices, tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    save_voices(path, replace(known.background, variances=-known.background.variances), known.spec)
    with pytest.raises(MoodringError, match="must be above 0"):
        load_voices(path)


def test_an_enrolment_of_the_first_format_starts_without_a_history(
    known: Voices, talk: tuple[SpeechSegment, ...], tmp_path: Path
) -> None:
    means, spec, _ = speaker.enrol(talk, known, "talk")
    old = spec.model_copy(update={"format": 1, "voice_numbers": None})
    speaker._save(tmp_path / "old.safetensors", old, {"means": means})
    assert len(load_enrolment(tmp_path / "old.safetensors", known).voice) == 0


def test_a_history_of_other_numbers_or_of_a_wrong_shape_is_refused(
    known: Voices, talk: tuple[SpeechSegment, ...], tmp_path: Path
) -> None:
    means, spec, voice = speaker.enrol(talk, known, "talk")
    newer, path = spec.model_copy(update={"voice_numbers": 99}), tmp_path / "voice.safetensors"
    save_enrolment(path, means, newer, voice)
    with pytest.raises(MoodringError, match=r"version 99 of what is measured.*'moodring enrol' again"):
        load_enrolment(path, known)
    for wrong in (voice.numbers[:, :7], np.repeat(voice.numbers[:1], 65, axis=0)):
        speaker._save(path, spec, {"means": means, "voice": wrong})
        with pytest.raises(MoodringError, match="were expected; make it again"):
            load_enrolment(path, known)
    speaker._save(path, spec, {"means": means})
    with pytest.raises(MoodringError, match="were expected; make it again"):
        load_enrolment(path, known)
