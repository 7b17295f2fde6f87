"""The attention model on a corpus: trained anew in every fold, beside plain methods and controls on the same trials."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray

from ....configs.schema.errors import ConfigError
from ....configs.schema.evaluate import EvaluateCorpusConfig
from ...datasets.affect_corpus import AffectCorpus
from ...training.attention.corpora.data import ready_trials
from ..muscles_and_eyes import MuscleEyePower
from ..stimulus_found import Found, Shown, found_right
from .baselines import (
    LDA,
    LDA_POSTERIOR,
    LDA_WINDOW,
    MAJORITY,
    MUSCLES_AND_EYES,
    STIMULUS,
    by_lda,
    by_majority,
    by_stimulus,
)
from .fold import DecidedTrial, FoldResult, run_fold
from .folds import Fold, Plan, cross_plan, plans_of
from .rows import PlanResult, result_values
from .signals import TrialSignals, band_signals, measure_muscles, muscle_names, muscle_signals, posterior

_NO_MUSCLES = "no electrode over temples or forehead is in all trials: muscles and eyes alone are not judged"
_NO_FACES = "nobody who trains was filmed: the model reads the EEG alone, and when expressions show is unknown"
_STOPS_EARLY = "stages stop early on people taken from those to train on, never on those tested or calibrated on"
Array = NDArray[np.generic]


@dataclass(frozen=True)
class Ready:
    """What every fold needs: corpora and trials, prepared and measured."""

    config: EvaluateCorpusConfig
    corpus: AffectCorpus
    muscles: Mapping[str, MuscleEyePower]
    cache: Path
    report: Callable[[str], None]


def evaluate_corpus(config: EvaluateCorpusConfig, report: Callable[[str], None]) -> dict[str, Any]:
    """Run the protocols of a config.

    Parameters
    ----------
    config : EvaluateCorpusConfig
    report : callable
        Takes lines about the progress.

    Returns
    -------
    dict
        As :func:`~..result.evaluation_values`. Each row is of one protocol, system, axis and ``unit``: ``"decision"``,
        every half second; ``"stimulus"``, one answer for each trial; ``"expression_free"``, decisions before which no
        expression showed. Every row says whether its protocol is leaky and what training and test share.

    Raises
    ------
    MoodringError
        A folder holds no corpus, people or stimuli are too few, or a protocol leaks that was not asked for.
    """
    began = time.monotonic()
    if config.data is None:
        raise ConfigError("the config needs the corpus's folder: add --set data=FOLDER")
    torch.set_num_threads(config.training.threads)
    cache = config.cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "training"
    training = config.fold_training
    workers = training.people.workers
    corpus, trials = ready_trials(training, config.data, cache, report)
    domain = [corpus.name]
    if config.test is None:
        plans = plans_of(config, corpus, trials)
        muscles = measure_muscles(corpus, trials, cache, workers, report)
    else:
        elsewhere = training.model_copy(update={"corpus": config.test_corpus})
        other, strangers = ready_trials(elsewhere, config.test, cache, report)
        plans = (cross_plan(config, corpus, trials, other, strangers),)
        muscles = measure_muscles(corpus, trials, cache, workers, report)
        muscles |= measure_muscles(other, strangers, cache, workers, report)
        domain.append(other.name)
    ready = Ready(config, corpus, muscles, cache, report)
    results = [_run(ready, plan) for plan in plans]
    return result_values(config, results, domain, began)


def _run(ready: Ready, plan: Plan) -> PlanResult:
    tested: list[DecidedTrial] = []
    found: dict[str, list[Found]] = {"core": [], "band_power": []}
    notes: dict[str, None] = {}
    began, shared = time.monotonic(), "stimuli" in plan.shared
    for number, fold in enumerate(plan.folds, start=1):
        result = run_fold(
            ready.config.fold_training, ready.corpus, fold, ready.cache, ready.report, stimuli_shared=shared
        )
        notes |= {} if result.filmed else {_NO_FACES: None}
        notes |= {_STOPS_EARLY: None} if result.stopped_on else {}
        known = band_signals(fold.parts.training, result.normal)
        signals = band_signals(fold.parts.validation, result.normal)
        judged, missing = _with_baselines(ready, fold, result, known, signals, stimuli_shared=shared)
        notes |= dict.fromkeys(missing)
        tested += judged
        for name, answers in _found(result, known, signals).items():
            found[name] += answers
        left_min = (time.monotonic() - began) / number * (len(plan.folds) - number) / 60.0
        ready.report(f"{plan.name}, {fold.name}: done ({number} of {len(plan.folds)}, {left_min:.1f} min left)")
    return PlanResult(plan, tuple(tested), found, tuple(notes))


def _with_baselines(
    ready: Ready,
    fold: Fold,
    result: FoldResult,
    known: Mapping[str, TrialSignals],
    signals: Mapping[str, TrialSignals],
    *,
    stimuli_shared: bool,
) -> tuple[list[DecidedTrial], list[str]]:
    training, tested = fold.parts.training, result.tested
    so_far, window = by_lda(known, signals, tested)
    more = {LDA: so_far, LDA_WINDOW: window}
    behind = posterior(result.normal.prior.names)
    if len(behind):
        more[LDA_POSTERIOR] = by_lda(known, signals, tested, behind)[0]
    names = muscle_names((*training, *fold.parts.validation), ready.muscles)
    if names:
        ours, theirs = (
            muscle_signals(trials, names, ready.muscles, training) for trials in (training, fold.parts.validation)
        )
        more[MUSCLES_AND_EYES] = by_lda(ours, theirs, tested)[0]
    of_the_same = training if stimuli_shared else ()
    more |= {STIMULUS: by_stimulus(training, of_the_same, tested), MAJORITY: by_majority(training, tested)}
    judged = [
        replace(one, answers=one.answers | {name: answers[at] for name, answers in more.items()})
        for at, one in enumerate(tested)
    ]
    return judged, [] if MUSCLES_AND_EYES in more else [_NO_MUSCLES]


def _found(
    result: FoldResult, known: Mapping[str, TrialSignals], signals: Mapping[str, TrialSignals]
) -> dict[str, list[Found]]:
    """Find the stimulus of tested trials by those trained on where they show the same, else by other tested people."""
    reference, theirs = (result.trained, known) if result.trained else (result.tested, signals)

    def shown(trials: Sequence[DecidedTrial], features: Mapping[str, Array]) -> Shown:
        return Shown(
            tuple(one.person for one in trials),
            tuple(one.stimulus for one in trials),
            np.stack([features[one.key] for one in trials]).astype(np.float64),
        )

    def means(trials: Sequence[DecidedTrial], of: Mapping[str, TrialSignals]) -> dict[str, Array]:
        return {one.key: of[one.key].features[one.ticks].mean(axis=0) for one in trials}

    def states(trials: Sequence[DecidedTrial]) -> dict[str, Array]:
        return {one.key: one.state for one in trials}

    return {
        "core": found_right(shown(reference, states(reference)), shown(result.tested, states(result.tested))),
        "band_power": found_right(
            shown(reference, means(reference, theirs)), shown(result.tested, means(result.tested, signals))
        ),
    }
