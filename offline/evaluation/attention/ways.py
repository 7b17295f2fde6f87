"""Ways to decide every half second with one core: forward, by re-scanning a window, from cached embeddings.

*Forward* is what ships: looks are chosen as frames arrive and the state is carried on. *Re-scanning* decodes the last
seconds anew at each decision, from an empty state, and the policy chooses its looks within the window again, as a model
of clips does. *Cached* embeds every frame once as it arrives; each decision runs the core over the last seconds of
embeddings, every frame looked at. *Carried* looks at every frame too, but carries the state on as forward does. The
policy's periphery runs through in each, as does the EEG.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....models.networks.attention import FRAMES_PER_TICK, TICK_HZ
from ...training.attention.feature_bank import Clips, FeatureBank, ticks_of, whole_sessions
from ...training.attention.roll_out import fixed, roll_out
from .system import AttentionSystem

_CLIPS_AT_ONCE = 1600


@dataclass(frozen=True)
class WayDecisions:
    """Decisions of whole sessions made in one way, from the second tick on.

    Attributes
    ----------
    logits : (ticks, people, 2, 3)
    embedded : (people,)
        Frames embedded per frame arrived, a frame counted whenever it is chosen.
    different : (people,)
        Frames embedded at least once per frame arrived: what is left where embeddings are kept.
    """

    logits: Tensor
    embedded: NDArray[np.float64]
    different: NDArray[np.float64]


def forward(system: AttentionSystem, bank: FeatureBank, hidden: Tensor | None) -> WayDecisions:
    """Decide as the frames arrive.

    Parameters
    ----------
    system : AttentionSystem
    bank : FeatureBank
    hidden : (frames, people, units) or None
        Of the policy's periphery.
    """
    clips = whole_sessions(bank)
    rollout = roll_out(system.networks.net, bank, clips, system.rule(bank, clips, hidden))
    share = rollout.looks.float().mean(dim=(0, 1)).double().numpy()
    return WayDecisions(_logits(system, rollout.cores), share, share)


def rescanned(system: AttentionSystem, bank: FeatureBank, hidden: Tensor | None, window_s: float) -> WayDecisions:
    """Decide by decoding the last ``window_s`` anew, or all since the session began where that is less."""
    net, cores, chosen = system.networks.net, list[Tensor](), _Chosen(bank)
    for clips in windows(bank, window_s):
        rollout = roll_out(net, bank, clips, system.rule(bank, clips, hidden))
        cores.append(rollout.cores[-1].reshape(-1, bank.people, rollout.cores.shape[-1]))
        chosen.add(clips, rollout.looks)
    return WayDecisions(_logits(system, torch.cat(cores)), chosen.embedded, chosen.different)


def cached(system: AttentionSystem, bank: FeatureBank, window_s: float) -> WayDecisions:
    """Decide by running the core over the kept embeddings of every frame of the last ``window_s``."""
    net, cores, chosen = system.networks.net, list[Tensor](), _Chosen(bank)
    for clips in windows(bank, window_s):
        every = torch.ones(clips.length, FRAMES_PER_TICK, len(clips.person), dtype=torch.bool)
        with torch.no_grad():
            run = net.run(net.start(len(clips.person)), ticks_of(bank, clips, every))[1]
        cores.append(run[-1].reshape(-1, bank.people, run.shape[-1]))
        chosen.add(clips, every)
    return WayDecisions(_logits(system, torch.cat(cores)), chosen.different, chosen.different)


def carried(system: AttentionSystem, bank: FeatureBank) -> WayDecisions:
    """Decide forward with a look at every frame."""
    clips = whole_sessions(bank)
    every = torch.ones(clips.length, FRAMES_PER_TICK, bank.people, dtype=torch.bool)
    share = np.ones(bank.people)
    return WayDecisions(_logits(system, roll_out(system.networks.net, bank, clips, fixed(every)).cores), share, share)


def windows(bank: FeatureBank, window_s: float) -> Iterator[Clips]:
    """Yield clips that end at each tick from the second on, in order, all people for each tick."""
    width = bank.ticks if math.isinf(window_s) else max(round(window_s * TICK_HZ), 1)
    short = min(width, bank.ticks) - 1
    for tick in range(1, short + 1):
        yield _ending(bank, range(tick, tick + 1), tick)
    several = max(_CLIPS_AT_ONCE // bank.people, 1)
    for tick in range(short + 1, bank.ticks, several):
        yield _ending(bank, range(tick, min(tick + several, bank.ticks)), width)


def _ending(bank: FeatureBank, ends: range, length: int) -> Clips:
    person = torch.arange(bank.people).repeat(len(ends))
    start = torch.tensor(list(ends)).repeat_interleave(bank.people) - length + 1
    none = torch.zeros(len(person), dtype=torch.bool)
    return Clips(person, torch.zeros_like(person), start, length, bank.without_film(person), none, none)


class _Chosen:
    """Counts how often each frame is embedded."""

    def __init__(self, bank: FeatureBank) -> None:
        self._times = torch.zeros(bank.people, bank.face.shape[1], dtype=torch.int64)

    def add(self, clips: Clips, looks: Tensor) -> None:
        person = clips.person.expand_as(looks)
        self._times.index_put_((person[looks], clips.frames[looks]), torch.ones(1, dtype=torch.int64), accumulate=True)

    @property
    def embedded(self) -> NDArray[np.float64]:
        # The first frame belongs to the first tick, at which nothing is decided.
        return self._times[:, 1:].double().mean(dim=1).numpy()

    @property
    def different(self) -> NDArray[np.float64]:
        return (self._times[:, 1:] > 0).double().mean(dim=1).numpy()


def _logits(system: AttentionSystem, cores: Tensor) -> Tensor:
    with torch.no_grad():
        return system.networks.net.logits(cores)
