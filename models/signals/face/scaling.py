"""How large a frame may be."""

import cv2
import numpy as np

from ...contract import Image

MAX_FRAME_SIDE = 320  # 230 kB a frame: what loopback and a Gigabit network carry at camera rates with ease


def scaled_size(height: int, width: int, longest: int = MAX_FRAME_SIDE) -> tuple[int, int]:
    """Return the size that keeps the shape and whose longest side is at most ``longest``; never larger than it was."""
    factor = min(1.0, longest / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def scaled(image: Image, size: tuple[int, int] | None = None) -> Image:
    """Return a frame shrunk to ``size`` (height, width), or to at most :data:`MAX_FRAME_SIDE`; never enlarged."""
    height, width = image.shape[:2]
    rows, columns = size or scaled_size(height, width)
    if (rows, columns) == (height, width):
        return image
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
