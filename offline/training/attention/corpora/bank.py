"""Features of the trials of a corpus: a row a trial, filled up to one length; the rest is carried through a session."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .....configs.schema.errors import MoodringError
from .....models.contract import BoolArray
from .....models.networks.attention import FRAMES_PER_TICK, AttentionNet
from .....models.signals.eeg.montage import canonical_name, scalp_channels
from .....models.signals.eeg.normalisation import Normalisation
from .....models.signals.face.images import thumbnail
from ..eeg_variants import fit_normalisation, scalp_image_variants
from ..feature_bank import FeatureBank, in_chunks, since_onset
from ..prepare import PreparedSession, read_prepared
from .trials import PreparedTrial

SHORTEST_TICKS = 48
"""The periphery is trained on clips of so many ticks and more."""


@dataclass(frozen=True)
class Sitting:
    """The trials of one person in one session, in the order of presentation."""

    person: str
    trials: tuple[PreparedTrial, ...]


def sittings_of(trials: Sequence[PreparedTrial]) -> tuple[Sitting, ...]:
    """Return trials by person and session."""
    found: dict[tuple[str, str], list[PreparedTrial]] = {}
    for one in trials:
        found.setdefault((one.trial.subject, one.trial.groups.get("session", "")), []).append(one)
    return tuple(
        Sitting(person, tuple(sorted(theirs, key=lambda one: one.trial.order)))
        for (person, _), theirs in sorted(found.items())
    )


def common_channels(trials: Sequence[PreparedTrial], fewest: int) -> tuple[str, ...]:
    """Return the electrodes that all trials have.

    Raises
    ------
    MoodringError
        They are fewer than a bundle asks for.
    """
    common: list[str] | None = None
    for one in trials:
        with np.load(one.path, allow_pickle=False) as arrays:
            names = _names(arrays["channel_names"])
        common = names if common is None else [name for name in common if name in set(names)]
    kept = [name for name, scalp in zip(common or (), scalp_channels(common or ()), strict=True) if scalp]
    if len(kept) < fewest:
        raise MoodringError(
            f"{len(kept)} electrodes with 10-20 names are in all trials ({', '.join(kept) or 'none'}); the attention "
            f"model needs {fewest}: rename channels, or leave recordings of other caps out"
        )
    return tuple(kept)


def read_eeg(sitting: Sitting, names: Sequence[str]) -> tuple[PreparedSession, list[int]]:
    """Return the EEG of a sitting's trials one after the other, without faces, and the ticks of each trial."""
    parts = [_picked(read_prepared(one.path), names) for one in sitting.trials]
    joined = replace(
        parts[0],
        power=np.concatenate([one.power for one in parts]),
        good=np.concatenate([one.good for one in parts]),
        eeg_there=np.concatenate([one.eeg_there for one in parts]),
        levels=np.concatenate([one.levels for one in parts]),
        resting=np.concatenate([one.resting for one in parts]),
        stimulus=np.concatenate([one.stimulus for one in parts]),
    )
    return joined, [one.n_ticks for one in parts]


def fit_people(sittings: Sequence[PreparedSession]) -> Normalisation:
    """Fit the normalisation on training people.

    Those who never rested are left out; where nobody did, the mean of everything stands for the rest.
    """
    rested = [one for one in sittings if (one.resting & one.eeg_there).any()]
    if rested:
        return fit_normalisation(rested)
    every_second = [replace(one, resting=np.arange(one.n_ticks) % 2 == 0) for one in sittings]
    return fit_normalisation(every_second)


@dataclass(frozen=True)
class TrialRows:
    """What of trials is computed before the networks: scalp images and levels, filled up to one length.

    Attributes
    ----------
    paths : tuple of Path
    people : tuple of str
    images : (rows, variants, ticks, 3, size, size) float16
    eeg_there : (rows, ticks) bool
    levels : (rows, ticks, 2) int64
    stimulus : (rows, ticks) int64
    lengths : (rows,) int64
    """

    paths: tuple[Path, ...]
    people: tuple[str, ...]
    images: NDArray[np.float16]
    eeg_there: BoolArray
    levels: NDArray[np.int64]
    stimulus: NDArray[np.int64]
    lengths: NDArray[np.int64]


