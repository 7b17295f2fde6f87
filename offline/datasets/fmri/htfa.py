"""Reader of the factors of 36 listeners of one story that come with hypertools (``weights.mat``).

Hierarchical topographic factor analysis of their fMRI gave 300 images of 100 factors each; two groups of 18. Files of
the same layout with other numbers are read as well.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

from ....configs.schema.errors import MoodringError
from ..mat_files import read_mat
from .scans import FloatArray, IntArray, Scans

_FILE, _VARIABLE = "weights.mat", "weights"
_STARTS = 20


def read(root: Path, interval_s: float) -> Scans:
    """Return the scans of all listeners, one run.

    Raises
    ------
    MoodringError
        The file is not there or is none of these, or listeners have different numbers of images or factors.
    """
    path = root / _FILE
    if not path.is_file():
        raise MoodringError(f"'{root}' has no {_FILE}; give the folder of the factors with --set data=FOLDER")
    found = read_mat(path, [_VARIABLE]).get(_VARIABLE)
    cells = [] if found is None or found.dtype != object else [np.asarray(one) for one in found.ravel()]
    if len(cells) < 2 or any(one.ndim != 2 or one.dtype.kind not in "fiu" for one in cells):
        raise MoodringError(f"'{path}' has no variable '{_VARIABLE}' of matrices, images x factors; get the file again")
    names = tuple(f"listener {number + 1}" for number in range(len(cells)))
    return Scans(names, tuple(one.astype(np.float32) for one in cells), interval_s, np.zeros(len(cells[0]), np.int64))


def halves(scans: Scans) -> tuple[Scans, Scans]:
    """Return the first and the second half of the listeners."""
    half = len(scans.listeners) // 2
    first, second = (
        Scans(scans.listeners[part], scans.images[part], scans.interval_s, scans.runs)
        for part in (slice(None, half), slice(half, None))
    )
    return first, second


def stimulus_states(images: Sequence[FloatArray], states: int, seed: int) -> IntArray:
    """Return the state of the stimulus at each image: the cluster of the mean response of some listeners.

    Parameters
    ----------
    images : sequence of (n_images, n_regions)
        Of the listeners who make the labels; none of them may vote.
    states : int
    seed : int
        Of the first centres of k-means.

    Returns
    -------
    (n_images,) int64
        Numbered by first appearance.
    """
    mean = np.mean([(one - one.mean(axis=0)) / one.std(axis=0) for one in images], axis=0)
    clusters = KMeans(states, n_init=_STARTS, random_state=seed).fit_predict(mean)
    order = {one: number for number, one in enumerate(dict.fromkeys(clusters.tolist()))}
    return np.array([order[one] for one in clusters.tolist()], np.int64)
