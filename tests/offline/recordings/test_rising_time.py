"""A recording whose stamps jump, on a time that rises."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.models.contract import Arrivals
from moodring.offline.recordings.monotonic_time import on_rising_time, rising_stamps

RATE_HZ = 250.0


def arrivals_of(true_s, chunk):
    """Chunks of so many samples that arrive 10 ms after their last."""
    stop = np.arange(chunk, len(true_s) + 1, chunk)
    none = np.zeros(len(stop), np.bool_)
    return Arrivals(stop, true_s[stop - 1] + 0.01, none, none.astype(np.int64), RATE_HZ)


@pytest.mark.parametrize("jump_s", [10.0, -10.0, -1e6, 1e9])
def test_a_clock_that_jumped_is_corrected(jump_s):
    true_s = 100.0 + np.arange(1000) / RATE_HZ
    stamps_s = true_s + np.where(np.arange(1000) >= 504, jump_s, 0.0)
    kept, rising_s = rising_stamps(stamps_s, arrivals_of(true_s, 8))
    assert kept.tolist() == list(range(1000))
    np.testing.assert_allclose(rising_s, true_s, atol=1e-6)


def test_a_gap_stays_a_gap_and_stamps_that_are_no_numbers_are_left_out():
    true_s = 100.0 + np.arange(1000) / RATE_HZ + np.where(np.arange(1000) >= 504, 3.0, 0.0)
    stamps_s = true_s.copy()
    stamps_s[[20, 21]] = np.nan
    kept, rising_s = rising_stamps(stamps_s, arrivals_of(true_s, 8))
    assert kept.tolist() == [*range(20), *range(22, 1000)]
    np.testing.assert_allclose(rising_s, np.delete(true_s, [20, 21]), atol=1e-9)


def test_jitter_is_raised_and_late_samples_are_left_out():
    true_s = 100.0 + np.arange(80) / RATE_HZ
    stamps_s = true_s.copy()
    stamps_s[30] -= 0.015
    stamps_s[40:48] -= 0.2
    kept, rising_s = rising_stamps(stamps_s, arrivals_of(true_s, 8))
    assert kept.tolist() == [*range(40), *range(48, 80)]
    assert rising_s[30] == true_s[29]
    assert (np.diff(rising_s) >= 0).all()


def test_frames_follow_their_stamps_and_what_has_no_arrivals_is_as_it_was(fake_recording):
    recording = fake_recording(1.0)
    face = recording.face
    stamps_s = face.stamps_s.copy()
    stamps_s[5] = np.nan
    stamps_s[9] = stamps_s[8]
    count = len(stamps_s)
    arrivals = Arrivals(
        np.arange(1, count + 1), face.stamps_s + 0.01, np.zeros(count, np.bool_), np.zeros(count, np.int64), 25.0
    )
    again = on_rising_time(replace(recording, face=replace(face, stamps_s=stamps_s, arrivals=arrivals)))
    kept = [index for index in range(count) if index not in (5, 9)]
    np.testing.assert_allclose(again.face.stamps_s, face.stamps_s[kept])
    for index, number in enumerate(kept):
        np.testing.assert_array_equal(again.face.frames[index], face.frames[number])
    assert again.eeg is recording.eeg
    assert again.speech is recording.speech
