"""Changed copies of face crops: moved, turned, small, dark, blurred, under a cap, behind glasses, with a headset.

All of it is decided by one generator a batch, so that a training that goes on at any batch draws what it would have
drawn. Where things lie on a face (eyes, ears, mouth) is that of FER2013's crops, to which live faces are aligned.
"""

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ....models.contract import Image
from ..attention.faces.under_cap import under_cap

Rng = np.random.Generator

_EYES_AT, _EYE_Y = (0.31, 0.68), 0.39  # of the crop's side: where YuNet finds eyes on FER2013's crops
_SMALLEST_FACE = 14  # pixels


@dataclass(frozen=True)
class Changes:
    """What befalls pictures.

    Attributes
    ----------
    moved, lit : float
        How far each picture is shifted, rolled and scaled, and its light changed; 0 leaves it.
    turned, small, blurred, side_light, noisy, cap, glasses, headset, patch : float
        Shares of the pictures.
    """

    moved: float = 1.0
    lit: float = 1.0
    turned: float = 0.3
    small: float = 0.2
    blurred: float = 0.2
    side_light: float = 0.4
    noisy: float = 0.2
    cap: float = 0.08
    glasses: float = 0.08
    headset: float = 0.06
    patch: float = 0.25

    def scaled(self, share: float) -> "Changes":
        """Return the same with its shares of the pictures scaled; all are moved and lit as before."""
        shares = {one.name: share * getattr(self, one.name) for one in fields(self) if one.name not in ("moved", "lit")}
        return replace(self, **shares)


def augmented(crops: Image, seed: tuple[int, ...], changes: Changes) -> NDArray[np.float32]:
    """Change each crop of a batch in its own way.

    Parameters
    ----------
    crops : (n, size, size) uint8
    seed : tuple of int
        The same one gives the same changes.
    changes : Changes
        Mirrored are half of all, whatever they are.

    Returns
    -------
    (n, size, size) float32
        0..255.
    """
    rng = np.random.default_rng(seed)
    faces = np.stack([_moved(one, rng, changes) for one in crops]).astype(np.float32)
    torch_rng = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
    faces = under_cap(torch.from_numpy(faces), changes.cap, torch_rng).numpy()
    return np.stack([_seen(one, rng, changes) for one in faces])


def _moved(face: Image, rng: Rng, changes: Changes) -> Image:
    """Return the face mirrored, shifted, scaled, rolled, and sometimes turned to a side."""
    size = len(face)
    if rng.random() < 0.5:
        face = face[:, ::-1]
    angle, scale = np.deg2rad(rng.normal(0.0, 8.0 * changes.moved)), np.exp(rng.normal(0.0, 0.08 * changes.moved))
    shift = rng.normal(0.0, 0.045 * size * changes.moved, 2)
    cosine, sine, half = scale * np.cos(angle), scale * np.sin(angle), (size - 1) / 2
    move = np.array(
        [
            [cosine, -sine, half - cosine * half + sine * half + shift[0]],
            [sine, cosine, half - sine * half - cosine * half + shift[1]],
            [0.0, 0.0, 1.0],
        ]
    )
    if rng.random() < changes.turned:
        # A head that turns: narrower, and the far side smaller than the near one.
        narrow, far = rng.uniform(0.7, 1.0), rng.uniform(-0.35, 0.35) / size
        turn = np.array([[narrow, 0.0, half * (1 - narrow)], [0.0, 1.0, 0.0], [far, 0.0, 1.0 - far * half]])
        nod = np.array([[1.0, 0.0, 0.0], [0.0, rng.uniform(0.85, 1.05), 0.0], [0.0, 0.0, 1.0]])
        move = move @ turn @ nod
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    return np.asarray(
        cv2.warpPerspective(
            np.ascontiguousarray(face), move, (size, size), flags=cv2.INTER_LINEAR, borderMode=border,
            borderValue=float(rng.integers(256)),
        ),
        np.uint8,
    )  # fmt: skip


