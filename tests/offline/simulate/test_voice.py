"""Simulated voices: speech to a detector, silence between, prosody that follows emotion, categories."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from moodring.models.decoders.voice_activity import VoiceActivity, start
from moodring.offline.simulate.difficulty import BENCHMARK
from moodring.offline.simulate.latents import Latents, simulate_latents
from moodring.offline.simulate.voice import draw_vocal_tract, mouth_opening, plan_voice, render_voice, speech_label

RATE = 16_000
SURE = replace(BENCHMARK, voice_noise=0.0)


def _felt(valence: float, arousal: float) -> Latents:
    times_s = np.arange(20 * 32 + 1) / 32.0
    return Latents(times_s, np.tile((valence, arousal), (len(times_s), 1)), 0.0, ())


def _spoken(seed: int, valence: float, arousal: float) -> tuple[NDArray[np.float32], float]:
    """The speech of 20 s without its pauses, and syllables per second."""
    said = plan_voice(seed, 20.0, _felt(valence, arousal), SURE)
    audio = render_voice(seed, 20.0, said, SURE)
    parts = [audio[round(one.start_s * RATE) : round(one.stop_s * RATE)] for one in said]
    seconds = sum(one.stop_s - one.start_s for one in said)
    return np.concatenate(parts), sum(len(one.syllables) for one in said) / seconds


def _pitch_hz(audio: NDArray[np.float32]) -> float:
    """Median of the strongest autocorrelation lag of 64 ms frames."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, 1024)[::512] * np.hanning(1024)
    lags = np.fft.irfft(np.abs(np.fft.rfft(frames, 2048, axis=1)) ** 2, axis=1)
    return float(np.median(RATE / (lags[:, 40:230].argmax(axis=1) + 40)))


def test_a_speech_detector_hears_speech_where_there_is_some() -> None:
    ear = VoiceActivity()
    inside, outside = [], []
    for seed in (2, 6, 9):
        said = plan_voice(seed, 30.0, simulate_latents(seed, 30.0, BENCHMARK), BENCHMARK)
        audio = render_voice(seed, 30.0, said, BENCHMARK)
        state = start()
        for first in range(0, len(audio) - 511, 512):
            probability, state = ear.step(state, audio[first : first + 512])
            now_s = (first + 256) / RATE
            if any(one.start_s <= now_s < one.stop_s for one in said):
                inside.append(probability > 0.5)
            elif not any(one.start_s - 0.2 < now_s < one.stop_s + 0.4 for one in said):
                outside.append(probability > 0.5)
    assert np.mean(inside) >= 0.85
    assert np.mean(outside) <= 0.05


def test_people_speak_about_half_of_the_time_in_utterances_of_seconds() -> None:
    shares = []
    for seed in range(1, 21):
        said = plan_voice(seed, 180.0, simulate_latents(seed, 180.0, BENCHMARK), BENCHMARK)
        lengths = [one.stop_s - one.start_s for one in said]
        shares.append(sum(lengths) / 180.0)
        assert min(lengths) >= 0.99
        assert max(lengths) <= 4.01
        assert all(before.stop_s + 0.59 < after.start_s for before, after in pairwise(said))
    assert 0.40 < np.mean(shares) < 0.52


def test_excitement_is_louder_faster_and_higher() -> None:
    for seed in (1, 2, 3, 4):
        (calm, calm_rate), (excited, excited_rate) = (_spoken(seed, 0.0, arousal) for arousal in (-0.7, 0.7))
        assert excited.std() > 1.3 * calm.std()
        assert excited_rate > 1.2 * calm_rate
        assert _pitch_hz(excited) > 1.1 * _pitch_hz(calm)


def test_pauses_hold_only_the_room() -> None:
    said = plan_voice(2, 20.0, _felt(0.0, 0.0), BENCHMARK)
    audio = render_voice(2, 20.0, said, BENCHMARK)
    quiet = np.ones(len(audio), dtype=bool)
    for one in said:
        quiet[round((one.start_s - 0.1) * RATE) : round((one.stop_s + 0.1) * RATE)] = False
    assert 0.0 < audio[quiet].std() < 0.2 * audio[~quiet].std()


@pytest.mark.parametrize(
    ("valence", "arousal", "label"),
    [
        (0, 2, "anger"),
        (0, 1, "sadness"),
        (0, 0, "sadness"),
        (2, 2, "happiness"),
        (2, 1, "happiness"),
        (2, 0, "neutral"),
        (1, 0, "neutral"),
        (1, 1, "neutral"),
        (1, 2, "neutral"),
    ],
)
def test_cells_have_categories(valence: int, arousal: int, label: str) -> None:
    assert speech_label(valence, arousal) == label


def test_utterances_carry_the_category_of_what_is_felt() -> None:
    assert {one.label for one in plan_voice(3, 20.0, _felt(-0.7, 0.7), BENCHMARK)} == {"anger"}
    assert {one.label for one in plan_voice(3, 20.0, _felt(0.7, 0.7), BENCHMARK)} == {"happiness"}


def test_the_mouth_moves_only_in_speech() -> None:
    said = plan_voice(3, 20.0, _felt(0.0, 0.0), BENCHMARK)
    times_s = np.arange(500) / 25.0
    opening = mouth_opening(said, times_s)
    speaking = np.array([any(one.start_s <= now_s < one.stop_s for one in said) for now_s in times_s])
    assert opening[~speaking].max() == 0.0
    assert 0.1 < opening[speaking].mean() <= opening.max() <= 1.0


def test_people_have_voices_of_their_own() -> None:
    voices = [draw_vocal_tract(seed) for seed in range(1, 31)]
    assert np.std([np.log(one.f0_hz) for one in voices]) > 0.2
    assert np.std([one.tract for one in voices]) > 0.04
