"""Stage 3: the core, on what the fixed first layer gives it, and the policy by REINFORCE.

Each clip is followed in several rollouts. What is drawn is cut from the graph before its log-probability is taken;
the log-probability is that of the draw itself, before it became whole frames; a proposal beyond the clip's end, which
was never looked at, has none. The return is the paper's reward paid as it falls due: for every decision of half a
second right or wrong, minus a price for each look, and only as far ahead as the horizon. It is compared with the
learned baseline and with the clip's other rollouts at the same moment (leave one out). The price follows the budget.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.networks.video_eeg import VideoEegNet
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from .bands import GRID_START
from .looks import (
    DECISION_FRAMES,
    GRID_HZ,
    Bank,
    Chooser,
    Course,
    Held,
    Rows,
    band_imbalance,
    class_loss,
    decisions,
    follow,
    held_logits,
)

_PRICE_STEP = 1.0
_POLICY_WEIGHT = 0.4
_VALUE_WEIGHT = 0.02
_SHORTEST_CLIP = 96


def draw_rows(rng: torch.Generator, bank: Bank, rows: int, longest: int) -> Rows:
    """Draw clips: half from the session's start on, half from anywhere; all about equally long within a batch."""
    people, views = bank.bands.shape[:2]
    length = int(integers(rng, min(_SHORTEST_CLIP, bank.frames // 2), min(longest, bank.frames - GRID_START), 1))
    start = integers(rng, GRID_START, bank.frames - length, rows)
    start = torch.where(torch.rand(rows, generator=rng) < 0.3, GRID_START, start)
    fate = torch.rand(rows, generator=rng)
    return Rows(
        person=integers(rng, 0, people, rows),
        view=integers(rng, 0, views, rows),
        start=start,
        stop=(start + length).clamp(max=bank.frames),
        no_face=fate < 0.12,
        no_eeg=(fate >= 0.12) & (fate < 0.24),
    )


def train_core(net: VideoEegNet, bank: Bank, weights: Tensor, config: TrainVideoEegConfig, report: Report) -> None:
    """Train core, classes and band attention on clips that are looked at by chance, in place."""
    rng = generator_for(config.seed, 3)
    torch.manual_seed(config.seed + 3)
    _fix_below(net)
    stage = config.core
    optimizer = AveragedAdamW(_learned(net), stage.learning_rate, stage.batches, config.weight_decay)
    shown = None
    for number in range(stage.batches):
        # Long clips are dear and come last: they teach that a state may be minutes old.
        longest = 400 if number < 0.6 * stage.batches else bank.frames
        rows = draw_rows(rng, bank, 2 * config.batch, longest)
        course = follow(net, bank, rows, by_chance(rng, net, len(rows.person)), bank.frames)
        loss, _ = _supervised(net, bank, rows, course, weights, config)
        optimizer.step(loss)
        shown = smoothed(shown, float(loss.detach()))
        if (number + 1) % 150 == 0 or number + 1 == stage.batches:
            report(f"core: batch {number + 1}/{stage.batches}, loss {shown:.3f}")
    optimizer.use_average()


def by_chance(rng: torch.Generator, net: VideoEegNet, rows: int) -> Chooser:
    """Wait for chance alone, each row at its own pace."""
    longest = net.sizes.max_wait_frames
    pace = integers(rng, 3, longest, rows)
    spread = torch.minimum(pace - 1, longest - pace)

    def choose(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        wait = (pace + (2.0 * torch.rand(len(core), generator=rng) - 1.0) * spread).round().clamp(1, longest)
        return wait, wait.long()

    return choose


def by_policy(net: VideoEegNet, spread: float, rng: torch.Generator) -> Chooser:
    """Wait as the policy's Gaussian says: its mean where the spread is 0."""

    def choose(core: Tensor, _: int) -> tuple[Tensor, Tensor]:
        mean = net.wait_mean(core).detach()
        drawn = mean + spread * torch.randn(len(mean), generator=rng) if spread > 0 else mean
        return drawn, net.frames(drawn)

    return choose


def train_policy(net: VideoEegNet, bank: Bank, weights: Tensor, config: TrainVideoEegConfig, report: Report) -> None:
    """Train the policy by REINFORCE, together with the core on the looks it chooses, in place."""
    rng = generator_for(config.seed, 4)
    torch.manual_seed(config.seed + 4)
    _fix_below(net)
    _wait_for_budget(net, config.budget)
    stage, price = config.reinforce, 0.3
    optimizer = AveragedAdamW(_learned(net), stage.learning_rate, stage.batches, config.weight_decay)
    glimpsed = reward = None
    for number in range(stage.batches):
        done = number / max(1, stage.batches - 1)
        spread = max(config.spread_last, config.spread_first * (1.0 - done))
        rows = draw_rows(rng, bank, config.batch, 480).repeat(config.rollouts)
        course = follow(net, bank, rows, by_policy(net, spread, rng), 128)
        loss, right = _supervised(net, bank, rows, course, weights, config)
        held = decisions(bank, rows, course)
        credit = returns(course, held, right, price, config)
        policy_loss, value_loss = policy_losses(net, course, credit, spread, config.rollouts)
        optimizer.step(loss + _POLICY_WEIGHT * policy_loss + _VALUE_WEIGHT * value_loss)
        share = float(course.active.sum() / (course.end - rows.start).sum())
        glimpsed, reward = smoothed(glimpsed, share, 0.95), smoothed(reward, float(right.sum() / (right != 0).sum()))
        price = max(0.0, price + _PRICE_STEP * (share - config.budget))
        if (number + 1) % 100 == 0 or number + 1 == stage.batches:
            report(
                f"policy: batch {number + 1}/{stage.batches}, loss {float(loss.detach()):.3f}, mean reward "
                f"{reward:.3f}, glimpsed {glimpsed:.3f}, price of a look {price:.3f}"
            )
    optimizer.use_average()


@dataclass(frozen=True)
class Credit:
    """What followed each look.

    Attributes
    ----------
    gain : (looks, rows)
        Discounted rewards and prices from the first decision after the look on.
    slot : (looks, rows) int64
        That decision.
    by_slot : (rows, decisions + 1)
        The same at every decision.
    look_at : (rows, decisions + 1) int64
        Which look is held just before it.
    viewed : (looks, rows) bool
        Whether the frame proposed after the look was looked at.
    """

    gain: Tensor
    slot: Tensor
    by_slot: Tensor
    look_at: Tensor
    viewed: Tensor


def returns(course: Course, held: Held, right: Tensor, price: float, config: TrainVideoEegConfig) -> Credit:
    """Sum what each look earned.

    Parameters
    ----------
    right : (rows, decisions)
        Reward of each decision, 0 where none counts.
    price : float
        Of a look: -lambda_sparse.
    """
    n_rows, n_decisions = right.shape
    offset = course.position - held.frame[:, 0]
    due = _ceil(offset).clamp(0, n_decisions)
    costs = torch.zeros(n_rows, n_decisions + 1)
    costs.scatter_add_(1, due.T, (price * course.active.float()).T)
    paid = torch.cat([right, torch.zeros(n_rows, 1)], dim=1) - costs
    keep = math.exp(-DECISION_FRAMES / GRID_HZ / config.horizon_s)
    total, sums = torch.zeros(n_rows), []
    for step in range(n_decisions, -1, -1):
        total = paid[:, step] + keep * total
        sums.append(total)
    by_slot = torch.stack(sums[::-1], dim=1)
    slot = _ceil(offset + 1).clamp(0, n_decisions)
    look_at = torch.cat([torch.zeros(n_rows, 1, dtype=torch.int64), held.look], dim=1)
    viewed = torch.cat([course.active[1:], torch.zeros(1, n_rows, dtype=torch.bool)])
    return Credit(by_slot.gather(1, slot.T).T, slot, by_slot, look_at, viewed)


def policy_losses(
    net: VideoEegNet, course: Course, credit: Credit, spread: float, rollouts: int
) -> tuple[Tensor, Tensor]:
    """Give REINFORCE's loss and the learned baseline's."""
    looks, n_rows = course.position.shape
    core = course.core.flatten(0, 1)
    worth = net.worth(core).reshape(looks, n_rows)
    with torch.no_grad():
        row = torch.arange(n_rows)
        held_worth = worth[credit.look_at, row[:, None]]
        surprise = (credit.by_slot - held_worth).reshape(n_rows // rollouts, rollouts, -1)
        others = ((surprise.sum(dim=1, keepdim=True) - surprise) / (rollouts - 1)).flatten(0, 1)
        advantage = credit.gain - worth - others.gather(1, credit.slot.T).T
        counted = advantage[credit.viewed]
        advantage = advantage / (counted.std() + 1e-6) if counted.numel() > 1 else advantage
    log_p = log_probability(net.wait_mean(core).reshape(looks, n_rows), course.proposed, spread)
    viewed = credit.viewed.float()
    policy_loss = -(log_p * advantage * viewed).sum() / viewed.sum().clamp(min=1.0)
    value_loss = ((worth - credit.gain) ** 2 * course.active).sum() / course.active.sum()
    return policy_loss, value_loss


def log_probability(mean: Tensor, drawn: Tensor, spread: float) -> Tensor:
    """Give the Gaussian's log density of what was drawn, up to a constant; the draw itself has no gradient."""
    return -0.5 * ((drawn.detach() - mean) / spread) ** 2 - math.log(spread)


def _supervised(
    net: VideoEegNet, bank: Bank, rows: Rows, course: Course, weights: Tensor, config: TrainVideoEegConfig
) -> tuple[Tensor, Tensor]:
    held = decisions(bank, rows, course)
    logits = held_logits(net, course, held, config.dropout)
    loss = class_loss(logits, held.level, weights)
    loss = loss + config.band_balance * band_imbalance(course.attention, course.active & course.eeg_seen)
    with torch.no_grad():
        plain = held_logits(net, course, held)
        known = held.level >= 0
        hit = torch.where(plain.argmax(dim=-1) == held.level, config.reward_right, config.reward_wrong)
        # Rare classes count as much as common ones, as in the loss.
        weight = (weights * torch.nn.functional.one_hot(held.level.clamp(min=0), 3)).sum(dim=-1)
        reward = (hit * weight * known).mean(dim=-1)
    return loss, reward


def _ceil(offset: Tensor) -> Tensor:
    return torch.div(offset + DECISION_FRAMES - 1, DECISION_FRAMES, rounding_mode="floor")


def _fix_below(net: VideoEegNet) -> None:
    """Fix everything that earlier stages trained."""
    for module in (net.face_net, net.band_net, net.face_in, net.eeg_in, net.layer1):
        module.requires_grad_(False)


def _learned(net: VideoEegNet) -> list[torch.nn.Parameter]:
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def _wait_for_budget(net: VideoEegNet, budget: float) -> None:
    """Let the policy start from the wait that spends the budget."""
    share = (1.0 / budget - 1.0) / (net.sizes.max_wait_frames - 1)
    share = min(max(share, 0.02), 0.98)
    with torch.no_grad():
        net.policy.bias.fill_(math.log(share / (1.0 - share)))
