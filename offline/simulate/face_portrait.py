"""Appearance of a simulated person, and the portrait on which the moving features are drawn."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...models.contract import Image
from .randomness import aspect_rng

Colour = tuple[float, float, float]

# Everything is drawn at twice the size and averaged down.
CANVAS = 384
MIDDLE = (192.0, 192.0)
UNIT = 95.0

_SKINS: tuple[Colour, ...] = (
    (196, 216, 243),
    (176, 201, 233),
    (150, 182, 222),
    (120, 155, 203),
    (100, 136, 188),
    (84, 114, 162),
)
_HAIRS: tuple[Colour, ...] = ((36, 34, 38), (40, 58, 86), (52, 84, 128), (92, 150, 196), (48, 70, 150), (150, 152, 156))
_IRISES: tuple[Colour, ...] = ((60, 82, 110), (150, 120, 78), (96, 128, 92), (52, 60, 70))
_SHIRTS: tuple[Colour, ...] = ((150, 110, 70), (110, 130, 90), (80, 90, 170), (130, 100, 130), (100, 100, 104))
_WALLS: tuple[Colour, ...] = ((214, 208, 200), (200, 214, 208), (206, 206, 218), (190, 200, 210), (216, 214, 208))


@dataclass(frozen=True)
class Appearance:
    """One person's face; lengths in units of half a usual head's width, colours BGR.

    ``hair_style``: 0 short, 1 side-parted, 2 long, 3 curly, 4 bald.
    """

    skin: Colour
    hair: Colour
    iris: Colour
    shirt: Colour
    wall: Colour
    hair_style: int
    width: float
    height: float
    jaw: float
    eye_gap: float
    eye_size: float
    brow_weight: float
    brow_lift: float
    nose: float
    lips: float
    mouth_width: float
    mouth_rest: float
    beard: bool
    light: tuple[float, float]


def draw_appearance(seed: int) -> Appearance:
    """Draw the appearance of one person."""
    rng = aspect_rng(seed, "looks")
    style = int(rng.choice(5, p=(0.26, 0.22, 0.24, 0.22, 0.06)))
    tone = int(rng.integers(len(_SKINS)))
    skin = _SKINS[tone]
    shade = float(rng.uniform(0.96, 1.04))
    return Appearance(
        skin=(skin[0] * shade, skin[1] * shade, skin[2] * shade),
        hair=_HAIRS[int(rng.integers(len(_HAIRS) if tone < 3 else 2))],
        iris=_IRISES[int(rng.integers(len(_IRISES)))],
        shirt=_SHIRTS[int(rng.integers(len(_SHIRTS)))],
        wall=_WALLS[int(rng.integers(len(_WALLS)))],
        hair_style=style,
        width=float(rng.uniform(0.90, 1.06)),
        height=float(rng.uniform(1.20, 1.36)),
        jaw=float(rng.uniform(0.0, 0.18)),
        eye_gap=float(rng.uniform(0.39, 0.45)),
        eye_size=float(rng.uniform(0.9, 1.12)),
        brow_weight=float(rng.uniform(0.75, 1.3)),
        brow_lift=float(rng.normal(0.0, 0.25)),
        nose=float(rng.uniform(0.85, 1.2)),
        lips=float(rng.uniform(0.75, 1.25)),
        mouth_width=float(rng.uniform(0.92, 1.1)),
        mouth_rest=float(rng.normal(0.0, 0.2)),
        beard=bool(rng.random() < 0.2 and style != 2),
        light=(float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.7, -0.2))),
    )


def paint_portrait(person: Appearance) -> Image:
    """Paint wall, shoulders, hair, head, ears and their shading; no eyes, brows, nose or mouth.

    Returns
    -------
    (384, 384, 3) BGR uint8
    """
    rows, columns = np.mgrid[0:CANVAS, 0:CANVAS].astype(np.float32)
    x, y = (columns - MIDDLE[0]) / UNIT, (rows - MIDDLE[1]) / UNIT
    picture = np.empty((CANVAS, CANVAS, 3), np.float32)
    picture[:] = person.wall
    picture *= (1.0 - 0.10 * (y + person.light[0] * x))[:, :, None]
    top = np.array(person.hair, np.float32)
    if person.hair_style == 2:
        _blend(picture, _egg(x, y + 0.05, person.width * 1.22, 1.45, 1.75), top * 0.8)
    if person.hair_style == 3:
        _blend(picture, _egg(x, y + 0.35, person.width * 1.28, 1.25, 1.0), top * 0.85)
    shirt = _egg(x, y - 2.45, 1.80, 0.92, 1.2)
    _blend(picture, shirt, np.array(person.shirt, np.float32) * (1.05 + 0.15 * x[:, :, None] * person.light[0]))
    skin = np.array(person.skin, np.float32)
    _blend(picture, _soft(_neck(x, y)), skin * 0.80)
    for side in (-1.0, 1.0):
        _blend(picture, _egg(x - side * person.width, y - 0.05, 0.13, 0.24, 0.24), skin * 0.88)
    face = _egg(x * (1.0 + person.jaw * np.clip(y, -0.2, 1.2)), y, person.width, 1.22, person.height)
    _blend(picture, face, skin[None, None] * _shading(x, y, person)[:, :, None])
    if person.beard:
        jaw = _soft((0.52 - y) * 1.5 + 0.35 * np.cos(1.6 * x / person.width)) * face
        _blend(picture, cv2.GaussianBlur(jaw, (0, 0), 4.0) * 0.45, top * 0.5 + skin * 0.35)
    _blend(
        picture, _hairline(x, y, person), top * (1.0 - 0.25 * (y + 0.9) + 0.05 * np.sin(22.0 * x + 6.0 * y))[:, :, None]
    )
    return np.clip(picture, 0.0, 255.0).astype(np.uint8)


def _neck(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the signed distance to the neck, which widens towards the shoulders."""
    sides = np.abs(x) - 0.40 - 0.12 * np.clip(y - 1.2, 0.0, 1.0)
    return np.asarray(np.maximum(np.maximum(sides, y - 1.75), 0.6 - y), np.float32)


