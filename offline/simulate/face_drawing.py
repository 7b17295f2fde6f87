"""The moving features of a drawn face: eyes, brows, nose and mouth, from a handful of numbers per frame.

The numbers follow the action units of the Facial Action Coding System (Ekman and Friesen 1978): lip corners (AU 12,
15), jaw (AU 26), brows (AU 1, 2, 4), lids (AU 5, 7, 43).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...models.contract import Image
from .face_portrait import CANVAS, UNIT, Appearance, Colour

_SHIFT = 4
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """One frame's face.

    Attributes
    ----------
    frame : (2, 3) float64
        From face units to canvas pixels.
    turn, nod : float
        Shift of the features over the head by looking aside and up or down, in units.
    smile : float
        Lip corners: -1 down, 1 up.
    jaw : float
        Mouth opening, 0..1.
    brow : float
        Brows: -1 lowered, 1 raised.
    frown : float
        Inner brows: 1 pulled down and together, -1 pulled up.
    lids : float
        Eye opening: 0 shut, 1 usual, up to about 1.5.
    gaze : (float, float)
        Of the irises, in units.
    """

    frame: NDArray[np.float64]
    turn: float
    nod: float
    smile: float
    jaw: float
    brow: float
    frown: float
    lids: float
    gaze: tuple[float, float]


def draw_features(canvas: Image, person: Appearance, pose: Pose) -> None:
    """Draw brows, eyes, nose and mouth on a warped portrait, in place."""
    for side in (-1.0, 1.0):
        _draw_eye(canvas, person, pose, side)
        _draw_brow(canvas, person, pose, side)
    _draw_nose(canvas, person, pose)
    _draw_mouth(canvas, person, pose)


def _draw_eye(canvas: Image, person: Appearance, pose: Pose, side: float) -> None:
    """Draw one eye: white, iris, pupil and glint clipped by the lids, then the lids' lines."""
    along = np.linspace(-1.0, 1.0, 13)
    arch = 1.0 - along**2
    size = person.eye_size
    middle_x, middle_y = side * person.eye_gap, -0.19
    squint = 0.02 * max(0.0, pose.smile)
    x = middle_x + 0.185 * size * along
    upper = middle_y - (0.105 * pose.lids * size) * arch + 0.012 * side * along
    lower = middle_y + (0.055 * min(pose.lids, 1.0) * size - squint * min(1.0, pose.lids)) * arch + 0.012 * side * along
    # Lids that meet hang below the middle.
    sag = 0.045 * size * max(0.0, 1.0 - pose.lids) * arch
    top, bottom = np.stack([x, upper + sag], axis=1), np.stack([x, lower + sag], axis=1)
    outline = _pixels(np.concatenate([top, bottom[::-1]]), pose)
    if pose.lids > 0.12:
        _fill_eye(canvas, person, pose, outline, (middle_x, middle_y))
    lash: Colour = (46, 42, 44)
    _line(canvas, _pixels(top, pose), lash, 4)
    _line(canvas, _pixels(bottom, pose), _mix(person.skin, lash, 0.45), 2)
    crease = np.stack([x, np.minimum(upper + sag, middle_y) - 0.045 - 0.01 * arch], axis=1)
    _line(canvas, _pixels(crease[2:-2], pose), _mix(person.skin, lash, 0.25), 2)


def _fill_eye(canvas: Image, person: Appearance, pose: Pose, outline: Points, middle: tuple[float, float]) -> None:
    """Paint the eyeball where the lids leave it open."""
    low = np.clip(np.floor(outline.min(axis=0)).astype(int) - 2, 0, CANVAS - 1)
    high = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 3, low + 1, CANVAS)
    patch = canvas[low[1] : high[1], low[0] : high[0]]
    ball = np.empty_like(patch)
    ball[:] = (236, 238, 240)
    centre = _pixels(np.array([[middle[0] + pose.gaze[0], middle[1] - 0.02 + pose.gaze[1]]]), pose)[0] - low
    scale = UNIT * person.eye_size
    _disc(ball, centre, 0.100 * scale, _mix(person.iris, (20, 20, 20), 0.4))
    _disc(ball, centre, 0.085 * scale, person.iris)
    _disc(ball, centre, 0.045 * scale, (24, 22, 22))
    _disc(ball, centre - np.array([3.0, 3.5]), 0.026 * scale, (255, 255, 255))
    mask = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillPoly(mask, [_fixed(outline - low)], 255, cv2.LINE_8, _SHIFT)
    cv2.copyTo(ball, mask, patch)


def _draw_brow(canvas: Image, person: Appearance, pose: Pose, side: float) -> None:
    """Draw one brow as a tapered arch."""
    along = np.linspace(0.0, 1.0, 9)
    lift = -0.46 - 0.09 * (pose.brow + 0.4 * person.brow_lift)
    inner = 0.13 * pose.frown * (1.0 - along) ** 1.5
    x = side * (person.eye_gap - 0.22 - 0.025 * max(0.0, pose.frown) + 0.47 * along)
    y = lift + inner - 0.07 * np.sin(np.pi * (0.25 + 0.7 * along)) + 0.05
    half = 0.042 * person.brow_weight * (1.0 - 0.75 * along**2)
    outline = np.concatenate([np.stack([x, y - half], axis=1), np.stack([x, y + half], axis=1)[::-1]])
    _fill(canvas, _pixels(outline, pose), _mix(person.hair, (30, 32, 40), 0.6))


