"""Adaptation to a voice: it moves what it is told to, no further than the cap, from nothing but what came before."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import AUDIO_RATE_HZ, FloatArray
from moodring.models.decoders.recogniser import VoiceRecogniser, history_of
from moodring.models.decoders.speech import SpeechDecoder, UtteranceCutter
from moodring.models.decoders.voice_activity import VoiceActivity
from moodring.models.decoders.voice_adaptation import MOST_UTTERANCES, BackEnd, VoiceHistory, voice_of
from moodring.models.io.bundle import Bundle, bundled, load_bundle
from moodring.models.signals.speech.voice_summary import functional_weights
from moodring.offline.simulate.voice import simulate_voice

BUNDLE = load_bundle(bundled("emodb"))
N = len(functional_weights())


def talk(seed: int, seconds: float = 12.0) -> FloatArray:
    return np.asarray(simulate_voice(seed, seconds), np.float32)


def said(decoder: SpeechDecoder, sound: FloatArray) -> list[tuple[float, ...]]:
    estimates = [*decoder.feed(sound, 0.0), *decoder.close()]
    return [one.probabilities for one in estimates if one.final and one.probabilities is not None]


def voice(n: int, offset: float = 0.0, seed: int = 0) -> FloatArray:
    return (np.random.default_rng(seed).standard_normal((n, 40)) + offset).astype(np.float32)


def test_a_shift_common_to_a_speaker_disappears_and_little_heard_moves_little() -> None:
    spread = np.ones(40, np.float32)
    for n, left in ((1, 0.65), (64, 0.15)):
        heard = np.full((n, 40), 2.0, np.float32) + voice(n) * np.float32(0.1)
        relative = voice_of(heard, spread, 10.0).normalised(heard)
        assert np.abs(relative.mean()) < left * 2.0
    one, many = (voice_of(voice(n, 2.0), spread, 10.0).shift.mean() for n in (1, 64))
    assert 0.3 < one < 1.2 < 1.8 < many < 2.2


def test_a_speaker_whose_numbers_spread_more_is_scaled_down_and_less_is_scaled_up() -> None:
    spread = np.ones(40, np.float32)
    assert voice_of(voice(64) * 3, spread, 10.0).stretch.mean() < 0.5
    assert voice_of(voice(64) / 3, spread, 10.0).stretch.mean() > 1.5
    assert voice_of(voice(1) * 3, spread, 10.0).stretch == pytest.approx(1.0)


def test_the_shift_is_never_longer_than_the_cap() -> None:
    spread = np.ones(40, np.float32)
    for offset in (0.1, 1.0, 5.0, 100.0):
        shift = voice_of(voice(64, offset), spread, 1.5).shift
        assert np.sqrt(np.mean(shift**2)) <= 1.5 + 1e-4
    free = voice_of(voice(64, 5.0), spread, 100.0).shift
    capped = voice_of(voice(64, 5.0), spread, 1.5).shift
    assert np.sqrt(np.mean(capped**2)) == pytest.approx(1.5, abs=1e-4)
    assert capped / np.linalg.norm(capped) == pytest.approx(free / np.linalg.norm(free), abs=1e-5)


def test_one_emotion_heard_moves_the_mean_of_its_class_and_leaves_the_others() -> None:
    means = np.eye(3) * 4
    heard = np.tile([3.0, 0.5, 0.0], (20, 1))
    adapted = BackEnd(means, np.eye(3)).adapted(heard).means
    assert np.abs(adapted[0] - heard[0]).max() < 0.4 < np.abs(means[0] - heard[0]).max()
    assert adapted[1:] == pytest.approx(means[1:], abs=0.02)


def test_adapted_means_tell_classes_apart_where_a_speaker_differs() -> None:
    rng = np.random.default_rng(3)
    means, truth = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.tile([0, 1], 30)
    scores = means[truth] + np.array([1.7, 0.0]) + 0.35 * rng.standard_normal((60, 2))
    fixed = BackEnd(means, np.eye(2) * 4)
    right = [np.mean(one.log_likelihoods(scores).argmax(axis=1) == truth) for one in (fixed, fixed.adapted(scores))]
    assert right[0] < 0.95 < right[1]


def test_heavy_tails_doubt_what_is_far_from_every_class_and_do_not_follow_it() -> None:
    means = np.eye(3) * 4
    gaussian, heavy = BackEnd(means, np.eye(3)), BackEnd(means, np.eye(3), 5.0)
    assert BackEnd(means, np.eye(3), 1e9).log_likelihoods(means) == pytest.approx(
        gaussian.log_likelihoods(means), abs=1e-4
    )
    far = np.array([[24.0, 0.0, 0.0]])
    ahead = [np.ptp(one.log_likelihoods(far)) for one in (gaussian, heavy)]
    assert ahead[1] < 0.1 * ahead[0]
    assert heavy.log_likelihoods(far).argmax() == 0
    heard = np.concatenate((np.tile([4.5, 0.0, 0.0], (8, 1)), far))
    moved = [np.linalg.norm(one.adapted(heard).means[0] - means[0]) for one in (gaussian, heavy)]
    assert moved[1] < 0.5 < moved[0]


def test_a_bundle_made_before_the_heavy_tails_answers_with_gaussians() -> None:
    kept = {name: tensor for name, tensor in BUNDLE.tensors.items() if name != "adapted_freedom"}
    assert len(kept) < len(BUNDLE.tensors)
    before = VoiceRecogniser(Bundle(BUNDLE.spec, kept, BUNDLE.sha256, BUNDLE.name))
    infinite = dict(BUNDLE.tensors) | {"adapted_freedom": torch.tensor(float("inf"))}
    gaussian = VoiceRecogniser(Bundle(BUNDLE.spec, infinite, BUNDLE.sha256, BUNDLE.name))
    now = VoiceRecogniser(BUNDLE)
    heard = BUNDLE.tensors["mean"].numpy() + BUNDLE.tensors["scale"].numpy() * np.random.default_rng(
        4013
    ).standard_normal((6, N)).astype(np.float32)
    answers = [one.logits(heard[-1], VoiceHistory(heard[:-1])) for one in (before, gaussian, now)]
    np.testing.assert_array_equal(answers[0], answers[1])
    assert np.abs(answers[2] - answers[0]).max() > 0.01
    np.testing.assert_array_equal(before.logits(heard[-1], None), now.logits(heard[-1], None))


def test_the_history_keeps_the_latest_utterances_and_none_that_is_not_finite() -> None:
    history = VoiceHistory()
    for value in range(MOST_UTTERANCES + 6):
        history = history.heard(np.full(N, value, np.float32))
    assert len(history) == MOST_UTTERANCES
    assert history.numbers[[0, -1], 0].tolist() == [6, MOST_UTTERANCES + 5]
    assert history.heard(np.full(N, np.nan, np.float32)) is history


def test_answers_depend_on_what_was_heard_before_and_on_nothing_after() -> None:
    first, second, third = talk(4001), talk(4002), talk(4003)
    pause = np.zeros(AUDIO_RATE_HZ, np.float32)
    plain = SpeechDecoder(BUNDLE, torch.device("cpu"))
    adapting = SpeechDecoder(BUNDLE, torch.device("cpu"), voice=VoiceHistory())
    together = said(adapting, np.concatenate((first, pause, second, pause, third, pause)))
    assert len(adapting.voice or ()) > 2
    adapting.reset()
    assert len(adapting.voice or ()) == 0
    alone = said(adapting, np.concatenate((first, pause)))
    assert together[: len(alone)] == alone
    adapting.reset()
    later = said(adapting, np.concatenate((second, pause)))
    assert later != together[len(alone) : len(alone) + len(later)]
    assert alone != said(plain, np.concatenate((first, pause)))
    assert plain.voice is None
    assert not plain.adapts


def test_an_enrolment_hears_what_the_decoder_would_and_is_where_it_starts() -> None:
    pause = np.zeros(AUDIO_RATE_HZ, np.float32)
    first, second = (np.concatenate((talk(seed), pause)) for seed in (4004, 4005))
    decoder = SpeechDecoder(BUNDLE, torch.device("cpu"), voice=VoiceHistory())
    said(decoder, first)
    heard = decoder.voice
    cutter = UtteranceCutter(VoiceActivity())
    enrolled = history_of((*cutter.feed(first, 0.0), *cutter.close()))
    assert heard is not None
    assert len(enrolled) == len(heard) > 0
    np.testing.assert_array_equal(enrolled.numbers, heard.numbers)
    after = said(decoder, second)
    decoder.reset(enrolled)
    assert said(decoder, second) == after
    decoder.reset()
    assert said(decoder, second) != after


def test_speech_under_a_second_is_answered_but_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.concatenate((talk(4006, 6.0), np.zeros(AUDIO_RATE_HZ, np.float32)))
    decoder = SpeechDecoder(BUNDLE, torch.device("cpu"), voice=VoiceHistory())
    assert said(decoder, sound)
    assert len(decoder.voice or ()) > 0
    monkeypatch.setattr("moodring.models.decoders.recogniser.SHORTEST_S", 99.0)
    decoder.reset()
    assert said(decoder, sound)
    assert len(decoder.voice or ()) == 0


def test_a_bundle_without_the_adapted_model_answers_as_before_and_says_that_it_cannot() -> None:
    kept = {name: tensor for name, tensor in BUNDLE.tensors.items() if not name.startswith("adapted_")}
    bundle = Bundle(BUNDLE.spec, kept, BUNDLE.sha256, BUNDLE.name)
    decoder = SpeechDecoder(bundle, torch.device("cpu"), voice=VoiceHistory())
    assert not decoder.adapts
    assert decoder.voice is None
    sound = np.concatenate((talk(4007), np.zeros(AUDIO_RATE_HZ, np.float32)))
    assert said(decoder, sound) == said(SpeechDecoder(BUNDLE, torch.device("cpu")), sound)


def test_a_damaged_adapted_model_is_refused() -> None:
    short = dict(BUNDLE.tensors) | {"adapted_spread": torch.ones(3)}
    with pytest.raises(MoodringError, match="this moodring needs"):
        VoiceRecogniser(Bundle(BUNDLE.spec, short, BUNDLE.sha256, BUNDLE.name))
    for wrong in (None, 0.0, "warm"):
        spec = replace(BUNDLE.spec, network=dict(BUNDLE.spec.network) | {"adapted_temperature": wrong})
        with pytest.raises(MoodringError, match="temperature above 0"):
            VoiceRecogniser(Bundle(spec, BUNDLE.tensors, BUNDLE.sha256, BUNDLE.name))
