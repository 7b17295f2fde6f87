"""Rows of systems and paired differences of an evaluation of joint learning, and their table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.papers.cross_domain import CrossDomainConfig
from ..intervals import Interval, over_groups
from ..markdown import markdown_table
from ..metrics import confusion
from ..result import evaluation_values
from .plan import SINGLE_DOMAIN, TUNED, joint_with

IntArray = NDArray[np.int64]
UNITS = {True: "segment", False: "utterance"}


@dataclass(frozen=True)
class Answers:
    """All answers of one system on one set under one protocol.

    Attributes
    ----------
    data, system, protocol : str
    classes : tuple of str
    truth, predicted : (n,) int64
    which : (n,) int64
        Number of the repetition: each tests all of the set once.
    seeds : tuple of int
        Of each repetition.
    groups : tuple of str
    """

    data: str
    system: str
    protocol: str
    classes: tuple[str, ...]
    truth: IntArray
    predicted: IntArray
    which: IntArray
    seeds: tuple[int, ...]
    groups: tuple[str, ...]

    @property
    def leaky(self) -> bool:
        """Whether speakers are on both sides."""
        return "leaky" in self.protocol

    def mean_uar(self) -> Callable[[IntArray], float]:
        """Return a function from items to the UAR, mean over repetitions."""
        by_repetition = self.uar_by_repetition()
        return lambda index: float(by_repetition(index).mean())

    def uar_by_repetition(self) -> Callable[[IntArray], NDArray[np.float64]]:
        """Return a function from items to the UAR of each repetition."""
        n, repetitions = len(self.classes), int(self.which.max()) + 1
        cell = (self.which * n + self.truth) * n + self.predicted

        def figures(index: IntArray) -> NDArray[np.float64]:
            counts = np.bincount(cell[index], minlength=repetitions * n * n).reshape(repetitions, n, n)
            right, total = np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2)
            present = total > 0
            return np.asarray((right / np.maximum(total, 1)).sum(axis=1) / np.maximum(present.sum(axis=1), 1))

        return figures


@dataclass(frozen=True)
class Row:
    """One system on one set.

    Attributes
    ----------
    answers : Answers
    uar : Interval
        Mean over repetitions; over speakers or photographs.
    accuracy : float
    by_seed : tuple of float
        UAR of each seed.
    """

    answers: Answers
    uar: Interval
    accuracy: float
    by_seed: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """The UAR of one system less that of another on the same people; ``data`` is empty for the mean over sets."""

    data: str
    protocol: str
    a: str
    b: str
    value: Interval
    by_seed: tuple[float, ...]


def results(config: CrossDomainConfig, answers: Sequence[Answers]) -> tuple[list[Row], list[Difference]]:
    """Return the rows, and what joint learning brings over a single set and over fine-tuning.

    The mean over sets is that of the first pair of each set; its interval is made of those of the sets as if they were
    independent, which they are but for the seeds.
    """
    rows = [_row(one) for one in answers]
    found: dict[tuple[str, str, str], Answers] = {(one.data, one.system, one.protocol): one for one in answers}
    differences = [
        _difference(joint, found[joint.data, other, joint.protocol])
        for joint in answers
        if joint.system not in (SINGLE_DOMAIN, TUNED)
        for other in (SINGLE_DOMAIN, TUNED)
    ]
    for other in (SINGLE_DOMAIN, TUNED):
        firsts = [
            one
            for name, system in first_joint(config).items()
            for one in differences
            if (one.data, one.a, one.b) == (name, system, other) and "leaky" not in one.protocol
        ]
        if len(firsts) > 1:
            differences.append(_mean(firsts, other))
    return rows, differences


def first_joint(config: CrossDomainConfig) -> dict[str, str]:
    """Return of each set the joint system of the first pair that holds it."""
    systems: dict[str, str] = {}
    for pair in config.pairs:
        one, other = pair.sets
        systems.setdefault(one, joint_with(other))
        systems.setdefault(other, joint_with(one))
    return systems


def as_values(
    config: CrossDomainConfig, rows: Sequence[Row], paired: Sequence[Difference], wall_s: float
) -> dict[str, Any]:
    """Return rows and differences as values for JSON."""
    honest = {row.answers.data: row.answers for row in rows if not row.answers.leaky}
    return evaluation_values(
        protocol="; ".join(f"{name}: {one.protocol}" for name, one in honest.items()),
        groups=[f"{len(set(one.groups))} of {name}" for name, one in honest.items()],
        n=sum(map(_n, honest.values())),
        seeds=config.seeds,
        domain=sorted({row.answers.data for row in rows}),
        rows=[_row_values(row) for row in rows],
        paired=[_difference_values(one) for one in paired],
        wall_s=wall_s,
        published=[one.model_dump() for one in config.published],
    )


def table(values: Mapping[str, Any]) -> str:
    """Return an evaluation as tables in Markdown."""
    header = ("set", "system", "protocol", "UAR [95 %]", "lowest to highest seed", "accuracy")
    rows = [
        (
            row["set"], row["system"], row["protocol"], _interval(row["uar"], row["low"], row["high"]),
            f"{min(row['by_seed']):.3f} to {max(row['by_seed']):.3f}", f"{row['accuracy']:.3f}",
        )
        for row in values["rows"]
    ]  # fmt: skip
    differences = [
        (
            one["set"] or "mean over sets", one["protocol"], f"{one['a']} − {one['b']}",
            f"{one['difference']:+.3f} [{_signed(one['low'])}, {_signed(one['high'])}]",
            ", ".join(f"{each:+.3f}" for each in one["by_seed"]),
        )
        for one in values["paired"]
    ]  # fmt: skip
    published = [(one["what"], one["accuracy"], one["differs"]) for one in values["published"]]
    return "\n".join([
        markdown_table(header, rows),
        "",
        markdown_table(("set", "protocol", "difference", "UAR [95 %]", "each seed"), differences),
        "",
        markdown_table(("published", "accuracy", "what differs here"), published),
        "",
        f"Seeds {', '.join(map(str, values['seeds']))}; figures are means over seeds, intervals jackknife t over "
        "speakers or photographs.",
    ])  # fmt: skip


def _row(one: Answers) -> Row:
    everything = np.arange(len(one.truth))
    each = one.uar_by_repetition()(everything)
    return Row(
        answers=one,
        uar=over_groups(one.mean_uar(), one.groups).within(0.0, 1.0),
        accuracy=float((one.truth == one.predicted).mean()),
        by_seed=_by_seed(each, one.seeds),
    )


def _difference(a: Answers, b: Answers) -> Difference:
    ours, theirs, border = a.mean_uar(), b.mean_uar(), len(a.truth)

    def gain(index: IntArray) -> float:
        return ours(index[index < border]) - theirs(index[index >= border] - border)

    each = [_by_seed(one.uar_by_repetition()(np.arange(len(one.truth))), one.seeds) for one in (a, b)]
    by_seed = tuple(float(one - other) for one, other in zip(*each, strict=True))
    return Difference(a.data, a.protocol, a.system, b.system, over_groups(gain, [*a.groups, *b.groups]), by_seed)


def _mean(several: Sequence[Difference], other: str) -> Difference:
    values = np.array([one.value.value for one in several])
    halves = np.array([one.value.high - one.value.value for one in several])
    mean, half = float(values.mean()), float(np.sqrt(np.square(halves).sum()) / len(several))
    by_seed = tuple(map(float, np.mean([one.by_seed for one in several], axis=0)))
    names = ", ".join(one.data for one in several)
    return Difference("", f"people apart: {names}", "joint", other, Interval(mean, mean - half, mean + half), by_seed)


def _by_seed(each: NDArray[np.float64], seeds: Sequence[int]) -> tuple[float, ...]:
    whose = np.array(seeds)
    return tuple(float(each[whose == seed].mean()) for seed in dict.fromkeys(seeds))


def _n(one: Answers) -> int:
    return int((one.which == 0).sum())


def _row_values(row: Row) -> dict[str, Any]:
    one = row.answers
    unit = "picture" if one.groups[0].startswith("photograph") else UNITS[one.leaky]
    return {
        **{"name": f"{one.data}: {one.system}{' (leaky)' if one.leaky else ''}", "set": one.data, "system": one.system},
        **{"protocol": one.protocol, "leaky": one.leaky, "unit": unit, "n": _n(one), "classes": one.classes},
        **{"uar": row.uar.value, "low": row.uar.low, "high": row.uar.high, "accuracy": row.accuracy},
        **{"by_seed": row.by_seed, "confusion": confusion(one.truth, one.predicted, len(one.classes))},
    }


def _difference_values(one: Difference) -> dict[str, Any]:
    return {
        **{"a": one.a, "b": one.b, "set": one.data, "protocol": one.protocol, "leaky": "leaky" in one.protocol},
        **{"difference": one.value.value, "low": one.value.low, "high": one.value.high, "by_seed": one.by_seed},
    }


def _interval(value: float, low: float | None, high: float | None) -> str:
    ends = ", ".join("?" if one is None else f"{one:.3f}" for one in (low, high))
    return f"**{value:.3f}** [{ends}]"


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.3f}"
