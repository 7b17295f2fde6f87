"""One fold: the attention model trained on its training people, then its decisions on what is tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from ....configs.schema.errors import MoodringError
from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.networks.attention import AXES, FRAMES_PER_TICK, TICK_HZ, Sizes
from ....models.signals.eeg.normalisation import Normalisation
from ...datasets.affect_corpus import AffectCorpus
from ...training.attention.corpora.bank import sittings_of
from ...training.attention.corpora.data import CorpusData
from ...training.attention.corpora.trials import PreparedTrial
from ...training.attention.data import Networks
from ...training.attention.feature_bank import FeatureBank, whole_sessions
from ...training.attention.scores import fit_temperatures, fit_thresholds
from ...training.attention.train import Policies, train_stages
from ...training.common.optimization import Report
from ...training.common.stage_cache import StageCache
from ..metrics import conformal_sets
from .folds import Fold

FULL, NO_FACE, NO_EEG = "full", "no_face", "no_eeg"
FREE_S = 2.0
"""A decision is free of expressions where none showed for so long before it."""


@dataclass(frozen=True)
class Answers:
    """What one condition or method says at the decisions of a trial.

    Attributes
    ----------
    probabilities : (n, 2, 3) float32
    kept : (n, 2, 3) bool
        The conformal sets; a method without them keeps its best class.
    looked : float or None
        Share of the frames looked at.
    """

    probabilities: NDArray[np.float32]
    kept: NDArray[np.bool_]
    looked: float | None = None

    @classmethod
    def plain(cls, probabilities: NDArray[np.floating]) -> "Answers":
        """Return the answers of a method without sets."""
        best = probabilities.argmax(axis=-1)[..., None] == np.arange(probabilities.shape[-1])
        return cls(probabilities.astype(np.float32), best)


@dataclass(frozen=True)
class DecidedTrial:
    """The decisions of one trial that was tested.

    Attributes
    ----------
    key : str
        Of the prepared trial.
    person, stimulus : str
    order : tuple of (str, int)
        Its session and its place there.
    ticks : (n,) int64
        Of the prepared trial.
    times_s : (n,) float64
        From the onset of the stimulus.
    truth : (n, 2) int64
        -1 where an axis was not rated, here or where it was trained.
    free : (n,) bool
        No expression showed in the :data:`FREE_S` before, as the fold's own face network reads it; False where no
        face was seen.
    state : (core,) float32
        The core's mean hidden state, of the full model.
    answers : dict
        By condition.
    """

    key: str
    person: str
    stimulus: str
    order: tuple[str, int]
    ticks: NDArray[np.int64]
    times_s: NDArray[np.float64]
    truth: NDArray[np.int64]
    free: NDArray[np.bool_]
    state: NDArray[np.float32]
    answers: dict[str, Answers]


@dataclass(frozen=True)
class FoldResult:
    """What a fold gives.

    Attributes
    ----------
    tested, trained : tuple of DecidedTrial
        The trials tested, and those trained on where they show the same stimuli.
    normal : Normalisation
        Of the EEG, fitted on training people.
    filmed : bool
        Whether the model was trained with faces.
    stopped_on : tuple of str
        People of the training side that its stages stopped early on; empty where they ran all their batches.
    """

    tested: tuple[DecidedTrial, ...]
    trained: tuple[DecidedTrial, ...]
    normal: Normalisation
    filmed: bool
    stopped_on: tuple[str, ...]


def run_fold(
    config: TrainAttentionConfig,
    corpus: AffectCorpus,
    fold: Fold,
    cache: Path,
    report: Report,
    *,
    stimuli_shared: bool,
) -> FoldResult:
    """Train the model on a fold and decide on its test; finished stages come from the cache.

    Parameters
    ----------
    config : TrainAttentionConfig
    corpus : AffectCorpus
    fold : Fold
    cache : Path
    report : callable
    stimuli_shared : bool
        Training and test show the same stimuli: the trials trained on are decided on too.

    Raises
    ------
    MoodringError
        The trials to calibrate on have no labels of an axis that others have.
    """
    torch.manual_seed(config.seed)
    data = CorpusData.split(config, corpus, fold.parts, report)
    networks = Networks(Sizes.of(config.network.model_dump()), config.network.backbone)
    stages = StageCache(networks, cache, data.settings, report)
    prepared = data.layers(networks, stages)
    policies = train_stages(data.config, networks, stages, prepared, report)
    axes = _axes(fold)
    calibrated = policies.decide(prepared.calibration, whole_sessions(prepared.calibration))
    temperatures = fit_temperatures(calibrated, axes)
    thresholds = fit_thresholds(calibrated, temperatures, data.config.coverage)
    conditions: dict[str, dict[str, bool]] = {FULL: {}}
    if data.start is not None:
        conditions |= {NO_FACE: {"face": False}, NO_EEG: {"eeg": False}}
    sets = _Sets(temperatures, thresholds)
    tested = _decided(policies, prepared.validation, _in_rows(fold.parts.validation), conditions, sets)
    trained: tuple[DecidedTrial, ...] = ()
    if stimuli_shared:
        trained = _decided(policies, prepared.training, _in_rows(data.parts.training), {FULL: {}}, sets)
    stopped_on = tuple(sorted({one.trial.subject for one in data.parts.stopping}))
    return FoldResult(tested, trained, prepared.normal, data.start is not None, stopped_on)


@dataclass(frozen=True)
class _Sets:
    """How logits become probabilities and sets, by axis."""

    temperatures: dict[str, float]
    thresholds: dict[str, float]

    def of(self, logits: NDArray[np.float64], looked: float | None) -> Answers:
        probabilities = np.full(logits.shape, 1.0 / logits.shape[-1])
        kept = np.ones(logits.shape, np.bool_)
        for axis, name in enumerate(AXES):
            if name in self.temperatures:
                probabilities[:, axis] = softmax(logits[:, axis] / self.temperatures[name], axis=-1)
                kept[:, axis] = conformal_sets(probabilities[:, axis], self.thresholds[name])
        return Answers(probabilities.astype(np.float32), kept, looked)


def _decided(
    policies: Policies,
    bank: FeatureBank,
    trials: Sequence[PreparedTrial],
    conditions: dict[str, dict[str, bool]],
    sets: _Sets,
) -> tuple[DecidedTrial, ...]:
    if bank.lengths is None:
        raise ValueError("rows of a corpus are trials and have lengths")
    rated = np.array([name in sets.temperatures for name in AXES])
    levels = np.where(rated, bank.levels.numpy(), -1)
    answers: list[dict[str, Answers]] = [{} for _ in trials]
    states: list[NDArray[np.float32]] = []
    ticks = [_labelled(levels[row]) for row in range(len(trials))]
    for name, withheld in conditions.items():
        decisions, cores = policies.decide_rows(bank, whole_sessions(bank, **withheld))
        for row, at in enumerate(ticks):
            # Clips begin with the second tick.
            logits = decisions.logits[at - 1, row].double().numpy()
            frames = decisions.looks[: int(bank.lengths[row]) - 1, :, row]
            answers[row][name] = sets.of(logits, float(frames.float().mean()) if bank.face_there.any() else None)
        if name == FULL:
            states = [cores[at - 1, row].float().mean(dim=0).numpy() for row, at in enumerate(ticks)]
    return tuple(
        DecidedTrial(
            key=one.key,
            person=one.trial.subject,
            stimulus=one.trial.stimulus,
            order=(one.trial.groups.get("session", ""), one.trial.order),
            ticks=ticks[row],
            times_s=bank.since_onset_s[row, ticks[row]].double().numpy(),
            truth=levels[row, ticks[row]],
            free=_free(bank, row)[ticks[row]],
            state=states[row],
            answers=answers[row],
        )
        for row, one in enumerate(trials)
        if len(ticks[row])
    )


def _labelled(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ticks of a trial that are decided on and have a label; those filled up have none."""
    ticks = np.flatnonzero((levels >= 0).any(axis=1))
    return ticks[ticks >= 1]


