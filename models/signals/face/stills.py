"""Find faces of any size in still pictures: small pictures are enlarged, large ones searched at two sizes."""

import cv2
import numpy as np

from ...contract import FaceBox, Image
from .detection import LONGEST_SIDE, FaceDetector, FoundFace, without_repeats

_LONGEST_SIDE = 1280  # small faces of large pictures are looked for at this size, too
_SMALL_SIDE, _ENLARGED_SIDE = 160, 192  # pixels: crops of faces leave YuNet too little to go by
_BORDER = 1 / 3  # of the enlarged side: a face that fills a picture is no face to YuNet
_TIGHT_SIDES = (16, 96)  # pixels: shortest and longest side
_TIGHT_SHAPE = 1.5  # longer side to shorter one


class StillFaceFinder:
    """Finds faces in still pictures.

    Parameters
    ----------
    model : bytes
        As :class:`FaceDetector` takes it.
    """

    def __init__(self, model: bytes) -> None:
        self._near, self._far = FaceDetector(model), FaceDetector(model, _LONGEST_SIDE)

    def find(self, image: Image) -> tuple[FoundFace, ...]:
        """Return all faces of a picture ``(height, width, 3)`` uint8 BGR, in its pixels, the largest first."""
        longest = max(image.shape[:2])
        if longest < _SMALL_SIDE:
            found = self._in_enlarged(image)
        elif longest <= LONGEST_SIDE:
            found = self._near.find_faces(image)
        else:
            found = (*self._near.find_faces(image), *self._far.find_faces(image))
        return tuple(sorted(without_repeats(found), key=lambda one: -one.box.width * one.box.height))

    def _in_enlarged(self, image: Image) -> tuple[FoundFace, ...]:
        height, width = image.shape[:2]
        times = _ENLARGED_SIDE / max(height, width)
        size = (max(1, round(width * times)), max(1, round(height * times)))
        border = round(_BORDER * _ENLARGED_SIDE)
        large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
        back = np.array((width / size[0], height / size[1]))
        return tuple(_moved(face, border, back) for face in self._near.find_faces(np.asarray(framed, np.uint8)))


def is_tight(image: Image) -> bool:
    """Return whether a picture is so small and square that it can only be a crop of a face."""
    shorter, longer = sorted(image.shape[:2])
    return bool(_TIGHT_SIDES[0] <= shorter and longer <= _TIGHT_SIDES[1] and longer <= _TIGHT_SHAPE * shorter)


def _moved(face: FoundFace, border: int, back: np.ndarray) -> FoundFace:
    """Return a face of an enlarged picture with a border in pixels of the picture itself."""
    box = face.box
    x, y = (np.array((box.x, box.y)) - border) * back
    # Centres of pixels lie at whole numbers, so the corner of the picture lies at -1/2.
    points = (face.points - border + 0.5) * back - 0.5
    return FoundFace(FaceBox(float(x), float(y), box.width * back[0], box.height * back[1], box.score), points)
