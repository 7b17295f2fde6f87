"""Protocols that split items into training and test.

A reader declares each item's groups (subject, session, trial, stimulus, prompt …); a protocol says which of them may
not cross; :mod:`.leakage` checks it on the data before every training.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from sklearn.model_selection import LeaveOneGroupOut as SkLeaveOneGroupOut

from ...configs.schema.errors import MoodringError
from ..datasets.base import Trial

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Items:
    """Items to split: windows, utterances or trials.

    Attributes
    ----------
    names : tuple of str
        For messages.
    groups : mapping of str to tuple of str
        ``{"subject": (…, one per item), "stimulus": …}``.
    sources : tuple of str
        The file each item was cut from.
    contents : tuple of str
        SHA-256 of that file's bytes, or of the item's data where there is no file.
    timelines : tuple of str
        The recording whose clock the item's times are on; several files of one recording share it.
    start_s, end_s : (n_items,) float64
    """

    names: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    sources: tuple[str, ...]
    contents: tuple[str, ...]
    timelines: tuple[str, ...]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        lengths = {
            "sources": len(self.sources),
            "contents": len(self.contents),
            "timelines": len(self.timelines),
            "start_s": len(self.start_s),
            "end_s": len(self.end_s),
        } | {f"group '{name}'": len(values) for name, values in self.groups.items()}
        wrong = {name: length for name, length in lengths.items() if length != len(self.names)}
        if wrong:
            name, length = next(iter(wrong.items()))
            raise MoodringError(f"{name} has {length} entries for {len(self.names)} items; declare one for each item")

    @classmethod
    def of(cls, trials: Sequence[Trial], subject: str = "subject", stimulus: str = "stimulus") -> "Items":
        """Return the items of trials.

        Parameters
        ----------
        trials : sequence of Trial
        subject, stimulus : str
            What these two groups are called in protocols and tables ("speaker", "prompt").

        Returns
        -------
        Items
            With the labels and the further groups that all trials share beside these two.

        Raises
        ------
        MoodringError
            A file cannot be read.
        """
        groups = {subject: tuple(one.subject for one in trials), stimulus: tuple(one.stimulus for one in trials)}
        for attribute in ("labels", "groups"):
            declared = [getattr(one, attribute) for one in trials]
            shared = set.intersection(*map(set, declared)) if declared else set()
            groups |= {name: tuple(one[name] for one in declared) for name in sorted(shared)}
        sources = tuple(str(one.file) if one.file else one.name for one in trials)
        return cls(
            names=tuple(one.name for one in trials),
            groups=groups,
            sources=sources,
            contents=tuple(_content(one) for one in trials),
            timelines=sources,
            start_s=np.array([one.start_s for one in trials]),
            end_s=np.array([one.stop_s for one in trials]),
        )

    def group(self, name: str) -> NDArray[np.str_]:
        """Return one kind of group, one entry per item."""
        if name not in self.groups:
            raise MoodringError(
                f"items have no group {name!r}, declared are {', '.join(self.groups) or 'none'}; "
                "choose a protocol that needs no other"
            )
        return np.asarray(self.groups[name], dtype=np.str_)


@dataclass(frozen=True)
class Split:
    """Indices of the items that train and that test; items in neither are left out."""

    name: str
    train: IntArray
    test: IntArray


class Protocol(Interface):
    """Protocol of a split of items."""

    @property
    def apart(self) -> tuple[str, ...]:
        """Name the groups that may not cross between train and test; none: the protocol leaks."""
        ...

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield the folds."""
        ...

    def describe(self) -> str:
        """Name the protocol, with the word "leaky" where it is."""
        ...


@dataclass(frozen=True)
class LeaveOneGroupOut:
    """Each group (person) tests once, all others train."""

    group: str = "subject"

    @property
    def apart(self) -> tuple[str, ...]:
        """Name the groups that may not cross."""
        return (self.group,)

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield one fold per group."""
        groups = items.group(self.group)
        _enough(groups, 2, self.group)
        for train, test in SkLeaveOneGroupOut().split(groups, groups=groups):
            yield Split(f"{self.group} {groups[test[0]]}", train, test)

    def describe(self) -> str:
        """Name the protocol."""
        return f"leave one {self.group} out"


@dataclass(frozen=True)
class LeaveBlocksOut:
    """Each block of time tests once; what lies nearer to it than a gap neither trains nor tests.

    For signals that carry over: a haemodynamic response of one block is still there in the next.
    """

    block: str = "block"
    gap_s: float = 0.0

    @property
    def apart(self) -> tuple[str, ...]:
        """Name the groups that may not cross."""
        return (self.block,)

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield one fold per block."""
        blocks = items.group(self.block)
        _enough(blocks, 2, self.block)
        for name in dict.fromkeys(blocks.tolist()):
            test = np.flatnonzero(blocks == name)
            train = self.apart_from(items, test)
            if not len(train):
                raise MoodringError(f"no item is {self.gap_s:g} s from {self.block} {name}; choose a shorter gap")
            yield Split(f"{self.block} {name}", train, test)

    def describe(self) -> str:
        """Name the protocol."""
        return f"leave one {self.block} out, {self.gap_s:g} s around it left out too"

    def apart_from(self, items: Items, test: IntArray) -> IntArray:
        """Return the items of other blocks that end a gap before, or start a gap after, every tested one."""
        blocks, timelines = items.group(self.block), np.asarray(items.timelines)
        apart = ~np.isin(blocks, blocks[test])
        for one in test:
            meets = (items.start_s < items.end_s[one] + self.gap_s) & (items.end_s > items.start_s[one] - self.gap_s)
            apart &= ~(meets & (timelines == timelines[one]))
        return np.flatnonzero(apart)


