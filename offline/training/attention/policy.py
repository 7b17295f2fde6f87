"""The hazard policy: its periphery, the gain of looks from counterfactuals, and REINFORCE.

The gain of a look is measured, not assumed: the core decodes on from the same state with and without the frame, and the
difference of the loss over the following seconds is what the policy learns to foresee. REINFORCE [1]_ then follows the
loss of whole rollouts, with the same random draws for both members of a pair and the mean of a clip's
rollouts as baseline.

References
----------
.. [1] Williams R. J. (1992), Simple statistical gradient-following algorithms for connectionist reinforcement
   learning, Machine Learning 8, 229-256, https://doi.org/10.1007/BF00992696
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.networks.attention import FRAMES_PER_TICK, AttentionNet, State, Ticks
from ....models.networks.look_policy import LONGEST_WAIT_FRAMES, HazardPolicy
from ..common.optimization import AveragedAdamW, generator_for, integers
from ..common.stage_run import StageRun
from ..common.stages import Stage
from .core import STUDENT, draw_clips, random_patterns
from .faces.expressions import VISIBLE
from .feature_bank import Clips, FeatureBank, ticks_of
from .roll_out import by_hazard, clip_hidden, embedded_frames, roll_out, sampled_hazard

PERIPHERY = Stage("periphery", 2, (STUDENT,))
GAINS = Stage("gains of looks", 1, (PERIPHERY,))
REINFORCE = Stage("reinforce", 1, (GAINS,))
OWN_CORE = Stage("core on its own looks", 1, (REINFORCE,))
"""Raise a version whenever the stage or its network gives other weights."""
_CLIP_FRAMES = 160
_STILLS = 128
_PER_CLIP = 4
_GAIN_SCALE = 1.0
_TEMPERATURE = 0.15
_ROLLOUTS = 4
_MEASURED = 150


def train_periphery(
    policy: HazardPolicy, bank: FeatureBank, measured: Tensor, config: TrainAttentionConfig, run: StageRun
) -> None:
    """Train the periphery to tell whether an expression is on, in place.

    The network on thumbnails learns on single frames first and stays as it is while the recurrent layer learns on
    sequences: trained on through sequences its bounded outputs can saturate, and the policy is blind.

    Parameters
    ----------
    policy : HazardPolicy
    bank : FeatureBank
    measured : (frames, people, 1156) float16
    config : TrainAttentionConfig
    run : StageRun
    """
    rng = generator_for(config.seed, 21)
    torch.manual_seed(config.seed + 21)
    learned = [*policy.recurrent.parameters(), *policy.expression.parameters()]
    stage = config.periphery
    _train_thumbnail(policy, bank, measured, config, rng, run)
    embedded = embedded_frames(policy, measured)
    optimizer = AveragedAdamW(learned, stage.learning_rate, stage.batches, config.weight_decay)
    for _ in run.batches(stage.batches, optimizer, rng):
        person = integers(rng, 0, bank.people, 32)
        start = integers(rng, 0, len(measured) - _CLIP_FRAMES, 32)
        at = start + torch.arange(_CLIP_FRAMES)[:, None]
        hidden = policy.remember(embedded[at, person], embedded.new_zeros(32, policy.units))
        visible = (bank.expressed[person, at, 0] >= VISIBLE).float()
        loss = functional.binary_cross_entropy_with_logits(policy.expression(hidden)[..., 0], visible)
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()


def _train_thumbnail(
    policy: HazardPolicy,
    bank: FeatureBank,
    measured: Tensor,
    config: TrainAttentionConfig,
    rng: torch.Generator,
    run: StageRun,
) -> None:
    """Train the tiny network on single frames, as many with an expression as without; its classifier is thrown away."""
    classifier = torch.nn.Linear(policy.recurrent.input_size, 1)
    learned = [*policy.thumbnail.parameters(), *classifier.parameters()]
    stage = config.thumbnail
    optimizer = AveragedAdamW(learned, stage.learning_rate, stage.batches, config.weight_decay)
    visible = bank.expressed[:, : len(measured), 0].T >= VISIBLE
    frames = [torch.nonzero(visible & (bank.face_there[:, : len(measured)].T)), torch.nonzero(~visible)]
    target = torch.cat([torch.ones(_STILLS), torch.zeros(_STILLS)])
    for _ in run.batches(stage.batches, optimizer, rng):
        at = torch.cat([rows[integers(rng, 0, len(rows), _STILLS)] for rows in frames])
        embedded = policy.embed(measured[at[:, 0], at[:, 1]].float())
        loss = functional.binary_cross_entropy_with_logits(classifier(embedded)[:, 0], target)
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()


@dataclass(frozen=True)
class Gains:
    """Measured gains of looks: what the policy sees at a frame, and how much the look saves.

    Attributes
    ----------
    hidden : (n, units)
    core : (n, core)
    waited : (n,)
    gain : (n,)
        Nats of cross-entropy, summed over the axes and the ticks of the horizon.
    """

    hidden: Tensor
    core: Tensor
    waited: Tensor
    gain: Tensor


class _Measured:
    """The gains measured last."""

    def __init__(self) -> None:
        self.gains: list[Gains] = []

    def add(self, gains: Gains) -> None:
        """Add gains; the oldest are forgotten."""
        self.gains = [*self.gains, gains][-_MEASURED:]

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors."""
        return {
            f"{number}.{field.name}": getattr(gains, field.name)
            for number, gains in enumerate(self.gains)
            for field in fields(gains)
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take it over from :meth:`state`."""
        names = [field.name for field in fields(Gains)]
        count = len(state) // len(names)
        self.gains = [Gains(*(state[f"{number}.{name}"] for name in names)) for number in range(count)]


class _Cost:
    """The cost of a look, which follows the budget."""

    def __init__(self, of_look: float) -> None:
        self.of_look = of_look

    def state(self) -> dict[str, Tensor]:
        """Return it as a tensor."""
        return {"of_look": torch.tensor(self.of_look, dtype=torch.float64)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take it over from :meth:`state`."""
        self.of_look = float(state["of_look"])


def measure_gains(
    net: AttentionNet, bank: FeatureBank, hidden: Tensor, config: TrainAttentionConfig, rng: torch.Generator
) -> Gains:
    """Measure what single looks save, on clips looked at in random patterns.

    Parameters
    ----------
    net : AttentionNet
    bank : FeatureBank
    hidden : (frames, people, units)
        Of the periphery.
    config : TrainAttentionConfig
    rng : Generator
    """
    clips = draw_clips(bank, config, rng)
    looks = random_patterns(bank, clips, rng)
    n, length, horizon = len(clips.person), clips.length, config.horizon_ticks
    ticks = ticks_of(bank, clips, looks)
    with torch.no_grad():
        cores, states = _states(net, ticks)
        found = []
        for _ in range(_PER_CLIP):
            tick = int(integers(rng, 4, length - horizon, 1))
            frame = integers(rng, 0, FRAMES_PER_TICK, n)
            member = torch.arange(n)
            row = torch.zeros_like(looks)
            row[tick, frame, member] = True
            without, with_look = looks & ~row, looks | row
            span = slice(tick, tick + horizon)
            level = bank.levels[clips.person, clips.ticks][span]
            losses = [
                _cross_entropy(net, states[tick - 1], _cut(ticks_of(bank, clips, pattern), span), level)
                for pattern in (without, with_look)
            ]
            number = torch.arange(length * FRAMES_PER_TICK).reshape(length, FRAMES_PER_TICK, 1)
            at = tick * FRAMES_PER_TICK + frame
            last = torch.where(looks & (number < at), number, -80).flatten(0, 1).amax(dim=0)
            usable = ~clips.no_face & bank.face_there[clips.person, clips.frames[tick, frame, member]]
            found.append(
                (
                    clip_hidden(hidden, clips)[tick, frame, member][usable],
                    cores[tick - 1][usable],
                    (at - last)[usable],
                    (losses[0] - losses[1])[usable],
                )
            )
    return Gains(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def train_gains(
    policy: HazardPolicy,
    net: AttentionNet,
    bank: FeatureBank,
    hidden: Tensor,
    config: TrainAttentionConfig,
    run: StageRun,
) -> None:
    """Train the policy to foresee the gain of a look, in place; the periphery stays."""
    rng = generator_for(config.seed, 22)
    torch.manual_seed(config.seed + 22)
    learned = [*policy.core_in.parameters(), *policy.value.parameters()]
    stage = config.gains
    optimizer = AveragedAdamW(learned, stage.learning_rate, stage.batches, config.weight_decay)
    memory = _Measured()
    for number in run.batches(stage.batches, optimizer, rng, memory):
        if number % 4 == 0:
            memory.add(measure_gains(net, bank, hidden, config, rng))
        for gains in (memory.gains[-1], memory.gains[int(integers(rng, 0, len(memory.gains), 1))]):
            if not len(gains.gain):  # no trial of the batch was filmed
                continue
            foreseen = policy.advantage(gains.hidden, gains.core, gains.waited)
            loss = functional.huber_loss(foreseen, gains.gain / _GAIN_SCALE, delta=4.0)
            optimizer.step(loss)
            run.loss(loss)
    optimizer.use_average()


def reinforce(
    policy: HazardPolicy,
    net: AttentionNet,
    bank: FeatureBank,
    hidden: Tensor,
    price: float,
    config: TrainAttentionConfig,
    run: StageRun,
) -> None:
    """Follow the loss of whole rollouts by REINFORCE, in place; the price changes what the same budget buys.

    Parameters
    ----------
    policy : HazardPolicy
    net : AttentionNet
        Its core stays as it is.
    bank : FeatureBank
    hidden : (frames, people, units)
        Of the periphery.
    price : float
        Of the policy trained on gains, at the budget of the config.
    config : TrainAttentionConfig
    run : StageRun
    """
    rng = generator_for(config.seed, 23)
    torch.manual_seed(config.seed + 23)
    learned = [*policy.core_in.parameters(), *policy.value.parameters()]
    stage = config.reinforce
    optimizer = AveragedAdamW(learned, stage.learning_rate, stage.batches, 0.0)
    cost = _Cost(price)
    for _ in run.batches(stage.batches, optimizer, rng, cost):
        clips = _repeated(draw_clips(bank, config.model_copy(update={"batch": config.batch // 2}), rng), _ROLLOUTS)
        if bool(clips.no_face.all()):  # no trial of the batch was filmed: nothing is decided
            continue
        n = len(clips.person)
        cut = clip_hidden(hidden, clips)
        draws = torch.rand(clips.length, FRAMES_PER_TICK, n, generator=rng)
        rule = sampled_hazard(policy, cut, price, _TEMPERATURE, draws, clips.no_face)
        rollout = roll_out(net, bank, clips, rule)
        level = bank.levels[clips.person, clips.ticks]
        log_p = torch.log_softmax(net.logits(rollout.cores), dim=-1).detach()
        each = (-log_p.gather(-1, level.clamp(min=0)[..., None])[..., 0] * (level >= 0)).sum(dim=-1)
        later = _sum_ahead(each, config.horizon_ticks) + cost.of_look * _sum_ahead(
            rollout.looks.float().sum(dim=1), config.horizon_ticks
        )
        by_clip = later.reshape(clips.length, -1, _ROLLOUTS)
        advantage = -(by_clip - by_clip.mean(dim=2, keepdim=True)).reshape(clips.length, n)
        gain = policy.advantage(cut, rollout.before[:, None].expand(-1, FRAMES_PER_TICK, -1, -1), rollout.waited)
        logit = (gain - price) / _TEMPERATURE
        log_prob = -functional.binary_cross_entropy_with_logits(logit, rollout.looks.float(), reduction="none")
        decided = (rollout.waited < LONGEST_WAIT_FRAMES) & ~clips.no_face
        scale = advantage.std().clamp(min=1e-3)
        loss = -(log_prob * decided * (advantage / scale)[:, None]).sum() / decided.sum()
        optimizer.step(loss)
        spent = float(rollout.looks[:, :, ~clips.no_face].float().mean())
        cost.of_look = max(0.0, cost.of_look + 0.5 * (spent / config.budget - 1.0) * max(price, 0.02))
        run.loss(each.mean())
    optimizer.use_average()


def _repeated(clips: Clips, times: int) -> Clips:
    """Return each clip several times in a row."""
    return clips.rows(torch.arange(len(clips.person)).repeat_interleave(times))


def _sum_ahead(values: Tensor, horizon: int) -> Tensor:
    """Return the sum of each tick and the following ones up to the horizon, ``(length, …)``."""
    total = torch.cat([values, values.new_zeros(horizon, *values.shape[1:])]).flip(0).cumsum(0).flip(0)
    return total[: len(values)] - torch.cat([total[horizon:], total.new_zeros(0, *values.shape[1:])])[: len(values)]


def price_for(
    policy: HazardPolicy, net: AttentionNet, bank: FeatureBank, hidden: Tensor, clips: Clips, budget: float
) -> float:
    """Return the price at which the policy spends a budget on these clips."""
    low, high = -2.0, 12.0
    cut = clip_hidden(hidden, clips)
    for _ in range(14):
        middle = 0.5 * (low + high)
        spent = roll_out(net, bank, clips, by_hazard(policy, cut, middle, clips.no_face)).looks.float().mean()
        low, high = (middle, high) if float(spent) > budget else (low, middle)
    return high


def _states(net: AttentionNet, ticks: Ticks) -> tuple[Tensor, list[State]]:
    """Run tick by tick and return the core's hidden states and every state."""
    state, cores, states = net.start(ticks.looks.shape[1]), [], []
    for tick in range(len(ticks.looks)):
        state, core, _ = net.run(state, _cut(ticks, slice(tick, tick + 1)))
        cores.append(core[0])
        states.append(state)
    return torch.stack(cores), states


def _cross_entropy(net: AttentionNet, state: State, ticks: Ticks, level: Tensor) -> Tensor:
    """Return the cross-entropy of both axes summed over the ticks, ``(clips,)``."""
    _, core, _ = net.run(state, ticks)
    log_p = torch.log_softmax(net.logits(core), dim=-1)
    each = -log_p.gather(-1, level.clamp(min=0)[..., None])[..., 0] * (level >= 0)
    return each.sum(dim=(0, 2))


def _cut(ticks: Ticks, span: slice) -> Ticks:
    return Ticks(
        ticks.face[span], ticks.looks[span], ticks.presence[span], ticks.elapsed_s[span],
        ticks.bands[span], ticks.eeg_present[span], ticks.since_onset_s[span],
    )  # fmt: skip
