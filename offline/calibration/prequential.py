"""What adapting is worth: each labelled stretch predicted from those before it, adapted and not (Dawid 1984)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evaluation.intervals import Interval, mean_over_people
from ..evaluation.metrics import uar
from .fit import LEAST_CLASSES, Layer, Prior, adapted

Array = NDArray[np.float64]
Labels = tuple[int | None, ...]
LEVEL = 0.9


@dataclass(frozen=True)
class Item:
    """A labelled stretch as the last layer read it.

    Attributes
    ----------
    features : (n_decisions, n_features) float64
        At least one decision.
    classes : tuple of int or None
        The label of each head.
    """

    features: Array
    classes: Labels


@dataclass(frozen=True)
class Prediction:
    """A stretch predicted from those before it.

    Attributes
    ----------
    index : int
        Of the stretch.
    gain : float
        By how much the log loss of a decision fell, in nats, mean over decisions and heads.
    truth, said, said_before : tuple of int
        For each head that counts: label, answer of the adapted layer and of the bundle's, on the whole stretch.
    """

    index: int
    gain: float
    truth: tuple[int, ...]
    said: tuple[int, ...]
    said_before: tuple[int, ...]


@dataclass(frozen=True)
class Worth:
    """The gain over the stretches that were predicted.

    Attributes
    ----------
    predictions : tuple of Prediction
    gain : Interval
        Mean fall of the log loss with its 90 % t interval over stretches.
    uar, uar_before : float
        Of whole stretches, all heads that count together; NaN where there is none.
    """

    predictions: tuple[Prediction, ...]
    gain: Interval
    uar: float
    uar_before: float

    @property
    def better(self) -> bool:
        """Whether the whole interval lies above zero."""
        return bool(self.gain.low > 0.0)


def heads_that_count(labels: Sequence[Labels], n_heads: int) -> list[int]:
    """Return the heads whose labels alternate enough: two classes among the stretches that can be predicted."""
    found = []
    for head in range(n_heads):
        seen: set[int] = set()
        tested: set[int] = set()
        for label in (one[head] for one in labels):
            if label is None:
                continue
            if len(seen) >= LEAST_CLASSES:
                tested.add(label)
            seen.add(label)
        if len(tested) >= LEAST_CLASSES:
            found.append(head)
    return found


def fit_heads(layers: Sequence[Layer], items: Sequence[Item], prior: Prior, counting: Sequence[int]) -> list[Layer]:
    """Return every head's layer adapted to some stretches; those that do not count stay the bundle's."""
    found = list(layers)
    for head in counting:
        labelled = [(item.features, label) for item in items if (label := item.classes[head]) is not None]
        found[head] = adapted(layers[head], [one for one, _ in labelled], [label for _, label in labelled], prior)
    return found


def prequential(layers: Sequence[Layer], items: Sequence[Item], prior: Prior, counting: Sequence[int]) -> Worth:
    """Predict each stretch by the layers adapted to those before it, and compare with the bundle's own.

    A stretch counts for a head once two classes came before it.

    Parameters
    ----------
    layers : sequence of Layer
        The bundle's, one per head.
    items : sequence of Item
        In order of time.
    prior : Prior
    counting : sequence of int
        See :func:`heads_that_count`.
    """
    predictions = []
    for index, item in enumerate(items):
        earlier = items[:index]
        ready = [
            head
            for head in counting
            if item.classes[head] is not None
            and len({one.classes[head] for one in earlier if one.classes[head] is not None}) >= LEAST_CLASSES
        ]
        if ready:
            fitted = fit_heads(layers, earlier, prior, ready)
            predictions.append(_predicted(index, item, layers, fitted, ready))
    gains = [one.gain for one in predictions]
    over = mean_over_people(gains, LEVEL) if gains else Interval(np.nan, np.nan, np.nan)
    return Worth(tuple(predictions), over, _uar(predictions, "said"), _uar(predictions, "said_before"))


def _predicted(
    index: int, item: Item, before: Sequence[Layer], after: Sequence[Layer], ready: Sequence[int]
) -> Prediction:
    gains, truth, said, said_before = [], [], [], []
    for head in ready:
        label = item.classes[head]
        if label is None:
            raise ValueError(f"stretch {index} has no label for head {head}")
        old, new = before[head].log_probabilities(item.features), after[head].log_probabilities(item.features)
        gains.append(float((new[:, label] - old[:, label]).mean()))
        truth.append(label)
        said.append(int(new.mean(axis=0).argmax()))
        said_before.append(int(old.mean(axis=0).argmax()))
    return Prediction(index, float(np.mean(gains)), tuple(truth), tuple(said), tuple(said_before))


def _uar(predictions: Sequence[Prediction], which: str) -> float:
    truth = [label for one in predictions for label in one.truth]
    answers = [answer for one in predictions for answer in getattr(one, which)]
    return uar(truth, answers) if truth else float("nan")
