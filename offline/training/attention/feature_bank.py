"""What the training of core and policies reads: features of the fixed layers, for all people at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....models.networks.attention import FRAMES_PER_TICK, LONGEST_ELAPSED_S, TICK_HZ, AttentionNet, Ticks, pooled
from ....models.signals.eeg.normalisation import Normalisation
from ....models.signals.face.images import thumbnail
from .eeg_variants import scalp_image_variants
from .prepare import PreparedSession, read_prepared

_CHUNK = 4096


@dataclass(frozen=True)
class FeatureBank:
    """Features of people with equally long sessions, or of trials filled up to one length.

    Attributes
    ----------
    face : (people, frames, face_features)
    presence : (people, frames)
        Logit of an expression, as the face network reads it.
    face_there : (people, frames) bool
    bands : (people, variants, ticks, 3, band_features)
    eeg_there : (people, ticks) bool
    levels : (people, ticks, 2) int64
        -1 where there is none.
    stimulus : (people, ticks) int64
        Number of the presentation, -1 outside.
    since_onset_s : (people, ticks)
        -1 outside presentations.
    thumbnails : (people, frames, 24, 24) uint8
    theta : (people, frames)
    expressed : (people, frames, 3)
    lengths, who : (people,) int64 or None
        Where the rows are trials: how many ticks each has, before it is filled up with ticks that hold nothing, and the
        number of its person.
    """

    face: Tensor
    presence: Tensor
    face_there: Tensor
    bands: Tensor
    eeg_there: Tensor
    levels: Tensor
    stimulus: Tensor
    since_onset_s: Tensor
    thumbnails: Tensor
    theta: Tensor
    expressed: Tensor
    lengths: Tensor | None = None
    who: Tensor | None = None

    @property
    def people(self) -> int:
        """Number of people."""
        return len(self.face)

    @property
    def ticks(self) -> int:
        """Number of ticks of each session."""
        return self.levels.shape[1]

    def without_film(self, rows: Tensor) -> Tensor:
        """Return which of some trials show no face at all, ``(n,)`` bool; a session of a person always has one."""
        if self.lengths is None:
            return torch.zeros(len(rows), dtype=torch.bool)
        return ~self.face_there.any(dim=1)[rows]


@dataclass(frozen=True)
class Clips:
    """Clips of people's sessions: ticks ``start`` up to ``start + length``.

    Attributes
    ----------
    person, variant, start : (clips,) int64
    length : int
    no_face, no_eeg : (clips,) bool
        Modalities withheld.
    told : (clips,) bool
        Whether onsets of stimuli are told.
    """

    person: Tensor
    variant: Tensor
    start: Tensor
    length: int
    no_face: Tensor
    no_eeg: Tensor
    told: Tensor

    @property
    def ticks(self) -> Tensor:
        """Ticks of each clip, ``(length, clips)``."""
        return self.start + torch.arange(self.length)[:, None]

    @property
    def frames(self) -> Tensor:
        """Frames that belong to each tick, ``(length, 4, clips)``: those since the tick before, up to the tick."""
        return self.ticks[:, None] * FRAMES_PER_TICK + torch.arange(1 - FRAMES_PER_TICK, 1)[:, None]

    def rows(self, chosen: Tensor) -> "Clips":
        """Return some of the clips."""
        return Clips(
            self.person[chosen], self.variant[chosen], self.start[chosen], self.length,
            self.no_face[chosen], self.no_eeg[chosen], self.told[chosen],
        )  # fmt: skip


def as_tensors(clips: Clips) -> dict[str, Tensor]:
    """Return clips as tensors by name."""
    return {f.name: torch.as_tensor(getattr(clips, f.name)) for f in fields(clips)}


def clips_from(tensors: Mapping[str, Tensor]) -> Clips:
    """Return the clips that :func:`as_tensors` took apart."""
    whole = {name: value for name, value in tensors.items() if name != "length"}
    return Clips(length=int(tensors["length"]), **whole)


def joined(parts: Sequence[Clips]) -> Clips:
    """Return clips of one length one after the other."""
    first = parts[0]
    return Clips(
        torch.cat([part.person for part in parts]),
        torch.cat([part.variant for part in parts]),
        torch.cat([part.start for part in parts]),
        first.length,
        torch.cat([part.no_face for part in parts]),
        torch.cat([part.no_eeg for part in parts]),
        torch.cat([part.told for part in parts]),
    )


def whole_sessions(
    bank: FeatureBank, variant: int = 0, face: bool = True, eeg: bool = True, told: bool = False
) -> Clips:
    """Return one clip a person, from the second tick to the end."""
    ones, people = torch.ones(bank.people, dtype=torch.bool), torch.arange(bank.people)
    return Clips(
        people, torch.full((bank.people,), variant), torch.ones(bank.people, dtype=torch.int64),
        bank.ticks - 1, (ones & (not face)) | bank.without_film(people), ones & (not eeg), ones & told,
    )  # fmt: skip


def ticks_of(bank: FeatureBank, clips: Clips, looks: Tensor) -> Ticks:
    """Return the inputs of the core for looks at some frames.

    Parameters
    ----------
    bank : FeatureBank
    clips : Clips
    looks : (length, 4, clips) bool
        Frames looked at; those without a face, and of clips without a face, are ignored.

    Returns
    -------
    Ticks
    """
    person, frames = clips.person, clips.frames
    found = looks & bank.face_there[person, frames] & ~clips.no_face
    face, presence = pooled(bank.face[person, frames].float(), bank.presence[person, frames].float(), found)
    return Ticks(
        face=face,
        looks=found.sum(dim=1).float(),
        presence=presence,
        elapsed_s=elapsed_since(found),
        bands=bank.bands[person, clips.variant, clips.ticks].float(),
        eeg_present=(bank.eeg_there[person, clips.ticks] & ~clips.no_eeg).float(),
        since_onset_s=torch.where(clips.told, bank.since_onset_s[person, clips.ticks], -1.0),
    )


def elapsed_since(found: Tensor) -> Tensor:
    """Return the time from the last look to each tick, ``(length, clips)`` in seconds, at most 10.

    Parameters
    ----------
    found : (length, 4, clips) bool
        Looks that found a face.
    """
    length, frames = found.shape[:2]
    number = torch.arange(1, length * frames + 1).reshape(length, frames, 1)
    last = torch.where(found, number, 0).amax(dim=1)
    newest = torch.cummax(last, dim=0).values
    passed = (number[:, -1] - newest) / float(frames * TICK_HZ)
    return torch.where(newest > 0, passed, LONGEST_ELAPSED_S).clamp(max=LONGEST_ELAPSED_S)


def draw_images(
    people: Sequence[PreparedSession], normal: Normalisation, size: int, variants: int, seed: int
) -> NDArray[np.float16]:
    """Return scalp images of people, ``(people, variants, ticks, 3, size, size)``; see ``scalp_image_variants``."""
    return np.stack([scalp_image_variants(p, normal, size, variants, seed + n) for n, p in enumerate(people)])


def extract_features(
    paths: Sequence[Path],
    images: NDArray[np.float16],
    net: AttentionNet,
    embedded: Sequence[Path] | None = None,
) -> FeatureBank:
    """Compute the features of the fixed layers of prepared people; from those of a frozen backbone where given."""
    people = [read_prepared(path) for path in paths]
    bands = in_chunks(net.band_net, torch.from_numpy(images).flatten(0, 2))
    stimulus = torch.from_numpy(np.stack([p.stimulus for p in people]).astype(np.int64))
    faces = [p.crops for p in people] if embedded is None else [np.load(path) for path in embedded]
    face = torch.stack([in_chunks(net.face_net, torch.from_numpy(one)) for one in faces])
    with torch.no_grad():
        presence = net.face_net.expressed(face)[..., 0]
    return FeatureBank(
        face=face.half(),
        presence=presence.half(),
        face_there=torch.from_numpy(np.stack([p.face_there for p in people])),
        bands=bands.reshape(*images.shape[:3], *bands.shape[1:]).half(),
        eeg_there=torch.from_numpy(np.stack([p.eeg_there for p in people])),
        levels=torch.from_numpy(np.stack([p.levels for p in people]).astype(np.int64)),
        stimulus=stimulus,
        since_onset_s=since_onset(stimulus),
        thumbnails=torch.from_numpy(np.stack([[thumbnail(crop) for crop in p.crops] for p in people])),
        theta=torch.from_numpy(np.stack([p.theta for p in people])),
        expressed=torch.from_numpy(np.stack([p.expressed for p in people])),
    )


def in_chunks(module: torch.nn.Module, inputs: Tensor) -> Tensor:
    """Return the module's outputs for many inputs, computed in parts without a graph."""
    with torch.no_grad():
        return torch.cat([module(inputs[at : at + _CHUNK].float()) for at in range(0, len(inputs), _CHUNK)])


def since_onset(stimulus: Tensor) -> Tensor:
    """Return the time since the onset of the presentation, ``(people, ticks)`` in seconds; -1 outside."""
    ticks = stimulus.shape[1]
    number = torch.arange(ticks).expand_as(stimulus)
    begins = torch.cat([stimulus[:, :1] >= 0, stimulus[:, 1:] != stimulus[:, :-1]], dim=1)
    onset = torch.cummax(torch.where(begins, number, 0), dim=1).values
    return torch.where(stimulus >= 0, (number - onset) / float(TICK_HZ), -1.0)
