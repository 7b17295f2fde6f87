"""The fit of a gate on features."""

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.training.common.domain_gate import distances, fit_gate, recent_means, with_limit


def test_the_distribution_is_found_though_features_are_missing() -> None:
    rng = np.random.default_rng(0)
    mixing, mean = np.tril(rng.normal(size=(6, 6))) + 2.0 * np.eye(6), np.arange(6.0)
    recordings = []
    for number in range(300):
        rows = mean + rng.normal(size=(20, 6)) @ mixing.T
        rows[:, number % 6] = np.nan
        recordings.append(rows)
    gate = fit_gate(recordings)
    assert gate.mean == pytest.approx(mean, abs=0.4)
    assert np.abs(gate.covariance - mixing @ mixing.T).max() < 0.15 * np.abs(mixing @ mixing.T).max()
    others = mean + rng.normal(size=(2000, 6)) @ mixing.T
    found = distances(gate, others)
    judged = with_limit(gate, [found], 0.995)
    assert judged is not None
    limit = judged.limit
    assert 1.5 < limit < 2.2
    assert np.mean(found > limit) == pytest.approx(0.005, abs=0.001)
    assert distances(gate, mean[None] + 30.0)[0] > limit


def test_people_too_far_apart_have_no_limit() -> None:
    gate = fit_gate([np.random.default_rng(1).normal(size=(400, 5))])
    assert with_limit(gate, [np.array([1.0, 1e6])], 0.995) is None
    assert with_limit(gate, [np.full(3, np.nan)], 0.995) is None


def test_recent_means_begin_after_a_half_life() -> None:
    assert recent_means(np.zeros((9, 2))).shape == (0, 2)
    assert recent_means(np.zeros((12, 2))).shape == (3, 2)


def test_an_electrode_that_was_never_good_says_nothing() -> None:
    rows = np.random.default_rng(2).normal(size=(400, 5))
    rows[:, 4] = np.nan
    gate = fit_gate([rows])
    assert gate.distance(np.array([0.0, 0.0, 0.0, 0.0, 50.0])) == pytest.approx(0.0, abs=0.2)


def test_no_eeg_at_all_is_refused() -> None:
    with pytest.raises(MoodringError, match="needs at least 5 s of good EEG"):
        fit_gate([np.full((40, 3), np.nan)])
