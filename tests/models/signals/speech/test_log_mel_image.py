"""Speech as images of bands over time, with slopes as further channels."""

import numpy as np
import pytest

from moodring.models.signals.speech.log_mel_image import BANDS, FRAMES, delta, images, log_mel_channels


def tone(hertz: float, seconds: float = 1.5) -> np.ndarray:
    times_s = np.arange(round(16_000 * seconds)) / 16_000
    noise = np.random.default_rng(0).normal(0.0, 1e-3, len(times_s))
    return (0.3 * np.sin(2 * np.pi * hertz * times_s) + noise).astype(np.float32)


@pytest.mark.parametrize("hertz", [200.0, 1_000.0, 4_000.0])
def test_a_tone_is_brightest_in_its_band(hertz: float) -> None:
    static = log_mel_channels(tone(hertz))[:, :, 0].mean(axis=0)
    mels = np.linspace(*(2595.0 * np.log10(1.0 + edge / 700.0) for edge in (20.0, 8_000.0)), BANDS + 2)[1:-1]
    centres = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    assert abs(int(static.argmax()) - int(np.abs(centres - hertz).argmin())) <= 1


def test_each_channel_is_standardised_whatever_the_gain() -> None:
    channels = log_mel_channels(tone(300.0))
    np.testing.assert_allclose(channels.mean(axis=(0, 1)), 0.0, atol=1e-4)
    np.testing.assert_allclose(channels.std(axis=(0, 1)), 1.0, atol=1e-3)
    np.testing.assert_allclose(log_mel_channels(0.05 * tone(300.0)), channels, atol=1e-3)


def test_silence_around_speech_is_cut_off() -> None:
    silence = np.zeros(16_000, np.float32)
    around = log_mel_channels(np.concatenate((silence, tone(500.0), silence)))
    assert abs(len(around) - len(log_mel_channels(tone(500.0)))) <= 4


def test_a_slope_is_that_of_a_straight_line() -> None:
    line = np.outer(np.arange(20.0), [1.0, -3.0])
    np.testing.assert_allclose(delta(line)[2:-2], np.tile([1.0, -3.0], (16, 1)))


def test_images_cover_the_utterance_and_a_short_one_gives_one() -> None:
    channels = log_mel_channels(tone(400.0, 2.0))
    cut = images(channels, 32)
    assert cut.shape[1:] == (3, BANDS, FRAMES)
    np.testing.assert_array_equal(cut[0][:, :, 0], channels[0].T)
    np.testing.assert_array_equal(cut[-1][:, :, -1], channels[-1].T)
    assert images(log_mel_channels(tone(400.0, 0.2)), 32).shape == (1, 3, BANDS, FRAMES)
    assert np.isfinite(log_mel_channels(np.zeros(100, np.float32))).all()