def _free(bank: FeatureBank, row: int) -> NDArray[np.bool_]:
    """Return at which ticks a face was seen and showed no expression, ``(ticks,)``."""
    there = bank.face_there[row].numpy()
    shown = there & (bank.presence[row].float().numpy() > 0.0)
    span = round(FREE_S * TICK_HZ * FRAMES_PER_TICK)
    ends = np.arange(bank.ticks) * FRAMES_PER_TICK + 1
    seen, visible = (np.concatenate([[0], np.cumsum(frames)]) for frames in (there, shown))
    starts = np.maximum(ends - span, 0)
    free: NDArray[np.bool_] = (seen[ends] - seen[starts] >= span // 2) & (visible[ends] == visible[starts])
    return free


def _in_rows(trials: Sequence[PreparedTrial]) -> list[PreparedTrial]:
    """Return trials in the order of a bank's rows."""
    return [one for sitting in sittings_of(trials) for one in sitting.trials]


def _axes(fold: Fold) -> tuple[str, ...]:
    """Return the axes that training and test have labels of."""
    parts = {"train": fold.parts.training, "calibrate": fold.parts.calibration, "test": fold.parts.validation}
    there = {
        what: {axis for axis in AXES if any(axis in one.trial.labels for one in trials)}
        for what, trials in parts.items()
    }
    wanted = there["train"] & there["test"]
    if not wanted:
        raise MoodringError(f"{fold.name}: no axis is rated both where it trains and where it tests; rate one")
    absent = sorted(wanted - there["calibrate"])
    if absent:
        raise MoodringError(f"{fold.name}: nobody to calibrate on rated {absent[0]}; add people who did")
    return tuple(axis for axis in AXES if axis in wanted)
