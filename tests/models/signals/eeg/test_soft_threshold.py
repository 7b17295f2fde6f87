"""Artifacts by a soft threshold: chunks as the whole, a fixed delay, transients out and rhythms in."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import convolve1d
from scipy.signal import butter, sosfilt

from moodring.models.signals.eeg import soft_threshold as soft

RATE = 256.0


def background(seconds: float = 20.0, rate: float = RATE, channels: int = 3, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(size=(round((seconds + 4) * rate), channels)), axis=0)
    filtered = 3.0 * sosfilt(butter(2, (1, 45), "bandpass", fs=rate, output="sos"), walk, axis=0)
    return filtered[-round(seconds * rate) :]


def blink(at_s: float, seconds: float = 20.0) -> NDArray[np.float64]:
    return 250 * np.exp(-(((np.arange(round(seconds * RATE)) / RATE - at_s) / 0.08) ** 2))[:, None]


@pytest.mark.parametrize("rate", [128.0, 250.0, 256.0, 500.0])
def test_chunks_give_what_the_whole_gives_a_fixed_delay_later(rate: float) -> None:
    samples = background(12.0, rate)
    samples[round(6 * rate)] += 400.0
    whole = soft.clean(samples, rate)
    late = soft.delay_samples(rate)
    assert late == pytest.approx(0.245 * rate, rel=0.1)
    state, came, sizes = soft.start(rate, 3), [], np.random.default_rng(1)
    at = 0
    while at < len(samples):
        size = int(sizes.integers(1, 90))
        out, state = soft.step(state, samples[at : at + size])
        came.append(out)
        at += size
        assert sum(map(len, came)) == max(0, min(at, len(samples)) - late)
    chunked = np.concatenate(came)
    assert np.abs(chunked - whole[: len(chunked)]).max() <= 1e-9 * np.abs(samples).max()


def test_levels_are_those_of_the_undecimated_spline_transform() -> None:
    samples = background(8.0)
    padded = np.concatenate([samples, np.zeros((soft.delay_samples(RATE), 3))])
    levels, _, _ = soft._levels(soft.start(RATE, 3), padded)
    coarse = samples
    for level in range(soft.detail_levels(RATE)):
        kernel = np.zeros(4 * 2**level + 1)
        kernel[:: 2**level] = np.array([1, 4, 6, 4, 1]) / 16
        smoothed = convolve1d(coarse, kernel, axis=0, mode="constant")
        inside = slice(200, -200)
        np.testing.assert_allclose(
            levels[level][soft.delay_samples(RATE) :][inside], (coarse - smoothed)[inside], atol=1e-9
        )
        coarse = smoothed


def test_what_stays_below_the_threshold_passes_untouched() -> None:
    time_s = np.arange(round(20 * RATE)) / RATE
    rhythm = 20.0 * np.sin(2 * np.pi * 10.0 * time_s)[:, None]
    np.testing.assert_allclose(soft.clean(rhythm, RATE)[: -round(RATE)], rhythm[: -round(RATE)], atol=1e-9)
    changed = [
        ((soft.clean(x, RATE) - x) ** 2).sum() / (x**2).sum() for x in (background(seed=seed) for seed in range(5))
    ]
    assert np.mean(changed) < 0.02


def test_a_transient_is_taken_out_and_little_else() -> None:
    samples, eyes = background(), blink(12.0)
    rest = soft.clean(samples + eyes, RATE) - samples
    near = slice(round(11.7 * RATE), round(12.3 * RATE))
    assert (rest[near] ** 2).sum() < 0.15 * (np.broadcast_to(eyes, samples.shape)[near] ** 2).sum()
    far = slice(round(4 * RATE), round(10 * RATE))
    assert np.sqrt((rest[far] ** 2).mean()) < 0.15 * samples[far].std()


def test_the_noise_is_estimated_from_the_past_and_hardly_moved_by_a_transient() -> None:
    samples, eyes = background(), blink(12.0)
    before = slice(0, round(11.0 * RATE))
    np.testing.assert_array_equal(soft.clean(samples + eyes, RATE)[before], soft.clean(samples, RATE)[before])
    after = slice(round(14.0 * RATE), round(19.0 * RATE))
    moved = soft.clean(samples + eyes, RATE)[after] - soft.clean(samples, RATE)[after]
    assert np.sqrt((moved**2).mean()) < 0.05 * samples.std()


def test_channels_do_not_touch_each_other() -> None:
    samples = background()
    alone = soft.clean(samples[:, :1], RATE)
    samples[:, 1] += 5000.0 * np.random.default_rng(3).normal(size=len(samples))
    np.testing.assert_array_equal(soft.clean(samples, RATE)[:, :1], alone)
