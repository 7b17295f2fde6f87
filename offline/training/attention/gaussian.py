"""The paper's policy: a Gaussian over the wait until the next look, by REINFORCE with experience replay.

A right decision is rewarded, a wrong one punished harder, each look costs, and no clip has more than ``most_looks``.
Half of each batch is drawn from a memory of clips seen before, those with the lowest reward first in likelihood.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.networks.attention import FRAMES_PER_TICK, AttentionNet
from ....models.networks.look_policy import LONGEST_WAIT_FRAMES, GaussianPolicy
from ..common.optimization import AveragedAdamW, generator_for
from ..common.stage_run import StageRun
from ..common.stages import Stage
from .core import STUDENT, draw_clips
from .feature_bank import Clips, FeatureBank, as_tensors, clips_from, joined
from .roll_out import Rollout, roll_out

GAUSSIAN = Stage("gaussian policy", 1, (STUDENT,))
"""Raise its version whenever this stage gives other weights."""
_ROLLOUTS = 4
_MEMORY = 512


def train_gaussian(
    policy: GaussianPolicy, net: AttentionNet, bank: FeatureBank, config: TrainAttentionConfig, run: StageRun
) -> None:
    """Train the paper's policy on a fixed core, in place.

    Parameters
    ----------
    policy : GaussianPolicy
    net : AttentionNet
    bank : FeatureBank
    config : TrainAttentionConfig
        ``reward_wrong`` punishes errors, ``most_looks`` is the paper's N_max for a clip, ``spread`` the standard
        deviation of the Gaussian as a share of the longest wait.
    run : StageRun
    """
    rng = generator_for(config.seed, 31)
    torch.manual_seed(config.seed + 31)
    with torch.no_grad():
        share = (1.0 / config.budget - 1.0) / (LONGEST_WAIT_FRAMES - 1)
        policy.mean.bias.fill_(float(torch.logit(torch.tensor(min(max(share, 0.01), 0.99)))))
    stage = config.reinforce
    optimizer = AveragedAdamW(policy.parameters(), stage.learning_rate, stage.batches, 0.0)
    memory = _Memory()
    for _ in run.batches(stage.batches, optimizer, rng, memory):
        fresh = draw_clips(bank, config.model_copy(update={"batch": config.batch // 4}), rng)
        chosen = memory.mix(fresh, rng)
        clips = chosen.rows(torch.arange(len(chosen.person)).repeat_interleave(_ROLLOUTS))
        rule = _Sampled(policy, config, torch.randn(clips.length * FRAMES_PER_TICK, len(clips.person), generator=rng))
        rollout = roll_out(net, bank, clips, rule)
        reward = _reward(net, bank, clips, rollout, config) - memory.cost * rollout.looks.sum(dim=1).float()
        ahead = reward.flip(0).cumsum(0).flip(0)
        by_clip = ahead.reshape(clips.length, -1, _ROLLOUTS)
        advantage = (by_clip - by_clip.mean(dim=2, keepdim=True)).reshape(clips.length, -1)
        mean = policy.wait_mean(rollout.before[:, None].expand(-1, FRAMES_PER_TICK, -1, -1))
        log_prob = -0.5 * ((rule.drawn_at(rollout) - mean) / config.spread) ** 2
        looked = rollout.looks & ~clips.no_face
        loss = -(log_prob * looked * (advantage / advantage.std().clamp(min=1e-3))[:, None]).sum() / looked.sum().clamp(
            min=1
        )
        optimizer.step(loss)
        spent = float(rollout.looks.float().mean())
        memory.cost = max(0.0, memory.cost + 0.05 * (spent / config.budget - 1.0))
        memory.keep(fresh, reward.sum(dim=0).reshape(-1, _ROLLOUTS).mean(dim=1)[: len(fresh.person)])
        run.loss(-reward.mean())
    optimizer.use_average()


class _Sampled:
    """The rule of the policy with waits drawn around the mean; no more than ``most_looks`` a clip."""

    def __init__(self, policy: GaussianPolicy, config: TrainAttentionConfig, noise: Tensor) -> None:
        self._policy, self._config, self._noise = policy, config, noise
        clips = noise.shape[1]
        self._waits = torch.ones(clips, dtype=torch.int64)
        self._left = torch.full((clips,), config.most_looks)
        self._drawn: list[Tensor] = []

    def __call__(self, tick: int, frame: int, core: Tensor, waited: Tensor) -> Tensor:
        mean = self._policy.wait_mean(core)
        drawn = mean + self._config.spread * self._noise[tick * FRAMES_PER_TICK + frame]
        look = (waited >= self._waits) & (self._left > 0)
        self._left = self._left - look.long()
        self._waits = torch.where(look, self._policy.frames(drawn), self._waits)
        self._drawn.append(drawn.detach())
        return look

    def drawn_at(self, rollout: Rollout) -> Tensor:
        """Return the waits drawn at each frame before they were rounded, ``(length, 4, clips)``."""
        return torch.stack(self._drawn).reshape(rollout.looks.shape)


class _Memory:
    """Clips seen before, with their reward, and the cost of a look."""

    def __init__(self) -> None:
        self.cost = 0.1
        self._clips: list[Clips] = []
        self._rewards: list[Tensor] = []

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors."""
        tensors = {"cost": torch.tensor(self.cost, dtype=torch.float64)}
        for number, (clips, rewards) in enumerate(zip(self._clips, self._rewards, strict=True)):
            tensors |= {f"{number}.{name}": value for name, value in as_tensors(clips).items()}
            tensors[f"{number}.rewards"] = rewards
        return tensors

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take it over from :meth:`state`."""
        self.cost = float(state["cost"])
        for number in range(sum(name.endswith(".rewards") for name in state)):
            own = {k.removeprefix(f"{number}."): v for k, v in state.items() if k.startswith(f"{number}.")}
            self._rewards.append(own.pop("rewards"))
            self._clips.append(clips_from(own))

    def keep(self, clips: Clips, rewards: Tensor) -> None:
        """Add clips; the oldest are dropped."""
        self._clips.append(clips)
        self._rewards.append(rewards.detach())
        while sum(len(r) for r in self._rewards) > _MEMORY:
            del self._clips[0], self._rewards[0]

    def mix(self, fresh: Clips, rng: torch.Generator) -> Clips:
        """Return fresh clips followed by as many from the memory, once there are enough."""
        rewards = torch.cat(self._rewards) if self._rewards else torch.zeros(0)
        n = len(fresh.person)
        if len(rewards) < n:
            return fresh
        scale = rewards.std().clamp(min=1e-3)
        odds = torch.softmax(-(rewards - rewards.mean()) / scale, dim=0)
        chosen = torch.multinomial(odds, n, replacement=False, generator=rng)
        return joined([fresh, joined(self._clips).rows(chosen)])


def _reward(
    net: AttentionNet, bank: FeatureBank, clips: Clips, rollout: Rollout, config: TrainAttentionConfig
) -> Tensor:
    """Return the reward of each tick's decisions, ``(length, clips)``."""
    level = bank.levels[clips.person, clips.ticks]
    right = net.logits(rollout.cores).argmax(dim=-1) == level
    each = torch.where(right, config.reward_right, config.reward_wrong) * (level >= 0)
    return each.sum(dim=-1).detach()
