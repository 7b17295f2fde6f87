"""Sizes of camera frames, and crops of faces."""

import cv2
import numpy as np

from ....configs.schema.errors import MoodringError
from ...contract import FaceBox, Image

MAX_FRAME_SIDE = 320  # 230 kB a frame, which loopback and a Gigabit network carry at camera rates
# Side of a face crop relative to the box's longer side, so that chin and brows stay in.
MARGIN = 1.2


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


def crop_face(image: Image, box: FaceBox, size: int) -> Image:
    """Return the crop of a face.

    Parameters
    ----------
    image : (height, width, 3) uint8
        BGR.
    box : FaceBox
    size : int
        Side of the crop in pixels.

    Returns
    -------
    (size, size) uint8
        Grey. The square around the box with a margin, moved into the frame where it sticks out, never stretched.
    """
    return _resized(cv2.cvtColor(_square(image, box), cv2.COLOR_BGR2GRAY), size)


def crop_face_colour(image: Image, box: FaceBox, size: int) -> Image:
    """Return the crop of :func:`crop_face` in colour, ``(size, size, 3)`` uint8 BGR."""
    return _resized(_square(image, box), size)


def thumbnail(crop: Image) -> Image:
    """Return half of a crop's size, each pixel the mean of four, ``(size // 2, size // 2)`` uint8."""
    side = len(crop) // 2
    small: Image = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return small


def _square(image: Image, box: FaceBox) -> Image:
    """Return the part of a frame around a box."""
    check_frame(image)
    height, width = image.shape[:2]
    side = int(np.clip(round(MARGIN * max(box.width, box.height)), 1, min(height, width)))
    left = int(np.clip(round(box.x + box.width / 2 - side / 2), 0, width - side))
    top = int(np.clip(round(box.y + box.height / 2 - side / 2), 0, height - side))
    return image[top : top + side, left : left + side]


def _resized(square: Image, size: int) -> Image:
    method = cv2.INTER_AREA if len(square) > size else cv2.INTER_LINEAR
    crop: Image = cv2.resize(square, (size, size), interpolation=method)
    return crop


def check_frame(image: Image) -> None:
    """Raise MoodringError unless an image is ``(height, width, 3)`` uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise MoodringError(
            f"a camera frame has shape {image.shape} and type {image.dtype}, expected (height, width, 3) uint8 BGR; "
            "check the video source"
        )
