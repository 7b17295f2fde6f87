"""Onsets of flashes, beeps and steps, against signals whose onsets are known."""

import numpy as np
import pytest
from scipy.signal import lfilter

from moodring.models.signals.sync.events import BEEP_S, FLASH_S, beep, beep_onset, step_onset

RATE_HZ = 16000
EVENTS_S = 3.0 + 2.1371 * np.arange(24)


def frames(rate_hz, exposure_s, delay_s, seed=0, jitter_s=0.0):
    """Brightness of frames that integrate light over an exposure, stamped ``delay_s`` after its middle."""
    rng = np.random.default_rng(seed)
    middles_s = np.arange(0.0, EVENTS_S[-1] + 3.0, 1 / rate_hz) + rng.uniform(0, 1 / rate_hz)
    fine = np.linspace(-0.5, 0.5, 41) * exposure_s
    light = sum(((middles_s[:, None] + fine >= on) & (middles_s[:, None] + fine < on + FLASH_S)) for on in EVENTS_S)
    values = 60.0 + 25.0 * light.mean(axis=1) + rng.normal(0, 0.4, len(middles_s))
    return values, middles_s + delay_s + rng.normal(0, jitter_s, len(middles_s))


@pytest.mark.parametrize("rate_hz", [15.0, 25.0, 60.0])
@pytest.mark.parametrize("exposed", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("delay_s", [-0.04, 0.0, 0.087, 0.5])
def test_flashes_at_random_phases_give_the_delay_to_a_fraction_of_a_frame(rate_hz, exposed, delay_s):
    values, stamps_s = frames(rate_hz, exposed / rate_hz, delay_s)
    found = [step_onset(values, stamps_s, event_s, 2.0, 0.07) for event_s in EVENTS_S]
    assert all(one is not None and one[1] == pytest.approx(25.0, abs=2.0) for one in found)
    errors_s = np.array([one[0] for one in found]) - EVENTS_S - delay_s
    assert np.abs(errors_s).max() < 0.75 / rate_hz, "no single flash is off by a frame"
    assert abs(errors_s.mean()) < 0.2 / rate_hz


def test_a_frame_met_half_way_by_the_flash_counts_half():
    stamps_s = np.arange(0, 4, 0.04)
    values = np.where(stamps_s < 2.0, 10.0, 110.0)
    values[np.searchsorted(stamps_s, 2.0)] = 60.0
    onset_s, height = step_onset(values, stamps_s, 1.95, 2.0, 0.07)
    assert height == pytest.approx(100.0)
    assert onset_s == pytest.approx(stamps_s[np.searchsorted(stamps_s, 2.0)], abs=1e-9)


def test_no_flash_is_found_in_noise_in_a_gap_or_beyond_the_bounds():
    values, stamps_s = frames(25.0, 0.0, 0.05)
    dark = np.random.default_rng(1).normal(60, 0.4, len(values))
    assert all(step_onset(dark, stamps_s, event_s, 2.0, 0.07) is None for event_s in EVENTS_S)
    event_s = EVENTS_S[5]
    kept = (stamps_s < event_s - 0.02) | (stamps_s > event_s + 0.2)
    assert step_onset(values[kept], stamps_s[kept], event_s, 2.0, 0.07) is None, "frames are missing where it began"
    assert step_onset(values, stamps_s, EVENTS_S[-1] + 10.0, 2.0, 0.07) is None
    assert step_onset(values[:0], stamps_s[:0], event_s, 2.0, 0.07) is None


@pytest.mark.parametrize("height", [400.0, -400.0])
def test_a_photodiode_s_step_is_found_through_line_noise(height):
    rng = np.random.default_rng(2)
    stamps_s = np.arange(0, EVENTS_S[-1] + 3, 1 / 512)
    light = sum(((stamps_s >= on + 0.031) & (stamps_s < on + 0.031 + FLASH_S)).astype(float) for on in EVENTS_S)
    values = -2e4 + 3.0 * stamps_s + height * light + 20 * np.sin(314.16 * stamps_s) + rng.normal(0, 5, len(stamps_s))
    found = [step_onset(values, stamps_s, event_s, 1e-6, 0.03) for event_s in EVENTS_S]
    errors_s = np.array([one[0] for one in found]) - EVENTS_S - 0.031
    assert np.sign([one[1] for one in found]).tolist() == [np.sign(height)] * len(EVENTS_S)
    assert np.abs(errors_s).max() < 0.006
    assert abs(errors_s.mean()) < 0.002


def room(delay_s, noise, seed=0):
    """A microphone in a room: the beep turned in phase, echoes of which one is louder, noise."""
    rng = np.random.default_rng(seed)
    stamps_s = np.arange(0, 6, 1 / RATE_HZ)
    audio = rng.normal(0, noise, len(stamps_s))
    heard = lfilter([-0.6, 1.0], [1.0, -0.6], beep(RATE_HZ))
    for lag_s, gain in ((0.0, 0.1), (0.007, 0.13), (0.019, 0.05), (0.1, 0.04)):
        at = round((3.0 + delay_s + lag_s) * RATE_HZ)
        audio[at : at + len(heard)] += gain * heard
    return audio, stamps_s


@pytest.mark.parametrize("noise", [0.001, 0.03])
@pytest.mark.parametrize("delay_s", [-0.05, 0.0, 0.0451, 0.55])
def test_a_beep_is_found_at_its_direct_sound(delay_s, noise):
    audio, stamps_s = room(delay_s, noise)
    assert beep_onset(audio, stamps_s, 3.0, RATE_HZ) == pytest.approx(3.0 + delay_s, abs=0.001)


def test_no_beep_is_found_in_silence_noise_speech_like_sound_or_a_gap():
    rng = np.random.default_rng(3)
    audio, stamps_s = room(0.05, 0.001)
    assert beep_onset(np.zeros_like(audio), stamps_s, 3.0, RATE_HZ) is None
    assert all(beep_onset(rng.normal(0, 1, len(audio)), stamps_s, 3.0, RATE_HZ) is None for _ in range(20))
    kept = np.abs(stamps_s - 3.3) > 0.1
    assert beep_onset(audio[kept], stamps_s[kept], 3.0, RATE_HZ) is None
    assert beep_onset(audio, stamps_s, 5.8, RATE_HZ) is None, "the recording ends before it could be heard"


def test_the_beep_is_short_quiet_at_its_ends_and_never_clips():
    wave = beep(48000.0)
    assert len(wave) == round(BEEP_S * 48000)
    assert np.abs(wave).max() <= 0.8
    assert np.abs(wave[[0, -1]]).max() < 0.01
