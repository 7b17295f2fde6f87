"""Judging the video-EEG model on prepared people: recalls per person, and probabilities made honest."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from ....models.decoders.video_eeg import random_wait
from ....models.networks.video_eeg import AXES, VideoEegNet
from ...evaluation.metrics import conformal_threshold, fit_temperature, uar
from .looks import Bank, Chooser, Rows, decisions, follow, held_logits
from .reinforce import by_policy

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
    best, level = said.logits.argmax(dim=-1).numpy(), said.level.numpy()
    by_person = [
        [uar(level[i, level[i, :, axis] >= 0, axis], best[i, level[i, :, axis] >= 0, axis]) for axis in range(2)]
        for i in range(len(best))
    ]
    return Judged(np.array(by_person), said.glimpsed.numpy().astype(np.float64))


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
    found = {}
    for axis, name in enumerate(AXES):
        logits, level, people = _known(said, axis)
        found[name] = round(fit_temperature(logits, level, people), 4)
    return found


def thresholds(said: Answers, heated: Mapping[str, float], coverage: float) -> dict[str, float]:
    """Find the conformal thresholds of each axis; see :func:`~moodring.offline.evaluation.metrics.conformal_threshold`."""
    found = {}
    for axis, name in enumerate(AXES):
        logits, level, people = _known(said, axis)
        found[name] = round(conformal_threshold(level, softmax(logits / heated[name], axis=1), people, coverage), 6)
    return found


def _known(said: Answers, axis: int) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
    """Give logits ``(n, 3)``, truth ``(n,)`` and person of the decisions whose truth is known."""
    who, when = np.nonzero(said.level[:, :, axis].numpy() >= 0)
    logits = said.logits[who, when, axis].double().numpy()
    return logits, said.level[who, when, axis].numpy().astype(np.int64), [str(person) for person in who]


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
