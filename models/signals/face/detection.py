"""Find faces in a camera frame with YuNet.

References
----------
Wu W., Peng H., Yu S. (2023), YuNet: a tiny millisecond-level face detector, Machine Intelligence Research 20,
https://doi.org/10.1007/s11633-023-1423-y
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ...contract import FaceBox, Image
from .images import check_frame

# Frames are scaled down to this before detection: 4-5 ms instead of tens, and faces at a desk stay large enough.
LONGEST_SIDE = 320
# YuNet's own confidence; faces at a desk score above 0.8.
SCORE_THRESHOLD = 0.7
_NMS_THRESHOLD = 0.3
_SMALLEST_SIDE = 10  # YuNet's smallest faces have about as many pixels
_TOP_K = 1000  # findings before repeats are left out: a face alone has a dozen, and forty were cut to thirty-two by 50
_SAME_FACE = 0.4  # overlap of two boxes, relative to both together


@dataclass(frozen=True)
class FoundFace:
    """A face and where its features lie, in pixels of the image.

    Attributes
    ----------
    box : FaceBox
    points : (5, 2) float64
        x and y of the eye on the left of the picture, the eye on its right, the tip of the nose, and the corners of the
        mouth on the left and on the right.
    """

    box: FaceBox
    points: NDArray[np.float64]


class FaceDetector:
    """The YuNet face detector.

    Parameters
    ----------
    model : bytes
        The ONNX file.
    longest_side : int
        Larger images are scaled down to this before they are searched. YuNet finds faces of about 10 to 300 pixels.
    least_score : float
        Faces of which YuNet is less confident are none.

    Raises
    ------
    MoodringError
        The bytes are not a model OpenCV can read.
    """

    def __init__(self, model: bytes, longest_side: int = LONGEST_SIDE, least_score: float = SCORE_THRESHOLD) -> None:
        self._longest = longest_side
        self._size = (longest_side, longest_side)
        try:
            self._detector = cv2.FaceDetectorYN.create(
                "onnx",
                np.frombuffer(model, dtype=np.uint8),
                np.empty(0, dtype=np.uint8),
                self._size,
                least_score,
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
        return None if found is None else found.box

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        """Find all faces.

        Parameters
        ----------
        image : (height, width, 3) uint8
            BGR.

        Returns
        -------
        tuple of FaceBox
            In pixels of ``image``; the order means nothing.
        """
        return tuple(face.box for face in self._all(image))

    def find_faces(self, image: Image) -> tuple[FoundFace, ...]:
        """Find all faces with their features; as :meth:`find_all` otherwise."""
        return tuple(self._all(image))

    def find_eyes(self, image: Image) -> NDArray[np.float64] | None:
        """Find the centres of the main face's eyes.

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
        return None if found is None else found.points[:2]

    def _best(self, image: Image) -> FoundFace | None:
        """Find the face with the largest product of area and confidence."""
        return max(self._all(image), key=lambda one: one.box.width * one.box.height * one.box.score, default=None)

    def _all(self, image: Image) -> list[FoundFace]:
        check_frame(image)
        height, width = image.shape[:2]
        scale = min(1.0, self._longest / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if min(size) < _SMALLEST_SIDE:
            return []
        if size != self._size:
            self._detector.setInputSize(size)
            self._size = size
        _, found = self._detector.detect(small)
        # On images of a few pixels OpenCV reads uninitialised memory and returns boxes that are not finite.
        found = [] if found is None else [face for face in found if np.isfinite(face).all()]
        to_x, to_y = width / size[0], height / size[1]
        return [
            FoundFace(
                FaceBox(
                    x=float(face[0]) * to_x,
                    y=float(face[1]) * to_y,
                    width=float(face[2]) * to_x,
                    height=float(face[3]) * to_y,
                    score=float(face[14]),
                ),
                face[4:14].reshape(5, 2).astype(np.float64) * (to_x, to_y),
            )
            for face in found
        ]


def without_repeats(faces: Iterable[FoundFace]) -> tuple[FoundFace, ...]:
    """Return faces of one image that were found at several scales once each: the surest finding of each.

    Parameters
    ----------
    faces : iterable of FoundFace

    Returns
    -------
    tuple of FoundFace
        The surest first.
    """
    kept: list[FoundFace] = []
    for face in sorted(faces, key=lambda one: -one.box.score):
        if all(_overlap(face.box, other.box) < _SAME_FACE for other in kept):
            kept.append(face)
    return tuple(kept)


def _overlap(one: FaceBox, other: FaceBox) -> float:
    """Return the area that two boxes share, relative to what they cover together."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.width * one.height + other.width * other.height - shared)
