"""Scores of an attention model on prepared people, and the calibration of its probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from ....models.networks.attention import AXES, AttentionNet
from ...evaluation.metrics import conformal_threshold, fit_temperature, uar
from .faces.expressions import VISIBLE
from .feature_bank import Clips, FeatureBank

SHORTEST_TICKS = 10
"""Presentations cut shorter than this by the end of the session are not scored as whole stimuli."""


@dataclass(frozen=True)
class Decisions:
    """Decisions of whole sessions under one condition.

    Attributes
    ----------
    logits : (ticks, people, 2, 3)
    levels : (ticks, people, 2) int64
        The truth, -1 where there is none.
    stimulus : (ticks, people) int64
    looks : (ticks, 4, people) bool
    lengths : (people,) int64 or None
        Ticks of each session; what follows is filled up. None: all are equally long.
    """

    logits: Tensor
    levels: Tensor
    stimulus: Tensor
    looks: Tensor
    lengths: Tensor | None = None

    @property
    def looked(self) -> NDArray[np.float64]:
        """Share of frames looked at by person, ``(people,)``."""
        share = self.looks.float().mean(dim=(0, 1)).double()
        if self.lengths is not None:
            share = share * (len(self.looks) / self.lengths.clamp(min=1).double())
        return share.numpy()


@dataclass(frozen=True)
class ConditionScores:
    """Scores of one condition on validation people.

    Attributes
    ----------
    recall : (people, 2) float64
        Unweighted average recall of valence and arousal over half-second decisions.
    looked : float
        Share of frames looked at.
    hits, base : float
        Share of looks, and of all frames, with a visible expression; NaN where nobody knows.
    """

    recall: NDArray[np.float64]
    looked: float
    hits: float
    base: float

    def __str__(self) -> str:
        rated = zip(AXES, self.recall.T, strict=True)
        known = [f"{axis} {np.nanmean(row):.3f}" for axis, row in rated if np.isfinite(row).any()]
        looks = f"UAR {', '.join(known)}, looked at {self.looked:.3f}"
        if not np.isfinite(self.hits):
            return looks
        return f"{looks}, of these expressive {self.hits:.3f} (of all frames {self.base:.3f})"


def decisions_of(net: AttentionNet, bank: FeatureBank, clips: Clips, cores: Tensor, looks: Tensor) -> Decisions:
    """Return the decisions read from the core's hidden states of clips."""
    with torch.no_grad():
        logits = net.logits(cores)
    return Decisions(logits, bank.levels[clips.person, clips.ticks], bank.stimulus[clips.person, clips.ticks], looks)


def by_person(decisions: Decisions, bank: FeatureBank) -> Decisions:
    """Return the decisions of each person's trials one after the other; as they are where sessions are whole people."""
    if bank.who is None or bank.lengths is None:
        return decisions
    people = sorted(set(bank.who.tolist()))
    rows = [torch.nonzero(bank.who == person)[:, 0].tolist() for person in people]
    # Clips begin with the second tick.
    lengths = (bank.lengths - 1).tolist()
    totals = [sum(lengths[row] for row in theirs) for theirs in rows]

    def strung(values: Tensor, dim: int, fill: float) -> Tensor:
        parts = []
        for theirs, total in zip(rows, totals, strict=True):
            one = torch.cat([values.select(dim, row)[: lengths[row]] for row in theirs])
            rest = one.new_full((max(totals) - total, *one.shape[1:]), fill)
            parts.append(torch.cat([one, rest]))
        return torch.stack(parts, dim=dim)

    return Decisions(
        strung(decisions.logits, 1, 0.0),
        strung(decisions.levels, 1, -1),
        strung(decisions.stimulus, 1, -1),
        strung(decisions.looks, 2, False),
        torch.tensor(totals),
    )


def recall_of_decisions(decisions: Decisions) -> NDArray[np.float64]:
    """Return the unweighted average recall of half-second decisions, ``(people, 2)``."""
    answers = decisions.logits.argmax(dim=-1).numpy()
    levels = decisions.levels.numpy()
    return np.array(
        [
            [_uar(levels[:, person, axis], answers[:, person, axis]) for axis in range(len(AXES))]
            for person in range(levels.shape[1])
        ]
    )


def answers_of_stimuli(decisions: Decisions) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return person, truth and answer of whole stimuli: ``(n,)``, ``(n, 2)``, ``(n, 2)``.

    The answer is that of the last decision of a presentation; the truth is the level that held for most of it.
    """
    stimulus, levels = decisions.stimulus.numpy(), decisions.levels.numpy()
    answers = decisions.logits.argmax(dim=-1).numpy()
    people, truth, answer = [], [], []
    for person in range(stimulus.shape[1]):
        for number in range(stimulus[:, person].max(initial=-1) + 1):
            ticks = np.flatnonzero((stimulus[:, person] == number) & (levels[:, person] >= 0).all(axis=1))
            if len(ticks) >= SHORTEST_TICKS:
                people.append(person)
                truth.append([np.bincount(levels[ticks, person, axis], minlength=3).argmax() for axis in (0, 1)])
                answer.append(answers[ticks[-1], person])
    return np.array(people), np.array(truth).reshape(-1, 2), np.array(answer).reshape(-1, 2)


def hit_rate(bank: FeatureBank, clips: Clips, looks: Tensor) -> tuple[float, float]:
    """Return the share of looks at frames with a visible expression, and that share of all frames."""
    visible = bank.expressed[clips.person, clips.frames][..., 0] >= VISIBLE
    return float((visible & looks).sum() / looks.sum().clamp(min=1)), float(visible.float().mean())


def fit_temperatures(decisions: Decisions, axes: Sequence[str] = AXES) -> dict[str, float]:
    """Return the temperature of each axis that gives held-out people the best likelihood, people counting alike."""
    known = ((name, _known(decisions, axis)) for axis, name in enumerate(AXES) if name in axes)
    return {name: round(fit_temperature(*rows), 4) for name, rows in known}


def fit_thresholds(decisions: Decisions, temperatures: Mapping[str, float], coverage: float) -> dict[str, float]:
    """Return the conformal threshold of each axis.

    See :func:`~moodring.offline.evaluation.metrics.conformal_threshold`.
    """
    found = {}
    for axis, name in enumerate(AXES):
        if name not in temperatures:
            continue
        logits, level, people = _known(decisions, axis)
        probabilities = softmax(logits / temperatures[name], axis=1)
        found[name] = round(conformal_threshold(level, probabilities, people, coverage), 6)
    return found


def _uar(levels: NDArray[np.int64], answers: NDArray[np.int64]) -> float:
    known = levels >= 0
    return uar(levels[known], answers[known])


def _known(decisions: Decisions, axis: int) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
    """Return logits ``(n, 3)``, truth ``(n,)`` and person of the decisions whose truth is known."""
    tick, person = np.nonzero(decisions.levels[:, :, axis].numpy() >= 0)
    logits = decisions.logits[tick, person, axis].double().numpy()
    level = decisions.levels[tick, person, axis].numpy().astype(np.int64)
    return logits, level, [str(one) for one in person]
