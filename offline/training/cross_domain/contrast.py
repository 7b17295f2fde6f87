"""The contrastive loss between two sets."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def contrastive_loss(one: Tensor, other: Tensor, emotions: Tensor, other_emotions: Tensor, margin: float) -> Tensor:
    """Return how far pairs of one emotion are apart, and how far pairs of two emotions fall short of the margin.

    Half the squared distance of each pair of one emotion, and half the square of what the distance of any other pair
    lacks of the margin (Hadsell, Chopra and LeCun 2006, https://doi.org/10.1109/CVPR.2006.100). The two kinds count
    alike, however many pairs of each a batch holds.

    Parameters
    ----------
    one : (n, d) Tensor
        Embeddings of images of one set.
    other : (m, d) Tensor
        Of the other set.
    emotions, other_emotions : (n,) and (m,) int64 Tensor
        Numbered alike; -1 for an emotion that only one of the sets has: its images are in no pair.
    margin : float

    Returns
    -------
    () Tensor
        0 where there is no pair.
    """
    squared = (one[:, None] - other[None]).square().sum(dim=2)
    known = (emotions >= 0)[:, None] & (other_emotions >= 0)[None]
    same = (emotions[:, None] == other_emotions[None]) & known
    different = known & ~same
    short = (margin - squared.clamp(min=1e-12).sqrt()).clamp(min=0.0).square()
    pulled = (squared * same).sum() / same.sum().clamp(min=1)
    pushed = (short * different).sum() / different.sum().clamp(min=1)
    return 0.5 * (pulled + pushed)


def shared_numbers(classes: Sequence[str], other: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each class of two sets among those that both have; -1 for those that one alone has."""
    common = [name for name in classes if name in other]
    one, two = (
        np.array([common.index(name) if name in common else -1 for name in names], np.int64)
        for names in (classes, other)
    )
    return one, two


def as_tensor(numbers: NDArray[np.int64], labels: NDArray[np.int64]) -> Tensor:
    """Return the shared number of each label."""
    return torch.from_numpy(numbers[labels])
