"""What is measured of a voice: chunks and gain change nothing, pitch is found, silence stays finite."""

import itertools

import numpy as np
import pytest

from moodring.models.contract import FloatArray
from moodring.models.signals.speech.voice_frames import COLUMNS, N_COLUMNS, FrameState, frame_features
from moodring.models.signals.speech.voice_summary import (
    VOICE_NUMBERS,
    functional_weights,
    functionals,
    track_pitch,
)


def vowel(pitch_hz: FloatArray | float, seconds: float = 1.0, seed: int = 0) -> FloatArray:
    """Harmonics that fall by 1/k, with a little noise."""
    n = int(seconds * 16_000)
    phase = 2.0 * np.pi * np.cumsum(np.broadcast_to(pitch_hz, n)) / 16_000
    wave = sum(np.sin(k * phase) / k for k in range(1, 16))
    return np.asarray(0.1 * wave + 0.002 * np.random.default_rng(seed).standard_normal(n), np.float32)


def rows_of(samples: FloatArray) -> FloatArray:
    return frame_features(samples, FrameState())[0]


@pytest.mark.parametrize("sizes", [[777], [160], [16_000], [1, 5000, 639]])
def test_chunks_change_nothing(sizes: list[int]) -> None:
    samples = vowel(np.linspace(120, 260, 32_000), 2.0)
    state, parts, at = FrameState(), [], 0
    for size in itertools.cycle(sizes):
        if at >= len(samples):
            break
        rows, state = frame_features(samples[at : at + size], state)
        parts.append(rows)
        at += size
    whole = rows_of(samples)
    assert whole.shape == ((32_000 - 640) // 160 + 1, N_COLUMNS)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=2e-3, rtol=1e-4)


def test_later_samples_change_no_earlier_row() -> None:
    samples = vowel(200.0)
    np.testing.assert_allclose(rows_of(samples[:8_000]), rows_of(samples)[:47], atol=2e-3, rtol=1e-4)


def test_gain_changes_no_summary() -> None:
    samples = vowel(np.linspace(120, 260, 16_000))
    loud, quiet = functionals(rows_of(samples)), functionals(rows_of(samples * np.float32(0.02)))
    # Skewness and kurtosis of what hardly varies depend on rounding.
    assert np.mean(np.abs(loud - quiet) > 0.02 * (1.0 + np.abs(loud))) < 0.005


@pytest.mark.parametrize("pitch_hz", [90.0, 150.0, 240.0, 380.0])
def test_pitch_is_found(pitch_hz: float) -> None:
    rows = rows_of(vowel(pitch_hz))
    level = rows[:, COLUMNS["level_db"].start]
    found_hz, periodicity, chosen = track_pitch(rows, level - level.max())
    assert (chosen >= 0).mean() > 0.95
    assert np.median(found_hz) == pytest.approx(pitch_hz, rel=0.01)
    assert np.median(periodicity) > 0.9


def test_noise_is_not_voiced() -> None:
    rows = rows_of(np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * 0.1)
    level = rows[:, COLUMNS["level_db"].start]
    assert (track_pitch(rows, level - level.max())[2] >= 0).mean() < 0.2


@pytest.mark.parametrize(
    "samples", [np.zeros(16_000), np.ones(3_000), np.zeros(640), np.sign(np.sin(np.arange(9_000)))]
)
def test_a_summary_is_always_finite(samples: FloatArray) -> None:
    numbers = functionals(rows_of(samples.astype(np.float32)))
    assert numbers.shape == functional_weights().shape
    assert np.isfinite(numbers).all()


def test_too_few_samples_measure_nothing_yet() -> None:
    rows, state = frame_features(np.zeros(639, np.float32), FrameState())
    assert rows.shape == (0, N_COLUMNS)
    assert len(frame_features(np.zeros(1, np.float32), state)[0]) == 1


def test_another_measure_of_a_voice_is_another_version() -> None:
    """A sound with a melody gives these numbers; where it does not any more, raise the version and train again."""
    t = np.arange(24_000) / 16_000
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 1.3 * t)) / 16_000
    tone = sum((np.sin(k * phase) / k for k in range(1, 20)), np.zeros(24_000)) * (0.6 + 0.4 * np.sin(8 * np.pi * t))
    sound = (0.2 * tone + 0.002 * np.random.default_rng(0).standard_normal(24_000)).astype(np.float32)
    numbers = functionals(frame_features(sound, FrameState())[0])
    found = (len(numbers), numbers.mean(), numbers.std(), np.abs(numbers).max(), *numbers[::457])
    of_version = {
        1: (3655, 0.9853, 5.1351, 54.9879, -2.6533, -6.4049, 0.2568, 0.177, 0.0133, 0.182, 0.9287, 0.0083),
    }  # fmt: skip
    assert found == pytest.approx(of_version[VOICE_NUMBERS], abs=5e-3)
