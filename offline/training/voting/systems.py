"""The systems of the paper on features of all listeners: each says classes, with all listeners and without each."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ....models.networks.voting import VotingNetwork

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class FoldFeatures:
    """Features of one fold.

    Attributes
    ----------
    train : (n_listeners, n_train, n_features) float32
        Each item's by the networks that did not learn its inner fold.
    labels : (n_train,) int64
    inner : (n_train,) int64
        The inner fold of each.
    test : (n_networks, n_listeners, n_test, n_features) float32
        By each of these networks; what a system says of an item is the mean of what it says of each.
    learned : (n_listeners, n_train, n_features) float32
        By networks that learned all training items.
    test_learned : (1, n_listeners, n_test, n_features) float32
        By the same.
    """

    train: FloatArray
    labels: IntArray
    inner: IntArray
    test: FloatArray
    learned: FloatArray
    test_learned: FloatArray

    def as_learned(self) -> "FoldFeatures":
        """Return the fold as the paper has it: training features of networks that learned these very items."""
        return replace(self, train=self.learned, test=self.test_learned)


def average(fold: FoldFeatures, penalty: float) -> IntArray:
    """Return the classes of the mean features of all listeners by a linear support vector machine.

    Returns
    -------
    (1 + n_listeners, n_test) int64
        With all listeners, then without each of them.
    """
    classifier = _svm(fold.train.mean(axis=0), fold.labels, penalty)
    n_listeners = fold.test.shape[1]
    total = fold.test.sum(axis=1)
    means = [total / n_listeners, *((total - one) / (n_listeners - 1) for one in fold.test.swapaxes(0, 1))]
    return np.stack([_mean_scores(classifier, one).argmax(axis=1) for one in means])


def decisions(fold: FoldFeatures, penalty: float) -> Array:
    """Return the scores of each listener's own support vector machine, ``(n_listeners, n_test, n_classes)``."""
    return np.stack(
        [
            _mean_scores(_svm(train, fold.labels, penalty), test)
            for train, test in zip(fold.train, fold.test.swapaxes(0, 1), strict=True)
        ]
    )


def inner_recalls(fold: FoldFeatures, penalty: float) -> Array:
    """Return how often each listener's support vector machine is right on inner folds that it did not learn.

    Returns
    -------
    (n_listeners,) float64
        Balanced accuracy less chance, at least 0.
    """
    n_classes = fold.labels.max() + 1
    found = np.zeros(len(fold.train))
    for number, features in enumerate(fold.train):
        said = np.empty_like(fold.labels)
        for inner in np.unique(fold.inner):
            held = fold.inner == inner
            said[held] = _svm(features[~held], fold.labels[~held], penalty).predict(features[held])
        recalls = [np.mean(said[fold.labels == one] == one) for one in range(n_classes)]
        found[number] = max(0.0, float(np.mean(recalls)) - 1.0 / n_classes)
    return found


def voted(scores: Array, weights: Array | None = None) -> IntArray:
    """Return the class of the largest summed score, ``(1 + n_listeners, n_test)``: of all, then without each."""
    weighted = scores if weights is None else scores * weights[:, None, None]
    total = weighted.sum(axis=0)
    return np.stack([total.argmax(axis=1), *((total - one).argmax(axis=1) for one in weighted)])


def network_classes(network: VotingNetwork, features: FloatArray) -> IntArray:
    """Return the class of a voting network, ``(1 + n_listeners, n_test)``: all, then without the votes of each.

    Parameters
    ----------
    network : VotingNetwork
    features : (n_networks, n_listeners, n_test, n_features) float32
        The softmax is averaged over the first axis.
    """
    found = [_readings(network, one) for one in features]
    return np.stack(
        [
            np.mean([logits.softmax(dim=1).numpy() for _, logits in one], axis=0).argmax(axis=1)
            for one in zip(*found, strict=True)
        ]
    )


def hidden_classes(network: VotingNetwork, fold: FoldFeatures, penalty: float) -> IntArray:
    """Return the class of a support vector machine on the 16 units before a voting network's softmax; as above."""
    with torch.no_grad():
        trained = network(torch.from_numpy(fold.train))[0].numpy()
    classifier = _svm(trained, fold.labels, penalty)
    found = [_readings(network, one) for one in fold.test]
    return np.stack(
        [
            _mean_scores(classifier, [hidden.numpy() for hidden, _ in one]).argmax(axis=1)
            for one in zip(*found, strict=True)
        ]
    )


def _readings(network: VotingNetwork, features: FloatArray) -> list[tuple[torch.Tensor, torch.Tensor]]:
    given, n = torch.from_numpy(features), len(features)
    presences = [torch.ones(n), *(1.0 - torch.eye(n))]
    with torch.no_grad():
        return [network(given, present) for present in presences]


def _svm(features: FloatArray, labels: IntArray, penalty: float) -> Pipeline:
    svm = LinearSVC(C=penalty, class_weight="balanced", random_state=0)
    return make_pipeline(StandardScaler(), svm).fit(features, labels)


def _mean_scores(classifier: Pipeline, features: Iterable[FloatArray]) -> Array:
    """Return the decision scores of items, mean over what several networks read of them."""
    return np.asarray(np.mean([_scores(classifier, one) for one in features], axis=0))


def _scores(classifier: Pipeline, features: FloatArray) -> Array:
    """Return the decision scores; of two classes, which have one score, with both signs."""
    found = np.asarray(classifier.decision_function(features))
    return found if found.ndim == 2 else np.stack([-found, found], axis=1)
