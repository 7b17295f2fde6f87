"""Judging the video-EEG model on prepared people: recalls per person, and probabilities made honest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...models.networks.video_eeg import AXES, VideoEegNet
from ...models.video_eeg import random_wait
from .looks import Bank, Chooser, Rows, decisions, follow, held_logits
from .reinforce import by_policy
from .steps import recall

CONDITIONS = ("full", "no_eeg", "no_face", "uniform", "random", "uncalibrated")


@dataclass(frozen=True)
class Judged:
    """How one condition went, person by person.

    Attributes
    ----------
    uar : (people, 2) float64
        Unweighted average recall of valence and arousal over decisions every half second.
    glimpsed : (people,) float64
        Share of the grid frames looked at.
    """

    uar: NDArray[np.float64]
    glimpsed: NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Logits ``(people, decisions, 2, 3)`` and truth ``(people, decisions, 2)``, -1 where there is none."""

    logits: Tensor
    level: Tensor
    glimpsed: Tensor


def answer(net: VideoEegNet, bank: Bank, condition: str, mean_wait: float) -> Answers:
    """Decode all people of a bank from their session's start, in view 0 (view 1 where uncalibrated)."""
    people = bank.face.shape[0]
    every = torch.ones(people, dtype=torch.bool)
    rows = Rows(
        person=torch.arange(people),
        view=torch.full((people,), int(condition == "uncalibrated")),
        start=torch.full((people,), 16),
        stop=torch.full((people,), bank.frames),
        no_face=every & (condition == "no_face"),
        no_eeg=every & (condition == "no_eeg"),
    )
    choosers: dict[str, Chooser] = {
        "uniform": _evenly(mean_wait),
        "random": _randomly(mean_wait, net.sizes.max_wait_frames),
    }
    choose = choosers.get(condition) or by_policy(net, 0.0, torch.Generator())
    with torch.no_grad():
        course = follow(net, bank, rows, choose, bank.frames)
        held = decisions(bank, rows, course)
        logits = held_logits(net, course, held)
    return Answers(logits, held.level, course.active.sum(dim=0) / (course.end - rows.start))


def judge(net: VideoEegNet, bank: Bank, condition: str, mean_wait: float) -> Judged:
    """Give recalls and the share looked at; see :class:`Judged`."""
    said = answer(net, bank, condition, mean_wait)
    best = said.logits.argmax(dim=-1)
    uar = [[recall(best[i, :, axis], said.level[i, :, axis]) for axis in range(2)] for i in range(len(best))]
    return Judged(np.array(uar), said.glimpsed.numpy().astype(np.float64))


def interval(values: Sequence[float] | NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """Bootstrap the mean over people: the 95 % interval."""
    rng = np.random.default_rng(seed)
    numbers = np.asarray(values, np.float64)
    means = numbers[rng.integers(0, len(numbers), (2000, len(numbers)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def spend(net: VideoEegNet, bank: Bank, budget: float) -> None:
    """Shift the policy's bias, in place, until the means of its Gaussian spend the budget on these people."""
    bias = float(net.policy.bias.detach()[0])
    low, high = bias - 3.0, bias + 3.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        with torch.no_grad():
            net.policy.bias.fill_(middle)
        too_many = float(answer(net, bank, "full", 1.0 / budget).glimpsed.mean()) > budget
        low, high = (middle, high) if too_many else (low, middle)


def temperatures(said: Answers) -> dict[str, float]:
    """Find the temperature of each axis that gives held-out people the best likelihood, people counting alike."""
    grid = np.geomspace(0.4, 4.0, 47)
    found = {}
    for axis, name in enumerate(AXES):
        losses = [_nll(said.logits[:, :, axis] / float(value), said.level[:, :, axis]) for value in grid]
        found[name] = round(float(grid[int(np.argmin(losses))]), 4)
    return found


def thresholds(said: Answers, heated: Mapping[str, float], coverage: float) -> dict[str, float]:
    """Find the conformal thresholds of each axis: sets of all classes above them cover so much of a new person.

    People are exchangeable, their windows are not: each calibration person has the same mass, and so has the unknown
    new one, who counts as never covered (hierarchical conformal prediction, Lee, Barber and Willett 2023).
    """
    found = {}
    for axis, name in enumerate(AXES):
        probabilities = torch.softmax(said.logits[:, :, axis] / heated[name], dim=-1)
        known = said.level[:, :, axis] >= 0
        true = probabilities.gather(-1, said.level[:, :, axis].clamp(min=0)[..., None])[..., 0]
        scores = [true[i][known[i]].sort().values.numpy() for i in range(len(true)) if bool(known[i].any())]
        people = len(scores)
        missed = max(0.0, ((1.0 - coverage) * (people + 1) - 1.0) / people)
        values = np.concatenate(scores)
        weights = np.concatenate([np.full(len(row), 1.0 / (people * len(row))) for row in scores])
        order = np.argsort(values)
        share = np.cumsum(weights[order]) - weights[order]
        below = np.flatnonzero(share <= missed)
        found[name] = round(float(values[order][below[-1]]), 6) if len(below) and missed > 0.0 else 0.0
    return found


def _nll(logits: Tensor, level: Tensor) -> float:
    log_p = torch.log_softmax(logits, dim=-1).gather(-1, level.clamp(min=0)[..., None])[..., 0]
    known = (level >= 0).float()
    return float((-(log_p * known).sum(dim=1) / known.sum(dim=1).clamp(min=1.0)).mean())


def _evenly(mean_wait: float) -> Chooser:
    def choose(core: Tensor, number: int) -> tuple[Tensor, Tensor]:
        wait = max(1, round((number + 1) * mean_wait) - round(number * mean_wait))
        waits = torch.full((len(core),), wait)
        return waits.float(), waits

    return choose


def _randomly(mean_wait: float, longest: int) -> Chooser:
    rng = np.random.default_rng(0)

    def choose(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        waits = torch.tensor([random_wait(rng, mean_wait, longest) for _ in range(len(core))])
        return waits.float(), waits

    return choose
