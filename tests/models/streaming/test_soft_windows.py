"""Clean windows from tick to tick are those of the whole recording, and begin anew after a gap."""

import numpy as np
import pytest

from moodring.models.contract import EegWindow
from moodring.models.contract.rings import RingLayout
from moodring.models.io.ring import Ring, rings_in
from moodring.models.signals.eeg import soft_threshold
from moodring.models.streaming.soft_windows import SoftWindows

RATE, N, TICK = 256.0, 256, 128
NAMES = ("Fz", "Cz")
SECONDS = 20


def made(valid: np.ndarray) -> tuple[Ring, np.ndarray]:
    rng = np.random.default_rng(0)
    samples = np.cumsum(rng.normal(size=(len(valid), 2)), axis=0).astype(np.float32)
    samples -= samples.mean(axis=0)
    samples[2600:2620] += 300.0
    ring = rings_in(None)("eeg", RingLayout(8192, (2,), "<f4", RATE, NAMES))
    ring.append(samples, np.arange(len(valid)) / RATE, 0.0, valid)
    return ring, samples


def windows(ring: Ring, valid: np.ndarray, ticks: range) -> dict[int, EegWindow | None]:
    soft, found = SoftWindows(), {}
    for stop in ticks:
        if valid[stop - N : stop].all():
            piece = ring.between(stop - N, stop)
            raw = EegWindow(piece.samples, RATE, NAMES, np.ones(2, np.bool_), stop / RATE)
            found[stop] = soft.window(raw, ring, stop)
    return found


def test_windows_are_those_of_the_recording_a_quarter_of_a_second_before() -> None:
    valid = np.ones(round(SECONDS * RATE), np.bool_)
    ring, samples = made(valid)
    clean, late = soft_threshold.clean(samples, RATE), soft_threshold.delay_samples(RATE)
    for stop, window in windows(ring, valid, range(N, len(valid), TICK)).items():
        if stop < N + late:
            assert window is None
        else:
            assert window is not None
            np.testing.assert_allclose(window.samples_uv, clean[stop - late - N : stop - late], atol=1e-3)
            assert window.end_s == pytest.approx((stop - late) / RATE)
    assert np.abs(clean - samples).max() > 100.0


def test_a_gap_starts_the_estimate_anew() -> None:
    valid = np.ones(round(SECONDS * RATE), np.bool_)
    valid[1200:1500] = False
    ring, samples = made(valid)
    late = soft_threshold.delay_samples(RATE)
    found = windows(ring, valid, range(N, len(valid), TICK))
    anew = soft_threshold.clean(samples[1500:], RATE)
    after = {stop: window for stop, window in found.items() if stop >= 1500 + N}
    assert all(window is None for stop, window in after.items() if stop < 1500 + N + late)
    stop, window = max(after.items())
    assert window is not None
    np.testing.assert_allclose(window.samples_uv, anew[stop - 1500 - late - N : stop - 1500 - late], atol=1e-3)


def test_what_is_no_number_in_a_bad_channel_does_not_stay() -> None:
    valid = np.ones(round(SECONDS * RATE), np.bool_)
    ring, samples = made(valid)
    samples[700:720, 1] = np.nan
    broken = rings_in(None)("eeg", RingLayout(8192, (2,), "<f4", RATE, NAMES))
    broken.append(samples, np.arange(len(valid)) / RATE, 0.0, valid)
    last = max(windows(broken, valid, range(N, len(valid), TICK)).items())[1]
    assert last is not None
    assert np.isfinite(last.samples_uv).all()
    ring.close()
