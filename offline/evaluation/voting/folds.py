"""One fold: networks of each listener, features of items that they did not learn, and what every system says."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ....configs.schema.papers.voting import VotingSection
from ....models.networks.voting import VotingNetwork
from ...datasets.fmri.scans import ResponseWindows
from ...training.voting.features import ListenerNetworks
from ...training.voting.fusion import fine_tuned, fit_fusion
from ...training.voting.systems import (
    FoldFeatures,
    average,
    decisions,
    hidden_classes,
    inner_recalls,
    network_classes,
    voted,
)
from ..leakage import LeakageGuard, digest
from ..metrics import uar
from ..splits import Items, LeaveBlocksOut, Split

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
AVERAGE, INDIVIDUAL, SVM_VOTING, WEIGHTED_VOTING = "average", "individual", "SVM voting", "SVM voting, weighted"
DNN_FUSION, DNN_SVM, DVFN = "DNN fusion", "DNN-SVM", "DVFN"
LEAKY_DVFN = "DVFN, threshold of the tested folds"
LEARNED_VOTING, LEARNED_DVFN = "SVM voting, features of learned items", "DVFN, features of learned items"
SYSTEMS = (
    AVERAGE, INDIVIDUAL, SVM_VOTING, WEIGHTED_VOTING, DNN_FUSION, DNN_SVM, DVFN, LEAKY_DVFN, LEARNED_VOTING,
    LEARNED_DVFN,
)  # fmt: skip


@dataclass(frozen=True)
class FoldAnswers:
    """What the systems say of the tested items of one fold.

    Attributes
    ----------
    test : (n_test,) int64
        Which items.
    classes : mapping of str to (1 + n_listeners, n_test) int64
        Of each system: with all listeners, then without each; of :data:`INDIVIDUAL` what each listener says alone,
        ``(n_listeners, n_test)``.
    by_threshold : (n_thresholds, 1 + n_listeners, n_test) int64
        Of the DVFN at each threshold.
    threshold : float
        The chosen one.
    weights, masked : (n_listeners,) float64
        Mean size of a listener's voting weights, before the mask and after the fine-tuning that follows it.
    """

    test: IntArray
    classes: dict[str, IntArray]
    by_threshold: IntArray
    threshold: float
    weights: Array
    masked: Array


def items_of(data: ResponseWindows) -> Items:
    """Return the events as items to split, the runs being timelines."""
    names = tuple(f"{start:.1f} s" for start in data.start_s)
    return Items(
        names=names,
        groups={
            "block": tuple(str(one) for one in data.blocks),
            "run": tuple(str(one) for one in data.runs),
            "utterance": tuple(f"{number + 1}" for number in range(len(names))),
        },
        sources=names,
        contents=tuple(digest(np.ascontiguousarray(data.windows[:, i])) for i in range(len(names))),
        timelines=tuple(str(one) for one in data.runs),
        start_s=data.start_s,
        end_s=data.end_s,
    )


def answer_fold(
    data: ResponseWindows, split: Split, protocol: LeaveBlocksOut, config: VotingSection, seed: int
) -> FoldAnswers:
    """Train on a fold and answer its tested items.

    Raises
    ------
    MoodringError
        The fold leaks, or a gap leaves no item to train on.
    """
    torch.set_num_threads(config.threads)
    items = items_of(data)
    guard = LeakageGuard(items, split, protocol.apart, [data.windows.swapaxes(0, 1)])
    fold = fold_features(data, items, split, protocol, config, seed, guard)
    n_classes = len(data.classes)
    network = fit_fusion(fold.train, fold.labels, n_classes, config.fusion, seed)
    tuned = [
        fine_tuned(network, threshold, fold.train, fold.labels, config.fusion, seed)
        for threshold in config.fusion.thresholds
    ]
    chosen = chosen_threshold(fold, n_classes, config, seed)
    by_threshold = np.stack([network_classes(one, fold.test) for one in tuned])
    scores = decisions(fold, config.svm_penalty)
    papers = fold.as_learned()
    learned = fit_fusion(papers.train, papers.labels, n_classes, config.fusion, seed)
    learned = fine_tuned(learned, config.fusion.thresholds[chosen], papers.train, papers.labels, config.fusion, seed)
    return FoldAnswers(
        test=split.test,
        classes={
            AVERAGE: average(fold, config.svm_penalty),
            INDIVIDUAL: scores.argmax(axis=2),
            SVM_VOTING: voted(scores),
            WEIGHTED_VOTING: voted(scores, inner_recalls(fold, config.svm_penalty)),
            DNN_FUSION: network_classes(network, fold.test),
            DNN_SVM: hidden_classes(network, fold, config.svm_penalty),
            DVFN: by_threshold[chosen],
            LEARNED_VOTING: voted(decisions(papers, config.svm_penalty)),
            LEARNED_DVFN: network_classes(learned, papers.test),
        },
        by_threshold=by_threshold,
        threshold=config.fusion.thresholds[chosen],
        weights=_sizes(network),
        masked=_sizes(tuned[chosen]),
    )


def fold_features(
    data: ResponseWindows,
    items: Items,
    split: Split,
    protocol: LeaveBlocksOut,
    config: VotingSection,
    seed: int,
    guard: LeakageGuard,
) -> FoldFeatures:
    """Return the features of a fold: of its training items by networks of other training blocks.

    All networks start from the same weights and see as many epochs, so that their features mean nearly the same.
    """
    learned = _networks(data, split.train, config, seed, guard)
    blocks = np.unique(data.blocks[split.train])
    inner = np.full(len(data.labels), -1)
    train: dict[int, FloatArray] = {}
    test = []
    for number, held in enumerate(np.array_split(blocks, config.inner_folds)):
        unseen = np.intersect1d(split.train, np.flatnonzero(np.isin(data.blocks, held)))
        others = np.intersect1d(split.train, protocol.apart_from(items, unseen))
        networks = _networks(data, others, config, seed, guard)
        train.update(zip(unseen.tolist(), networks.features(data.windows[:, unseen]).swapaxes(0, 1), strict=True))
        inner[unseen] = number
        test.append(networks.features(data.windows[:, split.test]))
    return FoldFeatures(
        train=np.stack([train[one] for one in split.train.tolist()], axis=1),
        labels=data.labels[split.train],
        inner=inner[split.train],
        test=np.stack(test),
        learned=learned.features(data.windows[:, split.train]),
        test_learned=learned.features(data.windows[:, split.test])[None],
    )


def chosen_threshold(fold: FoldFeatures, n_classes: int, config: VotingSection, seed: int) -> int:
    """Return the number of the threshold whose fine-tuned networks are best on inner folds that they did not learn."""
    thresholds = config.fusion.thresholds
    said = np.empty((len(thresholds), len(fold.labels)), np.int64)
    for inner in np.unique(fold.inner):
        held = fold.inner == inner
        features, labels = fold.train[:, ~held], fold.labels[~held]
        network = fit_fusion(features, labels, n_classes, config.fusion, seed)
        for number, threshold in enumerate(thresholds):
            tuned = fine_tuned(network, threshold, features, labels, config.fusion, seed)
            said[number, held] = network_classes(tuned, fold.train[None, :, held])[0]
    return int(np.argmax([uar(fold.labels, one) for one in said]))


def _networks(
    data: ResponseWindows, chosen: IntArray, config: VotingSection, seed: int, guard: LeakageGuard
) -> ListenerNetworks:
    windows = data.windows[:, chosen]
    guard.check("networks of listeners", windows.swapaxes(0, 1))
    return ListenerNetworks(windows, data.labels[chosen], len(data.classes), config.cnn, seed)


def _sizes(network: VotingNetwork) -> Array:
    return np.asarray(network.weight_sizes().numpy(), np.float64)
