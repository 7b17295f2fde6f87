"""Intervals over people: how often they hold the truth, and what they count."""

import numpy as np
import pytest
from scipy import stats

from moodring.offline.evaluation.intervals import mean_over_people, over_groups, paired_difference


def test_ten_skewed_people_are_covered_near_nominal_where_the_percentile_bootstrap_is_not() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.gamma(3.0, size=(3000, 10))
    held = [(got := mean_over_people(people)).low <= 3.0 <= got.high for people in drawn]
    assert 0.92 <= np.mean(held) <= 0.97

    percentile = stats.bootstrap(
        (drawn[:1500],), np.mean, axis=1, vectorized=True, n_resamples=400, method="percentile", random_state=rng
    ).confidence_interval
    assert np.mean((percentile.low <= 3.0) & (percentile.high >= 3.0)) < 0.90


def test_a_paired_difference_is_surer_than_two_figures_apart() -> None:
    rng = np.random.default_rng(1)
    person = rng.normal(0.6, 0.1, 40)
    better, worse = person + 0.02 + rng.normal(0, 0.01, 40), person
    gain = paired_difference(better, worse)
    assert gain.low > 0.0
    assert gain.value == pytest.approx(np.mean(better) - np.mean(worse))
    assert mean_over_people(worse).high > mean_over_people(better).low
    with pytest.raises(ValueError, match="same people"):
        paired_difference(better, worse[1:])


def test_people_count_not_windows() -> None:
    rng = np.random.default_rng(0)
    hit_rate = rng.uniform(0.2, 1.0, 10)
    hits = (rng.uniform(size=(10, 300)) < hit_rate[:, None]).ravel().astype(float)
    by_person = over_groups(lambda index: float(hits[index].mean()), [str(i) for i in np.repeat(np.arange(10), 300)])
    by_window = over_groups(lambda index: float(hits[index].mean()), [str(i) for i in range(3000)])
    assert by_person.value == pytest.approx(hits.mean())
    assert by_person.high - by_person.low > 4 * (by_window.high - by_window.low)
    means = mean_over_people(hits.reshape(10, 300).mean(axis=1))
    assert [means.value, means.low, means.high] == pytest.approx([by_person.value, by_person.low, by_person.high])


def test_one_person_leaves_the_interval_unknown() -> None:
    for got in (mean_over_people([0.5]), over_groups(lambda index: 0.5, ["a", "a"])):
        assert got.value == 0.5
        assert np.isnan(got.low)
        assert np.isnan(got.high)
