"""Voice activity: what a window must be, that state is carried outside, and what an absent package says."""

import sys

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.decoders import voice_activity
from moodring.models.decoders.voice_activity import VoiceActivity, start


@pytest.fixture(scope="module")
def voice() -> VoiceActivity:
    return VoiceActivity()


def test_the_package_itself_is_not_imported(voice: VoiceActivity) -> None:
    assert voice_activity.model_file().is_file()
    assert "silero_vad" not in sys.modules


def test_silence_and_noise_are_no_speech(voice: VoiceActivity) -> None:
    noise = (np.random.default_rng(1).standard_normal((60, 512)) * 0.01).astype(np.float32)
    for sound in (noise, np.zeros_like(noise)):
        state, heard = start(), []
        for window in sound:
            probability, state = voice.step(state, window)
            heard.append(probability)
        assert max(heard) < 0.35


def test_one_network_serves_several_streams_at_once(voice: VoiceActivity) -> None:
    rng = np.random.default_rng(2)
    streams = [(rng.standard_normal((10, 512)) * 0.1).astype(np.float32) for _ in range(2)]

    def alone(stream: np.ndarray) -> list[float]:
        state, heard = start(), []
        for window in stream:
            probability, state = voice.step(state, window)
            heard.append(probability)
        return heard

    states, mixed = [start(), start()], [[], []]
    for windows in zip(*streams, strict=True):
        for i, window in enumerate(windows):
            probability, states[i] = voice.step(states[i], window)
            mixed[i].append(probability)
    assert mixed == [alone(stream) for stream in streams]
    assert mixed[0] != mixed[1]


def test_a_window_of_another_length_is_refused(voice: VoiceActivity) -> None:
    with pytest.raises(MoodringError, match=r"512 samples.*\(480,\)"):
        voice.step(start(), np.zeros(480, np.float32))


def test_an_absent_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_activity, "find_spec", lambda name: None)
    with pytest.raises(MoodringError, match=r"pip install 'silero-vad\[onnx-cpu\]>=6'"):
        voice_activity.model_file()
