import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from moodring.models.contract import EegWindow
from moodring.models.signals.eeg.band_power import (
    FLOOR_UV2,
    BandPrior,
    RestBaseline,
    add_window,
    clip_artifacts,
    log_band_power,
    shrunken_mean,
)

RATE = 256
NAMES = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")
TIME_S = np.arange(RATE) / RATE


def background(seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(size=(8 * RATE, len(NAMES))), axis=0)
    return 3.0 * sosfilt(butter(2, (1, 45), "bandpass", fs=RATE, output="sos"), walk, axis=0)[-RATE:]


def window(samples: NDArray[np.float64], rate_hz: float = RATE) -> EegWindow:
    good = np.ones(samples.shape[1], dtype=np.bool_)
    return EegWindow(samples.astype(np.float32), rate_hz, NAMES[: samples.shape[1]], good, 0.0)


@pytest.mark.parametrize(("hz", "band"), [(6, 0), (10, 1), (20, 2)])
@pytest.mark.parametrize("rate", [128, 250, 256, 512])
def test_a_sine_has_its_power_in_its_band(hz: float, band: int, rate: int) -> None:
    time_s = np.arange(rate) / rate
    samples = np.tile(20 * np.sin(2 * np.pi * hz * time_s + 0.4)[:, None], (1, 2))
    power = log_band_power(window(samples, rate))
    assert power.shape == (2, 3)
    assert power.dtype == np.float32
    assert power[0, band] == pytest.approx(np.log10(20**2 / 2), abs=0.1)
    assert power[0, band] > np.delete(power[0], band).max() + 1


def test_doubling_the_signal_adds_its_logarithm() -> None:
    samples = background()
    np.testing.assert_allclose(
        log_band_power(window(2 * samples)) - log_band_power(window(samples)), 2 * np.log10(2), atol=1e-3
    )


def test_bad_channels_are_nan_and_silence_is_the_floor() -> None:
    quiet = window(np.zeros((RATE, len(NAMES))))
    good = np.array([True, False, True, True, True, True])
    power = log_band_power(EegWindow(quiet.samples_uv, RATE, NAMES, good, 0.0))
    assert np.isnan(power[1]).all()
    np.testing.assert_allclose(power[good], np.log10(FLOOR_UV2))


def test_background_passes_nearly_unchanged() -> None:
    changed = []
    for seed in range(20):
        samples = background(seed)
        changed.append(((clip_artifacts(samples, RATE) - samples) ** 2).sum() / (samples**2).sum())
    assert np.mean(changed) < 0.05


def test_a_blink_loses_most_of_its_power() -> None:
    blink = 250 * np.exp(-(((TIME_S - 0.6) / 0.06) ** 2))
    rises, kept = [], []
    for seed in range(10):
        samples = background(seed)
        clean = log_band_power(window(samples))[:, 0]
        spoilt = log_band_power(window(samples + blink[:, None]))[:, 0]
        hann = np.hanning(RATE)[:, None]
        raw = [
            np.log10((np.abs(np.fft.rfft(x * hann, axis=0)[4:8]) ** 2).sum(axis=0))
            for x in (samples, samples + blink[:, None])
        ]
        rises.append((raw[1] - raw[0]).mean())
        kept.append((spoilt - clean).mean())
    assert np.mean(rises) > 1.5
    assert np.mean(kept) < 0.6 * np.mean(rises)


@pytest.mark.parametrize("n_times", [1, 5, 30, 255])
def test_odd_lengths_pass(n_times: int) -> None:
    assert np.isfinite(log_band_power(window(background()[:n_times]))).all()


def test_baseline_is_the_mean_of_good_windows() -> None:
    rng = np.random.default_rng(1)
    rest = rng.normal(1.0, 0.2, size=(500, len(NAMES), 3)).astype(np.float32)
    rest[::2, 1] = np.nan
    baseline = RestBaseline.empty(NAMES)
    for power in rest:
        baseline = add_window(baseline, power)
    assert baseline.windows == 500
    assert baseline.count.tolist() == [500, 250, 500, 500, 500, 500]
    np.testing.assert_allclose(shrunken_mean(baseline, np.zeros(3)), np.nanmean(rest, axis=0), atol=0.02)


def test_baseline_of_nobody_is_the_population() -> None:
    prior = np.array([1.2, 0.9, 0.5])
    assert RestBaseline.empty(NAMES).windows == 0
    np.testing.assert_allclose(shrunken_mean(RestBaseline.empty(NAMES), prior), np.tile(prior, (6, 1)), atol=1e-6)


def test_few_windows_move_part_of_the_way() -> None:
    baseline, estimates = RestBaseline.empty(NAMES), []
    for _ in range(20):
        baseline = add_window(baseline, np.full((6, 3), 2.0, np.float32))
        estimates.append(float(shrunken_mean(baseline, np.zeros(3))[0, 0]))
    assert 0.0 < estimates[0] < 1.0
    assert estimates == sorted(estimates)
    assert estimates[-1] > 1.9


def test_a_channel_never_good_at_rest_follows_the_person() -> None:
    baseline = RestBaseline.empty(NAMES)
    for _ in range(60):
        power = np.full((6, 3), 2.0, np.float32)
        power[4] = np.nan
        baseline = add_window(baseline, power)
    assert shrunken_mean(baseline, np.full(3, 1.0))[4] == pytest.approx(np.full(3, 2.0), abs=0.1)


def test_prior_knows_electrodes_by_any_of_their_names() -> None:
    prior = BandPrior(np.array([1.0, 1.0, 1.0]), ("O1", "T7"), np.array([[1.0, 2.0, 1.0], [1.0, 0.5, 1.0]]))
    np.testing.assert_array_equal(prior.at(("EEG O1-REF", "T3", "Cz", "GSR"))[:, 1], [2.0, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(BandPrior(np.array([3.0, 2.0, 1.0])).at(("Cz",)), [[3.0, 2.0, 1.0]])
