"""Faces with their truth, to judge by."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ....models.contract import Image
from ....models.io.bundle import bundled
from ....models.signals.face.alignment import align_face
from ....models.signals.face.detection import FoundFace
from ....models.signals.face.stills import StillFaceFinder
from ...datasets.faces.fer2013 import FacePictures, majority


@dataclass(frozen=True)
class JudgedFaces:
    """Faces as they are in the set.

    Attributes
    ----------
    crops : (n, 48, 48) uint8
    labels : (n,) int64
        FER2013's, index into its classes.
    emotions : (n,) int64
        FER+'s majority, index into its emotions; -1 for none.
    clear : (n,) bool
        Whether the majority has more than half of the votes.
    photographs : (n,) int64
        Group of pictures of one photograph.
    """

    crops: Image
    labels: NDArray[np.int64]
    emotions: NDArray[np.int64]
    clear: NDArray[np.bool_]
    photographs: NDArray[np.int64]

    @cached_property
    def places(self) -> tuple[FoundFace | None, ...]:
        """Where the face of each picture is, as ``moodring predict face`` finds it; None where none is found."""
        return found_in(self.crops)


def judged(pictures: FacePictures, chosen: NDArray[np.bool_]) -> JudgedFaces:
    """Return some pictures of the set with their truth."""
    votes, others = pictures.votes[chosen], pictures.other_votes[chosen]
    return JudgedFaces(
        crops=pictures.pixels[chosen],
        labels=pictures.labels[chosen],
        emotions=majority(votes, others),
        clear=2 * votes.max(axis=1) > votes.sum(axis=1) + others,
        photographs=pictures.photographs[chosen],
    )


def found_in(crops: Image) -> tuple[FoundFace | None, ...]:
    """Return where the face of each crop ``(n, 48, 48)`` is; None where none is found."""
    finder = StillFaceFinder(bundled("yunet").read_bytes())
    return tuple(next(iter(finder.find(_coloured(crop))), None) for crop in crops)


def as_read(crops: Image, places: Sequence[FoundFace | None]) -> Image:
    """Return crops as they are read, ``(n, 48, 48)``: aligned where the face was found, whole elsewhere."""
    pairs = zip(crops, places, strict=True)
    return np.stack([crop if face is None else align_face(_coloured(crop), face) for crop, face in pairs])


def _coloured(crop: Image) -> Image:
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR), np.uint8)
