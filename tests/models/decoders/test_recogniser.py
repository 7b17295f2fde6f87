"""The recogniser behind the live speech decoder: same interface, same answers however the sound is chopped."""

import dataclasses

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FloatArray, Head, HeadOutput, ModelSpec, SpeechInput, SpeechSegment
from moodring.models.decoders.recogniser import ARCHITECTURE, VoiceRecogniser
from moodring.models.decoders.speech import SpeechDecoder, UtteranceCutter
from moodring.models.decoders.voice_activity import VoiceActivity
from moodring.models.io.bundle import Bundle, bundled, load_bundle
from moodring.models.signals.speech.segments import UtteranceRules
from moodring.models.signals.speech.voice_frames import FrameState, frame_features
from moodring.models.signals.speech.voice_summary import functional_weights, functionals
from moodring.offline.simulate.difficulty import EASY
from moodring.offline.simulate.latents import simulate_latents
from moodring.offline.simulate.voice import plan_voice, render_voice

CLASSES = ("anger", "neutral", "sadness")
CPU = torch.device("cpu")


def bundle(**network: float | int | str) -> Bundle:
    rng = np.random.default_rng(5)
    n = len(functional_weights())
    arrays = {
        "mean": np.zeros(n), "scale": np.full(n, 3.0), "weights": rng.normal(0, 0.02, (n, 3)), "bias": np.zeros(3),
        "clip": np.array(5.0),
    }  # fmt: skip
    head = Head("speech", "acted", CLASSES, temperature=0.5)
    sizes = {"architecture": ARCHITECTURE, **network}
    spec = ModelSpec("speech", (SpeechInput(),), (head,), "none", ("acted",), "none", (), 0, sizes)
    tensors = {name: torch.from_numpy(value.astype(np.float32)) for name, value in arrays.items()}
    return Bundle(spec, tensors, "0" * 64, "made.safetensors")


@pytest.fixture(scope="module")
def talk() -> FloatArray:
    return render_voice(5, 12.0, plan_voice(5, 12.0, simulate_latents(5, 12.0, EASY), EASY), EASY)


def decode(samples: FloatArray, size: int) -> list[HeadOutput]:
    decoder = SpeechDecoder(bundle(), CPU)
    said = [e for at in range(0, len(samples), size) for e in decoder.feed(samples[at : at + size], at / 16_000)]
    return [*said, *decoder.close()]


@pytest.mark.parametrize("size", [320, 5_000])
def test_chunks_change_nothing(talk: FloatArray, size: int) -> None:
    whole = decode(talk, len(talk))
    parts = decode(talk, size)
    assert [e.final for e in parts] == [e.final for e in whole]
    assert any(e.final for e in whole)
    for one, other in zip(parts, whole, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_the_last_estimate_is_that_of_the_whole_utterance(talk: FloatArray) -> None:
    cutter = UtteranceCutter(VoiceActivity(), UtteranceRules())
    segments = [*cutter.feed(talk, 0.0), *cutter.close()]
    stop = next(i for i, segment in enumerate(segments) if segment.final)
    first, last = segments[0], segments[stop]
    samples = talk[round(first.start_s * 16_000) : round(last.end_s * 16_000)]
    numbers = np.clip(functionals(frame_features(samples, FrameState())[0]) / 3.0, -5, 5)
    logits = numbers @ bundle().tensors["weights"].numpy() / 0.5
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    said = next(e for e in decode(talk, len(talk)) if e.final)
    assert said.probabilities == pytest.approx(expected, abs=1e-3)


def test_a_segment_tells_what_it_was_divided_by(talk: FloatArray) -> None:
    cutter = UtteranceCutter(VoiceActivity())
    segments = [*cutter.feed(talk, 0.0), *cutter.close()]
    assert len({segment.rms for segment in segments}) > 1
    for segment in segments:
        start = round(segment.start_s * 16_000)
        np.testing.assert_allclose(
            segment.samples[: segment.n_samples] * segment.rms, talk[start : start + segment.n_samples], atol=1e-5
        )


@pytest.mark.parametrize(("told", "side"), [(1.7, 1.0), (-1.2, -1.0), (0.4, 0.4)])
def test_a_voice_is_judged_as_one_of_its_sex(talk: FloatArray, told: float, side: float) -> None:
    plain, segment = bundle(), _first_second(talk)
    n = len(functional_weights())
    rng = np.random.default_rng(6)
    of_sexes = {
        "sex_weights": rng.normal(0, 0.02, (n, 3)), "tell_weights": np.zeros(n),
        "tell_bias": np.array(told),
    }  # fmt: skip
    tensors = {**plain.tensors, **{k: torch.from_numpy(v.astype(np.float32)) for k, v in of_sexes.items()}}
    without, _ = VoiceRecogniser(plain).step(segment, None)
    with_sex, _ = VoiceRecogniser(dataclasses.replace(plain, tensors=tensors)).step(segment, None)
    numbers = np.clip(functionals(frame_features(segment.samples, FrameState())[0]) / 3.0, -5, 5)
    differing = numbers @ of_sexes["sex_weights"]
    assert with_sex - without == pytest.approx(side * differing, abs=1e-3)
    assert np.abs(differing).max() > 0.1
    incomplete = {name: tensor for name, tensor in tensors.items() if name != "tell_bias"}
    with pytest.raises(MoodringError, match="train it again"):
        VoiceRecogniser(dataclasses.replace(plain, tensors=incomplete))


def _first_second(talk: FloatArray) -> SpeechSegment:
    samples = talk[4_000:20_000]
    return SpeechSegment(samples, 0.0, 1.0, True, True, len(samples))


def test_foreign_arrays_and_kinds_are_refused() -> None:
    made = bundle()
    short = dataclasses.replace(made, tensors={**made.tensors, "mean": torch.zeros(3)})
    with pytest.raises(MoodringError, match="train it again"):
        SpeechDecoder(short, CPU)
    with pytest.raises(MoodringError, match="'wizard'"):
        SpeechDecoder(bundle(architecture="wizard"), CPU)


def test_the_shipped_recogniser_is_of_this_code() -> None:
    shipped = load_bundle(bundled("emodb"), "speech")
    SpeechDecoder(shipped, CPU)
    assert shipped.spec.head("speech").classes == (
        "anger",
        "boredom",
        "disgust",
        "fear",
        "happiness",
        "neutral",
        "sadness",
    )
    card = bundled("emodb").with_suffix(".md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in card
    assert "Burkhardt" in card


def test_a_bundle_of_another_measure_is_refused() -> None:
    with pytest.raises(MoodringError, match="trained on version 99 of what is measured of a voice"):
        VoiceRecogniser(bundle(voice_numbers=99))
