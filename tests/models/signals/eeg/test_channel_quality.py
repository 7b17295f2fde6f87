import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import periodogram

from moodring.models.contract import BoolArray
from moodring.models.signals.eeg.channel_quality import (
    BRIDGED,
    COMMON,
    FLAT,
    LINE,
    band_levels,
    channel_faults,
    good_channels,
    in_words,
)
from moodring.models.signals.eeg.montage import scalp_channels
from moodring.offline.recordings.eeg_files import read_eeg_file

RATE = 256
TIME_S = np.arange(RATE) / RATE


@pytest.fixture
def second() -> NDArray[np.float64]:
    rng = np.random.default_rng(4)
    return rng.normal(scale=12, size=(RATE, 10)) + rng.normal(scale=5000, size=10)


def bad_channels(second: NDArray[np.float64], was_good: BoolArray | None = None) -> list[int]:
    everyone = np.ones(second.shape[1], dtype=np.bool_)
    good = good_channels(second, everyone, everyone if was_good is None else was_good, RATE, 50.0)
    return np.flatnonzero(~good).tolist()


def test_ordinary_channels_are_good(second: NDArray[np.float64]) -> None:
    assert bad_channels(second) == []


def test_mains_in_all_channels_is_no_reason(second: NDArray[np.float64]) -> None:
    assert bad_channels(second + 200 * np.sin(2 * np.pi * 50 * TIME_S)[:, None]) == []


def test_blinks_are_no_reason(second: NDArray[np.float64]) -> None:
    second[:, :2] += 250 * np.exp(-(((TIME_S - 0.5) / 0.08) ** 2))[:, None]
    assert bad_channels(second) == []


def test_slow_drift_is_no_reason(second: NDArray[np.float64]) -> None:
    second[:, 3] += 400 * TIME_S
    assert bad_channels(second) == []


@pytest.mark.parametrize(
    "trouble",
    [
        lambda x: np.full_like(x, 17.0),
        lambda x: 0.001 * (x - x.mean()),
        lambda x: np.where(TIME_S > 0.5, 187_500.0, x),
        lambda x: np.clip(x, x.mean() - 8, x.mean() + 8),
        lambda x: x + 20_000 * TIME_S,
        lambda x: x + 9_000 * (TIME_S > 0.3),
        lambda x: x.mean() + 40 * (x - x.mean()),
        lambda x: x + 500 * np.sin(2 * np.pi * 50 * TIME_S),
        lambda x: np.where(np.arange(RATE) == 100, np.nan, x),
    ],
    ids=["constant", "shorted", "railed", "clipped", "running away", "jump", "loud", "line noise", "nan"],
)
def test_trouble_is_found(second: NDArray[np.float64], trouble) -> None:  # type: ignore[no-untyped-def]
    second[:, 6] = trouble(second[:, 6])
    assert bad_channels(second) == [6]


def test_a_channel_comes_back_later_than_it_goes(second: NDArray[np.float64]) -> None:
    second[:, 6] += 40 * np.sin(2 * np.pi * 50 * TIME_S)
    assert bad_channels(second) == []
    was_good = np.ones(10, dtype=np.bool_)
    was_good[6] = False
    assert bad_channels(second, was_good) == [6]


def test_the_unwanted_do_not_set_the_measure(second: NDArray[np.float64]) -> None:
    second[:, 4:] = 20 * (second[:, 4:] - second[:, 4:].mean(axis=0))
    second[:, 0] = 18 * (second[:, 0] - second[:, 0].mean())
    wanted = np.arange(10) < 4
    assert not good_channels(second, wanted, wanted, RATE, None)[0]
    assert good_channels(second, ~wanted, wanted, RATE, None)[0]


@pytest.mark.parametrize("line_hz", [50.0, None])
def test_levels_are_those_of_the_detrended_spectrum(second: NDArray[np.float64], line_hz: float | None) -> None:
    second += np.linspace(0, 300, RATE)[:, None] + 30 * np.sin(2 * np.pi * 50 * TIME_S + 1)[:, None]
    frequency, power = periodogram(second, RATE, "hann", detrend="linear", axis=0)
    width_hz = frequency[1]
    at_line = np.abs(frequency - 50.0) <= 2.0
    in_band = (frequency >= 1.0) & (frequency <= 45.0)
    band_uv, line_uv = band_levels(second, RATE, line_hz)
    np.testing.assert_allclose(band_uv, np.sqrt(power[in_band].sum(axis=0) * width_hz), rtol=1e-9)
    expected = np.sqrt(power[at_line].sum(axis=0) * width_hz) if line_hz else np.zeros(10)
    np.testing.assert_allclose(line_uv, expected, rtol=1e-9)


def faults_of(second: NDArray[np.float64]) -> tuple[str, ...]:
    everyone = np.ones(second.shape[1], dtype=np.bool_)
    return channel_faults(second, everyone, everyone, RATE, 50.0)


@pytest.mark.parametrize("size_uv", [1.0, 8.0, 25.0])
def test_channels_that_share_one_signal_are_all_out(size_uv: float) -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(size=(RATE, 1))
    second = size_uv * (np.sqrt(0.99) * common + np.sqrt(0.01) * rng.normal(size=(RATE, 8)))
    assert np.corrcoef(second.T).min() > 0.98
    assert faults_of(second) == (COMMON,) * 8


def test_a_moving_reference_is_no_common_signal(second: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(5)
    assert bad_channels(second + rng.normal(0, 60, (RATE, 1))) == []


def test_of_bridged_channels_one_stays(second: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(2)
    for channel in (3, 7):
        second[:, channel] = second[:, 1] + rng.normal(0, 0.2, RATE) + channel
    assert bad_channels(second) == [3, 7]
    assert faults_of(second)[3] == BRIDGED


def test_nothing_but_mains_in_every_channel_is_no_eeg() -> None:
    rng = np.random.default_rng(3)
    size = rng.uniform(150, 400, 8)
    second = size * np.sin(2 * np.pi * 50 * TIME_S)[:, None] + rng.normal(0, 1.0, (RATE, 8))
    assert faults_of(second) == (LINE,) * 8


def test_next_to_nothing_in_every_channel_is_flat() -> None:
    second = np.random.default_rng(4).normal(0, 0.1, (RATE, 8))
    assert faults_of(second) == (FLAT,) * 8
    assert in_words(faults_of(second)) == "8 of 8 channels are flat"


@pytest.mark.data
def test_real_eeg_has_none_of_this(data_dir) -> None:  # type: ignore[no-untyped-def]
    eeg = read_eeg_file(data_dir / "eegmat" / "sub-05_rest.edf").eeg
    assert eeg is not None
    wanted = scalp_channels(eeg.channel_names)
    rate = round(eeg.rate_hz)
    found = [
        channel_faults(eeg.samples[at : at + rate].astype(np.float64), wanted, wanted, rate, 50.0)
        for at in range(0, 40 * rate, rate)
    ]
    assert not any(fault for faults in found for fault, one in zip(faults, wanted, strict=True) if one)
