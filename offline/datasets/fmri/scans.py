"""Scans of several listeners of one stimulus, its events, and the windows of images that follow each event.

Slice timing, realignment, normalisation and smoothing are other tools' work (SPM, DPARSF, fMRIPrep): what comes here
has been through them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Report = Callable[[str], None]
_FEWEST_LISTENERS = 2
_NAMED = 3


@dataclass(frozen=True)
class Scans:
    """Images of listeners who perceived the same stimulus at the same times.

    Attributes
    ----------
    listeners : tuple of str
    images : tuple of (n_images, *shape) float32
        One array a listener: ``(n_images, n_regions)`` of region matrices, ``(n_images, x, y, z)`` of volumes.
    interval_s : float
        From one image to the next.
    runs : (n_images,) int64
        The run of each image; a run is scanned without a pause.

    Raises
    ------
    MoodringError
        Listeners with different numbers of images or of regions.
    """

    listeners: tuple[str, ...]
    images: tuple[FloatArray, ...]
    interval_s: float
    runs: IntArray

    def __post_init__(self) -> None:
        for name, one in zip(self.listeners, self.images, strict=True):
            for what, here, expected in (
                ("images", len(one), len(self.runs)),
                ("regions or voxels", one.shape[1:], self.images[0].shape[1:]),
            ):
                if here != expected:
                    raise MoodringError(
                        f"listener '{name}' has {here} {what}, expected {expected} as the others have; "
                        "give scans of one stimulus, cut to the same images and in the same space"
                    )

    def usable(self, report: Report) -> "Scans":
        """Return the scans without listeners whose images are not all finite numbers, each of whom is reported.

        Raises
        ------
        MoodringError
            Fewer than two are left.
        """
        good = [bool(np.isfinite(one).all()) for one in self.images]
        for name, is_good in zip(self.listeners, good, strict=True):
            if not is_good:
                report(f"left out: listener '{name}' has images that are not finite numbers")
        if sum(good) < _FEWEST_LISTENERS:
            raise MoodringError(f"{sum(good)} listener(s) with finite images; at least {_FEWEST_LISTENERS} are needed")
        return Scans(
            tuple(one for one, kept in zip(self.listeners, good, strict=True) if kept),
            tuple(one for one, kept in zip(self.images, good, strict=True) if kept),
            self.interval_s,
            self.runs,
        )


@dataclass(frozen=True)
class Event:
    """One utterance, or one moment, of the stimulus.

    Attributes
    ----------
    onset_s : float
        From the first image of all, as if runs followed each other without a pause.
    label : int
    block : int
        What is left out of training as one.
    """

    onset_s: float
    label: int
    block: int


@dataclass(frozen=True)
class ResponseWindows:
    """Windows of images of all listeners, one for each event.

    Attributes
    ----------
    listeners : tuple of str
    classes : tuple of str
    windows : (n_listeners, n_events, channels, *shape) float32
        ``(…, n_regions, n_images)`` of region matrices, ``(…, n_images, x, y, z)`` of volumes.
    labels : (n_events,) int64
    blocks, runs : (n_events,) int64
    start_s, end_s : (n_events,) float64
        Of the window.
    """

    listeners: tuple[str, ...]
    classes: tuple[str, ...]
    windows: FloatArray
    labels: IntArray
    blocks: IntArray
    runs: IntArray
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]


def response_windows(
    scans: Scans, events: Sequence[Event], classes: tuple[str, ...], lag_s: float, n_images: int, report: Report
) -> ResponseWindows:
    """Cut the windows of images that follow events by a haemodynamic lag.

    Each region or voxel is first z-scored within its run, by its own mean and deviation there, labels unseen.

    Parameters
    ----------
    scans : Scans
    events : sequence of Event
    classes : tuple of str
    lag_s : float
        From an event's onset to the first image of its window.
    n_images : int
        Of a window.
    report : callable
        Takes a line where events are left out because their windows lie outside the scan, or in two runs.

    Raises
    ------
    MoodringError
        No event is left, or a class has none.
    """
    starts = np.array([round((one.onset_s + lag_s) / scans.interval_s) for one in events], np.int64)
    inside = (starts >= 0) & (starts + n_images <= len(scans.runs))
    first = np.clip(starts, 0, len(scans.runs) - 1)
    last = np.clip(starts + n_images - 1, 0, len(scans.runs) - 1)
    kept = inside & (scans.runs[first] == scans.runs[last])
    if not kept.all():
        named = ", ".join(f"{events[i].onset_s:.1f} s" for i in np.flatnonzero(~kept)[:_NAMED])
        report(f"left out: {int((~kept).sum())} event(s) whose window lies outside the scan or its run ({named} …)")
    labels = np.array([one.label for one in events], np.int64)[kept]
    absent = [name for number, name in enumerate(classes) if number not in labels]
    if absent:
        raise MoodringError(
            f"no event of class '{absent[0]}' has its window inside the scan of "
            f"{len(scans.runs) * scans.interval_s:.0f} s (lag {lag_s:g} s, {n_images} images); check onsets and the "
            f"interval of {scans.interval_s:g} s"
        )
    starts = starts[kept]
    picked = starts[:, None] + np.arange(n_images)
    windows = np.stack([_standardised(one, scans.runs)[picked] for one in scans.images])
    if windows.ndim == 4:
        windows = windows.swapaxes(2, 3)
    return ResponseWindows(
        scans.listeners,
        classes,
        np.ascontiguousarray(windows),
        labels,
        np.array([one.block for one in events], np.int64)[kept],
        scans.runs[starts],
        starts * scans.interval_s,
        (starts + n_images) * scans.interval_s,
    )


def _standardised(images: FloatArray, runs: IntArray) -> FloatArray:
    result = np.empty_like(images)
    for run in np.unique(runs):
        part = images[runs == run]
        spread = part.std(axis=0)
        result[runs == run] = (part - part.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return result
