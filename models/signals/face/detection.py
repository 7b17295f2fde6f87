"""Find the face in a frame (YuNet) and cut it out.

References
----------
Wu W., Peng H., Yu S. (2023), YuNet: a tiny millisecond-level face detector, Machine Intelligence Research 20.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ...contract import FaceBox, Image

# Frames are scaled down to this before detection: 4-5 ms instead of tens, and faces at a desk stay large enough.
LONGEST_SIDE = 320
# YuNet's own confidence; faces at a desk score above 0.8.
SCORE_THRESHOLD = 0.7
_NMS_THRESHOLD = 0.3
_SMALLEST_SIDE = 10  # YuNet's smallest faces have about as many pixels
_TOP_K = 50
# The crop's side relative to the box's longer side, so that chin and brows stay in.
MARGIN = 1.2


class FaceFinder:
    """The YuNet face detector.

    Parameters
    ----------
    model : bytes
        The ONNX file.

    Raises
    ------
    MoodringError
        The bytes are not a model OpenCV can read.
    """

    def __init__(self, model: bytes) -> None:
        self._size = (LONGEST_SIDE, LONGEST_SIDE)
        try:
            self._detector = cv2.FaceDetectorYN.create(
                "onnx",
                np.frombuffer(model, dtype=np.uint8),
                np.empty(0, dtype=np.uint8),
                self._size,
                SCORE_THRESHOLD,
                _NMS_THRESHOLD,
                _TOP_K,
            )
        except cv2.error as error:
            raise MoodringError(
                f"the face detector is not an ONNX model that OpenCV {cv2.__version__} reads "
                f"({error.code}, {len(model)} bytes); reinstall moodring"
            ) from None

    def find(self, image: Image) -> FaceBox | None:
        """Find the main face.

        Parameters
        ----------
        image : (height, width, 3) uint8
            BGR.

        Returns
        -------
        FaceBox or None
            The face with the largest product of area and confidence, in pixels of ``image``.
        """
        found = self._best(image)
        return None if found is None else found[0]

    def find_eyes(self, image: Image) -> NDArray[np.float64] | None:
        """Find the middles of the main face's eyes.

        Parameters
        ----------
        image : (height, width, 3) uint8
            BGR.

        Returns
        -------
        (2, 2) float64 or None
            x and y of the eye on the left of the picture, then of the one on its right, in pixels of ``image``.
        """
        found = self._best(image)
        return None if found is None else found[1]

    def _best(self, image: Image) -> tuple[FaceBox, NDArray[np.float64]] | None:
        """Find the face with the largest product of area and confidence, and its eyes."""
        _check(image)
        height, width = image.shape[:2]
        scale = min(1.0, LONGEST_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if min(size) < _SMALLEST_SIDE:
            return None
        if size != self._size:
            self._detector.setInputSize(size)
            self._size = size
        _, found = self._detector.detect(small)
        # On pictures of a few pixels OpenCV reads memory that nobody wrote, and boxes without bounds came out.
        found = [] if found is None else [face for face in found if np.isfinite(face).all()]
        if not found:
            return None
        best = max(found, key=lambda face: float(face[2] * face[3] * face[14]))
        to_x, to_y = width / size[0], height / size[1]
        box = FaceBox(
            x=float(best[0]) * to_x,
            y=float(best[1]) * to_y,
            width=float(best[2]) * to_x,
            height=float(best[3]) * to_y,
            score=float(best[14]),
        )
        return box, best[4:8].reshape(2, 2).astype(np.float64) * (to_x, to_y)


def crop_face(image: Image, box: FaceBox, size: int) -> Image:
    """Cut the face out.

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
    _check(image)
    height, width = image.shape[:2]
    side = int(np.clip(round(MARGIN * max(box.width, box.height)), 1, min(height, width)))
    left = int(np.clip(round(box.x + box.width / 2 - side / 2), 0, width - side))
    top = int(np.clip(round(box.y + box.height / 2 - side / 2), 0, height - side))
    grey = cv2.cvtColor(image[top : top + side, left : left + side], cv2.COLOR_BGR2GRAY)
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    crop: Image = cv2.resize(grey, (size, size), interpolation=method)
    return crop


def _check(image: Image) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise MoodringError(
            f"a camera frame has shape {image.shape} and type {image.dtype}, expected (height, width, 3) uint8 BGR; "
            "check the video source"
        )
