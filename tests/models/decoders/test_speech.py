"""The live speech decoder: what it says, when, and that neither chunks nor the past change it."""

import dataclasses
import itertools
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FloatArray, Head, HeadOutput, ModelSpec, SpeechInput
from moodring.models.decoders.speech import SpeechDecoder, UtteranceCutter
from moodring.models.decoders.voice_activity import VoiceActivity
from moodring.models.io.bundle import Bundle
from moodring.models.networks.speech import SpeechNetwork, SpeechSizes, sizes_from
from moodring.models.signals.speech.segments import UtteranceRules, segments_of
from moodring.offline.recordings.media import read_media, read_wav
from moodring.offline.simulate.difficulty import EASY
from moodring.offline.simulate.latents import simulate_latents
from moodring.offline.simulate.voice import Utterance, plan_voice, render_voice

T0_S = 64.0
CLASSES = ("anger", "happiness", "neutral", "sadness")
CPU = torch.device("cpu")
SIZES = SpeechSizes(channels=(8, 8, 8, 8), strides=(16, 1, 1, 1), pools=(4, 4, 4, 2), lstm_units=8)


def untrained(**changes: object) -> Bundle:
    torch.manual_seed(3)
    network = SpeechNetwork(SIZES, len(CLASSES))
    head = Head("speech", "expressed", CLASSES, temperature=0.5)
    spec = ModelSpec("speech", (SpeechInput(),), (head,), "none", ("simulated",), "none", (), 3, SIZES.numbers())
    return Bundle(dataclasses.replace(spec, **changes), network.state_dict(), "0" * 64, "untrained.safetensors")


@pytest.fixture(scope="module")
def talk() -> tuple[FloatArray, tuple[Utterance, ...]]:
    """Some 24 s of a simulated voice, and when it speaks."""
    planned = plan_voice(5, 24.0, simulate_latents(5, 24.0, EASY), EASY)
    return render_voice(5, 24.0, planned, EASY), planned


@pytest.fixture
def decoder() -> SpeechDecoder:
    return SpeechDecoder(untrained(), CPU)


def decode(decoder: SpeechDecoder, samples: FloatArray, sizes: list[int], start_s: float = T0_S) -> list[HeadOutput]:
    said, at = [], 0
    for i in range(10**6):
        block = samples[at : at + sizes[i % len(sizes)]]
        if not len(block):
            break
        said.extend(decoder.feed(block, start_s + at / 16_000))
        at += len(block)
    return [*said, *decoder.close()]


def assert_same(one: list[HeadOutput], other: list[HeadOutput]) -> None:
    assert [e.final for e in one] == [e.final for e in other]
    for a, b in zip(one, other, strict=True):
        assert (a.start_s, a.end_s) == pytest.approx((b.start_s, b.end_s), abs=1e-6)
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-6)


@pytest.mark.parametrize("sizes", [[320], [1], [16_000], [511, 513, 1, 7000], [37, 4096]])
def test_chunks_change_nothing(
    decoder: SpeechDecoder, talk: tuple[FloatArray, tuple[Utterance, ...]], sizes: list[int]
) -> None:
    samples = talk[0][:48_000] if sizes == [1] else talk[0]
    whole = decode(decoder, samples, [len(samples)])
    assert whole
    decoder.reset()
    assert_same(decode(decoder, samples, sizes), whole)


def test_each_utterance_gets_an_estimate_a_second_and_a_final_one(
    decoder: SpeechDecoder, talk: tuple[FloatArray, tuple[Utterance, ...]]
) -> None:
    samples, planned = talk
    said = decode(decoder, samples, [320])
    finals = [e for e in said if e.final]
    assert len(finals) == len(planned)
    for estimate, utterance in zip(finals, planned, strict=True):
        assert estimate.end_s == pytest.approx(T0_S + utterance.stop_s, abs=0.3)
    spoken_s = sum(one.stop_s - one.start_s for one in planned)
    assert len(said) - len(finals) <= spoken_s
    for estimate in said:
        assert estimate.classes == CLASSES
        assert sum(estimate.probabilities) == pytest.approx(1.0, abs=1e-5)
        assert 0.0 < estimate.end_s - estimate.start_s <= 1.0 + 1e-9