def draw_rows(
    sittings: Sequence[Sitting],
    names: Sequence[str],
    normal: Normalisation,
    size: int,
    variants: int,
    seed: int,
    least_ticks: int,
) -> TrialRows:
    """Draw the scalp images of trials; each rest counts for the trials of the sitting that follow, as live.

    Parameters
    ----------
    sittings : sequence of Sitting
    names : sequence of str
        Electrodes.
    normal : Normalisation
    size, variants, seed : int
        See :func:`~..eeg_variants.scalp_image_variants`.
    least_ticks : int
        Rows are at least so long.
    """
    drawn, parts = [], []
    for number, sitting in enumerate(sittings):
        joined, lengths = read_eeg(sitting, names)
        images = scalp_image_variants(joined, normal, size, variants, seed + number)
        ends = np.cumsum(lengths)
        for start, end in zip(ends - lengths, ends, strict=True):
            cut = slice(int(start), int(end))
            drawn.append(images[:, cut])
            parts.append((joined.eeg_there[cut], joined.levels[cut], joined.stimulus[cut]))
    lengths = [len(there) for there, _, _ in parts]
    ticks = max(max(lengths), least_ticks, SHORTEST_TICKS)
    return TrialRows(
        paths=tuple(one.path for sitting in sittings for one in sitting.trials),
        people=tuple(sitting.person for sitting in sittings for _ in sitting.trials),
        images=np.stack([_filled(one, ticks, 0, axis=1) for one in drawn]),
        eeg_there=np.stack([_filled(there, ticks, False) for there, _, _ in parts]),
        levels=np.stack([_filled(levels.astype(np.int64), ticks, -1) for _, levels, _ in parts]),
        stimulus=np.stack([_filled(shown.astype(np.int64), ticks, -1) for _, _, shown in parts]),
        lengths=np.array(lengths, np.int64),
    )


def features_of(rows: TrialRows, net: AttentionNet) -> FeatureBank:
    """Compute the features of the fixed layers, with one trial's faces in memory at a time."""
    ticks = rows.levels.shape[1]
    frames = (ticks - 1) * FRAMES_PER_TICK + 1
    bands = torch.stack([in_chunks(net.band_net, torch.from_numpy(one).flatten(0, 1)).half() for one in rows.images])
    faces, there, thumbnails, theta = [], [], [], []
    for path in rows.paths:
        one = read_prepared(path)
        faces.append(_filled(in_chunks(net.face_net, torch.from_numpy(one.crops)).half().numpy(), frames, 0.0))
        there.append(_filled(one.face_there, frames, False))
        thumbnails.append(_filled(np.stack([thumbnail(crop) for crop in one.crops]), frames, 0))
        theta.append(_filled(one.theta, frames, np.nan))
    face = torch.from_numpy(np.stack(faces))
    with torch.no_grad():
        presence = torch.stack([net.face_net.expressed(one.float())[..., 0].half() for one in face])
    stimulus = torch.from_numpy(rows.stimulus)
    names = sorted(set(rows.people))
    return FeatureBank(
        face=face,
        presence=presence,
        face_there=torch.from_numpy(np.stack(there)),
        bands=bands.reshape(*rows.images.shape[:3], *bands.shape[2:]),
        eeg_there=torch.from_numpy(rows.eeg_there),
        levels=torch.from_numpy(rows.levels),
        stimulus=stimulus,
        since_onset_s=since_onset(stimulus),
        thumbnails=torch.from_numpy(np.stack(thumbnails)),
        theta=torch.from_numpy(np.stack(theta)),
        expressed=_unknown(len(face), frames),
        lengths=torch.from_numpy(rows.lengths),
        who=torch.tensor([names.index(person) for person in rows.people]),
    )


def _unknown(rows: int, frames: int) -> Tensor:
    """Return expressions that nobody knows, ``(rows, frames, 3)``, in the memory of one number."""
    return torch.full((1, 1, 1), float("nan")).expand(rows, frames, 3)


def _names(channels: NDArray[np.str_]) -> list[str]:
    """Return names of the 10-10 system where channels have one."""
    return [canonical_name(str(name)) or str(name) for name in channels]


def _picked(prepared: PreparedSession, names: Sequence[str]) -> PreparedSession:
    own = _names(prepared.channel_names)
    picks = [own.index(name) for name in names]
    empty = np.zeros((0, *prepared.crops.shape[1:]), np.uint8)
    return replace(
        prepared, power=prepared.power[:, picks], good=prepared.good[:, picks], crops=empty,
        channel_names=np.array(names),
    )  # fmt: skip


def _filled(values: NDArray[np.generic], length: int, fill: float, axis: int = 0) -> NDArray[np.generic]:
    """Return values filled up to a length along an axis."""
    shape = list(values.shape)
    shape[axis] = length - shape[axis]
    return np.concatenate([values, np.full(shape, fill, values.dtype)], axis=axis)
