import numpy as np
import pytest

from moodring.models.contract import EegWindow
from moodring.models.signals.eeg.band_covariance import Reference, among, band_covariances, log_power, tangent
from moodring.models.signals.eeg.electrodes import interpolation

NAMES = ("Fp1", "Fp2", "C3", "C4", "O1", "O2", "EOG")
ELECTRODES = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")
BANDS = ((4.0, 8.0), (8.0, 13.0))


def _window(seed=0, good=None, rate_hz=128.0, gain=1.0):
    random = np.random.default_rng(seed)
    n = round(2 * rate_hz)
    mixing = np.random.default_rng(99).normal(0, 1, (7, 7))
    x = gain * (random.normal(0, 5, (n, 7)) @ mixing)
    x[:, 4] += 30 * np.sin(2 * np.pi * 10 * np.arange(n) / rate_hz)
    usable = np.array([True] * 6 + [False]) if good is None else np.array(good)
    return EegWindow(x.astype(np.float32), rate_hz, NAMES, usable, 2.0)


def test_a_rhythm_is_in_its_band_at_its_electrode():
    power = log_power(band_covariances(_window(), ELECTRODES, BANDS))
    assert power[1].argmax() == 4
    assert power[1, 4] - power[0, 4] > 0.5


def test_covariances_are_symmetric_and_without_the_reference():
    found = band_covariances(_window(), ELECTRODES, BANDS)
    np.testing.assert_allclose(found, np.swapaxes(found, 1, 2))
    np.testing.assert_allclose(among(found, range(6)), found, rtol=0.05, atol=0.05 * found.max())
    assert np.abs(among(found, range(6)).sum(axis=1)).max() < 1e-6 * found.max()


def test_rest_becomes_the_origin_and_gain_does_not_matter():
    rest = np.stack([band_covariances(_window(seed), ELECTRODES, BANDS) for seed in range(40)])
    reference = Reference.of(rest)
    relative = tangent(rest, reference)
    assert np.abs(relative.mean(axis=0)).max() < 0.35 * relative.std()
    louder = np.stack([band_covariances(_window(seed, gain=3.0), ELECTRODES, BANDS) for seed in range(40)])
    np.testing.assert_allclose(tangent(9 * rest, Reference.of(9 * rest)), relative, atol=1e-9)
    assert louder.shape == rest.shape


def test_a_reference_grows_window_by_window():
    rest = np.stack([band_covariances(_window(seed), ELECTRODES, BANDS) for seed in range(5)])
    growing = Reference.empty(2, 6)
    for one in rest:
        growing = growing.with_window(one)
    np.testing.assert_allclose(growing.log, Reference.of(rest).log, atol=1e-12)
    assert growing.windows == 5


def test_electrodes_that_are_there_are_taken_and_others_come_from_their_neighbours():
    good = np.array([True] * 6 + [False])
    weights = interpolation(NAMES, good, (*ELECTRODES, "Pz"))
    np.testing.assert_array_equal(weights[:6, :6], np.eye(6))
    assert not weights[6].any()
    assert weights[[4, 5], 6].sum() > 3 * abs(weights[[0, 1], 6].sum())


def test_a_bad_channel_changes_only_its_own_electrode():
    whole, without = (interpolation(NAMES, np.array(good), ELECTRODES)
                      for good in ([True] * 6 + [False], [True] * 4 + [False, True, False]))  # fmt: skip
    assert (whole != without).any(axis=0).tolist() == [False, False, False, False, True, False]
    assert not without[4].any()


def test_montages_with_other_names_or_order_give_the_same():
    window = _window()
    order = [5, 4, 3, 2, 1, 0, 6]
    renamed = EegWindow(window.samples_uv[:, order], 128.0, tuple(f"EEG {NAMES[i]}-REF" for i in order),
                        window.good[order], 2.0)  # fmt: skip
    np.testing.assert_allclose(
        band_covariances(renamed, ELECTRODES, BANDS), band_covariances(window, ELECTRODES, BANDS), rtol=1e-5
    )


def test_without_a_good_channel_everything_stays_finite():
    found = band_covariances(_window(good=[False] * 7), ELECTRODES, BANDS)
    assert np.isfinite(tangent(found[None], Reference.of(found[None]))).all()
    assert pytest.approx(0.0) == found.max()