def test_an_estimate_comes_as_soon_as_its_second_is_over(
    decoder: SpeechDecoder, talk: tuple[FloatArray, tuple[Utterance, ...]]
) -> None:
    for at in range(0, len(talk[0]), 320):
        for estimate in decoder.feed(talk[0][at : at + 320], T0_S + at / 16_000):
            late_s = T0_S + (at + 320) / 16_000 - estimate.end_s
            # Right away while speech goes on; after the 0.5 s pause (and the rest that was too short) at its end.
            assert late_s <= (0.85 if estimate.final else 0.6)


def test_silence_gives_nothing(decoder: SpeechDecoder) -> None:
    noise = (np.random.default_rng(0).standard_normal(64_000) * 0.003).astype(np.float32)
    for sound in (noise, np.zeros_like(noise)):
        assert decode(decoder, sound, [320]) == []
        assert not decoder.voiced
    assert decoder.level_db == -120.0


def test_voiced_and_level_follow_the_voice(
    decoder: SpeechDecoder, talk: tuple[FloatArray, tuple[Utterance, ...]]
) -> None:
    samples, planned = talk
    utterance = next(a for a, b in itertools.pairwise(planned) if b.start_s - a.stop_s > 1.0)
    middle, silent = (round(s * 16_000) for s in (utterance.stop_s - 0.5, utterance.stop_s + 0.9))
    decoder.feed(samples[:middle], T0_S)
    assert decoder.voiced
    assert decoder.level_db > -40.0
    decoder.feed(samples[middle:silent], T0_S + middle / 16_000)
    assert not decoder.voiced
    assert decoder.level_db < -40.0


def test_the_network_hears_live_what_it_was_trained_on(talk: tuple[FloatArray, tuple[Utterance, ...]]) -> None:
    bundle = untrained()
    network = SpeechNetwork(SIZES, len(CLASSES)).eval()
    network.load_state_dict(dict(bundle.tensors))
    said = decode(SpeechDecoder(bundle, CPU), talk[0], [480])
    cutter = UtteranceCutter(VoiceActivity())
    segments = [*cutter.feed(talk[0], 0.0), *cutter.close()]
    starts = [s.start_s for s in segments if s.first]
    stops = [s.end_s for s in segments if s.final]
    expected = []
    for start, stop in zip(starts, stops, strict=True):
        own = segments_of(talk[0][round(start * 16_000) : round(stop * 16_000)], UtteranceRules())
        live = [s.samples for s in segments if start - 0.01 < s.start_s < s.end_s < stop + 0.01]
        np.testing.assert_array_equal(own, np.stack(live))
        with torch.inference_mode():
            expected.extend(torch.softmax(network(torch.from_numpy(own)[None])[0][0] / 0.5, 1).tolist())
    fresh = [e for i, e in enumerate(said) if not i or e.start_s != said[i - 1].start_s]
    assert len(starts) >= 3
    np.testing.assert_allclose([e.probabilities for e in fresh], expected, atol=1e-6)


def test_a_gap_closes_the_utterance_and_starts_afresh(
    decoder: SpeechDecoder, talk: tuple[FloatArray, tuple[Utterance, ...]]
) -> None:
    samples, planned = talk
    utterance = max(planned, key=lambda one: one.stop_s - one.start_s)
    cut = round((utterance.stop_s - 1.0) * 16_000)
    decoder.feed(samples[:cut], T0_S)
    assert decoder.voiced
    late_s = T0_S + cut / 16_000 + 0.021
    closed = decoder.feed(samples[cut : cut + 512], late_s)
    assert [e.final for e in closed] == [True]
    assert T0_S + cut / 16_000 - 1.0 < closed[0].end_s <= T0_S + cut / 16_000
    after = decode(decoder, samples[cut + 512 :], [800], late_s + 512 / 16_000)
    alone = decode(SpeechDecoder(untrained(), CPU), samples[cut:], [512], late_s)
    assert_same(after, alone)


