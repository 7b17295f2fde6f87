"""The core: a causal teacher that sees every frame, and a student distilled from it on looks of all kinds."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ....configs.schema.train_attention import TrainAttentionConfig
from ....configs.schema.training import StageSection
from ....models.networks.attention import FRAMES_PER_TICK, AttentionNet
from ..common.losses import band_imbalance, class_loss
from ..common.optimization import AveragedAdamW, generator_for, integers
from ..common.stage_run import StageRun
from ..common.stages import Stage
from .band_network import BAND_NETWORK
from .faces.expressions import EXPRESSIONS
from .feature_bank import Clips, FeatureBank, ticks_of, whole_sessions
from .stopping import early_stopping

TEACHER = Stage("teacher", 1, (BAND_NETWORK, EXPRESSIONS))
STUDENT = Stage("student", 1, (TEACHER,))
"""Raise a version whenever the stage or its network gives other weights."""

LooksOf = Callable[[FeatureBank, Clips, torch.Generator], Tensor]
"""Draws the looks of clips, ``(length, 4, clips)`` bool."""
_WARM_TICKS = 6
_FEWEST, _MOST = 0.015, 0.5


@dataclass(frozen=True)
class CoreTraining:
    """What a training of the core needs beside its data.

    Attributes
    ----------
    stage : StageSection
    looks_of : callable
    teacher : AttentionNet or None
        Distilled from, on every frame.
    number : int
        Of the stage, for its random generator.
    held_out : FeatureBank or None
        People that the stage stops early on.
    """

    stage: StageSection
    looks_of: LooksOf
    teacher: AttentionNet | None
    number: int
    held_out: FeatureBank | None = None


def train_core(
    net: AttentionNet,
    bank: FeatureBank,
    weights: Tensor,
    config: TrainAttentionConfig,
    training: CoreTraining,
    run: StageRun,
) -> None:
    """Train both LSTMs, attention and heads on clips with random starts, in place; face and band networks stay."""
    rng = generator_for(config.seed, training.number)
    torch.manual_seed(config.seed + training.number)
    fixed = (net.face_net, net.band_net)
    frozen = {id(p) for module in fixed for p in module.parameters()}
    learned = [p for p in net.parameters() if id(p) not in frozen]
    stage = training.stage
    optimizer = AveragedAdamW(learned, stage.learning_rate, stage.batches, config.weight_decay)
    others, stopping = training.held_out, None
    if others is not None:
        stopping = early_stopping(config, lambda: held_out_loss(net, others, weights, config, training))
    for _ in run.batches(stage.batches, optimizer, rng, stopping=stopping):
        clips = draw_clips(bank, config, rng)
        looks = training.looks_of(bank, clips, rng)
        loss = _loss(net, bank, clips, looks, weights, config, training.teacher)
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()


def held_out_loss(
    net: AttentionNet, bank: FeatureBank, weights: Tensor, config: TrainAttentionConfig, training: CoreTraining
) -> float:
    """Return the loss of the answers over whole sessions of people, on the stage's looks; the same draws each time."""
    clips = whole_sessions(bank)
    looks = training.looks_of(bank, clips, generator_for(config.seed, 100 + training.number))
    with torch.no_grad():
        logits = net.logits(net.run(net.start(len(clips.person)), ticks_of(bank, clips, looks))[1])
        return float(class_loss(logits[_WARM_TICKS:], bank.levels[clips.person, clips.ticks][_WARM_TICKS:], weights))


def draw_clips(bank: FeatureBank, config: TrainAttentionConfig, rng: torch.Generator) -> Clips:
    """Draw clips with random starts; of some, a modality is withheld, and of some, onsets are told."""
    n, length = config.batch, config.clip_ticks
    chance = torch.rand(4, n, generator=rng)
    variant = torch.where(chance[0] < config.plain_share, 0, integers(rng, 1, bank.bands.shape[1], n))
    person, start = integers(rng, 0, bank.people, n), integers(rng, 1, bank.ticks - length, n)
    if bank.lengths is not None:
        start = 1 + (start - 1) % (bank.lengths[person] - length).clamp(min=1)
    return Clips(
        person=person,
        variant=variant,
        start=start,
        length=length,
        no_face=(chance[1] < config.modality_dropout) | bank.without_film(person),
        no_eeg=chance[1] > 1.0 - config.modality_dropout,
        told=chance[2] < config.told_share,
    )


