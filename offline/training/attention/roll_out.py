"""Rollouts: clips decoded tick by tick while a policy decides at which frames to look."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from ....models.networks.attention import (
    FRAME_HZ,
    FRAMES_PER_TICK,
    LONGEST_ELAPSED_S,
    AttentionNet,
    Ticks,
    pooled,
)
from ....models.networks.look_policy import LONGEST_WAIT_FRAMES, GaussianPolicy, HazardPolicy
from . import core
from .data import Networks
from .feature_bank import Clips, FeatureBank, ticks_of

Policy = Literal["hazard", "gaussian", "uniform", "random", "every"]


class LookRule(Protocol):
    """Decides frame by frame whether to look."""

    def __call__(self, tick: int, frame: int, core: Tensor, waited: Tensor) -> Tensor:
        """Return whether each clip looks, ``(clips,)`` bool.

        Parameters
        ----------
        tick, frame : int
            Of the clip; the frame is counted within the tick, 0 to 3.
        core : (clips, core)
            Hidden state of the core after the tick before.
        waited : (clips,) int64
            Frames since the last look, at least 1.
        """
        ...


@dataclass(frozen=True)
class Rollout:
    """Result of a rollout.

    Attributes
    ----------
    looks : (length, 4, clips) bool
    cores : (length, clips, core)
    attention : (length, clips, 3)
    waited : (length, 4, clips) int64
        Frames since the last look when each frame was decided on.
    before : (length, clips, core)
        Hidden state of the core that each tick's frames were decided from.
    """

    looks: Tensor
    cores: Tensor
    attention: Tensor
    waited: Tensor
    before: Tensor


def roll_out(net: AttentionNet, bank: FeatureBank, clips: Clips, rule: LookRule) -> Rollout:
    """Decode clips from an empty state under a rule of looks, without a graph."""
    n = len(clips.person)
    everything = ticks_of(bank, clips, torch.zeros(clips.length, FRAMES_PER_TICK, n, dtype=torch.bool))
    faces = bank.face[clips.person, clips.frames].float()
    presence = bank.presence[clips.person, clips.frames].float()
    there = bank.face_there[clips.person, clips.frames] & ~clips.no_face
    state, waited, since_found = net.start(n), torch.full((n,), LONGEST_WAIT_FRAMES), torch.full((n,), 10_000)
    core = state.core[0]
    looks, cores, weights, waits, from_cores = [], [], [], [], []
    with torch.no_grad():
        for tick in range(clips.length):
            within, waits_now = [], []
            for frame in range(FRAMES_PER_TICK):
                look = rule(tick, frame, core, waited)
                waits_now.append(waited)
                waited = torch.where(look, 1, waited + 1)
                since_found = torch.where(look & there[tick, frame], 0, since_found + 1)
                within.append(look)
            chosen = torch.stack(within)
            from_cores.append(core)
            one = _tick(everything, tick, chosen & there[tick], (faces[tick], presence[tick]), since_found)
            state, after, attention = net.run(state, one)
            core = after[0]
            looks.append(chosen)
            cores.append(core)
            weights.append(attention[0])
            waits.append(torch.stack(waits_now))
    return Rollout(
        torch.stack(looks), torch.stack(cores), torch.stack(weights), torch.stack(waits), torch.stack(from_cores)
    )


def _tick(ticks: Ticks, tick: int, found: Tensor, faces: tuple[Tensor, Tensor], since_found: Tensor) -> Ticks:
    face, presence = pooled(*faces, found)
    row = slice(tick, tick + 1)
    return Ticks(
        face[None], found.sum(dim=0).float()[None], presence[None],
        (since_found / float(FRAME_HZ)).clamp(max=LONGEST_ELAPSED_S)[None],
        ticks.bands[row], ticks.eeg_present[row], ticks.since_onset_s[row],
    )  # fmt: skip


def fixed(looks: Tensor) -> LookRule:
    """Return the rule that looks at given frames, ``(length, 4, clips)`` bool."""
    return lambda tick, frame, _core, _waited: looks[tick, frame]


def by_hazard(policy: HazardPolicy, hidden: Tensor, price: float, no_face: Tensor) -> LookRule:
    """Return the rule of a hazard policy at a price.

    Parameters
    ----------
    policy : HazardPolicy
    hidden : (length, 4, clips, units)
        Of the periphery at each frame.
    price : float
    no_face : (clips,) bool
        Clips that never look, because there is nothing to see.
    """

    def rule(tick: int, frame: int, core: Tensor, waited: Tensor) -> Tensor:
        gain = policy.advantage(hidden[tick, frame], core, waited)
        return ((gain > price) | (waited >= LONGEST_WAIT_FRAMES)) & ~no_face

    return rule


def sampled_hazard(
    policy: HazardPolicy, hidden: Tensor, price: float, temperature: float, draws: Tensor, no_face: Tensor
) -> LookRule:
    """Return the rule that looks with the probability sigmoid((gain - price) / temperature), by given uniform draws."""

    def rule(tick: int, frame: int, core: Tensor, waited: Tensor) -> Tensor:
        gain = policy.advantage(hidden[tick, frame], core, waited)
        chance = torch.sigmoid((gain - price) / temperature)
        return ((draws[tick, frame] < chance) | (waited >= LONGEST_WAIT_FRAMES)) & ~no_face

    return rule


def by_gaussian(policy: GaussianPolicy, spread: float, draws: Callable[[int], Tensor] | None, clips: int) -> LookRule:
    """Return the rule of the paper's policy: after a look, a wait drawn around the mean; the mean at spread 0."""
    waits = torch.ones(clips, dtype=torch.int64)

    def rule(tick: int, frame: int, core: Tensor, waited: Tensor) -> Tensor:
        nonlocal waits
        look = waited >= waits
        mean = policy.wait_mean(core)
        drawn = mean if draws is None else mean + spread * draws(tick * FRAMES_PER_TICK + frame)
        waits = torch.where(look, policy.frames(drawn), waits)
        return look

    return rule


