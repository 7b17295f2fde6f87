"""Plain methods and controls on the very decisions that the model of a fold is judged on."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ....models.contract import LEVELS
from ....models.networks.attention import AXES
from ...training.attention.corpora.trials import PreparedTrial
from .fold import Answers, DecidedTrial
from .signals import TrialSignals

LDA, LDA_WINDOW, LDA_POSTERIOR = "lda", "lda_window", "lda_posterior"
MUSCLES_AND_EYES, STIMULUS, MAJORITY = "muscles_and_eyes", "stimulus", "majority"
_STRIDE = 2
"""Windows of a second, of which one begins every half second: every other one is trained on."""
_WINDOW_S = 1.0
_LEAST = 1e-9

Array = NDArray[np.float64]
Signals = Mapping[str, TrialSignals]


def by_lda(
    training: Signals, signals: Signals, tested: Sequence[DecidedTrial], columns: NDArray[np.int64] | None = None
) -> tuple[list[Answers], list[Answers]]:
    """Judge each decision by shrinkage LDA on the features of the second before it.

    Parameters
    ----------
    training : mapping of str to TrialSignals
        Of the trials trained on.
    signals : mapping of str to TrialSignals
        Of the trials tested, by key.
    tested : sequence of DecidedTrial
    columns : (n,) int64, optional
        Which features; by default all.

    Returns
    -------
    so_far, window : list of Answers
        The mean log probability of the windows within the stimulus so far (it is told when stimuli begin), and the
        last window alone.
    """
    which = slice(None) if columns is None else columns
    rows = [(one.features[at][:, which], one.levels[at]) for one in training.values() if len(at := _known(one))]
    features = np.concatenate([part for part, _ in rows])
    levels = np.concatenate([part for _, part in rows])
    queries = [signals[one.key].features[one.ticks][:, which] for one in tested]
    logs = np.stack(
        [_log_probabilities(features, levels[:, axis], np.concatenate(queries)) for axis in range(2)], axis=1
    )
    so_far, window = [], []
    for one, log in zip(tested, np.split(logs, np.cumsum([len(q) for q in queries])[:-1]), strict=True):
        there = signals[one.key].there[one.ticks]
        now = np.where(there[:, None, None], log, 0.0)
        within = there & (one.times_s >= _WINDOW_S - 1e-6)
        total = np.cumsum(np.where(within[:, None, None], log, 0.0), axis=0)
        count = np.cumsum(within)[:, None, None]
        mean = np.where(count > 0, total / np.maximum(count, 1), now)
        so_far.append(Answers.plain(softmax(mean, axis=-1)))
        window.append(Answers.plain(softmax(now, axis=-1)))
    return so_far, window


def by_stimulus(
    training: Sequence[PreparedTrial], same: Sequence[PreparedTrial], tested: Sequence[DecidedTrial]
) -> list[Answers]:
    """Judge each decision by what other people said of the same stimulus; of a new one, by what they said of all.

    ``same`` are the training trials whose stimuli have their names in common with the test.
    """
    overall = _counts(training)
    overall /= np.maximum(overall.sum(axis=1, keepdims=True), 1.0)
    by_name: dict[str, list[PreparedTrial]] = {}
    for other in same:
        by_name.setdefault(other.trial.stimulus, []).append(other)
    answers = []
    for one in tested:
        counts = _counts(by_name.get(one.stimulus, [])) + overall
        answers.append(_constant(counts / np.maximum(counts.sum(axis=1, keepdims=True), _LEAST), one))
    return answers


def by_majority(training: Sequence[PreparedTrial], tested: Sequence[DecidedTrial]) -> list[Answers]:
    """Answer with the level that is most frequent in the training trials, always."""
    best = np.eye(len(LEVELS))[_counts(training).argmax(axis=1)]
    return [_constant(best, one) for one in tested]


def _known(one: TrialSignals) -> NDArray[np.int64]:
    return np.flatnonzero(one.there & (one.levels >= 0).any(axis=1))[::_STRIDE]


def _log_probabilities(features: Array, levels: NDArray[np.int64], queries: Array) -> Array:
    """Return log probabilities, ``(n, 3)``, with equal priors of the levels that are known."""
    rated = levels >= 0
    there = np.unique(levels[rated])
    logs = np.full((len(queries), len(LEVELS)), np.log(_LEAST))
    if len(there) < 2:
        logs[:, there] = 0.0
        return logs
    model = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage="auto", priors=np.full(len(there), 1.0 / len(there))
    ).fit(features[rated], levels[rated])
    logs[:, there] = np.log(np.maximum(model.predict_proba(queries), _LEAST))
    return logs


def _counts(trials: Sequence[PreparedTrial]) -> Array:
    """Count the trials of each level, ``(2, 3)``."""
    return np.array(
        [[sum(one.trial.labels.get(axis) == level for one in trials) for level in LEVELS] for axis in AXES], np.float64
    )


def _constant(probabilities: Array, one: DecidedTrial) -> Answers:
    return Answers.plain(np.tile(probabilities, (len(one.ticks), 1, 1)))
