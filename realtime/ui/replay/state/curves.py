"""Estimates as curves over the session's time; without Qt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .....models.contract import Estimate, FaceBox, FloatArray, TimeArray
from ....screens import wording

PLACES = np.array([-2 / 3, 0.0, 2 / 3])
"""Of low, medium and high between -1 and 1: the centres of their thirds, as on the plane."""
GAP_S = 2.0
AXES = ("valence", "arousal")
BOX_S = 1.5
"""For so long a face box of one frame is drawn on those after it."""


@dataclass(frozen=True)
class Level:
    """Valence or arousal over time.

    Attributes
    ----------
    times_s : (n,) float64
        Session time.
    mean, sd : (n,) float32
        On -1 to 1; NaN where there is no answer, and between decisions that are far apart.
    """

    times_s: TimeArray
    mean: FloatArray
    sd: FloatArray


@dataclass(frozen=True)
class ClassShares:
    """Probabilities of the classes of a head over time.

    Attributes
    ----------
    title : str
    classes : tuple of str
    times_s : (n,) float64
    shares : (n, n_classes) float32
        NaN where there is no answer.
    """

    title: str
    classes: tuple[str, ...]
    times_s: TimeArray
    shares: FloatArray


@dataclass(frozen=True)
class Boxes:
    """Faces that were found, by the times of their frames."""

    times_s: TimeArray
    faces: tuple[FaceBox | None, ...]

    def at(self, time_s: float) -> FaceBox | None:
        """Return the newest face at a moment; None where it is old, or none was found."""
        index = int(np.searchsorted(self.times_s, time_s + 1e-3, "right")) - 1
        if index < 0 or time_s - self.times_s[index] > BOX_S:
            return None
        return self.faces[index]


def level(estimates: Sequence[Estimate], axis: str) -> Level:
    """Return the mean and the standard deviation of an axis by its probabilities."""
    shares = _shares(estimates, axis, len(PLACES))
    mean = shares @ PLACES
    sd = np.sqrt(np.maximum((shares * (PLACES - mean[:, np.newaxis]) ** 2).sum(axis=1), 0.0))
    times_s = np.array([one.session_time_s for one in estimates])
    times_s, columns = with_gaps(times_s, np.column_stack([mean, sd]))
    return Level(times_s, columns[:, 0].astype(np.float32), columns[:, 1].astype(np.float32))


def heads_of(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """Return the names of the heads with classes, in the order in which they come."""
    return tuple(dict.fromkeys(head.name for one in estimates for head in one.heads if head.classes))


def class_shares(estimates: Sequence[Estimate], name: str) -> ClassShares:
    """Return the probabilities of a head."""
    found = next((head for one in estimates if (head := one.head(name)) is not None), None)
    classes = () if found is None else found.classes
    times_s = np.array([one.session_time_s for one in estimates])
    return ClassShares(title(name), classes, times_s, _shares(estimates, name, len(classes)).astype(np.float32))


def title(name: str) -> str:
    """Return what a head is called on the page."""
    return {"speech": "voice", wording.FACE: "face"}.get(name, name.replace("_", " "))


def boxes(estimates: Sequence[Estimate], t0_s: float) -> Boxes:
    """Return the faces of looks and readings, by the session times of their frames."""
    found: dict[float, FaceBox | None] = {}
    for one in estimates:
        for look in one.looks:
            found[look.frame_stamp_s - t0_s] = look.face
        for reading in one.face_readings:
            found[reading.frame_stamp_s - t0_s] = reading.face
    times_s = sorted(found)
    return Boxes(np.array(times_s), tuple(found[time_s] for time_s in times_s))


def with_gaps(times_s: TimeArray, columns: FloatArray) -> tuple[TimeArray, FloatArray]:
    """Put NaN into every gap, so that no line is drawn across it."""
    after = np.flatnonzero(np.diff(times_s) > GAP_S) + 1
    return np.insert(times_s, after, times_s[after] - 1e-3), np.insert(columns, after, np.nan, axis=0)


def value_at(times_s: TimeArray, values: FloatArray, at_s: float, hold_s: float = GAP_S) -> FloatArray | None:
    """Return the newest row at a moment; None where there is none, or it is older than ``hold_s`` or NaN."""
    index = int(np.searchsorted(times_s, at_s, "right")) - 1
    if index < 0 or at_s - times_s[index] > hold_s:
        return None
    row: FloatArray = np.asarray(values[index])
    return row if np.isfinite(row).all() else None


def _shares(estimates: Sequence[Estimate], name: str, count: int) -> FloatArray:
    rows = np.full((len(estimates), count), np.nan)
    for row, one in zip(rows, estimates, strict=True):
        head = one.head(name)
        if head is not None and head.probabilities is not None and len(head.probabilities) == count:
            row[:] = head.probabilities
    return rows
