"""Many clips at once through the video-EEG network: what was prepared as tensors, and looking at it."""

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
    """Which clips: each ``(clips,)``; ``no_face`` and ``no_eeg`` take a modality away."""

    person: Tensor
    variant: Tensor
    start: Tensor
    stop: Tensor
    no_face: Tensor
    no_eeg: Tensor

    def repeat(self, times: int) -> "Clips":
        """Return each clip repeated, one after the other."""
        parts = (self.person, self.variant, self.start, self.stop, self.no_face, self.no_eeg)
        return Clips(*(part.repeat_interleave(times) for part in parts))


@dataclass(frozen=True)
class Rollout:
    """What happened in clips: glimpse n of row r was at frame ``position[n, r]``.

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
        What the chooser drew after each glimpse, before it became whole frames; without gradient.
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
"""Core state ``(clips, core)`` and number of the glimpse -> what was drawn, and the frames to wait."""


def glimpse_at(features: FeatureBank, clips: Clips, position: Tensor, elapsed: Tensor) -> Glimpse:
    """Gather what the clips see at a frame each."""
    person = clips.person
    return Glimpse(
        face=features.face[person, position],
        bands=features.bands[person, clips.variant, position // features.stride],
        face_present=(features.face_there[person, position] & ~clips.no_face).float(),
        eeg_present=(features.eeg_there[person, position] & ~clips.no_eeg).float(),
        elapsed_s=elapsed / GRID_HZ,
    )


def roll_out(net: VideoEegNet, features: FeatureBank, clips: Clips, policy: Policy, max_glimpses: int) -> Rollout:
    """Look through clips from an empty state, wherever the chooser says."""
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
    core, looked, within, attention, seen, proposed = (torch.stack(parts) for parts in zip(*steps, strict=True))
    return Rollout(core, looked, within, attention, seen, proposed, torch.minimum(position, clips.stop))


@dataclass(frozen=True)
class Decisions:
    """Decisions every half second, each answered by the last glimpse at or before it.

    Attributes
    ----------
    glimpse : (clips, decisions) int64
        Which glimpse answers.
    level : (clips, decisions, 2) int64
        The truth, -1 where there is none or where no glimpse of the clip answers.
    frame : (clips, decisions) int64
    """

    glimpse: Tensor
    level: Tensor
    frame: Tensor


def decisions_of(features: FeatureBank, clips: Clips, rollout: Rollout) -> Decisions:
    """Find which glimpse answers each decision of the clips."""
    longest = int((clips.stop - clips.start).max())
    first = (clips.start + DECISION_FRAMES - 1) // DECISION_FRAMES * DECISION_FRAMES
    frame = first[:, None] + DECISION_FRAMES * torch.arange(longest // DECISION_FRAMES + 1)
    looked = torch.where(rollout.active, rollout.position, torch.iinfo(torch.int64).max).T.contiguous()
    glimpse = (torch.searchsorted(looked, frame, right=True) - 1).clamp(min=0)
    level = features.levels[clips.person[:, None], frame.clamp(max=features.frames - 1)]
    inside = frame < rollout.end[:, None]
    return Decisions(glimpse, torch.where(inside[..., None], level, -1), frame)


def decision_logits(net: VideoEegNet, rollout: Rollout, held: Decisions, dropout: float = 0.0) -> Tensor:
    """Return the logits ``(clips, decisions, 2, 3)`` of the states held at the decisions."""
    core = torch.nn.functional.dropout(rollout.core, dropout, training=dropout > 0.0)
    glimpses, n_clips = rollout.position.shape
    logits = net.logits(core.flatten(0, 1)).reshape(glimpses, n_clips, -1, 3)
    return logits[held.glimpse, torch.arange(n_clips)[:, None]]


def class_loss(logits: Tensor, level: Tensor, weights: Tensor) -> Tensor:
    """Return the paper's loss, - sum_k y_k log p_k + (1 - y_k) log(1 - p_k), averaged over labelled decisions.

    Parameters
    ----------
    logits : (..., 2, 3) Tensor
    level : (..., 2) int64 Tensor
    weights : (2, 3) Tensor
        Of each class of each axis.
    """
    known = level >= 0
    target = torch.nn.functional.one_hot(level.clamp(min=0), 3).float()
    log_p = torch.log_softmax(logits, dim=-1)
    log_not_p = torch.log1p(-log_p.exp().clamp(max=1.0 - 1e-5))
    each = -(target * log_p + (1.0 - target) * log_not_p).sum(dim=-1)
    weight = (weights.expand_as(target) * target).sum(dim=-1) * known
    return (each * weight).sum() / weight.sum().clamp(min=1.0)


def band_imbalance(attention: Tensor, counted: Tensor) -> Tensor:
    """Return the paper's sum_j (1/3 - mean_n theta_nj)^2, averaged over clips with EEG.

    Parameters
    ----------
    attention : (glimpses, clips, 3) Tensor
    counted : (glimpses, clips) bool Tensor
    """
    seen = counted.float()[..., None]
    mean = (attention * seen).sum(dim=0) / seen.sum(dim=0).clamp(min=1.0)
    any_seen = counted.any(dim=0).float()
    return (((1.0 / 3.0 - mean) ** 2).sum(dim=1) * any_seen).sum() / any_seen.sum().clamp(min=1.0)


def class_weights(levels: Tensor) -> Tensor:
    """Weight classes so that each counts alike on each axis: ``(2, 3)``, 1 on average over the samples."""
    counts = torch.stack([torch.bincount(levels[..., axis][levels[..., axis] >= 0], minlength=3) for axis in range(2)])
    return counts.sum(dim=1, keepdim=True) / (3.0 * counts.clamp(min=1))
