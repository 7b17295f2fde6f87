"""How a face lies in the picture: upright, on its side, or upside down.

YuNet finds faces that lie, and puts eyes, nose and mouth where an upright face would have them: their places tell
nothing. Its confidence does: at the quarter turn that brings the face nearest to upright it is surest.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ...contract import FaceBox, Image
from .detection import FaceDetector

Lie = Literal["sideways", "upside down"]
"""How a face lies that does not stand: nearer to a quarter turn, or to half a turn, than to upright."""

CHECKED_EVERY_S = 2.0
"""A face that is followed is looked at anew so often."""
_LIES: tuple[Lie | None, ...] = (None, "sideways", "upside down", "sideways")
_SIDE = 128  # pixels of the square that is searched
_ROOM = 2.0  # its side, in longer sides of the face
_LEAST_SCORE = 0.3  # so that what an upright face scores is known while another turn has more
_SURE = 0.7
_LEAD = 0.03


@dataclass(frozen=True)
class Lying:
    """State of a followed face: how it lay when it was looked at last, and when that was."""

    lie: Lie | None = None
    checked_s: float | None = None


class OrientationCheck:
    """Tells how faces lie.

    Parameters
    ----------
    model : bytes
        As :class:`FaceDetector` takes it.
    """

    def __init__(self, model: bytes) -> None:
        self._square = FaceDetector(model, _SIDE, _LEAST_SCORE)
        self._frame = FaceDetector(model)

    def of_face(self, image: Image, box: FaceBox) -> Lie | None:
        """Return how a face lies; None where it stands, or where that cannot be told.

        Parameters
        ----------
        image : (height, width, 3) uint8
            BGR.
        box : FaceBox
            Of the face, or of a picture that is a tight crop of one.
        """
        square = _square_around(image, box)
        upright, *turned = (_score_in_the_middle(self._square, _turned(square, turns)) for turns in range(4))
        best = int(np.argmax(turned))
        return _LIES[best + 1] if turned[best] >= max(_SURE, upright + _LEAD) else None

    def of_frame(self, image: Image) -> Lie | None:
        """Return how a face lies in a picture in which none was found as it is; None where there is none either."""
        found = {turns: self._frame.find(_turned(image, turns)) for turns in (1, 2, 3)}
        scores = {turns: box.score for turns, box in found.items() if box is not None}
        return _LIES[max(scores, key=lambda turns: scores[turns])] if scores else None


def watch_orientation(state: Lying, check: OrientationCheck, image: Image, box: FaceBox, time_s: float) -> Lying:
    """Return how a followed face lies, looked at anew every :data:`CHECKED_EVERY_S`."""
    if state.checked_s is not None and time_s < state.checked_s + CHECKED_EVERY_S - 1e-6:
        return state
    return Lying(check.of_face(image, box), time_s)


def _turned(image: Image, quarters: int) -> Image:
    return np.ascontiguousarray(np.rot90(image, quarters))


def _score_in_the_middle(detector: FaceDetector, square: Image) -> float:
    boxes = detector.find_all(square)
    return max((one.score for one in boxes if _off_the_middle(one) < _SIDE / 4), default=0.0)


def _off_the_middle(box: FaceBox) -> float:
    return float(np.hypot(box.x + box.width / 2 - _SIDE / 2, box.y + box.height / 2 - _SIDE / 2))


def _square_around(image: Image, box: FaceBox) -> Image:
    """Return the square around a face, scaled; what lies outside the image repeats its edge."""
    half = _ROOM * max(box.width, box.height) / 2
    across, down = box.x + box.width / 2, box.y + box.height / 2
    height, width = image.shape[:2]
    left, top, right, bottom = (round(edge) for edge in (across - half, down - half, across + half, down + half))
    inside = image[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
    beyond = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    framed = cv2.copyMakeBorder(inside, *beyond, borderType=cv2.BORDER_REPLICATE)
    method = cv2.INTER_AREA if len(framed) > _SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(framed, (_SIDE, _SIDE), interpolation=method), np.uint8)
