"""The mathematics of pooling: properties that any weights must have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import truncnorm

from moodring.models.fusion.circumplex import PLACES
from moodring.models.fusion.opinion_pool import (
    NOTHING,
    VoiceLevels,
    Weights,
    left_of,
    levels_of,
    pooled,
    remember,
    situation,
    slid,
    voice_share,
)
from tests.support.heads import spoken

SHARES = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3).map(lambda x: np.array(x) / sum(x))
WEIGHT = st.floats(0.0, 3.0)
LOW, HIGH = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.2, 0.7])


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_category_divides_as_a_truncated_normal_does(name: str) -> None:
    place = PLACES[name]
    found = levels_of([name, "neutral"], [1.0, 0.0])
    assert found is not None
    for row, (at, spread) in zip(
        found, ((place.valence, place.valence_sd), (place.arousal, place.arousal_sd)), strict=True
    ):
        normal = truncnorm((-1 - at) / spread, (1 - at) / spread, at, spread)
        np.testing.assert_allclose(row, np.diff(normal.cdf([-1, -1 / 3, 1 / 3, 1])), atol=1e-12)


def test_levels_are_of_the_mixture_and_lie_where_the_categories_do() -> None:
    anger, sadness = (levels_of([name], [1.0]) for name in ("anger", "sadness"))
    mixed = levels_of(["anger", "sadness"], [1.0, 3.0])
    np.testing.assert_allclose(mixed, 0.25 * anger + 0.75 * sadness)
    assert anger[0].argmax() == sadness[0].argmax() == sadness[1].argmax() == 0
    assert anger[1].argmax() == 2
    assert levels_of(["neutral"], [1.0]).argmax(axis=1).tolist() == [1, 1]


def test_a_category_without_a_place_or_nothing_probable_says_nothing() -> None:
    assert levels_of(["anger", "pride"], [0.5, 0.5]) is None
    assert levels_of(["anger", "neutral"], [0.0, 0.0]) is None


@given(SHARES, SHARES)
def test_a_weight_of_nothing_gives_the_other(felt, voice) -> None:
    np.testing.assert_allclose(pooled(Weights(1.0, 0.0), felt, voice), felt, atol=1e-6)
    np.testing.assert_allclose(pooled(Weights(0.0, 1.0), felt, voice), voice, atol=1e-6)
    assert voice_share(Weights(1.0, 0.0), LOW, HIGH) == 0.0
    assert voice_share(Weights(0.0, 1.0), LOW, HIGH) == 1.0


@given(SHARES, SHARES, WEIGHT, WEIGHT)
def test_probabilities_sum_to_one_and_sides_are_alike(felt, voice, a, b) -> None:
    ours = pooled(Weights(a, b), felt, voice)
    assert ours.sum() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(ours, pooled(Weights(b, a), voice, felt), atol=1e-6)
    share = voice_share(Weights(a, b), felt, voice)
    assert 0.0 <= share <= 1.0
    if a + b > 0.0 and max(np.ptp(felt), np.ptp(voice)) > 1e-3:
        assert share + voice_share(Weights(b, a), voice, felt) == pytest.approx(1.0)


@given(SHARES, WEIGHT)
def test_the_order_of_levels_stays_where_only_one_side_speaks(felt, weight) -> None:
    ours = pooled(Weights(weight, 2.0), felt, None)
    order = np.argsort(felt)
    assert (np.diff(ours[order]) >= -1e-6).all()
    assert voice_share(Weights(weight, 2.0), felt, None) == 0.0
    assert voice_share(Weights(2.0, weight), None, felt) == 1.0


def test_sides_that_agree_are_surer_together_and_more_weight_moves_nearer() -> None:
    assert pooled(Weights(1.0, 1.0), HIGH, HIGH)[2] > HIGH[2]
    by_weight = [pooled(Weights(1.0, weight), LOW, HIGH)[2] for weight in (0.0, 0.5, 1.0, 2.0)]
    assert (np.diff(by_weight) > 0).all()
    np.testing.assert_allclose(pooled(Weights(1.0, 1.0), LOW, HIGH), pooled(Weights(1.0, 1.0), HIGH, LOW), atol=1e-7)
    assert voice_share(Weights(1.0, 1.0), LOW, HIGH) == pytest.approx(0.5)
    assert voice_share(Weights(1.0, 3.0), LOW, HIGH) == pytest.approx(0.75)


def test_who_says_nothing_has_no_part_whatever_its_weight() -> None:
    open_ = np.full(3, 1 / 3)
    assert voice_share(Weights(0.1, 5.0), LOW, open_) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(pooled(Weights(1.0, 5.0), LOW, open_), LOW, atol=1e-6)
    prior = Weights(1.0, 1.0, (np.log(2.0), 0.0, -np.log(2.0)))
    np.testing.assert_allclose(pooled(prior, open_, open_), np.array([2.0, 1.0, 0.5]) / 3.5, atol=1e-6)


def test_certainty_does_not_silence_the_other() -> None:
    sure = np.array([1.0, 0.0, 0.0])
    assert np.isfinite(pooled(Weights(1.0, 1.0), sure, HIGH)).all()
    assert pooled(Weights(0.3, 3.0), sure, np.array([0.01, 0.01, 0.98]))[2] > 0.5


@pytest.mark.parametrize(
    ("felt", "voice", "speaks", "expected"),
    [
        (True, False, False, "quiet"),
        (True, False, True, "quiet"),
        (True, True, False, "after"),
        (True, True, True, "speaking"),
        (False, True, False, "voice_alone"),
        (False, False, False, None),
    ],
)
def test_the_situation_follows_from_who_says_something(felt, voice, speaks, expected) -> None:
    heard = VoiceLevels(np.full((2, 3), 1 / 3), 99.0) if voice else None
    assert situation(felt, heard, speaks) == expected


def test_the_newest_word_of_the_voice_is_remembered_through_silence() -> None:
    said = spoken(1.0, 2.0, ("anger", "neutral"), (0.9, 0.1), False)
    heard = remember(None, said)
    assert heard.end_s == 2.0
    assert remember(heard, None) is heard
    later = remember(heard, spoken(2.0, 3.0, ("anger", "neutral"), (0.1, 0.9), True))
    assert later.end_s == 3.0
    assert later.levels[1, 1] > heard.levels[1, 1]
    assert remember(None, None) is None


def test_the_voice_halves_with_every_half_life() -> None:
    np.testing.assert_allclose(left_of([-0.1, 0.0, 3.0, 6.0], 3.0), [1.0, 1.0, 0.5, 0.25])
    unheard = Weights(1.0, 0.0)
    shares = [
        voice_share(slid(Weights(1.0, 1.0), unheard, float(left_of(age_s, 2.0))), LOW, HIGH)
        for age_s in (0.0, 2.0, 4.0, 8.0)
    ]
    np.testing.assert_allclose(shares, [1 / 2, 1 / 3, 1 / 5, 1 / 17], atol=1e-9)


@given(SHARES, SHARES, st.floats(0.0, 1.0))
def test_fading_ends_where_nothing_was_heard_and_never_jumps(felt, voice, left) -> None:
    now, unheard = Weights(0.5, 1.5, (0.2, 0.0, -0.2), 0.3), Weights(1.2, 0.0, (-0.1, 0.1, 0.0), 0.2)
    assert slid(now, unheard, 1.0) == now
    np.testing.assert_allclose(pooled(slid(now, unheard, 0.0), felt, voice), pooled(unheard, felt, None), atol=1e-6)
    here, beside = (pooled(slid(now, unheard, x), felt, voice) for x in (left, max(left - 1e-4, 0.0)))
    np.testing.assert_allclose(here, beside, atol=3e-3)
    np.testing.assert_allclose(pooled(slid(now, NOTHING, 0.0), None, voice), np.full(3, 1 / 3), atol=1e-6)
