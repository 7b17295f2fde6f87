"""The axis of exported files: holes, drift, and what lies before the first sample."""

import numpy as np

from moodring.models.contract import Recording, Signal
from moodring.offline.export.time_axis import axis_of, even_samples

RATE_HZ = 256.0


def signal(stamps_s: np.ndarray) -> Signal:
    return Signal(np.zeros((len(stamps_s), 2), np.float32), stamps_s, RATE_HZ, ("Fp1", "Fp2"), "amplifier")


def test_samples_that_never_came_leave_as_many_rows() -> None:
    stamps_s = 100.0 + np.arange(2560) / RATE_HZ
    kept = np.concatenate([np.arange(1000), np.arange(1512, 2560)])
    even = even_samples(signal(stamps_s[kept]))
    assert even.holes == [(1000, 1512)]
    np.testing.assert_array_equal(even.rows, kept)
    axis = even.axis()
    np.testing.assert_allclose(axis.of(stamps_s), np.arange(2560) / RATE_HZ, atol=1e-6)
    np.testing.assert_allclose(axis.clock_of(axis.of(stamps_s)), stamps_s, atol=1e-6)


def test_a_second_stays_a_second_outside_the_file() -> None:
    axis = even_samples(signal(100.0 + np.arange(256) / RATE_HZ)).axis()
    assert axis.at(98.5) == -1.5
    np.testing.assert_allclose(axis.at(103.0), 3.0, atol=1e-6)


def test_a_drifting_amplifier_stays_in_step_with_what_is_beside_it() -> None:
    seconds, drift = 600.0, 200e-6
    stamps_s = 50.0 + np.arange(round(seconds * RATE_HZ)) / RATE_HZ * (1 + drift)
    axis = even_samples(signal(stamps_s)).axis()
    # A flash at the moment of a sample is in the row of that sample, though 0.12 s of drift have come together.
    for row in (0, 40_000, 153_000):
        np.testing.assert_allclose(axis.at(float(stamps_s[row])), row / RATE_HZ, atol=0.2 / RATE_HZ)


def test_without_eeg_the_first_sample_of_anything_is_zero() -> None:
    speech = Signal(np.zeros((16_000, 1), np.float32), 7.5 + np.arange(16_000) / 16_000, 16_000.0, ("audio",), "m")
    recording = Recording("one", "P1", "live", 8.0, 0.0, None, None, speech, None)
    axis = axis_of(recording, None)
    assert (axis.at(7.5), axis.at(8.0), axis.at(7.0)) == (0.0, 0.5, -0.5)
