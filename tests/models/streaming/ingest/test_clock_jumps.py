import numpy as np
import pytest

from moodring.models.streaming.ingest.clock_jumps import JUMP_S, ClockJumpState, correct_clock_jumps, reconnected

RATE_HZ = 256.0
CHUNK = 8


def _run(stamps, ages_s, state=None, at=()):
    """Feed chunks that come ``ages_s`` after the true time of their last sample; the source was reconnected at some."""
    state = state or ClockJumpState()
    true = 100.0 + np.arange(len(stamps)) / RATE_HZ
    out, jumps = [], []
    for number, low in enumerate(range(0, len(stamps), CHUNK)):
        part = slice(low, low + CHUNK)
        if number in at:
            state = reconnected(state)
        arrival_s = float(true[part][-1]) + ages_s[number]
        given, found, state = correct_clock_jumps(state, stamps[part], arrival_s, 1 / RATE_HZ)
        out.append(given)
        jumps += found
    return np.concatenate(out), jumps, true, state


def _ages(n, seed=1):
    return np.random.default_rng(seed).uniform(0.002, 0.04, n // CHUNK + 1)


@pytest.mark.parametrize("by_s", [10.0, 1000.0, -5.0, -1000.0, 0.6, -0.6])
@pytest.mark.parametrize("at", [512, 515])
def test_time_goes_on_over_a_jump(by_s, at):
    n = 2048
    stamps = 100.0 + np.arange(n) / RATE_HZ
    stamps[at:] += by_s
    given, jumps, true, state = _run(stamps, _ages(n))
    assert jumps == [pytest.approx(by_s, abs=1e-6)]
    np.testing.assert_allclose(given, true, atol=1e-6)
    assert state.offset_s == pytest.approx(-by_s, abs=1e-6)


def test_a_clock_that_is_set_right_again_is_believed_again():
    stamps = 100.0 + np.arange(3072) / RATE_HZ
    stamps[1024:2048] += 3.0
    given, jumps, true, state = _run(stamps, _ages(3072))
    assert jumps == [pytest.approx(3.0, abs=1e-6)]
    assert state.offset_s == 0.0
    np.testing.assert_allclose(given, true, atol=1e-6)


def test_a_silence_is_no_jump():
    true = 100.0 + np.arange(2048) / RATE_HZ
    true[1024:] += 3.0
    state, ages = ClockJumpState(), _ages(2048)
    for number, low in enumerate(range(0, 2048, CHUNK)):
        part = true[low : low + CHUNK]
        given, jumps, state = correct_clock_jumps(state, part, float(part[-1]) + ages[number], 1 / RATE_HZ)
        assert jumps == ()
        np.testing.assert_array_equal(given, part)


def test_what_was_held_back_is_no_jump():
    n = 2048
    ages = _ages(n)
    # Everything of two seconds comes at once, and what was left out before is missing afterwards.
    ages[64:128] = 2.0 - np.arange(64) * CHUNK / RATE_HZ
    stamps = 100.0 + np.arange(n) / RATE_HZ
    given, jumps, _, _ = _run(stamps, ages)
    assert jumps == []
    np.testing.assert_array_equal(given, stamps)


@pytest.mark.parametrize("wrong_s", [500.0, -500.0])
def test_a_device_whose_clock_was_never_right_gets_the_time_of_arrival(wrong_s):
    stamps = 100.0 + np.arange(1024) / RATE_HZ + wrong_s
    given, jumps, true, _ = _run(stamps, _ages(1024))
    assert jumps == [pytest.approx(wrong_s, abs=0.05)]
    assert np.abs(given - true).max() < 0.05


def test_a_device_that_returns_with_its_clock_set_anew():
    true = 100.0 + np.arange(2048) / RATE_HZ
    stamps = true.copy()
    stamps[1024:] += 77.0
    given, jumps, _, _ = _run(stamps, _ages(2048), at=(128,))
    assert len(jumps) == 1
    assert np.abs(given - true).max() < 0.05
    assert np.diff(given).min() > -JUMP_S
