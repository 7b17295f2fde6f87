import numpy as np
import pytest
from scipy.special import softmax

from moodring.offline.evaluation.intervals import Interval
from moodring.offline.evaluation.metrics import (
    accuracy,
    brier,
    conformal_sets,
    conformal_threshold,
    confusion,
    ece,
    fit_temperature,
    fit_temperature_of_winner,
    macro_f1,
    nll,
    permutation,
    score,
    uar,
)

TRUTH = np.array([0, 0, 0, 0, 1, 1, 2, 2])
SAID = np.array([0, 0, 0, 1, 1, 0, 2, 1])


def people(n_people: int, n_each: int, sharpness: float = 1.0, seed: int = 0):  # type: ignore[no-untyped-def]
    """Logits whose softmax is the true distribution at sharpness 1; people differ in how clear they are."""
    rng = np.random.default_rng(seed)
    clear = np.repeat(rng.uniform(0.3, 2.0, n_people), n_each)
    logits = rng.normal(size=(n_people * n_each, 3)) * clear[:, None]
    chance = softmax(logits, axis=1)
    truth = (rng.uniform(size=(len(chance), 1)) > chance.cumsum(axis=1)).sum(axis=1).clip(max=2)
    groups = [f"p{index:03d}" for index in np.repeat(np.arange(n_people), n_each)]
    return truth, logits * sharpness, groups


def test_by_hand() -> None:
    assert accuracy(TRUTH, SAID) == pytest.approx(5 / 8)
    assert uar(TRUTH, SAID) == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)
    assert macro_f1(TRUTH, SAID) == pytest.approx((6 / 8 + 2 / 5 + 2 / 3) / 3)
    np.testing.assert_array_equal(confusion(TRUTH, SAID, 3), [[3, 1, 0], [1, 1, 0], [0, 1, 1]])


def test_uar_counts_only_classes_that_occur() -> None:
    assert uar([0, 0, 1], [0, 2, 1]) == pytest.approx(0.75)
    assert uar([1, 1], [1, 1]) == 1.0


def test_probability_scores_by_hand() -> None:
    truth = np.array([0, 1])
    given = np.array([[0.8, 0.2], [0.6, 0.4]])
    assert nll(truth, given) == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert brier(truth, given) == pytest.approx(((0.2**2) * 2 + (0.6**2) * 2) / 2)
    assert ece(truth, given) == pytest.approx((0.2 + 0.6) / 2)
    assert np.isfinite(nll(np.array([1]), [[1.0, 0.0]]))
    assert ece(np.array([0]), [[1.0, 0.0]]) == 0.0


def test_calibrated_probabilities_have_little_ece() -> None:
    truth, logits, _ = people(50, 200)
    assert ece(truth, softmax(logits, axis=1)) < 0.02
    assert ece(truth, softmax(4 * logits, axis=1)) > 0.1


def test_permutation_keeps_the_rhythm_of_the_truth() -> None:
    truth = np.tile(np.repeat([0, 1, 2], 20), 10)
    groups = [str(i) for i in np.repeat(np.arange(10), 60)]
    perfect = permutation(uar, truth, truth, groups, seed=0, draws=50)
    constant = permutation(uar, truth, np.zeros_like(truth), groups, seed=0, draws=50)
    assert perfect.mean == pytest.approx(1 / 3, abs=0.05)
    assert perfect.p_value == pytest.approx(1 / 51)
    assert constant.mean == pytest.approx(1 / 3)
    assert constant.p_value == 1.0


def test_scores_of_a_useless_and_a_good_model() -> None:
    truth, logits, groups = people(12, 100)
    good = score(truth, softmax(logits, axis=1), groups, seed=0)
    useless = score(truth, np.tile([0.5, 0.3, 0.2], (len(truth), 1)), groups, seed=0)
    assert (good.n, good.n_groups, sum(good.class_counts)) == (1200, 12, 1200)
    assert good.uar.low > 0.4 > good.permutation.high
    assert [useless.uar.low, useless.uar.value, useless.uar.high] == pytest.approx([1 / 3] * 3)
    assert useless.majority_uar == pytest.approx(1 / 3)
    assert good.majority_accuracy == max(good.class_counts) / 1200
    assert good.confusion.sum() == 1200
    assert score(truth, softmax(logits, axis=1), groups, seed=0).uar == good.uar
    assert good.uar.value == pytest.approx(uar(truth, logits.argmax(axis=1)))


@pytest.mark.parametrize("sharpness", [0.25, 1.0, 5.0])
def test_temperature_is_found_again(sharpness: float) -> None:
    truth, logits, groups = people(40, 100, sharpness)
    assert fit_temperature(logits, truth, groups) == pytest.approx(sharpness, rel=0.1)


@pytest.mark.parametrize("sharpness", [0.5, 2.0])
def test_temperature_of_the_winner_makes_confidence_what_is_right(sharpness: float) -> None:
    truth, logits, groups = people(40, 100, sharpness)
    assert fit_temperature_of_winner(logits, truth, groups) == pytest.approx(sharpness, rel=0.15)
    # A quarter of the items are of no class that the model knows.
    unknown = np.where(np.arange(len(truth)) % 4 == 0, -1, truth)
    temperature = fit_temperature_of_winner(logits, unknown, groups)
    assert temperature > 1.2 * sharpness
    confidence = softmax(logits / temperature, axis=1).max(axis=1)
    assert confidence.mean() == pytest.approx(np.mean(logits.argmax(axis=1) == unknown), abs=0.02)


def test_temperature_counts_people_alike() -> None:
    truth, logits, groups = people(20, 50)
    index = np.concatenate([np.arange(len(truth)), np.tile(np.arange(50), 30)])
    repeated = fit_temperature(logits[index], truth[index], [groups[i] for i in index])
    assert repeated == pytest.approx(fit_temperature(logits, truth, groups), rel=1e-3)


def test_conformal_sets_cover_new_people() -> None:
    covered = []
    for seed in range(60):
        truth, logits, groups = people(30, 40, seed=seed)
        threshold = conformal_threshold(truth, softmax(logits, axis=1), groups, coverage=0.9)
        new_truth, new_logits, _ = people(20, 40, seed=1000 + seed)
        sets = conformal_sets(softmax(new_logits, axis=1), threshold)
        covered.append(sets[np.arange(len(new_truth)), new_truth].mean())
    assert 0.9 <= np.mean(covered) < 0.96


def test_few_people_can_promise_nothing() -> None:
    truth, logits, groups = people(8, 50)
    given = softmax(logits, axis=1)
    assert conformal_threshold(truth, given, groups, coverage=0.9) == 0.0
    assert conformal_sets(given, 0.0).all()
    assert conformal_threshold(truth, given, groups, coverage=0.8) > 0.0


def test_sets_are_never_empty() -> None:
    sets = conformal_sets([[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]], 0.8)
    np.testing.assert_array_equal(sets, [[True, False, False], [True, False, False]])


def test_intervals_read_well() -> None:
    assert str(Interval(0.6234, 0.58, 0.661)) == "0.62 [0.58, 0.66]"
