import numpy as np
import pytest
import soundfile
import torch

from moodring.models.contract import AUDIO_RATE_HZ, FloatArray
from moodring.models.decoders.speech import SpeechDecoder
from moodring.models.io.bundle import bundled, load_bundle
from moodring.offline.decoding.predict import Prediction, predict_file
from moodring.offline.simulate.voice import simulate_voice


@pytest.fixture(scope="module")
def decoder() -> SpeechDecoder:
    return SpeechDecoder(load_bundle(bundled("speech"), "speech"), torch.device("cpu"))


@pytest.fixture(scope="module")
def voice() -> FloatArray:
    """Eight seconds of a simulated person, loud enough to be worth clipping."""
    samples = simulate_voice(7, 8.0)
    return (0.7 * samples / np.abs(samples).max()).astype(np.float32)


@pytest.fixture(scope="module")
def plain(decoder: SpeechDecoder, voice: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    path = tmp_path_factory.mktemp("plain") / "voice.wav"
    soundfile.write(path, voice, AUDIO_RATE_HZ)
    said = predict_file(decoder, path)
    assert said.probabilities is not None
    return said