def _draw_nose(canvas: Image, person: Appearance, pose: Pose) -> None:
    """Draw the nose's shadow side, its tip and the nostrils; it stands out, so it moves most when the head turns."""
    size = person.nose
    shadow = _mix(person.skin, (40, 50, 80), 0.30)
    side = -1.0 if person.light[0] > 0.0 else 1.0
    along = np.linspace(0.0, 1.0, 8)
    bridge = np.stack(
        [side * (0.075 + 0.075 * along**2) * size + 0.4 * pose.turn * along, -0.10 + 0.36 * along], axis=1
    )
    _line(canvas, _pixels(bridge, pose), _mix(person.skin, shadow, 0.55), 3)
    turn = np.linspace(0.15, np.pi - 0.15, 11)
    tip = np.stack([0.14 * size * np.cos(turn) + 0.5 * pose.turn, 0.25 + 0.07 * np.sin(turn)], axis=1)
    _line(canvas, _pixels(tip, pose), shadow, 3)
    for nostril in (-1.0, 1.0):
        spot = _pixels(np.array([[nostril * 0.07 * size + 0.5 * pose.turn, 0.285]]), pose)[0]
        _disc(canvas, spot, 0.028 * UNIT * size, _mix(person.skin, (30, 30, 50), 0.65))


def _draw_mouth(canvas: Image, person: Appearance, pose: Pose) -> None:
    """Draw lips, and the dark of the mouth with teeth where it is open."""
    along = np.linspace(-1.0, 1.0, 17)
    arch = 1.0 - along**2
    half = 0.34 * person.mouth_width * (1.0 + 0.16 * max(0.0, pose.smile) - 0.18 * pose.jaw)
    x = half * along
    middle_y = 0.62 + 0.02 * pose.jaw
    # Corners rise with a smile and the middle sinks, so that the mouth stays where it is.
    seam = middle_y + 0.14 * pose.smile * (arch - 0.55)
    gap_up, gap_down = 0.05 * pose.jaw * arch, 0.22 * pose.jaw * arch
    bow = 0.055 * person.lips * arch * (1.0 - 0.25 * np.exp(-((along / 0.2) ** 2)))
    pout = 0.075 * person.lips * arch
    top = np.stack([x, seam - gap_up - bow], axis=1)
    upper = np.stack([x, seam - gap_up], axis=1)
    lower = np.stack([x, seam + gap_down], axis=1)
    bottom = np.stack([x, seam + gap_down + pout], axis=1)
    lips = _mix(person.skin, (78, 66, 170), 0.55)
    _fill(canvas, _pixels(np.concatenate([top, bottom[::-1]]), pose), lips)
    inside = _pixels(np.concatenate([upper, lower[::-1]]), pose)
    seam_colour = _mix(lips, (40, 30, 60), 0.6)
    if pose.jaw > 0.06:
        _fill(canvas, inside, (52, 36, 74))
        teeth = np.stack([x * 0.86, seam - gap_up + np.minimum(0.075, 0.45 * (gap_up + gap_down))], axis=1)
        _fill(canvas, _pixels(np.concatenate([upper * (0.86, 1.0), teeth[::-1]]), pose), (232, 236, 238))
    else:
        _line(canvas, _pixels(upper, pose), seam_colour, 3)
    if abs(pose.smile) > 0.25:
        for side in (-1.0, 1.0):
            fold = np.linspace(0.0, 1.0, 7)
            reach = half + 0.10 + 0.03 * np.sin(np.pi * fold)
            line = np.stack([side * (reach - 0.12 * (1.0 - fold)), 0.34 + 0.26 * fold], axis=1)
            _line(canvas, _pixels(line, pose), _mix(person.skin, (50, 60, 90), 0.30 * min(1.0, abs(pose.smile))), 2)


def _pixels(points: Points, pose: Pose) -> Points:
    """Return points ``(n, 2)`` of face units in canvas pixels."""
    moved = points + np.array([pose.turn, pose.nod])
    return np.asarray(moved @ pose.frame[:, :2].T + pose.frame[:, 2])


def _fixed(points: Points) -> NDArray[np.int32]:
    """Return pixels as OpenCV's fixed-point numbers."""
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def _fill(canvas: Image, points: Points, colour: Colour) -> None:
    cv2.fillPoly(canvas, [_fixed(points)], colour, cv2.LINE_AA, _SHIFT)


def _line(canvas: Image, points: Points, colour: Colour, thickness: int) -> None:
    cv2.polylines(canvas, [_fixed(points)], False, colour, thickness, cv2.LINE_AA, _SHIFT)


def _disc(canvas: Image, centre: Points, radius: float, colour: Colour) -> None:
    spot = _fixed(centre)
    cv2.circle(canvas, (int(spot[0]), int(spot[1])), round(radius * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return a blend of two colours with ``share`` of the second."""
    blend = [(1.0 - share) * one + share * two for one, two in zip(first, second, strict=True)]
    return blend[0], blend[1], blend[2]
