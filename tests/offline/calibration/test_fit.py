"""The fit and its judgement on made-up features: what came before predicts, what does not help is not kept."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.offline.calibration.fit import Layer, Prior, adapted
from moodring.offline.calibration.prequential import Item, heads_that_count, prequential

PRIOR = Prior(bias=0.5, log_scale=0.3, weights=0.05, balanced=True)
TRUE = Layer(4.0 * np.eye(3), np.zeros(3), 1.0)


def stretches(count: int, seed: int = 0) -> list[Item]:
    """Stretches of ten decisions whose label is one of three feature directions, in noise."""
    random = np.random.default_rng(seed)
    labels = np.concatenate([random.permutation(3) for _ in range(-(-count // 3))])[:count]
    return [Item(np.eye(3)[label] * 0.5 + random.normal(0.0, 0.3, (10, 3)), (int(label),)) for label in labels]


def loss(layer: Layer, items: list[Item]) -> float:
    return -float(np.mean([layer.log_probabilities(one.features)[:, one.classes[0]].mean() for one in items]))


def fitted(layer: Layer, items: list[Item]) -> Layer:
    return adapted(layer, [one.features for one in items], [int(one.classes[0] or 0) for one in items], PRIOR)


def test_a_bias_of_the_bundle_is_taken_back() -> None:
    biased = replace(TRUE, bias=np.array([0.0, 0.0, 1.5]))
    others = stretches(30, seed=1)
    own = fitted(biased, stretches(12))
    assert loss(own, others) < loss(biased, others) - 0.05


def test_logits_of_another_temperature_are_scaled_back() -> None:
    sure = replace(TRUE, temperature=0.3)
    own = fitted(sure, stretches(18))
    assert own.temperature > 0.4
    assert loss(own, stretches(30, seed=1)) < loss(sure, stretches(30, seed=1))


def test_one_class_alone_changes_nothing() -> None:
    alone = [one for one in stretches(12) if one.classes == (1,)]
    assert fitted(TRUE, alone) is TRUE


def test_gradient_and_loss_of_the_fit_belong_together() -> None:
    """The optimum is better than any small step away from it."""
    items = stretches(9)
    own = fitted(TRUE, items)
    rows = np.concatenate([one.features for one in items])
    for shift in np.eye(3) * 0.05:
        moved = replace(own, bias=own.bias + shift)
        penalty = (((moved.bias / moved.temperature) ** 2).sum() - ((own.bias / own.temperature) ** 2).sum()) / 0.5
        assert 9 * loss(moved, items) + penalty > 9 * loss(own, items) - 1e-3
    assert np.isfinite(own.log_probabilities(rows)).all()


def test_a_stretch_is_predicted_from_those_before_it_alone() -> None:
    biased, items = replace(TRUE, bias=np.array([0.0, 0.0, 1.5])), stretches(12)
    turned = [*items[:6], *(replace(one, features=-one.features) for one in items[6:])]
    whole, other = (prequential([biased], some, PRIOR, [0]) for some in (items, turned))
    same = [one.gain for one in whole.predictions if one.index < 6]
    assert same == [one.gain for one in other.predictions if one.index < 6]
    assert whole.predictions[0].index >= 2
    assert [one.gain for one in whole.predictions] != [one.gain for one in other.predictions]


def test_a_gain_is_kept_and_none_is_not() -> None:
    biased = replace(TRUE, bias=np.array([0.0, 0.0, 2.0]))
    assert prequential([biased], stretches(18), PRIOR, [0]).better
    assert not prequential([TRUE], stretches(18), PRIOR, [0]).better


def test_seldom_is_anything_kept_where_labels_mean_nothing() -> None:
    random, kept = np.random.default_rng(3), 0
    for seed in range(30):
        items = [replace(one, classes=(int(random.integers(3)),)) for one in stretches(12, seed)]
        uniform = Layer(np.zeros((3, 3)), np.zeros(3), 1.0)
        kept += prequential([uniform], items, PRIOR, [0]).better
    assert kept <= 6


@pytest.mark.parametrize(
    ("labels", "counts"),
    [((0, 1, 0, 1, 0, 1), True), ((0, 0, 0, 1, 1, 1), False), ((0, 0, 0, 0), False), ((0, 1, 1, 1, 1), False)],
)
def test_classes_have_to_alternate(labels: tuple[int, ...], counts: bool) -> None:
    assert bool(heads_that_count([(label,) for label in labels], 1)) == counts