def periphery_of(policy: HazardPolicy, bank: FeatureBank, person: Tensor, frames: int) -> Tensor:
    """Return the measures of the periphery at the first frames of people, ``(frames, people, 1156)`` float16."""
    state = policy.start(len(person))
    carried = (state.previous, state.slow, state.theta, state.known, state.theta_known)
    rows = []
    with torch.no_grad():
        for frame in range(frames):
            there = bank.face_there[person, frame].float()
            state = type(state)(*carried, state.hidden, state.measured)
            measured, carried = policy.measures(
                state, bank.thumbnails[person, frame].float(), there, bank.theta[person, frame]
            )
            rows.append(measured.half())
    return torch.stack(rows)


def embedded_frames(policy: HazardPolicy, measured: Tensor) -> Tensor:
    """Return the input of the periphery's recurrent layer for every frame, ``(frames, people, features)``."""
    with torch.no_grad():
        return torch.stack([policy.embed(row.float()) for row in measured])


def hidden_states(policy: HazardPolicy, measured: Tensor) -> Tensor:
    """Return the periphery's hidden states, ``(frames, people, units)``, of measures from a session's start."""
    people = measured.shape[1]
    embedded = embedded_frames(policy, measured)
    with torch.no_grad():
        return policy.remember(embedded, embedded.new_zeros(people, policy.units))


def clip_hidden(hidden: Tensor, clips: Clips) -> Tensor:
    """Return hidden states of whole sessions cut to clips, ``(length, 4, clips, units)``."""
    return hidden[clips.frames, clips.person]


def rule_of(
    policy: Policy,
    budget: float,
    networks: Networks,
    bank: FeatureBank,
    clips: Clips,
    seed: int,
    hidden: Tensor | None = None,
) -> LookRule:
    """Return the rule by which a policy looks at clips.

    Parameters
    ----------
    policy : "hazard", "gaussian", "uniform", "random" or "every"
    budget : float
        Share of frames of "uniform" and "random"; the hazard policy has its price, the Gaussian its own waits.
    networks : Networks
    bank : FeatureBank
    clips : Clips
    seed : int
        Of the phases of "uniform" and the draws of "random".
    hidden : (frames, people, units), optional
        Of the hazard policy's periphery; computed where it is not given.
    """
    if policy == "hazard":
        hazard = networks.hazard
        if hidden is None:
            measured = periphery_of(hazard, bank, torch.arange(bank.people), bank.face.shape[1])
            hidden = hidden_states(hazard, measured)
        return by_hazard(hazard, clip_hidden(hidden, clips), float(hazard.price), clips.no_face)
    if policy == "gaussian":
        return by_gaussian(networks.gaussian, 0.0, None, len(clips.person))
    rng = torch.Generator().manual_seed(seed)
    looks_of = core.every_frame if policy == "every" else core.budgeted(budget, policy)
    return fixed(looks_of(bank, clips, rng))
