"""Bring a found face to the place and size that faces have in FER2013's pictures, by its eyes, nose and mouth.

FER2013's pictures are cuts around faces, and the face-expression network learns from them whole. Where the features lie
in them on average was measured with YuNet on 4,000 of its training pictures, enlarged, with a border.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ...contract import Image
from .detection import FoundFace
from .images import check_frame

SIDE = 48
POINTS: NDArray[np.float64] = np.array([(14.7, 18.4), (32.3, 18.4), (23.5, 28.5), (16.4, 36.3), (30.6, 36.3)])
"""Eyes, nose and corners of the mouth in a crop, made symmetric; as :attr:`~.detection.FoundFace.points`."""
_LARGEST_STEP = 1.5  # by which the last step shrinks: more would skip pixels


def align_face(image: Image, face: FoundFace) -> Image:
    """Return the aligned crop of a face.

    Parameters
    ----------
    image : (height, width, 3) uint8
        BGR.
    face : FoundFace

    Returns
    -------
    (48, 48) uint8
        Grey. What lies outside the image repeats its edge.
    """
    check_frame(image)
    height, width = image.shape[:2]
    move = similarity(face.points, POINTS)
    # Only the part that the crop shows is read, so that the time does not depend on the size of the image.
    corners = _applied(_inverse(move), np.array([(-1, -1), (SIDE, -1), (-1, SIDE), (SIDE, SIDE)], np.float64))
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, (left + 1, top + 1), (width, height))
    part = cv2.cvtColor(np.ascontiguousarray(image[top:bottom, left:right]), cv2.COLOR_BGR2GRAY)
    move = move @ _shift(left, top)
    shrunk = float(np.hypot(move[0, 0], move[1, 0]))
    if shrunk * _LARGEST_STEP < 1.0:
        rows, columns = part.shape
        size = (max(1, round(columns * shrunk * _LARGEST_STEP)), max(1, round(rows * shrunk * _LARGEST_STEP)))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        # Centres of pixels lie at whole numbers, so the corner of the picture lies at -1/2.
        grown = np.diag((columns / size[0], rows / size[1], 1.0))
        move = move @ _shift(-0.5, -0.5) @ grown @ _shift(0.5, 0.5)
    return np.asarray(
        cv2.warpAffine(part, move[:2], (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def whole_crop(image: Image) -> Image:
    """Return a tight crop of a face as it is, ``(48, 48)`` uint8 grey: whole, squeezed where it is no square."""
    check_frame(image)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if grey.shape == (SIDE, SIDE):
        return np.asarray(grey, np.uint8)
    method = cv2.INTER_AREA if max(grey.shape) > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=method), np.uint8)


def similarity(points: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation, scaling and shift that brings points nearest to targets (least squares).

    Umeyama 1991, https://doi.org/10.1109/34.88573, in the plane: a complex factor and a complex shift.

    Parameters
    ----------
    points, targets : (n, 2) float64
        The points not all in one place.

    Returns
    -------
    (3, 3) float64
    """
    source, target = points @ (1.0, 1.0j), targets @ (1.0, 1.0j)
    centred = source - source.mean()
    spread = float(np.square(np.abs(centred)).sum())
    if spread <= 0.0:
        raise ValueError("all points lie in one place; eyes, nose and mouth apart were expected")
    factor = complex((np.conj(centred) * (target - target.mean())).sum() / spread)
    shift = complex(target.mean() - factor * source.mean())
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag], [0.0, 0.0, 1.0]])


def _applied(move: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = points @ move[:2, :2].T + move[:2, 2]
    return found


def _inverse(move: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(move), np.float64)


def _shift(x: float, y: float) -> NDArray[np.float64]:
    """Return the move by which a point seen from a corner at (x, y) gets its place seen from the picture's."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])
