"""Band attention put to the test: other weights in its place, single bands taken out, single bands drowned in noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ....models.contract import BANDS
from ...training.attention.feature_bank import FeatureBank, ticks_of, whole_sessions
from ...training.attention.prepare import PreparedSession
from ...training.attention.roll_out import Rollout, roll_out
from .system import AttentionSystem

LEARNED = "learned weights"
HELD = "weights held at their mean"
EQUAL = "a third each"
SHUFFLED = "weights shuffled over time"
CLEAN = "as recorded"


@dataclass(frozen=True)
class BandDecisions:
    """Decisions of whole sessions with some weights of the bands.

    Attributes
    ----------
    logits : (ticks, people, 2, 3)
    weights : (ticks, people, 3)
    """

    logits: Tensor
    weights: Tensor


def decoded(system: AttentionSystem, bank: FeatureBank, hidden: Tensor | None) -> Rollout:
    """Decode whole sessions as the bundle does."""
    clips = whole_sessions(bank)
    return roll_out(system.networks.net, bank, clips, system.rule(bank, clips, hidden))


def ablations(system: AttentionSystem, bank: FeatureBank, rollout: Rollout, seed: int) -> dict[str, BandDecisions]:
    """Decide with other weights in the place of the learned ones, and without each band.

    The looks stay those of the learned weights, so that the EEG alone differs.

    Parameters
    ----------
    system : AttentionSystem
    bank : FeatureBank
    rollout : Rollout
        Of :func:`decoded` on these people.
    seed : int
        Of the shuffles.
    """
    learned = rollout.attention
    found = {
        LEARNED: decide(system, bank, rollout.looks, None),
        HELD: decide(system, bank, rollout.looks, held(learned)),
        EQUAL: decide(system, bank, rollout.looks, torch.full_like(learned, 1.0 / len(BANDS))),
        SHUFFLED: decide(system, bank, rollout.looks, shuffled(learned, seed)),
    }
    for band, name in enumerate(BANDS):
        found[without(name)] = decide(system, without_band(bank, band), rollout.looks, None)
    return found


def without(band: str) -> str:
    """Return the name of what is decided without a band."""
    return f"without {band}"


def decide(system: AttentionSystem, bank: FeatureBank, looks: Tensor, weights: Tensor | None) -> BandDecisions:
    """Decide on given looks, with given weights of the bands or with the attention's own.

    Parameters
    ----------
    system : AttentionSystem
    bank : FeatureBank
    looks : (ticks, 4, people) bool
    weights : (ticks, people, 3) or None
    """
    net = system.networks.net
    with torch.no_grad():
        ticks = ticks_of(bank, whole_sessions(bank), looks)
        _, cores, used = net.run(net.start(bank.people), ticks, weights=weights)
        return BandDecisions(net.logits(cores), used)


def held(weights: Tensor) -> Tensor:
    """Return weights ``(ticks, people, 3)`` held at their mean over people and time."""
    return weights.mean(dim=(0, 1)).expand_as(weights)


def shuffled(weights: Tensor, seed: int) -> Tensor:
    """Return weights ``(ticks, people, 3)`` with the ticks of each person in another order."""
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([one[torch.randperm(len(one), generator=rng)] for one in weights.unbind(1)], dim=1)


def without_band(bank: FeatureBank, band: int) -> FeatureBank:
    """Return people whose band always has its mean features over people and time: it tells nothing of the moment."""
    bands = bank.bands.clone()
    there = bank.eeg_there[:, None].expand(bands.shape[:3])
    bands[..., band, :] = bands[..., band, :][there].float().mean(dim=0).to(bands.dtype)
    return replace(bank, bands=bands)


def drowned(people: Sequence[PreparedSession], band: int, noise: float, seed: int) -> list[PreparedSession]:
    """Return people with noise on one band, independent at each electrode and tick.

    Parameters
    ----------
    people : sequence of PreparedSession
    band : int
    noise : float
        Standard deviation of the log10 of power.
    seed : int
    """
    found = []
    for number, person in enumerate(people):
        drawn = np.random.default_rng((seed, band, number)).normal(0.0, noise, person.power.shape[:2])
        power = person.power.copy()
        power[..., band] += (drawn * person.eeg_there[:, None]).astype(np.float32)
        found.append(replace(person, power=power))
    return found


def noise_conditions(people: Sequence[PreparedSession], noise: float, seed: int) -> Mapping[str, list[PreparedSession]]:
    """Return people as recorded, and with each band drowned in noise."""
    noisy = {f"noise on {name}": drowned(people, band, noise, seed) for band, name in enumerate(BANDS)}
    return {CLEAN: list(people), **noisy}
