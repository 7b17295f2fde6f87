"""Audit for leakage: computed from the data that is split and fitted on, not from what a caller says of it.

:func:`audit` compares items (files by content, groups, windows in time), :class:`LeakageGuard` the very rows that a
statistic or network is about to be fitted on, and :func:`audit_parts` whole people. They run before every training.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from .splits import Items, Split

PAIRS_NAMED = 3
"""How many offending pairs an error names."""


def digest(*arrays: NDArray[Any]) -> str:
    """Return the SHA-256 of the contents of arrays, with their types and shapes."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str} {array.shape} ".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def audit(
    items: Items,
    split: Split,
    apart: Sequence[str],
    one_source_both_sides: bool = False,
) -> None:
    """Stop where anything crosses from test to train.

    Parameters
    ----------
    items : Items
    split : Split
    apart : sequence of str
        Groups that may not cross: :attr:`Protocol.apart`.
    one_source_both_sides : bool
        Allow items of one file on both sides, as protocols within a person need; overlapping windows never are.

    Raises
    ------
    MoodringError
        An item on both sides, windows that overlap in time, one source file (by name or by content) or one group on
        both sides; with the offending pairs.
    """
    both = np.intersect1d(split.train, split.test)
    _refuse(split.name, "the same item is on both sides", [(items.names[i], items.names[i]) for i in both])
    _refuse(split.name, "windows overlap in time", _overlapping(items, split))
    if not one_source_both_sides:
        _refuse(split.name, "one source file is on both sides", _crossing(items, split, np.asarray(items.sources)))
        _refuse(split.name, "one recording under two names is on both sides", _same_content(items, split))
    for name in apart:
        _refuse(split.name, f"one {name} is on both sides", _crossing(items, split, items.group(name)))


class LeakageGuard:
    """Knows the rows of a split's test items, and stops whatever is to be fitted on one of them.

    Parameters
    ----------
    items : Items
    split : Split
    apart : sequence of str
        Groups that may not cross.
    data : sequence of arrays
        Each ``(n_items, …)``: every form in which the items are at hand (features, changed copies, scores, sounds).

    Raises
    ------
    MoodringError
        As :func:`audit`.
    """

    def __init__(self, items: Items, split: Split, apart: Sequence[str], data: Iterable[Any]) -> None:
        audit(items, split, apart)
        self._split = split.name
        self._tested = {
            digest(np.asarray(rows[i])): items.names[i] for rows in data for i in np.asarray(split.test).tolist()
        }

    def check(self, what: str, *fitted: Iterable[Any]) -> None:
        """Stop where rows that something is to be fitted on are rows of test items.

        Parameters
        ----------
        what : str
            What is fitted: "normaliser", "temperature" …
        *fitted : iterables of arrays
            The rows themselves, as they are handed to the fit.

        Raises
        ------
        MoodringError
            With what is fitted and the test items.
        """
        seen = (self._tested.get(digest(np.asarray(row))) for rows in fitted for row in rows)
        pairs = [(what, name) for name in dict.fromkeys(seen) if name is not None]
        _refuse(self._split, f"the {what} is fitted on test items", pairs)


@dataclass(frozen=True)
class Part:
    """One person's piece of a part of the data.

    Attributes
    ----------
    name : str
        For messages.
    person : str
    content : str
        :func:`digest` of its data.
    """

    name: str
    person: str
    content: str


def audit_parts(what: str, parts: Mapping[str, Sequence[Part]]) -> None:
    """Stop where one person, or the same data under any name, is in two parts.

    Parameters
    ----------
    what : str
        The training, for the message.
    parts : mapping of str to sequence of Part
        What each is for: "training", "early stopping", "temperature", "test" …

    Raises
    ------
    MoodringError
        With the offending pairs.
    """
    for kind, key in (("the same data is in two parts", "content"), ("one person is in two parts", "person")):
        first: dict[str, tuple[str, Part]] = {}
        pairs = []
        for part, members in parts.items():
            for one in members:
                before, other = first.setdefault(getattr(one, key), (part, one))
                if before != part:
                    pairs.append((f"{other.name} [{before}]", f"{one.name} [{part}]"))
        _refuse(what, kind, pairs)


def _refuse(split: str, what: str, pairs: Sequence[tuple[str, str]]) -> None:
    if not pairs:
        return
    named = "; ".join(f"{one} and {other}" for one, other in pairs[:PAIRS_NAMED])
    more = f" and {len(pairs) - PAIRS_NAMED} more" if len(pairs) > PAIRS_NAMED else ""
    raise MoodringError(
        f"leak in split '{split}': {what} ({named}{more}); use a protocol that keeps them apart, "
        "or run a leaky one by its name"
    )


def _crossing(items: Items, split: Split, groups: NDArray[np.str_]) -> list[tuple[str, str]]:
    """Name one training and one test item of each group that is on both sides."""
    pairs = []
    for name in np.intersect1d(groups[split.train], groups[split.test]):
        one = split.train[np.flatnonzero(groups[split.train] == name)[0]]
        other = split.test[np.flatnonzero(groups[split.test] == name)[0]]
        pairs.append((f"{items.names[one]} [{name}]", f"{items.names[other]} [{name}]"))
    return pairs


def _overlapping(items: Items, split: Split) -> list[tuple[str, str]]:
    """Name, for each test window that meets a training window of its timeline, one such pair."""
    pairs = []
    timelines = np.asarray(items.timelines)
    for timeline in np.intersect1d(timelines[split.train], timelines[split.test]):
        train = split.train[timelines[split.train] == timeline]
        for test in split.test[timelines[split.test] == timeline]:
            meets = (items.start_s[train] < items.end_s[test]) & (items.start_s[test] < items.end_s[train])
            if meets.any():
                pairs.append((items.names[train[meets.argmax()]], items.names[test]))
    return pairs


def _same_content(items: Items, split: Split) -> list[tuple[str, str]]:
    contents = np.asarray(items.contents)
    shared = np.intersect1d(contents[split.train], contents[split.test])
    pairs = []
    for one in shared:
        train = split.train[np.flatnonzero(contents[split.train] == one)[0]]
        test = split.test[np.flatnonzero(contents[split.test] == one)[0]]
        pairs.append((items.names[train], items.names[test]))
    return pairs
