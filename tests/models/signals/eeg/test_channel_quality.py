import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import periodogram

from moodring.models.contract import BoolArray
from moodring.models.signals.eeg.channel_quality import band_levels, good_channels

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
