import numpy as np
import pytest

from moodring.models.signals.speech.microphone_level import check_microphone, fault_text, rms_db

RATE = 16_000


def _noise(seconds, level_db, seed=0):
    noise = np.random.default_rng(seed).normal(0.0, 10 ** (level_db / 20), round(seconds * RATE))
    return noise.astype(np.float32)


def _voice(seconds, peak):
    """A tone with the envelope of syllables over a room's noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    voice = np.sin(2 * np.pi * 140 * t) * np.abs(np.sin(2 * np.pi * 2 * t))
    return (peak * voice).astype(np.float32) + _noise(seconds, -60)


def test_a_voice_and_a_quiet_room_are_nothing_to_report():
    for sound in (_voice(3, 0.7), _noise(3, -60)):
        found = check_microphone(sound)
        assert (found.clipped, found.silent, found.stuck) == (False, False, False)
        assert fault_text(found) == ""


def test_a_voice_that_is_too_loud_clips():
    found = check_microphone(np.clip(_voice(3, 1.6), -1, 1))
    assert found.clipped
    assert found.clipped_fraction == pytest.approx(np.mean(np.abs(_voice(3, 1.6)[-RATE:]) >= 0.99), abs=1e-9)
    assert fault_text(found).startswith("clipping (")
    assert fault_text(found).endswith("lower the gain")


def test_clipping_is_over_a_second_after_it_ended():
    loud = np.clip(_voice(1, 1.6), -1, 1)
    assert check_microphone(np.concatenate((loud, _voice(0.9, 0.5)))).clipped
    assert not check_microphone(np.concatenate((loud, _voice(1.0, 0.5)))).clipped


def test_single_clicks_are_no_clipping():
    sound = _noise(3, -50)
    sound[-4000:-3990] = 1.0
    assert not check_microphone(sound).clipped


def test_a_noise_floor_alone_is_silence():
    found = check_microphone(_noise(3, -90))
    assert (found.silent, found.stuck) == (True, False)
    assert found.level_db == pytest.approx(-90, abs=0.5)
    assert "silent (-90 dB)" in fault_text(found)


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_one_value_for_seconds_is_no_microphone(value):
    sound = np.concatenate((_voice(1, 0.5), np.full(2 * RATE, value, np.float32)))
    found = check_microphone(sound)
    assert found.stuck
    assert found.stuck_s == pytest.approx(2.0)
    assert fault_text(found) == "one value for 2 s: muted, or the wrong device"
    # A pause that a program cut to digital silence.
    assert not check_microphone(sound[: -RATE // 2]).stuck


def test_less_than_a_second_is_not_judged():
    assert check_microphone(_noise(0.99, -30)) is None
    assert fault_text(None) == ""
    assert check_microphone(_noise(1.0, -30)) is not None


def test_the_level_is_in_decibels_of_full_scale():
    assert rms_db(np.ones(100, np.float32)) == pytest.approx(0.0)
    assert rms_db(np.full(512, 0.1, np.float32)) == pytest.approx(-20.0, abs=1e-4)
    assert rms_db(np.zeros(100, np.float32)) == -120.0
    assert rms_db(np.zeros(0, np.float32)) == -120.0
