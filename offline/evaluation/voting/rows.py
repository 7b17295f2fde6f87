"""Rows of systems and paired differences of an evaluation of votes, and their tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ..intervals import Interval, mean_over_people, over_groups, paired_difference
from ..markdown import markdown_table
from ..metrics import uar
from .folds import DVFN, INDIVIDUAL, LEAKY_DVFN, SYSTEMS, FoldAnswers

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Repetition:
    """All answers of one group of listeners, trained with one seed, block by block.

    Attributes
    ----------
    name : str
        Of the group of listeners.
    seed : int
    listeners : tuple of str
    truth, blocks : (n,) int64
    classes : mapping of str to (1 + n_listeners, n) int64
        Of each system, as :class:`~moodring.offline.evaluation.voting.folds.FoldAnswers` has them.
    thresholds : tuple of float
        Chosen in each fold.
    leaky_threshold : float
        Chosen on the tested items.
    weights, masked : (n_listeners,) float64
        Mean size of the voting weights over folds, before the mask and after the fine-tuning that follows it.
    """

    name: str
    seed: int
    listeners: tuple[str, ...]
    truth: IntArray
    blocks: IntArray
    classes: Mapping[str, IntArray]
    thresholds: tuple[float, ...]
    leaky_threshold: float
    weights: Array
    masked: Array

    def recall(self, system: str, chosen: NDArray[np.bool_] | None = None, without: int | None = None) -> float:
        """Return the UAR of a system.

        Parameters
        ----------
        system : str
        chosen : (n,) bool or None
            The items that count; None: all.
        without : int or None
            The listener whose votes are left out.
        """
        said = self.classes[system]
        items = slice(None) if chosen is None else chosen
        if system == INDIVIDUAL:
            alone = [uar(self.truth[items], one[items]) for number, one in enumerate(said) if number != without]
            return float(np.mean(alone))
        return uar(self.truth[items], said[0 if without is None else without + 1][items])

    def recalls_alone(self) -> Array:
        """Return the UAR of each listener's own support vector machine."""
        return np.array([uar(self.truth, one) for one in self.classes[INDIVIDUAL]])


def repetition(
    name: str,
    seed: int,
    listeners: tuple[str, ...],
    labels: IntArray,
    blocks: IntArray,
    folds: Sequence[FoldAnswers],
    thresholds: Sequence[float],
) -> Repetition:
    """Put the folds of one group and seed together; the leaky threshold is the best on all that they tested."""
    tested = np.concatenate([one.test for one in folds])
    truth = labels[tested]
    by_threshold = np.concatenate([one.by_threshold for one in folds], axis=2)
    best = int(np.argmax([uar(truth, one[0]) for one in by_threshold]))
    classes = {name: np.concatenate([one.classes[name] for one in folds], axis=1) for name in folds[0].classes}
    return Repetition(
        name=name,
        seed=seed,
        listeners=listeners,
        truth=truth,
        blocks=blocks[tested],
        classes={**classes, LEAKY_DVFN: by_threshold[best]},
        thresholds=tuple(one.threshold for one in folds),
        leaky_threshold=thresholds[best],
        weights=np.mean([one.weights for one in folds], axis=0),
        masked=np.mean([one.masked for one in folds], axis=0),
    )


def mean_recall(repetitions: Iterable[Repetition], system: str, blocks: IntArray | None = None) -> float:
    """Return the mean UAR of a system over repetitions, on some blocks or on all."""
    return float(
        np.mean([one.recall(system, None if blocks is None else np.isin(one.blocks, blocks)) for one in repetitions])
    )


def over_listeners(repetitions: Sequence[Repetition], system: str) -> Interval:
    """Return the mean UAR of a system with its interval over listeners: votes of one at a time are left out."""
    everybody = list(dict.fromkeys((one.name, listener) for one in repetitions for listener in one.listeners))

    def figure(kept: IntArray) -> float:
        gone = set(range(len(everybody))) - set(kept.tolist())
        absent = everybody[gone.pop()] if gone else None
        return float(
            np.mean(
                [
                    one.recall(
                        system, None, one.listeners.index(absent[1]) if absent and absent[0] == one.name else None
                    )
                    for one in repetitions
                ]
            )
        )

    return over_groups(figure, [f"{number:05d}" for number in range(len(everybody))]).within(0.0, 1.0)


def over_seeds(repetitions: Sequence[Repetition], system: str) -> Interval:
    """Return the mean UAR of a system with its t interval over seeds."""
    return mean_over_people(_by_seed(repetitions, system)).within(0.0, 1.0)


def over_blocks(repetitions: Sequence[Repetition], system: str) -> Interval:
    """Return the mean UAR of a system with its jackknife interval over blocks of the stimulus."""
    return _over_blocks(repetitions, lambda kept: mean_recall(repetitions, system, kept)).within(0.0, 1.0)


def difference_over_seeds(repetitions: Sequence[Repetition], a: str, b: str) -> Interval:
    """Return how much better one system is than another, paired over seeds."""
    return paired_difference(_by_seed(repetitions, a), _by_seed(repetitions, b))


def difference_over_blocks(repetitions: Sequence[Repetition], a: str, b: str) -> Interval:
    """Return how much better one system is than another, paired over blocks of the stimulus."""
    return _over_blocks(repetitions, lambda kept: mean_recall(repetitions, a, kept) - mean_recall(repetitions, b, kept))


