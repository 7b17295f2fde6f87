"""Scores of the video-EEG network on prepared people, and the calibration of its probabilities."""

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
from .reinforce import learned_policy
from .rollouts import Clips, FeatureBank, Policy, decision_logits, decisions_of, roll_out

CONDITIONS = ("full", "no_eeg", "no_face", "uniform", "random", "uncalibrated")


@dataclass(frozen=True)
class RecallByPerson:
    """Scores of one condition, person by person.

    Attributes
    ----------
    uar : (people, 2) float64
        Unweighted average recall of valence and arousal over decisions every half second.
    glimpsed : (people,) float64
        Share of the grid frames that were embedded.
    """

    uar: NDArray[np.float64]
    glimpsed: NDArray[np.float64]


@dataclass(frozen=True)
class DecisionLogits:
    """Outputs of one condition.

    Attributes
    ----------
    logits : (people, decisions, 2, 3)
    level : (people, decisions, 2) int64
        The truth, -1 where there is none.
    glimpsed : (people,)
        Share of the grid frames that were embedded.
    """

    logits: Tensor
    level: Tensor
    glimpsed: Tensor


def run_condition(net: VideoEegNet, features: FeatureBank, condition: str, mean_wait: float) -> DecisionLogits:
    """Decode all people from the start of their sessions, in variant 0 (variant 1 where uncalibrated).

    Parameters
    ----------
    net : VideoEegNet
    features : FeatureBank
    condition : str
        One of :data:`CONDITIONS`.
    mean_wait : float
        Frames between glimpses of the uniform and the random policy.
    """
    people = features.face.shape[0]
    every = torch.ones(people, dtype=torch.bool)
    clips = Clips(
        person=torch.arange(people),
        variant=torch.full((people,), int(condition == "uncalibrated")),
        start=torch.full((people,), 16),
        stop=torch.full((people,), features.frames),
        no_face=every & (condition == "no_face"),
        no_eeg=every & (condition == "no_eeg"),
    )
    if condition == "uniform":
        policy = _uniform_policy(mean_wait)
    elif condition == "random":
        policy = _random_policy(mean_wait, net.sizes.max_wait_frames)
    else:
        policy = learned_policy(net, 0.0, torch.Generator())
    with torch.no_grad():
        rollout = roll_out(net, features, clips, policy, features.frames)
        decisions = decisions_of(features, clips, rollout)
        logits = decision_logits(net, rollout, decisions)
    return DecisionLogits(logits, decisions.level, rollout.active.sum(dim=0) / (rollout.end - clips.start))


def score_condition(net: VideoEegNet, features: FeatureBank, condition: str, mean_wait: float) -> RecallByPerson:
    """Score the decisions of one condition; see :func:`run_condition`."""
    outputs = run_condition(net, features, condition, mean_wait)
    predicted, level = outputs.logits.argmax(dim=-1).numpy(), outputs.level.numpy()
    known = level >= 0
    by_person = [
        [uar(level[i, known[i, :, axis], axis], predicted[i, known[i, :, axis], axis]) for axis in range(2)]
        for i in range(len(level))
    ]
    return RecallByPerson(np.array(by_person), outputs.glimpsed.numpy().astype(np.float64))


def spend_budget(net: VideoEegNet, features: FeatureBank, budget: float) -> None:
    """Shift the policy's bias, in place, until the means of its Gaussian spend the budget on these people."""
    bias = float(net.policy.bias.detach()[0])
    low, high = bias - 3.0, bias + 3.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        with torch.no_grad():
            net.policy.bias.fill_(middle)
        too_many = float(run_condition(net, features, "full", 1.0 / budget).glimpsed.mean()) > budget
        low, high = (middle, high) if too_many else (low, middle)


def fit_temperatures(outputs: DecisionLogits) -> dict[str, float]:
    """Return the temperature of each axis that gives held-out people the best likelihood, people counting alike."""
    return {name: round(fit_temperature(*_known(outputs, axis)), 4) for axis, name in enumerate(AXES)}


def fit_thresholds(outputs: DecisionLogits, temperatures: Mapping[str, float], coverage: float) -> dict[str, float]:
    """Return the conformal threshold of each axis.

    See :func:`~moodring.offline.evaluation.metrics.conformal_threshold`.
    """
    found = {}
    for axis, name in enumerate(AXES):
        logits, level, people = _known(outputs, axis)
        probabilities = softmax(logits / temperatures[name], axis=1)
        found[name] = round(conformal_threshold(level, probabilities, people, coverage), 6)
    return found


def _known(outputs: DecisionLogits, axis: int) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
    """Return logits ``(n, 3)``, truth ``(n,)`` and person of the decisions whose truth is known."""
    person, decision = np.nonzero(outputs.level[:, :, axis].numpy() >= 0)
    logits = outputs.logits[person, decision, axis].double().numpy()
    level = outputs.level[person, decision, axis].numpy().astype(np.int64)
    return logits, level, [str(one) for one in person]


def _uniform_policy(mean_wait: float) -> Policy:
    """Return a policy that waits the same time again and again, rounded to whole frames."""

    def policy(core: Tensor, number: int) -> tuple[Tensor, Tensor]:
        wait = max(1, round((number + 1) * mean_wait) - round(number * mean_wait))
        waits = torch.full((len(core),), wait)
        return waits.float(), waits

    return policy


def _random_policy(mean_wait: float, longest: int) -> Policy:
    """Return a policy that draws its waits as the decoder's random policy does."""
    rng = np.random.default_rng(0)

    def policy(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        waits = torch.tensor([random_wait(rng, mean_wait, longest) for _ in range(len(core))])
        return waits.float(), waits

    return policy