def _seen(face: NDArray[np.float32], rng: Rng, changes: Changes) -> NDArray[np.float32]:
    """Return the face with what stands before it, its light, and what a camera makes of it."""
    size = len(face)
    if rng.random() < changes.glasses:
        _put_glasses_on(face, rng)
    if rng.random() < changes.headset:
        _put_headset_on(face, rng)
    if rng.random() < changes.patch:
        height, width = rng.integers(size // 8, size // 3 + 1, 2)
        top, left = rng.integers(-height // 2, size - height // 2), rng.integers(-width // 2, size - width // 2)
        rows, columns = slice(max(0, top), top + height), slice(max(0, left), left + width)
        face[rows, columns] = rng.uniform(0.0, 255.0)
    gamma, gain = np.exp(rng.normal(0.0, 0.3 * changes.lit)), np.exp(rng.normal(0.0, 0.2 * changes.lit))
    face = 255.0 * (face / 255.0) ** gamma * gain
    if rng.random() < changes.side_light:
        ramp = np.linspace(-1.0, 1.0, size, dtype=np.float32)
        across, down = rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4)
        face = face * np.clip(1.0 + across * ramp[None, :] + down * ramp[:, None], 0.1, 2.0).astype(np.float32)
    if rng.random() < changes.small:
        small = int(rng.integers(_SMALLEST_FACE, size))
        face = cv2.resize(cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA), (size, size))
    elif rng.random() < changes.blurred:
        face = _blurred(face, rng)
    if rng.random() < changes.noisy:
        face = face + rng.normal(0.0, rng.uniform(2.0, 14.0), face.shape).astype(np.float32)
    return np.clip(face, 0.0, 255.0).astype(np.float32)


def _blurred(face: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Return the face out of focus, or moving."""
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(face, (0, 0), rng.uniform(0.5, 1.8)), np.float32)
    length = int(rng.integers(2, 6))
    line = np.zeros((length, length), np.float32)
    cv2.line(line, (0, int(rng.integers(length))), (length - 1, int(rng.integers(length))), 1.0)
    return np.asarray(cv2.filter2D(face, -1, line / line.sum()), np.float32)


def _put_glasses_on(face: NDArray[np.float32], rng: Rng) -> None:
    """Draw a frame around the eyes, sometimes with dark glass."""
    size = len(face)
    grey, dark = float(rng.uniform(0.0, 90.0)), rng.random() < 0.35
    axes = (int(rng.uniform(0.11, 0.17) * size), int(rng.uniform(0.07, 0.14) * size))
    y = int((_EYE_Y + rng.normal(0.0, 0.03)) * size)
    for x in _EYES_AT:
        centre = (int((x + rng.normal(0.0, 0.015)) * size), y)
        cv2.ellipse(face, centre, axes, 0.0, 0.0, 360.0, grey, -1 if dark else int(rng.integers(1, 3)))
    bridge = [(int(x * size), y) for x in (0.45, 0.55)]
    cv2.line(face, bridge[0], bridge[1], grey, 1)


def _put_headset_on(face: NDArray[np.float32], rng: Rng) -> None:
    """Draw ear cups, a band over the head, and sometimes the boom of a microphone."""
    size = len(face)
    grey = float(rng.uniform(0.0, 110.0))
    wide, high, y = rng.uniform(0.04, 0.12) * size, rng.uniform(0.12, 0.2) * size, rng.uniform(0.4, 0.55) * size
    for x in (0, size - 1):
        cv2.ellipse(face, (x, int(y)), (int(wide), int(high)), 0.0, 0.0, 360.0, grey, -1)
    cv2.ellipse(face, (size // 2, int(y)), (size // 2, int(y)), 0.0, 180.0, 360.0, grey, int(rng.integers(1, 5)))
    if rng.random() < 0.5:
        side = 0 if rng.random() < 0.5 else size - 1
        end = (int((0.5 + (0.18 if side else -0.18)) * size), int(rng.uniform(0.78, 0.92) * size))
        cv2.line(face, (side, int(y)), end, grey, int(rng.integers(1, 3)))
