"""Evaluate votes of simulated listeners, whose truth is known, and of real listeners of one story."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from ....configs.schema.errors import ConfigError
from ....configs.schema.papers.voting import HtfaVotingConfig, ScansVotingConfig, SimulatedVotingConfig, VotingSection
from ...datasets.fmri.htfa import halves, read, stimulus_states
from ...datasets.fmri.nifti import read as read_scans
from ...datasets.fmri.scans import Event, ResponseWindows, Scans, response_windows
from ...datasets.speech.iemocap import merged_to_four
from ...scheduling.work import Scheduler, Work, finished
from ...simulate.listeners import EMOTIONS, ListeningDesign, simulate_listening
from ..intervals import mean_over_people
from ..metrics import uar
from ..result import evaluation_values
from ..splits import LeaveBlocksOut
from .folds import INDIVIDUAL, SYSTEMS, answer_fold, items_of
from .kept import KeptAnswers, fold_key, kept_folder
from .rows import (
    Repetition,
    agreement_values,
    difference_over_blocks,
    difference_over_seeds,
    mean_recall,
    over_blocks,
    over_seeds,
    paired_values,
    repetition,
    row_values,
)

Report = Callable[[str], None]


def evaluate_simulated_voting(config: SimulatedVotingConfig, report: Report, scheduler: Scheduler) -> dict[str, Any]:
    """Return the values of the JSON of an evaluation on simulated listeners.

    Each seed is a stimulus and a group of listeners of its own. ``found`` holds how well the voting weights tell
    listeners who respond from silent and contrary ones.
    """
    began = time.monotonic()
    design = ListeningDesign(
        listeners=config.listeners,
        silent=config.silent,
        contrary=config.contrary,
        utterances=config.utterances,
        blocks=config.blocks,
    )
    protocol = LeaveBlocksOut(config.leave_out)
    groups, responds = [], []
    for seed in config.seeds:
        simulated = simulate_listening(seed, design, config.volumes)
        data = response_windows(simulated.scans, simulated.events, EMOTIONS, config.lag_s, config.n_images, report)
        groups.append(_Group(f"group {seed}", seed, data))
        responds.append(simulated.responds)
    repetitions = _repetitions(groups, protocol, config, scheduler, report)
    rows = [row_values(repetitions, one, over_seeds(repetitions, one)) for one in SYSTEMS]
    return evaluation_values(
        protocol=f"{_left_out(config.leave_out, config.blocks)}; lag {config.lag_s:g} s, {config.n_images} images",
        groups=[f"seed {seed}" for seed in config.seeds],
        n=sum(len(one.truth) for one in repetitions),
        seeds=config.seeds,
        domain=["simulated fMRI of listeners"],
        rows=rows,
        paired=paired_values(repetitions, difference_over_seeds),
        wall_s=time.monotonic() - began,
        over="seeds",
        found=_found(repetitions, responds),
        agreement=agreement_values(repetitions),
        listeners=[_listener_values(one, who) for one, who in zip(repetitions, responds, strict=True)],
    )


def evaluate_scans_voting(config: ScansVotingConfig, report: Report, scheduler: Scheduler) -> dict[str, Any]:
    """Return the values of the JSON of an evaluation on scans of listeners.

    Raises
    ------
    ConfigError
        No folder is given.
    MoodringError
        Scans, events, atlas or corpus are not there, damaged or do not fit each other.
    """
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs the folder of the scans: add --set data=FOLDER")
    began = time.monotonic()
    class_of = None
    if config.iemocap is not None:
        spoken = merged_to_four(config.iemocap, "skip").trials
        class_of = {Path(one.name).stem: one.labels["emotion"] for one in spoken}
    scans, events = read_scans(config.data, config.classes, config.interval_s, config.atlas, class_of)
    data = response_windows(scans.usable(report), events, config.classes, config.lag_s, config.n_images, report)
    protocol = LeaveBlocksOut(config.leave_out)
    groups = [_Group(f"{len(data.listeners)} listeners", seed, data) for seed in config.seeds]
    repetitions = _repetitions(groups, protocol, config, scheduler, report)
    return evaluation_values(
        protocol=f"{_left_out(config.leave_out, len(np.unique(data.runs)))}; lag {config.lag_s:g} s, "
        f"{config.n_images} images",
        groups=[f"run {one + 1}" for one in np.unique(data.runs)],
        n=len(data.labels),
        seeds=config.seeds,
        domain=["fMRI of listeners"],
        rows=[row_values(repetitions, one, over_blocks(repetitions, one)) for one in SYSTEMS],
        paired=paired_values(repetitions, difference_over_blocks),
        wall_s=time.monotonic() - began,
        over="runs",
        agreement=agreement_values(repetitions),
        listeners=[_listener_values(one, None) for one in repetitions],
    )


def evaluate_htfa_voting(config: HtfaVotingConfig, report: Report, scheduler: Scheduler) -> dict[str, Any]:
    """Return the values of the JSON of an evaluation on real listeners of one story.

    Raises
    ------
    ConfigError
        No folder is given.
    MoodringError
        The file is not there or damaged, or the gap leaves nothing to train on.
    """
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs the folder with weights.mat: add --set data=FOLDER")
    began = time.monotonic()
    both = halves(read(config.data, config.interval_s).usable(report))
    protocol = LeaveBlocksOut("block", config.gap_s)
    groups = []
    for name, voters, labellers in (("first half", both[0], both[1]), ("second half", both[1], both[0])):
        data = story_windows(voters, labellers, config, report)
        counts = ", ".join(map(str, np.bincount(data.labels)))
        report(f"{name} votes: {len(data.labels)} moments in {config.states} states ({counts})")
        groups += [_Group(name, seed, data) for seed in config.seeds]
    repetitions = _repetitions(groups, protocol, config, scheduler, report)
    rows = [
        row_values(repetitions, one, over_blocks(repetitions, one), **_null(repetitions, one, config))
        for one in SYSTEMS
    ]
    return evaluation_values(
        protocol=f"one half of the listeners makes the labels ({config.states} states of its mean response), the other "
        f"votes, then swapped; leave one of {config.blocks} blocks out with {config.gap_s:g} s around it, windows of "
        f"{config.n_images} images centred on the moment",
        groups=[f"block {one + 1}" for one in range(config.blocks)],
        n=sum(len(one.truth) for one in repetitions if one.seed == config.seeds[0]),
        seeds=config.seeds,
        domain=["fMRI factors (HTFA) of listeners of one story"],
        rows=rows,
        paired=paired_values(repetitions, difference_over_blocks),
        wall_s=time.monotonic() - began,
        over="blocks",
        agreement=agreement_values(repetitions),
        listeners=[_listener_values(one, None) for one in repetitions],
    )


def _left_out(what: str, count: int) -> str:
    if what == "utterance":
        return "leave one utterance out, with those whose windows meet its own; the response to its neighbours is there"
    return f"leave one of {count} {what}s out, {what}s scanned apart"


def story_windows(voters: Scans, labellers: Scans, config: HtfaVotingConfig, report: Report) -> ResponseWindows:
    """Return windows of those who vote around each moment, labelled by the states of those who do not."""
    n_images = len(labellers.runs)
    trimmed = round(config.trim_s / config.interval_s)
    kept = slice(trimmed, n_images - trimmed)
    states = stimulus_states([one[kept] for one in labellers.images], config.states, 0)
    blocks = np.arange(len(states)) * config.blocks // len(states)
    events = [
        Event((trimmed + number) * config.interval_s, int(state), int(block))
        for number, (state, block) in enumerate(zip(states, blocks, strict=True))
    ]
    classes = tuple(f"state {one + 1}" for one in range(config.states))
    lag_s = -(config.n_images // 2) * config.interval_s
    return response_windows(voters, events, classes, lag_s, config.n_images, report)


@dataclass(frozen=True)
class _Group:
    """Listeners of one stimulus, and the seed that their networks are trained with."""

    name: str
    seed: int
    data: ResponseWindows


def _repetitions(
    groups: Sequence[_Group], protocol: LeaveBlocksOut, config: VotingSection, scheduler: Scheduler, report: Report
) -> list[Repetition]:
    """Answer all folds of all groups and put those of each together."""
    folder, parts, counts = kept_folder(config), [], []
    for group in groups:
        splits = list(protocol.splits(items_of(group.data)))
        counts.append(len(splits))
        for split in splits:
            parts.append(
                Work(
                    name=f"{group.name}, seed {group.seed}, {split.name}",
                    path=folder / f"fold-{fold_key(group.data, split, config, group.seed)[:20]}.npz",
                    compute=answer_fold,
                    data=group.data,
                    arguments=(split, protocol, config, group.seed),
                )
            )
    answers = iter(finished(parts, KeptAnswers(), scheduler, report))
    found = []
    for group, count in zip(groups, counts, strict=True):
        data, folds = group.data, list(islice(answers, count))
        found.append(
            repetition(
                group.name, group.seed, data.listeners, data.labels, data.blocks, folds, config.fusion.thresholds
            )
        )
    return found


def _found(repetitions: Sequence[Repetition], responds: Sequence[Any]) -> list[dict[str, Any]]:
    """Return how well listeners who respond are told from the others, by their weights and by their own recall."""
    if any(who.all() or not who.any() for who in responds):
        return []
    measures: dict[str, Callable[[Repetition], Any]] = {
        "voting weights after mask and fine-tuning": lambda one: one.masked,
        "voting weights before the mask": lambda one: one.weights,
        f"{INDIVIDUAL} UAR on tested folds": Repetition.recalls_alone,
    }
    rows = []
    for name, measure in measures.items():
        each = [float(roc_auc_score(who, measure(one))) for one, who in zip(repetitions, responds, strict=True)]
        interval = mean_over_people(each).within(0.0, 1.0)
        rows.append({"name": name, "auc": interval.value, "low": interval.low, "high": interval.high, "by_seed": each})
    return rows


def _listener_values(one: Repetition, responds: Any) -> dict[str, Any]:
    return {
        **{"group": one.name, "seed": one.seed, "names": one.listeners},
        **({} if responds is None else {"responds": responds}),
        **{"weights": one.weights / one.weights.sum(), "masked_weights": one.masked / one.masked.sum()},
        **{"individual_uar": one.recalls_alone(), "thresholds": one.thresholds, "leaky_threshold": one.leaky_threshold},
    }


def _null(repetitions: Sequence[Repetition], system: str, config: HtfaVotingConfig) -> dict[str, float]:
    """Return the UAR where labels are shifted around the story, of each half by a random time longer than the gap."""
    rng = np.random.default_rng(0)
    groups = list(dict.fromkeys(one.name for one in repetitions))
    least = round(config.gap_s / config.interval_s)
    drawn = np.empty(config.shifts)
    for draw in range(config.shifts):
        shift = {name: int(rng.integers(least, len(repetitions[0].truth) - least + 1)) for name in groups}
        drawn[draw] = np.mean([_shifted(one, system, shift[one.name]) for one in repetitions])
    real = mean_recall(repetitions, system)
    p_value = (1 + int((drawn >= real).sum())) / (1 + config.shifts)
    return {"null": float(drawn.mean()), "null_high": float(np.quantile(drawn, 0.95)), "p_value": p_value}


def _shifted(one: Repetition, system: str, shift: int) -> float:
    said = one.classes[system]
    alone = said if system == INDIVIDUAL else said[:1]
    return float(np.mean([uar(np.roll(one.truth, shift), each) for each in alone]))
