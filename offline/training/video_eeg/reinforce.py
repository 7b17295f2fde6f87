"""Stage 3: the core, on the features of the fixed layers below, and the policy by REINFORCE.

Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement learning,
https://doi.org/10.1007/BF00992696. Each clip is rolled out several times. The wait that the policy draws is cut from
the graph; its log-probability is that of the draw before rounding to frames. A wait that ends beyond the clip has
none. The reward is the paper's, paid as it falls due: for every decision of half a second right or wrong, minus a cost
of each glimpse, discounted over the horizon. The baseline is the learned value plus what the other rollouts of the
clip got beyond theirs at the same moment (leave one out). The cost of a glimpse follows the budget.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.networks.video_eeg import VideoEegNet
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from ..common.stages import Stage
from .band_network import GRID_START
from .losses import band_imbalance, class_loss
from .modality_lstm import MODALITY_LSTM
from .rollouts import (
    DECISION_FRAMES,
    GRID_HZ,
    ClipDecisions,
    Clips,
    FeatureBank,
    Policy,
    Rollout,
    decision_logits,
    decisions_of,
    roll_out,
)

CORE = Stage("core", 1, (MODALITY_LSTM,))
POLICY = Stage("reinforce", 1, (CORE,))
"""Raise the version of either whenever it gives other weights."""
_COST_STEP = 1.0
_POLICY_WEIGHT = 0.4
_VALUE_WEIGHT = 0.02
_SHORTEST_CLIP = 96


def draw_clips(rng: torch.Generator, features: FeatureBank, clips: int, longest: int) -> Clips:
    """Draw clips of one length: three in ten from the session's start on, the others from anywhere."""
    people, variants = features.bands.shape[:2]
    length = int(
        integers(rng, min(_SHORTEST_CLIP, features.frames // 2), min(longest, features.frames - GRID_START), 1)
    )
    start = integers(rng, GRID_START, features.frames - length, clips)
    start = torch.where(torch.rand(clips, generator=rng) < 0.3, GRID_START, start)
    modality = torch.rand(clips, generator=rng)
    return Clips(
        person=integers(rng, 0, people, clips),
        variant=integers(rng, 0, variants, clips),
        start=start,
        stop=(start + length).clamp(max=features.frames),
        no_face=modality < 0.12,
        no_eeg=(modality >= 0.12) & (modality < 0.24),
    )


def train_core(
    net: VideoEegNet, features: FeatureBank, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train core, classes and band attention, in place, on rollouts of a random policy."""
    rng = generator_for(config.seed, 3)
    torch.manual_seed(config.seed + 3)
    _freeze_below_core(net)
    stage = config.core
    optimizer = AveragedAdamW(_trainable(net), stage.learning_rate, stage.batches, config.weight_decay)
    mean_loss = None
    for number in range(stage.batches):
        # Long clips are expensive and come last: they show the core states that are minutes old.
        longest = 400 if number < 0.6 * stage.batches else features.frames
        clips = draw_clips(rng, features, 2 * config.batch, longest)
        rollout = roll_out(net, features, clips, random_policy(rng, net, len(clips.person)), features.frames)
        loss, _ = _supervised(net, features, clips, rollout, weights, config)
        optimizer.step(loss)
        mean_loss = smoothed(mean_loss, float(loss.detach()))
        if (number + 1) % 150 == 0 or number + 1 == stage.batches:
            report(f"core: batch {number + 1}/{stage.batches}, loss {mean_loss:.3f}")
    optimizer.use_average()


def random_policy(rng: torch.Generator, net: VideoEegNet, clips: int) -> Policy:
    """Return a policy that draws its waits, each clip around a pace of its own."""
    longest = net.sizes.max_wait_frames
    pace = integers(rng, 3, longest, clips)
    width = torch.minimum(pace - 1, longest - pace)

    def policy(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        wait = (pace + (2.0 * torch.rand(len(core), generator=rng) - 1.0) * width).round().clamp(1, longest)
        return wait, wait.long()

    return policy


def learned_policy(net: VideoEegNet, std: float, rng: torch.Generator) -> Policy:
    """Return the network's own policy: draws of its Gaussian, or its mean where ``std`` is 0."""

    def policy(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        mean = net.wait_mean(core).detach()
        drawn = mean + std * torch.randn(len(mean), generator=rng) if std > 0 else mean
        return drawn, net.frames(drawn)

    return policy


def train_policy(
    net: VideoEegNet, features: FeatureBank, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train the policy by REINFORCE, in place, together with the core on the glimpses that it chooses."""
    rng = generator_for(config.seed, 4)
    torch.manual_seed(config.seed + 4)
    _freeze_below_core(net)
    _start_at_budget(net, config.budget)
    stage, glimpse_cost = config.reinforce, 0.3
    optimizer = AveragedAdamW(_trainable(net), stage.learning_rate, stage.batches, config.weight_decay)
    glimpsed = mean_reward = None
    for number in range(stage.batches):
        done = number / max(1, stage.batches - 1)
        std = max(config.spread_last, config.spread_first * (1.0 - done))
        clips = draw_clips(rng, features, config.batch, 480).repeat(config.rollouts)
        rollout = roll_out(net, features, clips, learned_policy(net, std, rng), 128)
        loss, reward = _supervised(net, features, clips, rollout, weights, config)
        decisions = decisions_of(features, clips, rollout)
        returns = discounted_returns(rollout, decisions, reward, glimpse_cost, config)
        policy_loss, value_loss = policy_losses(net, rollout, returns, std, config.rollouts)
        optimizer.step(loss + _POLICY_WEIGHT * policy_loss + _VALUE_WEIGHT * value_loss)
        share = float(rollout.active.sum() / (rollout.end - clips.start).sum())
        glimpsed = smoothed(glimpsed, share, 0.95)
        mean_reward = smoothed(mean_reward, float(reward.sum() / (reward != 0).sum()))
        glimpse_cost = max(0.0, glimpse_cost + _COST_STEP * (share - config.budget))
        if (number + 1) % 100 == 0 or number + 1 == stage.batches:
            report(
                f"policy: batch {number + 1}/{stage.batches}, loss {float(loss.detach()):.3f}, mean reward "
                f"{mean_reward:.3f}, glimpsed {glimpsed:.3f}, cost of a glimpse {glimpse_cost:.3f}"
            )
    optimizer.use_average()


@dataclass(frozen=True)
class Returns:
    """Discounted rewards minus costs of glimpses.

    Attributes
    ----------
    after_glimpse : (glimpses, clips)
        From the first decision after each glimpse on.
    first_decision : (glimpses, clips) int64
        Index of that decision.
    from_decision : (clips, decisions + 1)
        From each decision on.
    newest_glimpse : (clips, decisions + 1) int64
        Index of the newest glimpse before each decision.
    wait_used : (glimpses, clips) bool
        Whether the wait drawn after the glimpse led to another one within the clip.
    """

    after_glimpse: Tensor
    first_decision: Tensor
    from_decision: Tensor
    newest_glimpse: Tensor
    wait_used: Tensor


def discounted_returns(
    rollout: Rollout, decisions: ClipDecisions, reward: Tensor, glimpse_cost: float, config: TrainVideoEegConfig
) -> Returns:
    """Sum the discounted rewards and costs that follow each glimpse and each decision.

    Parameters
    ----------
    rollout : Rollout
    decisions : ClipDecisions
    reward : (clips, decisions)
        0 where a decision does not count.
    glimpse_cost : float
        The paper's -lambda_sparse.
    config : TrainVideoEegConfig
        For the horizon.
    """
    n_clips, n_decisions = reward.shape
    offset = rollout.position - decisions.frame[:, 0]
    due = _ceil(offset).clamp(0, n_decisions)
    costs = torch.zeros(n_clips, n_decisions + 1)
    costs.scatter_add_(1, due.T, (glimpse_cost * rollout.active.float()).T)
    paid = torch.cat([reward, torch.zeros(n_clips, 1)], dim=1) - costs
    discount = math.exp(-DECISION_FRAMES / GRID_HZ / config.horizon_s)
    total, sums = torch.zeros(n_clips), []
    for step in range(n_decisions, -1, -1):
        total = paid[:, step] + discount * total
        sums.append(total)
    from_decision = torch.stack(sums[::-1], dim=1)
    first_decision = _ceil(offset + 1).clamp(0, n_decisions)
    return Returns(
        after_glimpse=from_decision.gather(1, first_decision.T).T,
        first_decision=first_decision,
        from_decision=from_decision,
        newest_glimpse=torch.cat([torch.zeros(n_clips, 1, dtype=torch.int64), decisions.glimpse], dim=1),
        wait_used=torch.cat([rollout.active[1:], torch.zeros(1, n_clips, dtype=torch.bool)]),
    )


def policy_losses(
    net: VideoEegNet, rollout: Rollout, returns: Returns, std: float, rollouts: int
) -> tuple[Tensor, Tensor]:
    """Return the loss of REINFORCE and that of the learned value.

    Parameters
    ----------
    net : VideoEegNet
    rollout : Rollout
        ``rollouts`` of each clip, one after the other.
    returns : Returns
    std : float
        Standard deviation of the policy.
    rollouts : int
    """
    glimpses, n_clips = rollout.position.shape
    core = rollout.core.flatten(0, 1)
    value = net.state_value(core).reshape(glimpses, n_clips)
    with torch.no_grad():
        value_before = value[returns.newest_glimpse, torch.arange(n_clips)[:, None]]
        residual = (returns.from_decision - value_before).reshape(n_clips // rollouts, rollouts, -1)
        others = ((residual.sum(dim=1, keepdim=True) - residual) / (rollouts - 1)).flatten(0, 1)
        advantage = returns.after_glimpse - value - others.gather(1, returns.first_decision.T).T
        counted = advantage[returns.wait_used]
        advantage = advantage / (counted.std() + 1e-6) if counted.numel() > 1 else advantage
    log_p = log_probability(net.wait_mean(core).reshape(glimpses, n_clips), rollout.proposed, std)
    used = returns.wait_used.float()
    policy_loss = -(log_p * advantage * used).sum() / used.sum().clamp(min=1.0)
    value_loss = ((value - returns.after_glimpse) ** 2 * rollout.active).sum() / rollout.active.sum()
    return policy_loss, value_loss


def log_probability(mean: Tensor, drawn: Tensor, std: float) -> Tensor:
    """Return the Gaussian's log density of a draw, up to a constant; the draw itself has no gradient."""
    return -0.5 * ((drawn.detach() - mean) / std) ** 2 - math.log(std)


def _supervised(
    net: VideoEegNet,
    features: FeatureBank,
    clips: Clips,
    rollout: Rollout,
    weights: Tensor,
    config: TrainVideoEegConfig,
) -> tuple[Tensor, Tensor]:
    """Return the supervised loss of a rollout, and the reward of each decision, ``(clips, decisions)``."""
    decisions = decisions_of(features, clips, rollout)
    logits = decision_logits(net, rollout, decisions, config.dropout)
    loss = class_loss(logits, decisions.level, weights)
    loss = loss + config.band_balance * band_imbalance(rollout.attention, rollout.active & rollout.eeg_seen)
    with torch.no_grad():
        plain = decision_logits(net, rollout, decisions)
        known = decisions.level >= 0
        correct = plain.argmax(dim=-1) == decisions.level
        paid = torch.where(correct, config.reward_right, config.reward_wrong)
        # Rare classes count as much as common ones, as in the loss.
        weight = (weights * torch.nn.functional.one_hot(decisions.level.clamp(min=0), 3)).sum(dim=-1)
        reward = (paid * weight * known).mean(dim=-1)
    return loss, reward


def _ceil(offset: Tensor) -> Tensor:
    """Return the number of the first decision at or after a frame."""
    return torch.div(offset + DECISION_FRAMES - 1, DECISION_FRAMES, rounding_mode="floor")


def _freeze_below_core(net: VideoEegNet) -> None:
    """Freeze everything that earlier stages trained."""
    for module in (net.face_net, net.band_net, net.face_in, net.eeg_in, net.layer1):
        module.requires_grad_(False)


def _trainable(net: VideoEegNet) -> list[torch.nn.Parameter]:
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def _start_at_budget(net: VideoEegNet, budget: float) -> None:
    """Set the policy's bias to the wait that spends the budget."""
    share = (1.0 / budget - 1.0) / (net.sizes.max_wait_frames - 1)
    share = min(max(share, 0.02), 0.98)
    with torch.no_grad():
        net.policy.bias.fill_(math.log(share / (1.0 - share)))