def test_jitter_of_stamps_is_no_gap(decoder: SpeechDecoder, talk: tuple[FloatArray, tuple[Utterance, ...]]) -> None:
    rng = np.random.default_rng(4)
    straight = decode(decoder, talk[0], [320])
    decoder.reset()
    shaken: list[HeadOutput] = []
    for at in range(0, len(talk[0]), 320):
        shaken.extend(decoder.feed(talk[0][at : at + 320], T0_S + at / 16_000 + float(rng.uniform(-0.008, 0.008))))
    shaken.extend(decoder.close())
    assert len(shaken) == len(straight)
    for a, b in zip(shaken, straight, strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-6)
        assert a.end_s == pytest.approx(b.end_s, abs=0.02)


def test_values_that_are_not_finite_do_not_spread(
    decoder: SpeechDecoder, talk: tuple[FloatArray, tuple[Utterance, ...]]
) -> None:
    broken = talk[0].copy()
    broken[1000:1100] = np.nan
    broken[30_000] = np.inf
    said = decode(decoder, broken, [320])
    assert said
    assert np.isfinite([e.probabilities for e in said]).all()


def test_samples_of_two_channels_are_refused(decoder: SpeechDecoder) -> None:
    with pytest.raises(MoodringError, match=r"mono samples.*\(100, 2\)"):
        decoder.feed(np.zeros((100, 2), np.float32), T0_S)


def test_a_bundle_of_another_kind_is_refused() -> None:
    with pytest.raises(MoodringError, match=r"'untrained.safetensors' is of kind 'attention'"):
        SpeechDecoder(untrained(kind="attention"), CPU)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(MoodringError, match="do not fit its sizes"):
        SpeechDecoder(untrained(outputs=(Head("speech", "acted", ("anger", "neutral")),)), CPU)


@pytest.mark.parametrize("change", [{"channels": "1,2,3"}, {"kernels": "a,b,c,d"}, {"lstm_units": "many"}])
def test_sizes_that_are_none_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(MoodringError, match="sizes"):
        sizes_from(SIZES.numbers() | change)
    assert sizes_from(SIZES.numbers()) == SIZES


def test_the_last_layer_sees_the_past_but_not_the_future() -> None:
    torch.manual_seed(1)
    network = SpeechNetwork(SIZES, 4).eval()
    segments = torch.randn(1, 4, 16_000)
    with torch.inference_mode():
        whole, _ = network(segments)
        first, memory = network(segments[:, :2])
        second, _ = network(segments[:, 2:], memory)
        forgetful, _ = network(segments[:, 2:])
    torch.testing.assert_close(torch.cat((first, second), 1), whole)
    assert not torch.allclose(forgetful, second, atol=1e-4)


def test_one_second_costs_a_twentieth_of_one(talk: tuple[FloatArray, tuple[Utterance, ...]]) -> None:
    torch.manual_seed(3)
    sizes = SpeechSizes()
    weights = SpeechNetwork(sizes, len(CLASSES)).state_dict()
    bundle = dataclasses.replace(untrained(network=sizes.numbers()), tensors=weights)
    decoder = SpeechDecoder(bundle, CPU)
    decode(decoder, talk[0][:48_000], [320])
    decoder.reset()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start_s = time.process_time()
    assert decode(decoder, talk[0], [320])
    spent_s = time.process_time() - start_s
    torch.set_num_threads(threads)
    assert spent_s <= 0.05 * len(talk[0]) / 16_000


@pytest.mark.data
def test_real_voices_are_heard(decoder: SpeechDecoder, data_dir: Path) -> None:
    files = sorted((data_dir / "emodb" / "wav").glob("*.wav"))[::40]
    assert files
    for file in [*files, data_dir / "onnx" / "vad_test_16k.wav"]:
        speech = read_wav(file).speech
        assert speech is not None
        decoder.reset()
        said = decode(decoder, speech.samples[:, 0], [320])
        assert said, file.name
        assert said[-1].final
        assert np.isfinite([e.probabilities for e in said]).all()


@pytest.mark.data
def test_voices_of_real_films_are_heard(decoder: SpeechDecoder, data_dir: Path) -> None:
    files = sorted((data_dir / "grid").glob("*.mpg"))
    assert files
    for file in files:
        speech = read_media(file).speech
        assert speech is not None
        decoder.reset()
        said = decode(decoder, speech.samples[:, 0], [320], float(speech.stamps_s[0]))
        assert said, file.name
        assert np.isfinite([e.probabilities for e in said]).all()
