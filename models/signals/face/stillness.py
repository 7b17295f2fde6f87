"""Detect a still picture in the place of a face: a person's eyes, nose and mouth do not keep their places.

People blink, nod and turn a little even when they sit still. Measured with YuNet at 8 Hz, how far the five points move
relative to their middle, in distances of the eyes: 0.039 to 0.31 in ten films of faces of three seconds and more; at
most 0.026 within five seconds in photographs with camera noise, flicker and compression.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WATCHED_S = 15.0
"""For so long a face has to keep still: calm people blink and breathe within it."""
LEAST_MOVEMENT = 0.03
_FEWEST = 60


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
    return bool(np.ptp(np.stack(after.shapes), axis=0).max() < LEAST_MOVEMENT), after
