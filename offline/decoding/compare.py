"""Compare two decodings of one session, decision by decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...models.contract import LEVELS, Estimate

SAME = 1e-6
"""Probabilities closer than this are the same."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of two decodings on one head.

    Attributes
    ----------
    compared : int
        Decisions in which both said something.
    one_silent : int
        Decisions in which only one of them did.
    same_class : float or None
        Fraction of the compared whose most probable class is the same; None where nothing was compared.
    mean_difference, largest_difference : float or None
        Of the probabilities, absolute; None where nothing was compared.
    largest_at_s : float or None
        Session time.
    first_difference_s, first_other_class_s : float or None
        Session time of the first decision whose probabilities, or whose most probable class, differ.
    """

    compared: int
    one_silent: int
    same_class: float | None
    mean_difference: float | None
    largest_difference: float | None
    largest_at_s: float | None
    first_difference_s: float | None
    first_other_class_s: float | None


@dataclass(frozen=True)
class Comparison:
    """Two decodings of one session.

    Attributes
    ----------
    pairs : tuple of (Estimate, Estimate)
        Decisions at the same session time: of the one, of the other.
    only_first_s, only_second_s : tuple of float
        Session times at which only one of them decided.
    agreement : mapping
        By the name of the head, with blanks.
    same_bundles : bool
        Whether both name the same bundles by hash.
    """

    pairs: tuple[tuple[Estimate, Estimate], ...]
    only_first_s: tuple[float, ...]
    only_second_s: tuple[float, ...]
    agreement: Mapping[str, Agreement]
    same_bundles: bool


def compare(first: Sequence[Estimate], second: Sequence[Estimate]) -> Comparison:
    """Pair the decisions by session time, to the millisecond, and return their agreement."""
    ours, theirs = ({round(e.session_time_s, 3): e for e in one} for one in (first, second))
    common = sorted(ours.keys() & theirs.keys())
    pairs = tuple((ours[time_s], theirs[time_s]) for time_s in common)
    names = dict.fromkeys(head.name for pair in pairs for estimate in pair for head in estimate.heads)
    answers = {_title(name): [(_answer(a, name), _answer(b, name)) for a, b in pairs] for name in names}
    return Comparison(
        pairs,
        tuple(sorted(ours.keys() - theirs.keys())),
        tuple(sorted(theirs.keys() - ours.keys())),
        {name: _agreement(common, two) for name, two in answers.items()},
        {e.bundles for e in first} == {e.bundles for e in second},
    )


def in_lines(comparison: Comparison, first: str, second: str) -> list[str]:
    """Return the comparison as lines of text.

    Parameters
    ----------
    comparison : Comparison
    first, second : str
        What to call the two.
    """
    if not comparison.pairs:
        return [
            f"against {second}: it has no decision at any of these times; it belongs to another session or another t0"
        ]
    known = (one.largest_difference for one in comparison.agreement.values())
    worst = max((one for one in known if one is not None), default=None)
    lines = [
        f"against {second}: {len(comparison.pairs)} decisions in common, {_only(comparison.only_first_s, first)}, "
        f"{_only(comparison.only_second_s, second)}; "
        + ("no answer of both to compare" if worst is None else f"probabilities at most {worst:.2g} apart")
        + ("" if comparison.same_bundles else "; other bundles")
    ]
    width = max([8, *map(len, comparison.agreement)])
    for name, one in comparison.agreement.items():
        if not one.compared and not one.one_silent:
            continue
        line = f"  {name:<{width}} "
        if one.compared:
            line += f"same class {one.same_class:6.1%} of {one.compared}, mean difference {one.mean_difference:.2g}"
        else:
            line += "nothing to compare"
        if one.largest_at_s is not None:
            line += f", largest {one.largest_difference:.2g} at {one.largest_at_s:.1f} s"
        if one.first_difference_s is not None:
            line += f", first difference at {one.first_difference_s:.1f} s"
        if one.first_other_class_s is not None:
            line += f", first other class at {one.first_other_class_s:.1f} s"
        lines.append(line + (f"; in {one.one_silent} only one of them spoke" if one.one_silent else ""))
    return lines


def as_plain(comparison: Comparison, first: str, second: str) -> dict[str, Any]:
    """Return the comparison as plain numbers, with both estimates of every decision."""
    return {
        "first": first,
        "second": second,
        "in_common": len(comparison.pairs),
        "only_first_s": list(comparison.only_first_s),
        "only_second_s": list(comparison.only_second_s),
        "same_bundles": comparison.same_bundles,
        "agreement": {name: dict(one.__dict__) for name, one in comparison.agreement.items()},
        "decisions": [
            {"time_s": round(a.session_time_s, 3), "first": _plain(a), "second": _plain(b)} for a, b in comparison.pairs
        ],
    }


def _agreement(
    times_s: Sequence[float], answers: Sequence[tuple[Mapping[str, float] | None, Mapping[str, float] | None]]
) -> Agreement:
    both = [(time_s, a, b) for time_s, (a, b) in zip(times_s, answers, strict=True) if a is not None and b is not None]
    apart = np.array([[abs(a.get(name, 0.0) - b.get(name, 0.0)) for name in (*a, *b)] for _, a, b in both])
    largest = apart.max(axis=1) if len(both) else np.zeros(0)
    other = [time_s for time_s, a, b in both if max(a, key=a.__getitem__) != max(b, key=b.__getitem__)]
    differs = [time_s for (time_s, _, _), most in zip(both, largest, strict=True) if most > SAME]
    return Agreement(
        compared=len(both),
        one_silent=sum((a is None) != (b is None) for a, b in answers),
        same_class=1.0 - len(other) / len(both) if both else None,
        mean_difference=float(apart.mean()) if both else None,
        largest_difference=float(largest.max()) if both else None,
        largest_at_s=both[int(largest.argmax())][0] if differs else None,
        first_difference_s=differs[0] if differs else None,
        first_other_class_s=other[0] if other else None,
    )


def _title(name: str) -> str:
    return name.replace("_", " ")


def _answer(estimate: Estimate, name: str) -> dict[str, float] | None:
    """Return the probabilities of a head by class, or its value by the head's name; None where it abstains."""
    head = estimate.answer(name)
    if head is None:
        return None
    if head.probabilities is None:
        return {name: head.value or 0.0}
    return dict(zip(head.classes, head.probabilities, strict=True))


def _plain(estimate: Estimate) -> dict[str, Any]:
    """Return the answers by head: a list where the classes are levels, else a mapping; None for an abstention."""
    plain: dict[str, Any] = {}
    for head in estimate.heads:
        answer = _answer(estimate, head.name)
        plain[head.name] = list(answer.values()) if answer is not None and head.classes == LEVELS else answer
    return plain


def _only(times_s: Sequence[float], name: str) -> str:
    if not times_s:
        return f"none only in {name}"
    shown = ", ".join(f"{time_s:g}" for time_s in times_s[:3]) + (" …" if len(times_s) > 3 else "")
    return f"{len(times_s)} only in {name} (at {shown} s)"
