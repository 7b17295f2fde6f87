"""What happens to faces before a camera, done to crops in one way each, so that its price can be measured."""

from collections.abc import Callable

import cv2
import numpy as np
import torch

from ....models.contract import Image
from ...training.attention.faces.under_cap import under_cap

Condition = Callable[[Image, np.random.Generator], Image]
AS_THEY_ARE = "as they are"


def conditions() -> dict[str, Condition]:
    """Return every condition by its name: takes a crop ``(48, 48)`` uint8 and a generator, returns another crop."""
    return {
        AS_THEY_ARE: lambda crop, _: crop,
        "faces of 24 pixels": lambda crop, _: _small(crop, 24),
        "dark: a tenth of the light, with noise": lambda crop, rng: _noisy(0.1 * crop, 2.0, rng),
        "light from one side": _side_light,
        "noise of 20 grey levels": lambda crop, rng: _noisy(crop.astype(np.float64), 20.0, rng),
        "out of focus: blurred by 1.5 pixels": lambda crop, _: _blurred(crop, 1.5),
        "eyes covered": lambda crop, _: _covered(crop, (0.28, 0.5), (0.12, 0.88)),
        "mouth covered": lambda crop, _: _covered(crop, (0.65, 0.95), (0.25, 0.75)),
        "under an EEG cap": _under_cap,
        "turned by 30 degrees": lambda crop, rng: _turned(crop, 30.0 if rng.random() < 0.5 else -30.0),
    }


def changed(crops: Image, condition: Condition, seed: int) -> Image:
    """Return crops ``(n, 48, 48)`` under a condition; the same seed gives the same."""
    return np.stack([condition(crop, np.random.default_rng((seed, i))) for i, crop in enumerate(crops)])


def _small(crop: Image, side: int) -> Image:
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, crop.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _noisy(values: np.ndarray, level: float, rng: np.random.Generator) -> Image:
    return np.clip(np.round(values + rng.normal(0.0, level, values.shape)), 0, 255).astype(np.uint8)


def _side_light(crop: Image, rng: np.random.Generator) -> Image:
    ramp = np.linspace(0.15, 1.0, crop.shape[1])
    return np.round(crop * (ramp if rng.random() < 0.5 else ramp[::-1])).astype(np.uint8)


def _blurred(crop: Image, pixels: float) -> Image:
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), pixels), np.uint8)


def _covered(crop: Image, rows: tuple[float, float], columns: tuple[float, float]) -> Image:
    hidden, size = crop.copy(), len(crop)
    (top, bottom), (left, right) = (tuple(round(one * size) for one in pair) for pair in (rows, columns))
    hidden[top:bottom, left:right] = 40
    return hidden


def _under_cap(crop: Image, rng: np.random.Generator) -> Image:
    seed = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
    return np.asarray(under_cap(torch.from_numpy(crop[None].copy()), 1.0, seed).numpy()[0].round(), np.uint8)


def _turned(crop: Image, degrees: float) -> Image:
    """Return the crop as a flat face turned around its vertical axis would look from three widths away."""
    half, angle, away = (len(crop) - 1) / 2.0, np.deg2rad(degrees), 3.0
    corners = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    depth = 1.0 + corners[:, 0] * np.sin(angle) / (2.0 * away)
    seen = np.stack((corners[:, 0] * np.cos(angle) / depth, corners[:, 1] / depth), axis=1)
    move = cv2.getPerspectiveTransform(
        (corners * half + half).astype(np.float32), (seen * half + half).astype(np.float32)
    )
    return np.asarray(cv2.warpPerspective(crop, move, crop.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)
