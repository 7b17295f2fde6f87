"""EEG in which there is nothing: the model abstains and says why, the same live and decoded."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.live import EegSection, LiveConfig, ModelsSection, StreamQuery
from moodring.offline.decoding.decode import decode
from moodring.offline.simulate import simulate

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")), models=ModelsSection(device="cpu"))
SECONDS = 8.0


def with_eeg(fakes, samples):
    recording = fakes.recording(SECONDS)
    return replace(recording, face=None, speech=None, eeg=replace(recording.eeg, samples=samples.astype(np.float32)))


@pytest.mark.parametrize(
    ("kind", "words"), [("common", "carry one common signal"), ("mains", "line noise"), ("nothing", "are flat")]
)
def test_nothing_is_said_of_eeg_in_which_there_is_nothing(fakes, kind, words):
    shape = fakes.recording(SECONDS).eeg.samples.shape
    rng = np.random.default_rng(6)
    time_s = np.arange(shape[0])[:, None] / 256
    samples = {
        "common": np.sqrt(0.99) * rng.normal(size=(shape[0], 1)) + np.sqrt(0.01) * rng.normal(size=shape),
        "mains": 300 * np.sin(2 * np.pi * 50 * time_s) + rng.normal(0, 1.0, shape),
        "nothing": rng.normal(0, 0.1, shape),
    }[kind]
    estimates = decode(with_eeg(fakes, samples), CONFIG).estimates
    assert estimates
    heads = [one.head(axis) for one in estimates for axis in ("valence", "arousal")]
    assert not any(head.answered for head in heads)
    assert all(head.abstained.startswith("no usable EEG: 10 of 10 channels") for head in heads)
    assert all(words in head.abstained for head in heads)


def test_ordinary_eeg_is_decoded():
    estimates = decode(replace(simulate(2201, SECONDS), face=None, speech=None), CONFIG).estimates
    assert all(one.answer("valence") is not None for one in estimates)
