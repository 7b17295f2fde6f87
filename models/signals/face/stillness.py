"""Detect a still picture in the place of a face: its eyes, nose and mouth only tremble, those of a person move.

The points that are found in a picture differ from frame to frame by the camera's noise alone: each step is as large as
the whole spread lets one expect of unrelated values. People move slowly against that. So the mean square of the steps
is compared with the variance (von Neumann 1941, Distribution of the ratio of the mean square successive difference to
the variance, https://doi.org/10.1214/aoms/1177731677): the ratio is 1 for noise of whatever size, and less for what
moves. Where the means over a second keep nearly one place, that tells it, too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WATCHED_S = 15.0
"""For so long a face has to keep still."""
NOISE_RATIO = 0.85
"""Photographs before a camera have 0.93 and more, people in films of 2.4 s and more 0.75 and less."""
LEAST_RANGE = 0.012
"""In distances of the eyes; people have 0.013 and more within three seconds, and the range only grows."""
_FEWEST, _SECOND = 60, 8  # frames


@dataclass(frozen=True)
class Stillness:
    """State between frames: moments, and places of the points among each other, ``(n, 5, 2)``."""

    times_s: tuple[float, ...] = ()
    shapes: tuple[NDArray[np.float64], ...] = ()


def watch(state: Stillness, points: NDArray[np.float64], time_s: float) -> tuple[bool, Stillness]:
    """Add a frame of one face.

    Parameters
    ----------
    state : Stillness
    points : (5, 2) float64
        As :attr:`~.detection.FoundFace.points`.
    time_s : float
        Later than the frame before.

    Returns
    -------
    still : bool
        Whether it has not moved for :data:`WATCHED_S`, as a picture on the wall; False while that is not known.
    state : Stillness
    """
    apart = float(np.hypot(*(points[1] - points[0])))
    shape = (points - points.mean(axis=0)) / max(apart, 1e-9)
    first = next((i for i, at_s in enumerate(state.times_s) if at_s >= time_s - WATCHED_S), len(state.times_s))
    after = Stillness((*state.times_s[first:], time_s), (*state.shapes[first:], shape))
    if first == 0 or len(after.times_s) < _FEWEST:
        return False, after
    return is_still(np.stack(after.shapes)), after


def is_still(shapes: NDArray[np.float64]) -> bool:
    """Return whether the points ``(n, 5, 2)`` of some frames, scaled, do nothing but tremble."""
    sums = np.cumsum(shapes, axis=0)
    means = (sums[_SECOND:] - sums[:-_SECOND]) / _SECOND
    if float(np.ptp(means, axis=0).max()) < LEAST_RANGE:
        return True
    steps = float(np.square(np.diff(shapes, axis=0)).mean(axis=0).sum())
    return steps > 2.0 * NOISE_RATIO * float(shapes.var(axis=0).sum())