def _shading(x: NDArray[np.float32], y: NDArray[np.float32], person: Appearance) -> NDArray[np.float32]:
    """Return the shading of an ellipsoid under soft light, with darker eye sockets and brighter cheeks and forehead."""
    nx, ny = x / (person.width * 1.08), y / 1.36
    nz = np.sqrt(np.clip(1.0 - nx**2 - ny**2, 0.04, 1.0))
    lit = 0.80 + 0.20 * nz + 0.09 * (nx * person.light[0] + ny * person.light[1])
    for side in (-1.0, 1.0):
        lit -= 0.10 * np.exp(-(((x - side * person.eye_gap) / 0.24) ** 2) - ((y + 0.19) / 0.14) ** 2)
        lit += 0.03 * np.exp(-(((x - side * 0.55) / 0.22) ** 2) - ((y - 0.28) / 0.2) ** 2)
    lit += 0.04 * np.exp(-((x / 0.12) ** 2) - ((y - 0.12) / 0.30) ** 2)
    lit -= 0.05 * np.exp(-((x / 0.25) ** 2) - ((y - 0.95) / 0.06) ** 2)
    return np.asarray(lit, np.float32)


def _hairline(x: NDArray[np.float32], y: NDArray[np.float32], person: Appearance) -> NDArray[np.float32]:
    """Return the coverage of the head by hair, 0..1."""
    if person.hair_style == 4:
        return np.zeros_like(x)
    crown = _egg(x, y + 0.08, person.width * 1.05, 1.30, 1.30)
    border = {
        0: -0.70 + 0.50 * np.abs(x) ** 6,
        1: -0.80 + 0.28 * (x + 0.35) ** 2 + 0.25 * np.abs(x) ** 6,
        2: -0.84 + 0.95 * np.abs(x) ** 2.5,
        3: -0.74 + 0.45 * x**4 + 0.035 * np.sin(16.0 * x),
    }[person.hair_style]
    return np.asarray(crown * _soft(y - border), np.float32)


def _egg(x: NDArray[np.float32], y: NDArray[np.float32], width: float, up: float, down: float) -> NDArray[np.float32]:
    """Return the coverage (0..1) by an oval of half width ``width``, ``up`` and ``down`` from its centre."""
    radius = np.sqrt((x / width) ** 2 + (y / np.where(y < 0.0, up, down)) ** 2)
    return _soft(np.asarray((radius - 1.0) * min(width, up, down), np.float32))


def _soft(distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the coverage where a signed distance (in units) is negative, with an edge of about two canvas pixels."""
    return np.asarray(np.clip(0.5 - distance * UNIT / 2.0, 0.0, 1.0), np.float32)


def _blend(picture: NDArray[np.float32], cover: NDArray[np.float32], colour: NDArray[np.float32]) -> None:
    """Blend a colour into the picture in place."""
    weight = cover[:, :, None]
    picture *= 1.0 - weight
    picture += weight * colour