def every_frame(_: FeatureBank, clips: Clips, __: torch.Generator) -> Tensor:
    """Look at every frame."""
    return torch.ones(clips.length, FRAMES_PER_TICK, len(clips.person), dtype=torch.bool)


def random_patterns(bank: FeatureBank, clips: Clips, rng: torch.Generator) -> Tensor:
    """Draw looks of random budget and pattern: every frame, regular, scattered, in bursts with long gaps, timed.

    A part of the clips is looked at where expressions are, so that the core knows looks that a policy has timed.
    """
    n, length = len(clips.person), clips.length * FRAMES_PER_TICK
    low, high = torch.tensor(_FEWEST).log(), torch.tensor(_MOST).log()
    budget = torch.exp(low + (high - low) * torch.rand(n, generator=rng))
    kind = torch.rand(n, generator=rng)
    scattered = torch.rand(length, n, generator=rng) < budget
    phase = torch.rand(n, generator=rng)
    regular = torch.floor((torch.arange(length)[:, None] + 1) * budget + phase) > torch.floor(
        torch.arange(length)[:, None] * budget + phase
    )
    bursts = _bursts(length, n, budget, rng)
    visible = bank.expressed[clips.person, clips.frames][..., 0].flatten(0, 1) > 0.15
    timed = (visible & (torch.rand(length, n, generator=rng) < (6.0 * budget).clamp(max=0.9))) | (
        torch.rand(length, n, generator=rng) < 0.3 * budget
    )
    looks = torch.ones(length, n, dtype=torch.bool)
    for share, pattern in ((0.85, regular), (0.6, scattered), (0.4, bursts), (0.25, timed)):
        looks = torch.where(kind < share, pattern, looks)
    return looks.reshape(clips.length, FRAMES_PER_TICK, n)


def budgeted(budget: float, kind: str) -> LooksOf:
    """Return looks of one budget, "uniform" (regular, with random phase) or "random" (independent draws)."""

    def looks(_: FeatureBank, clips: Clips, rng: torch.Generator) -> Tensor:
        n, length = len(clips.person), clips.length * FRAMES_PER_TICK
        if kind == "random":
            drawn = torch.rand(length, n, generator=rng) < budget
        else:
            at = torch.arange(length)[:, None] * budget + torch.rand(n, generator=rng)
            drawn = torch.floor(at + budget) > torch.floor(at)
        return drawn.reshape(clips.length, FRAMES_PER_TICK, n)

    return looks


def _bursts(length: int, n: int, budget: Tensor, rng: torch.Generator) -> Tensor:
    """Draw bursts of looks: an on-off Markov chain, looking at half of the frames while it is on."""
    share = (2.0 * budget).clamp(max=0.9)
    off = 1.0 / (4.0 + 12.0 * torch.rand(n, generator=rng))
    on = off * share / (1.0 - share)
    state = torch.rand(n, generator=rng) < share
    rows = []
    draws = torch.rand(length, n, generator=rng)
    for draw in draws:
        state = torch.where(state, draw >= off, draw < on)
        rows.append(state)
    return torch.stack(rows) & (torch.rand(length, n, generator=rng) < 0.5)


def _loss(
    net: AttentionNet,
    bank: FeatureBank,
    clips: Clips,
    looks: Tensor,
    weights: Tensor,
    config: TrainAttentionConfig,
    teacher: AttentionNet | None,
) -> Tensor:
    ticks = ticks_of(bank, clips, looks)
    _, core, attention = net.run(net.start(len(clips.person)), ticks, config.dropout)
    logits = net.logits(core)[_WARM_TICKS:]
    level = bank.levels[clips.person, clips.ticks][_WARM_TICKS:]
    loss = class_loss(logits, level, weights)
    if teacher is not None:
        with torch.no_grad():
            full = ticks_of(bank, clips, torch.ones_like(looks))
            target = torch.softmax(teacher.logits(teacher.run(teacher.start(len(clips.person)), full)[1]), dim=-1)
        divergence = functional.kl_div(torch.log_softmax(logits, dim=-1), target[_WARM_TICKS:], reduction="none").sum(
            dim=-1
        )
        loss = (1.0 - config.distillation) * loss + config.distillation * divergence[level >= 0].mean()
    return loss + config.band_balance * band_imbalance(attention, ticks.eeg_present > 0.5)


def teacher_of(net: AttentionNet) -> AttentionNet:
    """Return a frozen copy of a network to distil from."""
    return copy.deepcopy(net).requires_grad_(False).eval()
