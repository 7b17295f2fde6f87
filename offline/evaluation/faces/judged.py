"""Faces with their truth, to judge by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....models.contract import Image
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
