"""The table of the paper's systems beside the published figures."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .intervals import Interval, over_groups
from .markdown import markdown_table
from .metrics import Scores, score
from .paper_speech import RunResult
from .result import evaluation_values

IntArray = NDArray[np.int64]
PERMUTATION_SEED = 0


@dataclass(frozen=True)
class Row:
    """One system, one set of classes, one protocol.

    Attributes
    ----------
    system, protocol : str
    classes : tuple of str
    class_counts : tuple of int
    seeds : tuple of int
        Those finished.
    seeds_wanted : int
    training_share : float
    n_training : float
        Files to train on, mean over folds.
    accuracy, uar : Interval
        Mean over seeds; the interval is a 95 % jackknife t interval over speakers.
    accuracy_by_seed, uar_by_seed : tuple of float
    pooled : Scores
        Of all seeds' predictions together: baselines, calibration, confusion.
    published_accuracy : float or None
        In per cent.
    seconds : float
        To train and test all of it.
    data_hash : str
    """

    system: str
    protocol: str
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    seeds: tuple[int, ...]
    seeds_wanted: int
    training_share: float
    n_training: float
    accuracy: Interval
    accuracy_by_seed: tuple[float, ...]
    uar: Interval
    uar_by_seed: tuple[float, ...]
    pooled: Scores
    published_accuracy: float | None
    seconds: float
    data_hash: str


@dataclass(frozen=True)
class _Predictions:
    """The tested items of all finished seeds of a run: truth, predictions, the seed's index, and who spoke."""

    truth: IntArray
    probabilities: NDArray[np.float64]
    which: IntArray
    speakers: list[str]

    def figures(self, n_classes: int) -> Callable[[IntArray], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return a function from items to accuracy and UAR of each seed that has some of them."""
        return _by_seed(self.truth, self.probabilities.argmax(axis=1), self.which, n_classes)


def _predictions(result: RunResult) -> _Predictions:
    folds = [(k, fold) for k, (_, several) in enumerate(result.folds) for fold in several]
    return _Predictions(
        np.concatenate([fold.truth for _, fold in folds]).astype(np.int64),
        np.concatenate([fold.probabilities for _, fold in folds]),
        np.repeat([k for k, _ in folds], [len(fold.truth) for _, fold in folds]).astype(np.int64),
        [speaker for _, fold in folds for speaker in fold.speakers],
    )


def row(result: RunResult) -> Row:
    """Score the finished seeds of a run, of which there must be one."""
    found = _predictions(result)
    figures = found.figures(len(result.run.classes))
    accuracies, uars = figures(np.arange(len(found.truth)))
    folds = [fold for _, several in result.folds for fold in several]
    return Row(
        system=result.config.name,
        protocol=result.protocol,
        classes=result.run.classes,
        class_counts=result.class_counts,
        seeds=tuple(seed for seed, _ in result.folds),
        seeds_wanted=len(result.run.seeds),
        training_share=result.run.training_share,
        n_training=float(np.mean([fold.n_training for fold in folds])),
        accuracy=over_groups(lambda index: float(figures(index)[0].mean()), found.speakers).within(0.0, 1.0),
        accuracy_by_seed=tuple(map(float, accuracies)),
        uar=over_groups(lambda index: float(figures(index)[1].mean()), found.speakers).within(0.0, 1.0),
        uar_by_seed=tuple(map(float, uars)),
        pooled=score(found.truth, found.probabilities, found.speakers, PERMUTATION_SEED),
        published_accuracy=result.run.published_accuracy,
        seconds=sum(fold.seconds for fold in folds),
        data_hash=result.data_hash,
    )


def paper_values(results: Sequence[RunResult], wall_s: float) -> dict[str, Any]:
    """Return the runs as values for JSON, with the differences of systems judged under the same protocol.

    Parameters
    ----------
    results : sequence of RunResult
    wall_s : float
        How long the command took; ``training_s`` of a row counts what was found finished, too.
    """
    rows = [row(result) for result in results]
    speakers = {speaker for result in results for speaker in _predictions(result).speakers}
    return evaluation_values(
        protocol="; ".join(dict.fromkeys(one.protocol for one in rows)),
        groups=sorted(speakers),
        n=max((sum(one.class_counts) for one in rows), default=0),
        seeds=sorted({seed for one in rows for seed in one.seeds}),
        domain=sorted({f"{result.config.corpus_kind}, raw speech" for result in results}),
        rows=[_values(one) for one in rows],
        paired=[
            _difference(a, b)
            for a, b in combinations(results, 2)
            if (a.run.classes, a.protocol, a.run.training_share) == (b.run.classes, b.protocol, b.run.training_share)
        ],
        wall_s=wall_s,
    )


def _values(one: Row) -> dict[str, Any]:
    values = {key: value for key, value in asdict(one).items() if key not in ("uar", "accuracy", "system", "seconds")}
    return {
        **{"name": one.system, "axis": "emotion", "unit": "utterance"},
        **{"uar": one.uar.value, "low": one.uar.low, "high": one.uar.high},
        **{"accuracy": one.accuracy.value, "accuracy_low": one.accuracy.low, "accuracy_high": one.accuracy.high},
        **values,
        "training_s": one.seconds,
    }


def _difference(a: RunResult, b: RunResult) -> dict[str, Any]:
    """Return the difference in UAR of two systems, with its interval over the speakers whom both were tested on."""
    first, second = _predictions(a), _predictions(b)
    ours, theirs = (one.figures(len(a.run.classes)) for one in (first, second))
    border = len(first.truth)

    def gain(index: IntArray) -> float:
        return float(ours(index[index < border])[1].mean() - theirs(index[index >= border] - border)[1].mean())

    found = over_groups(gain, [*first.speakers, *second.speakers])
    return {
        **{"a": a.config.name, "b": b.config.name, "axis": "emotion", "unit": "utterance"},
        **{"protocol": a.protocol, "classes": a.run.classes, "training_share": a.run.training_share},
        **{"difference": found.value, "low": found.low, "high": found.high},
    }


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown, with what they rest on below; all figures in per cent."""
    header = (
        "system", "classes", "protocol", "seeds", "trained on", "accuracy [95 % over speakers], seeds",
        "UAR [95 %], seeds", "majority accuracy / UAR", "permutation UAR (95th percentile)", "published accuracy",
    )  # fmt: skip
    counted = {one.classes: one for one in rows}
    notes = [
        f"{len(classes)} classes: "
        + ", ".join(f"{name} {count}" for name, count in zip(classes, one.class_counts, strict=True))
        + f"; {sum(one.class_counts)} files, SHA-256 {one.data_hash[:12]}."
        for classes, one in counted.items()
    ]
    seeds_run = sorted({seed for one in rows for seed in one.seeds})
    notes.append(
        f"Seeds {', '.join(map(str, seeds_run))}; figures are means over seeds, in brackets jackknife t over speakers, "
        f"then lowest to highest seed. {sum(one.seconds for one in rows) / 60:.0f} min of training."
    )
    return "\n".join([markdown_table(header, map(_cells, rows)), "", *notes])


def _cells(one: Row) -> tuple[object, ...]:
    permutation = one.pooled.permutation
    return (
        one.system,
        len(one.classes),
        one.protocol,
        f"{len(one.seeds)}" + (f" of {one.seeds_wanted}" if len(one.seeds) < one.seeds_wanted else ""),
        f"{one.n_training:.0f} files",
        _figure(one.accuracy, one.accuracy_by_seed),
        _figure(one.uar, one.uar_by_seed),
        f"{100 * one.pooled.majority_accuracy:.1f} / {100 * one.pooled.majority_uar:.1f}",
        f"{100 * permutation.mean:.1f} ({100 * permutation.high:.1f})",
        "—" if one.published_accuracy is None else f"{one.published_accuracy:.2f}",
    )


def _figure(mean: Interval, by_seed: Sequence[float]) -> str:
    seeds = f", {100 * min(by_seed):.1f} to {100 * max(by_seed):.1f}" if len(by_seed) > 1 else ""
    return f"**{100 * mean.value:.1f}** [{100 * mean.low:.1f}, {100 * mean.high:.1f}]{seeds}"


def _by_seed(
    truth: IntArray, predicted: IntArray, which: IntArray, n_classes: int
) -> Callable[[IntArray], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return a function from items to accuracy and UAR of each seed that has some of them."""
    cell = (which * n_classes + truth) * n_classes + predicted
    n_seeds = int(which.max()) + 1

    def figures(index: IntArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        counts = np.bincount(cell[index], minlength=n_seeds * n_classes**2).reshape(n_seeds, n_classes, n_classes)
        counts = counts[counts.sum(axis=(1, 2)) > 0]
        right, total = np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2)
        present = total > 0
        recalls = np.where(present, right / np.maximum(total, 1), 0.0)
        return right.sum(axis=1) / total.sum(axis=1), recalls.sum(axis=1) / present.sum(axis=1)

    return figures
