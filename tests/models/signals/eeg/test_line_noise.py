import numpy as np
import pytest

from moodring.models.signals.eeg.line_noise import LineNoiseState, detect_line_noise

RATE_HZ = 256.0


def eeg(seconds, hum_hz, hum_uv=20.0, humming=4):
    random = np.random.default_rng(3)
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = random.normal(0, 10, (len(times_s), 4)) - 6000.0
    samples[:, :humming] += hum_uv * np.sin(2 * np.pi * hum_hz * times_s)[:, None]
    return samples.astype(np.float32)


def heard(samples, line_hz, piece=37):
    state = LineNoiseState(RATE_HZ, line_hz, np.zeros((0, samples.shape[1])))
    for first in range(0, len(samples), piece):
        state = detect_line_noise(state, samples[first : first + piece])
    return state


@pytest.mark.parametrize(("line_hz", "hum_hz"), [(50.0, 60.0), (60.0, 50.0)])
def test_the_other_line_frequency_is_noticed_after_five_seconds(line_hz, hum_hz):
    assert heard(eeg(4.9, hum_hz), line_hz).other_hz is None
    assert heard(eeg(6.0, hum_hz), line_hz).other_hz == hum_hz


@pytest.mark.parametrize(("line_hz", "hum_hz"), [(50.0, 50.0), (60.0, 60.0), (50.0, 57.0), (50.0, 30.0), (None, 60.0)])
def test_nothing_is_said_where_the_config_is_right(line_hz, hum_hz):
    assert heard(eeg(8.0, hum_hz), line_hz).other_hz is None


def test_one_bad_channel_does_not_decide_about_line_noise():
    assert heard(eeg(8.0, 60.0, 500.0, humming=1), 50.0).other_hz is None


def test_how_samples_are_cut_does_not_matter():
    one, other = (heard(eeg(8.0, 60.0), 50.0, piece) for piece in (1, 700))
    assert (one.seconds, one.other) == (other.seconds, other.other)


def test_slow_streams_and_missing_values_are_left_alone():
    state = LineNoiseState(100.0, 50.0, np.zeros((0, 2)))
    assert detect_line_noise(state, np.ones((500, 2))) is state
    samples = eeg(6.0, 60.0)
    samples[::50] = np.nan
    heard(samples, 50.0)
