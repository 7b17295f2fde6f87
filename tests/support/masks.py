"""Surgical masks, drawn over faces of which the places of eyes, nose and mouth are known."""

import cv2
import numpy as np
from numpy.typing import NDArray

from moodring.models.contract import Image


def masked(picture: Image, points: NDArray[np.float64], grey: float) -> Image:
    """Return a picture with a mask from the bridge of the nose to the chin, lighter in its middle."""
    left, right, nose, *corners = points
    mouth, eyes = np.mean(corners, axis=0), (left + right) / 2
    apart = float(np.hypot(*(right - left)))
    along = (right - left) / apart
    down = np.array((-along[1], along[0]))
    top, chin = eyes + 0.55 * (nose - eyes), mouth + 0.75 * apart * down
    half = [
        (top, 0.0), (top + 0.18 * apart * down, 0.45), (top + 0.15 * apart * down, 0.95), (mouth, 0.85), (chin, 0.35),
    ]  # fmt: skip
    outline = [at + side * across * apart * along for side, order in ((1, 1), (-1, -1)) for at, across in half[::order]]
    area = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(area, [np.round(outline).astype(np.int32)], 255, cv2.LINE_AA)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    aside = ((columns - mouth[0]) * along[0] + (rows - mouth[1]) * along[1]) / apart
    cloth = (grey * (1.0 - 0.2 * np.square(aside)))[..., np.newaxis]
    share = area[..., np.newaxis] / 255.0
    return np.clip(picture * (1.0 - share) + cloth * share, 0, 255).astype(np.uint8)
