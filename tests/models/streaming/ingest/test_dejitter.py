import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodring.models.streaming.ingest.dejitter import DejitterState, dejitter


def _run(raw, rate, sizes=(8,)):
    state, smooth, gaps, at, turn = DejitterState(rate), [], [], 0, 0
    while at < len(raw):
        n = sizes[turn % len(sizes)]
        smoothed, found, state = dejitter(state, raw[at : at + n])
        smooth.append(smoothed)
        gaps += [(gap.first + at, gap.seconds) for gap in found]
        at, turn = at + n, turn + 1
    return np.concatenate(smooth), gaps, state


def test_exact_stamps_stay_exact():
    raw = 1000.25 + np.arange(256 * 30) / 256
    stamps, gaps, state = _run(raw, 256.0)
    assert not gaps
    np.testing.assert_allclose(stamps, raw, atol=1e-6)
    assert state.observed_rate_hz == pytest.approx(256.0, rel=1e-6)


def test_jitter_goes_and_drift_is_followed():
    rng = np.random.default_rng(1)
    true = 50.0 + np.arange(256 * 60) / (256 * 1.0001)
    raw = true + np.repeat(np.abs(rng.normal(0, 0.004, len(true) // 8)), 8)
    stamps, gaps, state = _run(raw, 256.0)
    assert not gaps
    late = stamps[256 * 10 :] - true[256 * 10 :]
    assert np.std(late) < 0.0005
    assert abs(np.mean(late) - 0.0032) < 0.001
    assert (np.diff(stamps) >= 0).all()
    assert state.observed_rate_hz == pytest.approx(256.0256, abs=0.02)


def test_a_silence_stays_a_gap():
    raw = np.arange(256 * 10) / 256
    raw[256 * 5 :] += 3.0
    stamps, gaps, _ = _run(raw, 256.0)
    assert gaps == [(1280, pytest.approx(3.0, abs=1e-6))]
    np.testing.assert_allclose(stamps, raw, atol=1e-5)


def test_one_missing_sample_is_seen_in_steady_stamps():
    raw = np.delete(np.arange(256 * 6) / 256, 1000)
    _, gaps, _ = _run(raw, 256.0)
    assert gaps == [(1000, pytest.approx(1 / 256, abs=1e-6))]


def test_a_held_up_sender_is_no_gap():
    raw = np.arange(256 * 10) / 256
    raw[1280:1288] += 0.015
    jitter = np.repeat(np.random.default_rng(2).uniform(0, 0.002, len(raw) // 8), 8)
    _, gaps, _ = _run(raw + jitter, 256.0)
    assert not gaps


def test_a_clock_that_jumps_back_starts_again():
    raw = np.arange(256 * 6) / 256 + 100
    raw[900:] -= 5
    _, gaps, _ = _run(raw, 256.0)
    assert gaps[0] == (900, pytest.approx(-5.0, abs=1e-6))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_chunks_do_not_matter(sizes):
    rng = np.random.default_rng(3)
    raw = np.arange(1500) / 256 + rng.uniform(0, 0.003, 1500)
    raw[700:] += 0.4
    whole, gaps, _ = _run(raw, 256.0, (1500,))
    parts, part_gaps, _ = _run(raw, 256.0, tuple(sizes))
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-9)
    assert [g[0] for g in gaps] == [g[0] for g in part_gaps]


@pytest.mark.parametrize("rate", [256.0, 1000.0, 16000.0])
@pytest.mark.parametrize("burst_s", [0.01, 0.03, 0.1])
def test_stamps_are_right_across_a_silence_of_three_seconds(rate, burst_s):
    """Bursts whose stamps are late by up to 6 ms, a card that drifts, and 3 s without a sample."""
    rng = np.random.default_rng(int(rate) + round(burst_s * 1000))
    true = 50.0 + np.arange(round(40 * rate)) / (rate * 1.00005)
    silent = round(20 * rate)
    true[silent:] += 3.0
    size = max(1, round(burst_s * rate))
    late = np.repeat(rng.uniform(0.0, 0.006, len(true) // size + 1), size)[: len(true)]
    stamps, gaps, _ = _run(true + late, rate, (size,))
    assert len(gaps) == 1
    assert abs(gaps[0][0] - silent) <= size
    assert gaps[0][1] == pytest.approx(3.0, abs=0.01)
    off = np.abs(stamps - true)
    assert np.percentile(off, 99) <= 0.005
    around = slice(silent - round(2 * rate), silent + round(2 * rate))
    assert np.percentile(off[around], 99) <= 0.008, "a first stamp is as wrong as it came; the line soon knows better"


def test_samples_left_out_one_by_one_never_take_the_stamps_far_from_the_truth():
    raw = np.arange(16000 * 8) / 16000
    raw = np.concatenate((raw[:64000], raw[64000::2]))
    stamps, gaps, _ = _run(raw, 16000.0, (160,))
    assert np.abs(stamps - raw).max() < 0.06
    assert len(gaps) > 10


def test_a_device_that_changes_its_latency_for_good_starts_another_line():
    raw = np.arange(16000 * 12) / 16000.0
    shift = np.interp(np.arange(len(raw)), [64000, 72000], [0.0, 0.25])
    state, smooth, gaps = DejitterState(16000.0, 0.3), [], []
    for low in range(0, len(raw), 320):
        smoothed, found, state = dejitter(state, (raw + shift)[low : low + 320])
        smooth.append(smoothed)
        gaps += found
    stamps = np.concatenate(smooth)
    assert [gap.seconds for gap in gaps] == [pytest.approx(0.25, abs=0.05)]
    assert np.abs(stamps - raw - shift)[16000 * 7 :].max() < 0.005


@pytest.mark.parametrize("ppm", [-500.0, 0.0, 80.0, 3000.0])
def test_the_drift_of_a_card_is_told(ppm):
    rng = np.random.default_rng(5)
    raw = 7.0 + np.arange(16000 * 30) / (16000 * (1 + ppm * 1e-6)) + np.repeat(rng.uniform(0, 0.004, 1500), 320)
    _, gaps, state = _run(raw, 16000.0, (320,))
    assert not gaps
    assert state.drift_ppm == pytest.approx(ppm, abs=20)