def row_values(repetitions: Sequence[Repetition], system: str, interval: Interval, **more: Any) -> dict[str, Any]:
    """Return one row for JSON; ``interval`` is that over the evaluation's groups, beside it that over listeners."""
    people = over_listeners(repetitions, system)
    return {
        **{"name": system, "leaky": system == LEAKY_DVFN, "n_classes": int(repetitions[0].truth.max()) + 1},
        **{"uar": interval.value, "low": interval.low, "high": interval.high},
        **{"low_over_listeners": people.low, "high_over_listeners": people.high},
        **{"by_seed": _by_seed(repetitions, system)},
        **more,
    }


def paired_values(
    repetitions: Sequence[Repetition], difference: Callable[[Sequence[Repetition], str, str], Interval]
) -> list[dict[str, Any]]:
    """Return the differences of the DVFN from every other system for JSON."""
    found = []
    for other in SYSTEMS:
        if other != DVFN:
            value = difference(repetitions, DVFN, other)
            each = np.subtract(_by_seed(repetitions, DVFN), _by_seed(repetitions, other))
            ends = {"difference": value.value, "low": value.low, "high": value.high}
            found.append({"a": DVFN, "b": other, "leaky": other == LEAKY_DVFN, **ends, "by_seed": each})
    return found


def agreement_values(repetitions: Sequence[Repetition], draws: int = 1000) -> dict[str, float]:
    """Return how far voting weights rank listeners as their own support vector machines do, for JSON.

    Spearman's correlation over the listeners of a repetition, mean over repetitions; the p-value is the share of random
    permutations of the listeners that agree as well, itself counted.
    """
    ranks = [(_ranks(one.masked), _ranks(one.recalls_alone())) for one in repetitions]
    real = float(np.mean([a @ b for a, b in ranks]))
    rng = np.random.default_rng(0)
    drawn = np.array([np.mean([rng.permutation(a) @ b for a, b in ranks]) for _ in range(draws)])
    return {"spearman": real, "p_value": (1 + int((drawn >= real).sum())) / (1 + draws)}


def table(values: Mapping[str, Any]) -> str:
    """Return an evaluation as tables in Markdown."""
    has_null = "null" in values["rows"][0]
    header = ["system", f"UAR [95 % over {values['over']}]", "[over listeners]", "lowest to highest seed"]
    rows = [
        [
            one["name"] + (" (leaky)" if one["leaky"] else ""),
            f"**{one['uar']:.3f}** {_ends(one['low'], one['high'])}",
            _ends(one["low_over_listeners"], one["high_over_listeners"]),
            f"{min(one['by_seed']):.3f} to {max(one['by_seed']):.3f}",
            *([f"{one['null']:.3f} ({one['null_high']:.3f}), p = {one['p_value']:.3f}"] if has_null else []),
        ]
        for one in values["rows"]
    ]
    differences = [
        (
            f"{one['a']} − {one['b']}" + (" (leaky)" if one["leaky"] else ""),
            f"{one['difference']:+.3f} {_ends(one['low'], one['high'], '+')}",
            ", ".join(f"{each:+.3f}" for each in one["by_seed"]),
        )
        for one in values["paired"]
    ]
    parts = [
        markdown_table([*header, *(["labels shifted: UAR (95th percentile)"] if has_null else [])], rows),
        markdown_table(("difference", f"UAR [95 % over {values['over']}]", "each seed"), differences),
    ]
    if values.get("found"):
        parts.append(
            markdown_table(
                ("who responds, told from", "AUC [95 % over seeds]", "each seed"),
                [
                    (
                        one["name"],
                        f"**{one['auc']:.3f}** {_ends(one['low'], one['high'])}",
                        ", ".join(f"{each:.3f}" for each in one["by_seed"]),
                    )
                    for one in values["found"]
                ],
            )
        )
    agreement = values["agreement"]
    parts.append(
        f"Voting weights after mask and fine-tuning rank listeners as their own SVMs do with a Spearman correlation of "
        f"{agreement['spearman']:.2f} (permutation p = {agreement['p_value']:.3f})."
    )
    parts.append(f"{values['protocol']}. Chance is {1 / values['rows'][0]['n_classes']:.3f}.")
    return "\n\n".join(parts)


def _over_blocks(repetitions: Sequence[Repetition], figure: Callable[[IntArray], float]) -> Interval:
    blocks = np.unique(repetitions[0].blocks)
    return over_groups(lambda kept: figure(blocks[kept]), [f"{one:05d}" for one in blocks])


def _by_seed(repetitions: Sequence[Repetition], system: str) -> list[float]:
    seeds = dict.fromkeys(one.seed for one in repetitions)
    return [mean_recall([one for one in repetitions if one.seed == seed], system) for seed in seeds]


def _ranks(values: Array) -> Array:
    """Return ranks of mean 0 and length 1; all 0 where all values are the same."""
    centred = rankdata(values) - (len(values) + 1) / 2.0
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-12))


def _ends(low: float | None, high: float | None, sign: str = "") -> str:
    return "[" + ", ".join("?" if one is None else f"{one:{sign}.3f}" for one in (low, high)) + "]"