@dataclass(frozen=True)
class GroupedKFold:
    """Groups shuffled into folds; each fold tests once."""

    group: str = "subject"
    folds: int = 5
    seed: int = 0

    @property
    def apart(self) -> tuple[str, ...]:
        """Name the groups that may not cross."""
        return (self.group,)

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield the folds."""
        for fold, (train, test) in enumerate(_folds(items.group(self.group), self.group, self.folds, self.seed)):
            yield Split(f"fold {fold + 1} of {self.folds}", train, test)

    def describe(self) -> str:
        """Name the protocol."""
        return f"{self.folds} folds by {self.group}, seed {self.seed}"


@dataclass(frozen=True)
class LeavePeopleOut:
    """The people named test, all others train."""

    test: tuple[str, ...]
    group: str = "subject"

    @property
    def apart(self) -> tuple[str, ...]:
        """Name the groups that may not cross."""
        return (self.group,)

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield the only split."""
        groups = items.group(self.group)
        absent = [name for name in self.test if name not in groups]
        if absent:
            raise MoodringError(
                f"{self.group} {absent[0]!r} is to be left out but is not among "
                f"{', '.join(np.unique(groups))}; name those that are there"
            )
        held = np.isin(groups, self.test)
        if held.all():
            raise MoodringError(f"every {self.group} is left out, none is left to train on; leave fewer out")
        yield Split(f"{len(self.test)} held out", np.flatnonzero(~held), np.flatnonzero(held))

    def describe(self) -> str:
        """Name the protocol."""
        return f"leave out {self.group} {', '.join(self.test)}"


@dataclass(frozen=True)
class BothApart:
    """New people *and* new stimuli (or prompts): the headline protocol where everyone saw the same.

    Every fold of people is tested on every fold of stimuli, by a model that met neither.
    """

    people: str = "subject"
    stimuli: str = "stimulus"
    people_folds: int = 5
    stimulus_folds: int = 4
    seed: int = 0

    @property
    def apart(self) -> tuple[str, ...]:
        """Name the groups that may not cross."""
        return (self.people, self.stimuli)

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield the folds; combinations without an item on one side are left out."""
        by_people = _folds(items.group(self.people), self.people, self.people_folds, self.seed)
        by_stimuli = _folds(items.group(self.stimuli), self.stimuli, self.stimulus_folds, self.seed)
        for i, (train_people, test_people) in enumerate(by_people):
            for j, (train_stimuli, test_stimuli) in enumerate(by_stimuli):
                train = np.intersect1d(train_people, train_stimuli)
                test = np.intersect1d(test_people, test_stimuli)
                if len(train) and len(test):
                    yield Split(f"{self.people} fold {i + 1}, {self.stimuli} fold {j + 1}", train, test)

    def describe(self) -> str:
        """Name the protocol."""
        return (
            f"{self.people_folds} folds by {self.people} x {self.stimulus_folds} folds by {self.stimuli}, "
            f"both apart, seed {self.seed}"
        )


@dataclass(frozen=True)
class RandomKFold:
    """Items shuffled into folds without regard to the person: leaks, kept to compare with papers that did so."""

    folds: int = 5
    seed: int = 0

    @property
    def apart(self) -> tuple[str, ...]:
        """No groups are kept apart."""
        return ()

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield the folds."""
        _enough(np.asarray(items.names), self.folds, "item")
        shuffled = KFold(self.folds, shuffle=True, random_state=self.seed)
        for fold, (train, test) in enumerate(shuffled.split(np.arange(len(items.names)))):
            yield Split(f"fold {fold + 1} of {self.folds}", train, test)

    def describe(self) -> str:
        """Return a description of the protocol."""
        return f"leaky: {self.folds} random folds, seed {self.seed}"


@dataclass(frozen=True)
class RandomHoldOut:
    """A random share of the items tests, whatever their speakers: leaky, to compare with papers that did so."""

    share: float = 0.2
    seed: int = 0

    @property
    def apart(self) -> tuple[str, ...]:
        """No groups are kept apart."""
        return ()

    def splits(self, items: Items) -> Iterator[Split]:
        """Yield the only split."""
        test = round(self.share * len(items.names))
        if not 0 < test < len(items.names):
            raise MoodringError(
                f"{self.share:.0%} of {len(items.names)} items to test leaves nothing on one side; choose another share"
            )
        drawn = np.random.default_rng(self.seed).permutation(len(items.names))
        yield Split(f"random {self.share:.0%}, seed {self.seed}", np.sort(drawn[test:]), np.sort(drawn[:test]))

    def describe(self) -> str:
        """Return a description of the protocol."""
        return f"leaky: random {self.share:.0%} to test, seed {self.seed}"


def _content(trial: Trial) -> str:
    """Return the SHA-256 of a trial's file; of its name where it has none, since nothing else is known of it yet."""
    if trial.file is None:
        return hashlib.sha256(trial.name.encode()).hexdigest()
    try:
        with trial.file.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MoodringError(f"'{trial.file}' cannot be read: {error.strerror}; mend or remove it") from None


def _folds(groups: NDArray[np.str_], name: str, folds: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    _enough(groups, folds, name)
    names = np.unique(groups)
    shuffled = KFold(folds, shuffle=True, random_state=seed).split(names)
    held = [np.isin(groups, names[test]) for _, test in shuffled]
    return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in held]


def _enough(groups: NDArray[np.str_], wanted: int, name: str) -> None:
    there = len(np.unique(groups))
    if there < wanted or wanted < 2:
        raise MoodringError(
            f"{wanted} folds need at least 2 and as many of '{name}', of which there are {there}; ask for fewer folds"
        )
