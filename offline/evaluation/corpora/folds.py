"""Protocols of an evaluation on corpora: which trials train, calibrate and test in each fold, and what is shared.

Every fold is audited on the prepared data before anything is fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....configs.schema.errors import MoodringError
from ....configs.schema.evaluate import LEAKY, EvaluateCorpusConfig, ProtocolName
from ...datasets.affect_corpus import AffectCorpus
from ...training.attention.corpora.data import Parts
from ...training.attention.corpora.trials import PreparedTrial
from ...training.attention.prepare import read_prepared
from ..leakage import audit, digest
from ..splits import BothApart, Items, LeaveOneGroupOut, LeavePeopleOut, Protocol, RandomKFold, Split

CROSS = "cross_corpus"
_NAMED = 3
_PAPER_SHARE = 1 / 7
"""Of 5:1:1, to watch and to test."""

Trials = Sequence[PreparedTrial]


@dataclass(frozen=True)
class Fold:
    """One training and its test; ``parts.validation`` is what is tested."""

    name: str
    parts: Parts


@dataclass(frozen=True)
class Plan:
    """A protocol on a corpus.

    Attributes
    ----------
    name : str
    description : str
        With the word "leaky" where it is.
    shared : tuple of str
        What training and test have in common: "people", "stimuli".
    leaky : bool
    folds : tuple of Fold
    """

    name: str
    description: str
    shared: tuple[str, ...]
    leaky: bool
    folds: tuple[Fold, ...]

    @property
    def mark(self) -> str:
        """What stands beside every figure: "people and stimuli apart", "leaky: stimuli shared" …."""
        return f"{'leaky: ' if self.leaky else ''}{apart_or_shared(self.shared)}"


def apart_or_shared(shared: Sequence[str]) -> str:
    """Return in words what training and test share, or that they share nothing."""
    if not shared:
        return "people and stimuli apart"
    apart = [one for one in ("people", "stimuli") if one not in shared]
    return ", ".join([*(f"{one} apart" for one in apart), f"{' and '.join(shared)} shared"])


def plans_of(config: EvaluateCorpusConfig, corpus: AffectCorpus, trials: Trials) -> tuple[Plan, ...]:
    """Return the protocols of a config on one corpus, each of its folds audited.

    Raises
    ------
    MoodringError
        People or stimuli are too few for the folds, stimuli have no names, or something leaks.
    """
    items = _items(trials)
    return tuple(_plan(config, corpus, trials, items, name) for name in config.protocols)


def cross_plan(
    config: EvaluateCorpusConfig, corpus: AffectCorpus, trials: Trials, other: AffectCorpus, strangers: Trials
) -> Plan:
    """Return the protocol that trains on one corpus and tests on another.

    Where both are of one family, people and stimuli of one name are the same.

    Raises
    ------
    MoodringError
        They share people or stimuli and the config does not allow it; or one recording is in both, whatever it allows.
    """
    contents = dict(zip(_contents(trials), trials, strict=True))
    for content, tested in zip(_contents(strangers), strangers, strict=True):
        if content in contents:
            raise MoodringError(
                f"trial '{tested.trial.name}' of test is trial '{contents[content].trial.name}' of data: nothing may "
                "train and be tested; part the folders"
            )
    shared: dict[str, list[str]] = {}
    if corpus.family == other.family:
        both = (
            ("people", {one.trial.subject for one in trials} & {one.trial.subject for one in strangers}),
            ("stimuli", {one.trial.stimulus for one in trials} & {one.trial.stimulus for one in strangers}),
        )
        shared = {what: sorted(names - {""}) for what, names in both if names - {""}}
    if shared and not config.leaky:
        told = " and ".join(f"the {what} {_listed(names)}" for what, names in shared.items())
        raise MoodringError(
            f"data and test share {told}: that leaks; add leaky=true to test all the same, marked wherever its figures "
            "stand"
        )
    training, calibration = _calibration(trials, config.fold_training.held_out.calibration, config.seed)
    description = f"trained on {corpus.name}, tested on {other.name}, {apart_or_shared(tuple(shared))}"
    return Plan(
        CROSS, f"leaky: {description}" if shared else description, tuple(shared), bool(shared),
        (Fold(f"{corpus.name} to {other.name}", Parts(training, tuple(strangers), calibration)),),
    )  # fmt: skip


def _plan(config: EvaluateCorpusConfig, corpus: AffectCorpus, trials: Trials, items: Items, name: ProtocolName) -> Plan:
    protocol = _protocol(config, corpus, trials, name)
    rest = 1.0 - _PAPER_SHARE
    calibrated = _PAPER_SHARE / rest if name == "paper" else config.fold_training.held_out.calibration
    # A file holds a person: where people are on both sides, the trials themselves still may not be.
    audited = items if "subject" in protocol.apart else replace(items, sources=items.names)
    folds, shared = [], set()
    for split in protocol.splits(items):
        audit(audited, split, protocol.apart)
        shared |= set(_shared(items, split))
        training, calibration = _calibration([trials[i] for i in split.train], calibrated, config.seed)
        folds.append(Fold(split.name, Parts(training, tuple(trials[i] for i in split.test), calibration)))
    both = tuple(what for what in ("people", "stimuli") if what in shared)
    leaky = name in LEAKY
    told = protocol.describe().removeprefix("leaky: ")
    if name == "paper":
        told = f"the paper's 5:1:1, one draw of people, seed {config.seed}: {told}"
    description = f"{'leaky: ' if leaky else ''}{told}, {apart_or_shared(both)}"
    return Plan(name, description, both, leaky, tuple(folds))


def _protocol(config: EvaluateCorpusConfig, corpus: AffectCorpus, trials: Trials, name: ProtocolName) -> Protocol:
    people = sorted({one.trial.subject for one in trials})
    if len(people) < 3:
        raise MoodringError(
            f"{corpus.name} has {len(people)} people with usable trials ({', '.join(people)}); training, calibrating "
            "and testing on people apart needs 3: add people"
        )
    if name == "leave_one_subject_out":
        return LeaveOneGroupOut()
    if name == "random_trials":
        return RandomKFold(config.people_folds, config.seed)
    if name == "paper":
        count = max(1, round(_PAPER_SHARE * len(people)))
        drawn = np.random.default_rng((config.seed, 5)).permutation(people)[:count]
        return LeavePeopleOut(tuple(sorted(str(one) for one in drawn)))
    stimuli = {one.trial.stimulus for one in trials}
    if "" in stimuli:
        unnamed = next(one.trial.name for one in trials if not one.trial.stimulus)
        raise MoodringError(
            f"trial '{unnamed}' of {corpus.name} names no stimulus, and people and stimuli are to be apart; name the "
            "stimuli, or --set 'protocols=[\"leave_one_subject_out\"]'"
        )
    for what, there, key in (("people", len(people), "people_folds"), ("stimuli", len(stimuli), "stimulus_folds")):
        if there < getattr(config, key):
            raise MoodringError(
                f"{corpus.name} has {there} {what} with usable trials, {key} is {getattr(config, key)}; lower it: "
                f"--set {key}={there}"
            )
    return BothApart(people_folds=config.people_folds, stimulus_folds=config.stimulus_folds, seed=config.seed)


def _calibration(
    trials: Trials, share: float, seed: int
) -> tuple[tuple[PreparedTrial, ...], tuple[PreparedTrial, ...]]:
    """Part the trials of a training side into those that train and those of other people, who calibrate."""
    people = sorted({one.trial.subject for one in trials})
    if len(people) < 2:
        raise MoodringError(
            f"a fold has {len(people)} person to train on ({', '.join(people)}), and probabilities are calibrated on "
            "others: add people, or use fewer folds"
        )
    count = min(max(1, round(share * len(people))), len(people) - 1)
    held = set(np.random.default_rng((seed, 9)).permutation(people)[:count].tolist())
    return (
        tuple(one for one in trials if one.trial.subject not in held),
        tuple(one for one in trials if one.trial.subject in held),
    )


def _items(trials: Trials) -> Items:
    """Return trials as items; those of a file that holds whole trials are on no common clock."""
    parts = [one.trial for one in trials]
    ends = np.array([part.stop_s for part in parts])
    return Items(
        names=tuple(part.name for part in parts),
        groups={
            "subject": tuple(part.subject for part in parts),
            "stimulus": tuple(part.stimulus for part in parts),
        },
        sources=tuple(str(part.file or part.name) for part in parts),
        contents=tuple(_contents(trials)),
        timelines=tuple(f"{part.file}" if np.isfinite(part.stop_s) else f"{part.file} {part.name}" for part in parts),
        start_s=np.array([part.start_s for part in parts]),
        end_s=ends,
    )


def _contents(trials: Trials) -> Iterator[str]:
    """Yield what tells the data of trials, whatever their names; of a trial without EEG its film does."""
    for one in trials:
        prepared = read_prepared(one.path)
        yield digest(prepared.power if prepared.eeg_there.any() else prepared.crops)


def _shared(items: Items, split: Split) -> Iterator[str]:
    for what, name in (("people", "subject"), ("stimuli", "stimulus")):
        group = items.group(name)
        if np.intersect1d(group[split.train], group[split.test]).size:
            yield what


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
