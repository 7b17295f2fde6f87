"""Rollouts of a policy through many clips at once, and the decisions that their glimpses answer."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ....models.networks.video_eeg import Glimpse, State, VideoEegNet

GRID_HZ = 8.0
DECISION_FRAMES = 4


@dataclass(frozen=True)
class FeatureBank:
    """Features of several people of equally long sessions, once face and band networks are fixed.

    Attributes
    ----------
    face : (people, frames, face_features)
    bands : (people, variants, frames / stride, 3, band_features)
        A variant is one way the same EEG may come: calibrated or not, from all electrodes or from a few.
    face_there, eeg_there : (people, frames) bool
    levels : (people, frames, 2) int64
        -1 where there is none.
    stride : int
        The bands' features are held for so many frames.
    """

    face: Tensor
    bands: Tensor
    face_there: Tensor
    eeg_there: Tensor
    levels: Tensor
    stride: int = 1

    @property
    def frames(self) -> int:
        """Length of the sessions in grid frames."""
        return int(self.face.shape[1])


@dataclass(frozen=True)
class Clips:
    """A batch of clips.

    Attributes
    ----------
    person, variant : (clips,) int64
        Indices into a :class:`FeatureBank`.
    start, stop : (clips,) int64
        First frame and the first one after the clip.
    no_face, no_eeg : (clips,) bool
        Whether a modality is taken away.
    """

    person: Tensor
    variant: Tensor
    start: Tensor
    stop: Tensor
    no_face: Tensor
    no_eeg: Tensor

    def repeat(self, times: int) -> "Clips":
        """Repeat each clip several times, one after the other."""
        parts = (self.person, self.variant, self.start, self.stop, self.no_face, self.no_eeg)
        return Clips(*(part.repeat_interleave(times) for part in parts))


@dataclass(frozen=True)
class Rollout:
    """Rollouts of a policy: glimpse ``n`` of clip ``c`` was at frame ``position[n, c]``.

    Attributes
    ----------
    core : (glimpses, clips, core)
        The core's hidden state after each glimpse.
    position : (glimpses, clips) int64
    active : (glimpses, clips) bool
        Whether that glimpse took place within the clip.
    attention : (glimpses, clips, 3)
    eeg_seen : (glimpses, clips) bool
    proposed : (glimpses, clips)
        The wait that the policy drew after each glimpse, before rounding to frames; without gradient.
    end : (clips,) int64
        The first frame that the last glimpse no longer answers for.
    """

    core: Tensor
    position: Tensor
    active: Tensor
    attention: Tensor
    eeg_seen: Tensor
    proposed: Tensor
    end: Tensor


Policy = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""Maps core state ``(clips, core)`` and number of the glimpse to the wait drawn and the frames to wait."""


def glimpse_at(features: FeatureBank, clips: Clips, position: Tensor, elapsed: Tensor) -> Glimpse:
    """Gather the features of each clip at one frame."""
    person = clips.person
    return Glimpse(
        face=features.face[person, position],
        bands=features.bands[person, clips.variant, position // features.stride],
        face_present=(features.face_there[person, position] & ~clips.no_face).float(),
        eeg_present=(features.eeg_there[person, position] & ~clips.no_eeg).float(),
        elapsed_s=elapsed / GRID_HZ,
    )


def roll_out(net: VideoEegNet, features: FeatureBank, clips: Clips, policy: Policy, max_glimpses: int) -> Rollout:
    """Follow a policy through clips, each from an empty state."""
    state: State = net.start(len(clips.person))
    position, elapsed = clips.start.clone(), torch.zeros(len(clips.start))
    steps: list[tuple[Tensor, ...]] = []
    for number in range(max_glimpses):
        active = position < clips.stop
        if not bool(active.any()):
            break
        here = position.clamp(max=features.frames - 1)
        glimpse = glimpse_at(features, clips, here, elapsed)
        state, attention = net.look(state, glimpse)
        proposed, wait = policy(state.core[0], number)
        steps.append((state.core[0], position, active, attention, glimpse.eeg_present > 0.5, proposed.detach()))
        position, elapsed = position + wait, wait.float()
    core, frame, active, attention, eeg_seen, proposed = (torch.stack(parts) for parts in zip(*steps, strict=True))
    return Rollout(core, frame, active, attention, eeg_seen, proposed, torch.minimum(position, clips.stop))


@dataclass(frozen=True)
class ClipDecisions:
    """ClipDecisions every half second, each answered by the last glimpse at or before it.

    Attributes
    ----------
    glimpse : (clips, decisions) int64
        Index of that glimpse.
    level : (clips, decisions, 2) int64
        The truth, -1 where there is none or where no glimpse of the clip answers.
    frame : (clips, decisions) int64
        When the decision is made.
    """

    glimpse: Tensor
    level: Tensor
    frame: Tensor


def decisions_of(features: FeatureBank, clips: Clips, rollout: Rollout) -> ClipDecisions:
    """Return the decisions of the clips, each with the glimpse that answers it."""
    longest = int((clips.stop - clips.start).max())
    first = (clips.start + DECISION_FRAMES - 1) // DECISION_FRAMES * DECISION_FRAMES
    frame = first[:, None] + DECISION_FRAMES * torch.arange(longest // DECISION_FRAMES + 1)
    position = torch.where(rollout.active, rollout.position, torch.iinfo(torch.int64).max).T.contiguous()
    glimpse = (torch.searchsorted(position, frame, right=True) - 1).clamp(min=0)
    level = features.levels[clips.person[:, None], frame.clamp(max=features.frames - 1)]
    inside = frame < rollout.end[:, None]
    return ClipDecisions(glimpse, torch.where(inside[..., None], level, -1), frame)


def decision_logits(net: VideoEegNet, rollout: Rollout, decisions: ClipDecisions, dropout: float = 0.0) -> Tensor:
    """Return the logits ``(clips, decisions, 2, 3)`` of the core states that answer decisions."""
    core = torch.nn.functional.dropout(rollout.core, dropout, training=dropout > 0.0)
    glimpses, n_clips = rollout.position.shape
    logits = net.logits(core.flatten(0, 1)).reshape(glimpses, n_clips, -1, 3)
    return logits[decisions.glimpse, torch.arange(n_clips)[:, None]]
