"""Stage 3: the core, on what the fixed first layer gives it, and the policy by REINFORCE.

Each clip is followed in several rollouts. What is drawn is cut from the graph before its log-probability is taken;
the log-probability is that of the draw itself, before it became whole frames; a proposal beyond the clip's end, which
was never looked at, has none. The return is the paper's reward paid as it falls due: for every decision of half a
second right or wrong, minus a glimpse_cost for each glimpse, and only as far ahead as the horizon. It is compared with the
learned baseline and with the clip's other rollouts at the same moment (leave one out). The glimpse_cost follows the budget.
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
from .modality_lstm import MODALITY_LSTM
from .rollouts import (
    DECISION_FRAMES,
    GRID_HZ,
    Clips,
    Decisions,
    FeatureBank,
    Policy,
    Rollout,
    band_imbalance,
    class_loss,
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
    """Draw clips: half from the session's start on, half from anywhere; all about equally long within a batch."""
    people, variants = features.bands.shape[:2]
    length = int(
        integers(rng, min(_SHORTEST_CLIP, features.frames // 2), min(longest, features.frames - GRID_START), 1)
    )
    start = integers(rng, GRID_START, features.frames - length, clips)
    start = torch.where(torch.rand(clips, generator=rng) < 0.3, GRID_START, start)
    fate = torch.rand(clips, generator=rng)
    return Clips(
        person=integers(rng, 0, people, clips),
        variant=integers(rng, 0, variants, clips),
        start=start,
        stop=(start + length).clamp(max=features.frames),
        no_face=fate < 0.12,
        no_eeg=(fate >= 0.12) & (fate < 0.24),
    )


def train_core(
    net: VideoEegNet, features: FeatureBank, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train core, classes and band attention on clips that are looked at by chance, in place."""
    rng = generator_for(config.seed, 3)
    torch.manual_seed(config.seed + 3)
    _freeze_below_core(net)
    stage = config.core
    optimizer = AveragedAdamW(_trainable(net), stage.learning_rate, stage.batches, config.weight_decay)
    shown = None
    for number in range(stage.batches):
        # Long clips are dear and come last: they teach that a state may be minutes old.
        longest = 400 if number < 0.6 * stage.batches else features.frames
        clips = draw_clips(rng, features, 2 * config.batch, longest)
        rollout = roll_out(net, features, clips, random_policy(rng, net, len(clips.person)), features.frames)
        loss, _ = _supervised(net, features, clips, rollout, weights, config)
        optimizer.step(loss)
        shown = smoothed(shown, float(loss.detach()))
        if (number + 1) % 150 == 0 or number + 1 == stage.batches:
            report(f"core: batch {number + 1}/{stage.batches}, loss {shown:.3f}")
    optimizer.use_average()


def random_policy(rng: torch.Generator, net: VideoEegNet, clips: int) -> Policy:
    """Wait for chance alone, each row at its own pace."""
    longest = net.sizes.max_wait_frames
    pace = integers(rng, 3, longest, clips)
    std = torch.minimum(pace - 1, longest - pace)

    def policy(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        wait = (pace + (2.0 * torch.rand(len(core), generator=rng) - 1.0) * std).round().clamp(1, longest)
        return wait, wait.long()

    return policy


def learned_policy(net: VideoEegNet, std: float, rng: torch.Generator) -> Policy:
    """Wait as the policy's Gaussian says: its mean where the std is 0."""

    def policy(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        mean = net.wait_mean(core).detach()
        drawn = mean + std * torch.randn(len(mean), generator=rng) if std > 0 else mean
        return drawn, net.frames(drawn)

    return policy


def train_policy(
    net: VideoEegNet, features: FeatureBank, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train the policy by REINFORCE, together with the core on the glimpses it chooses, in place."""
    rng = generator_for(config.seed, 4)
    torch.manual_seed(config.seed + 4)
    _freeze_below_core(net)
    _start_at_budget(net, config.budget)
    stage, glimpse_cost = config.reinforce, 0.3
    optimizer = AveragedAdamW(_trainable(net), stage.learning_rate, stage.batches, config.weight_decay)
    glimpsed = reward = None
    for number in range(stage.batches):
        done = number / max(1, stage.batches - 1)
        std = max(config.spread_last, config.spread_first * (1.0 - done))
        clips = draw_clips(rng, features, config.batch, 480).repeat(config.rollouts)
        rollout = roll_out(net, features, clips, learned_policy(net, std, rng), 128)
        loss, right = _supervised(net, features, clips, rollout, weights, config)
        held = decisions_of(features, clips, rollout)
        credit = discounted_returns(rollout, held, right, glimpse_cost, config)
        policy_loss, value_loss = policy_losses(net, rollout, credit, std, config.rollouts)
        optimizer.step(loss + _POLICY_WEIGHT * policy_loss + _VALUE_WEIGHT * value_loss)
        share = float(rollout.active.sum() / (rollout.end - clips.start).sum())
        glimpsed, reward = smoothed(glimpsed, share, 0.95), smoothed(reward, float(right.sum() / (right != 0).sum()))
        glimpse_cost = max(0.0, glimpse_cost + _COST_STEP * (share - config.budget))
        if (number + 1) % 100 == 0 or number + 1 == stage.batches:
            report(
                f"policy: batch {number + 1}/{stage.batches}, loss {float(loss.detach()):.3f}, mean reward "
                f"{reward:.3f}, glimpsed {glimpsed:.3f}, price of a glimpse {glimpse_cost:.3f}"
            )
    optimizer.use_average()


@dataclass(frozen=True)
class Returns:
    """What followed each glimpse.

    Attributes
    ----------
    gain : (glimpses, clips)
        Discounted rewards and prices from the first decision after the glimpse on.
    slot : (glimpses, clips) int64
        That decision.
    by_slot : (clips, decisions + 1)
        The same at every decision.
    held_glimpse : (clips, decisions + 1) int64
        Which glimpse is held just before it.
    viewed : (glimpses, clips) bool
        Whether the frame proposed after the glimpse was looked at.
    """

    gain: Tensor
    slot: Tensor
    by_slot: Tensor
    held_glimpse: Tensor
    viewed: Tensor


def discounted_returns(
    rollout: Rollout, held: Decisions, right: Tensor, glimpse_cost: float, config: TrainVideoEegConfig
) -> Returns:
    """Sum what each glimpse earned.

    Parameters
    ----------
    right : (clips, decisions)
        Reward of each decision, 0 where none counts.
    glimpse_cost : float
        Of a glimpse: -lambda_sparse.
    """
    n_clips, n_decisions = right.shape
    offset = rollout.position - held.frame[:, 0]
    due = _ceil(offset).clamp(0, n_decisions)
    costs = torch.zeros(n_clips, n_decisions + 1)
    costs.scatter_add_(1, due.T, (glimpse_cost * rollout.active.float()).T)
    paid = torch.cat([right, torch.zeros(n_clips, 1)], dim=1) - costs
    keep = math.exp(-DECISION_FRAMES / GRID_HZ / config.horizon_s)
    total, sums = torch.zeros(n_clips), []
    for step in range(n_decisions, -1, -1):
        total = paid[:, step] + keep * total
        sums.append(total)
    by_slot = torch.stack(sums[::-1], dim=1)
    slot = _ceil(offset + 1).clamp(0, n_decisions)
    held_glimpse = torch.cat([torch.zeros(n_clips, 1, dtype=torch.int64), held.glimpse], dim=1)
    viewed = torch.cat([rollout.active[1:], torch.zeros(1, n_clips, dtype=torch.bool)])
    return Returns(by_slot.gather(1, slot.T).T, slot, by_slot, held_glimpse, viewed)


def policy_losses(
    net: VideoEegNet, rollout: Rollout, credit: Returns, std: float, rollouts: int
) -> tuple[Tensor, Tensor]:
    """Return the losses of REINFORCE and of the learned baseline."""
    glimpses, n_clips = rollout.position.shape
    core = rollout.core.flatten(0, 1)
    worth = net.worth(core).reshape(glimpses, n_clips)
    with torch.no_grad():
        row = torch.arange(n_clips)
        held_worth = worth[credit.held_glimpse, row[:, None]]
        surprise = (credit.by_slot - held_worth).reshape(n_clips // rollouts, rollouts, -1)
        others = ((surprise.sum(dim=1, keepdim=True) - surprise) / (rollouts - 1)).flatten(0, 1)
        advantage = credit.gain - worth - others.gather(1, credit.slot.T).T
        counted = advantage[credit.viewed]
        advantage = advantage / (counted.std() + 1e-6) if counted.numel() > 1 else advantage
    log_p = log_probability(net.wait_mean(core).reshape(glimpses, n_clips), rollout.proposed, std)
    viewed = credit.viewed.float()
    policy_loss = -(log_p * advantage * viewed).sum() / viewed.sum().clamp(min=1.0)
    value_loss = ((worth - credit.gain) ** 2 * rollout.active).sum() / rollout.active.sum()
    return policy_loss, value_loss


def log_probability(mean: Tensor, drawn: Tensor, std: float) -> Tensor:
    """Return the Gaussian's log density of the draws, up to a constant; the draws have no gradient."""
    return -0.5 * ((drawn.detach() - mean) / std) ** 2 - math.log(std)


def _supervised(
    net: VideoEegNet,
    features: FeatureBank,
    clips: Clips,
    rollout: Rollout,
    weights: Tensor,
    config: TrainVideoEegConfig,
) -> tuple[Tensor, Tensor]:
    held = decisions_of(features, clips, rollout)
    logits = decision_logits(net, rollout, held, config.dropout)
    loss = class_loss(logits, held.level, weights)
    loss = loss + config.band_balance * band_imbalance(rollout.attention, rollout.active & rollout.eeg_seen)
    with torch.no_grad():
        plain = decision_logits(net, rollout, held)
        known = held.level >= 0
        hit = torch.where(plain.argmax(dim=-1) == held.level, config.reward_right, config.reward_wrong)
        # Rare classes count as much as common ones, as in the loss.
        weight = (weights * torch.nn.functional.one_hot(held.level.clamp(min=0), 3)).sum(dim=-1)
        reward = (hit * weight * known).mean(dim=-1)
    return loss, reward


def _ceil(offset: Tensor) -> Tensor:
    return torch.div(offset + DECISION_FRAMES - 1, DECISION_FRAMES, rounding_mode="floor")


def _freeze_below_core(net: VideoEegNet) -> None:
    """Fix everything that earlier stages trained."""
    for module in (net.face_net, net.band_net, net.face_in, net.eeg_in, net.layer1):
        module.requires_grad_(False)


def _trainable(net: VideoEegNet) -> list[torch.nn.Parameter]:
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def _start_at_budget(net: VideoEegNet, budget: float) -> None:
    """Let the policy start from the wait that spends the budget."""
    share = (1.0 / budget - 1.0) / (net.sizes.max_wait_frames - 1)
    share = min(max(share, 0.02), 0.98)
    with torch.no_grad():
        net.policy.bias.fill_(math.log(share / (1.0 - share)))
