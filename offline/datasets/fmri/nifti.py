"""Reader of 4-D NIfTI scans of several listeners of one stimulus, with an event table and an atlas of regions.

Folders are named as BIDS names them (https://bids-specification.readthedocs.io, "Magnetic Resonance Imaging")::

    FOLDER/sub-01/func/sub-01_task-listen_run-1_bold.nii.gz     one a run, every listener the same runs
    FOLDER/task-listen_run-1_events.tsv                         or beside the scans, then the same for all listeners
    FOLDER/atlas.nii.gz                                         whole numbers: the region of each voxel, 0 for none

Scans have been slice-timed, realigned, brought to the atlas's space and smoothed by other tools.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from .scans import Event, FloatArray, Scans

_RUN = re.compile(r"_run-(\d+)_bold\.nii(\.gz)?$")
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}
_LONGEST_TR_S = 20.0
_SAME_SPACE_MM = 0.01


def read(
    root: Path,
    classes: Sequence[str],
    interval_s: float = 1.0,
    atlas: Path | None = None,
    class_of: Mapping[str, str] | None = None,
) -> tuple[Scans, tuple[Event, ...]]:
    """Return regions of all listeners at regular times, and the events.

    Each region is the mean of its voxels; images are interpolated linearly in time within their run. Each run is a
    block. Events that are of none of the classes are left out.

    Parameters
    ----------
    root : Path
    classes : sequence of str
    interval_s : float
        From one image to the next in what is returned: 1 s in the paper.
    atlas : Path or None
        None: ``atlas.nii.gz`` or ``atlas.nii`` of the folder.
    class_of : mapping of str to str or None
        The class of each stimulus, by the name in the events' column ``stim_file`` without folder and suffix; None: the
        class is the column ``trial_type``.

    Raises
    ------
    MoodringError
        Nothing of the layout is there, a file is damaged or no 4-D image, listeners differ in their runs, images or
        events, or the atlas is of another space.
    """
    scans = _scans_by_listener(root)
    runs = tuple(next(iter(scans.values())))
    for name, own in scans.items():
        if tuple(own) != runs:
            raise MoodringError(
                f"listener '{name}' has runs {_listed(own)}, expected {_listed(runs)} as '{next(iter(scans))}' has"
            )
    regions = _Atlas(_atlas_path(root, atlas))
    parts = {
        name: [_at_interval(*regions.means(path), interval_s) for path in own.values()] for name, own in scans.items()
    }
    frames = _frames_of_runs(parts, runs, interval_s)
    starts_s = interval_s * np.concatenate([[0], np.cumsum(frames)[:-1]])
    events = [
        Event(float(start_s) + onset_s, list(classes).index(kind), block)
        for block, (run, start_s) in enumerate(zip(runs, starts_s, strict=True))
        for onset_s, kind in _events(root, [own[run] for own in scans.values()], run, class_of)
        if kind in classes
    ]
    if not events:
        column = "trial_type" if class_of is None else "stim_file"
        raise MoodringError(f"no event of '{root}' is one of {', '.join(classes)}; check the column {column}")
    images = tuple(np.concatenate(own) for own in parts.values())
    return Scans(tuple(scans), images, interval_s, np.repeat(np.arange(len(runs)), frames)), tuple(events)


def _frames_of_runs(parts: Mapping[str, Sequence[FloatArray]], runs: Sequence[int], interval_s: float) -> list[int]:
    """Return how many images each run has, the same of all listeners."""
    first = next(iter(parts))
    frames = [len(part) for part in parts[first]]
    for name, own in parts.items():
        for run, part, expected in zip(runs, own, frames, strict=True):
            if len(part) != expected:
                raise MoodringError(
                    f"run {run} of listener '{name}' lasts {len(part) * interval_s:g} s, expected "
                    f"{expected * interval_s:g} s as of '{first}'; cut them to the stimulus"
                )
    return frames


class _Atlas:
    """Regions of voxels."""

    def __init__(self, path: Path) -> None:
        self._path = path
        image = _loaded(path)
        values = np.asanyarray(image.dataobj)
        labels = np.rint(values).astype(np.int64)
        if values.ndim != 3 or not np.allclose(values, labels):
            raise MoodringError(f"atlas '{path}' is no volume of whole numbers; give one label a voxel, 0 for none")
        self._affine, self._shape, self._labels = image.affine, values.shape, labels.ravel()
        self._count = len(np.unique(labels[labels > 0]))
        if not self._count:
            raise MoodringError(f"atlas '{path}' has no region: all its voxels are 0")

    def means(self, path: Path) -> tuple[NDArray[np.float64], float]:
        """Return the mean of each region at each image, and the seconds between images."""
        image = _loaded(path)
        if len(image.shape) != 4:
            raise MoodringError(f"scan '{path}' has {len(image.shape)} dimensions, expected x, y, z and time")
        if image.shape[:3] != self._shape or not np.allclose(image.affine, self._affine, atol=_SAME_SPACE_MM):
            raise MoodringError(
                f"atlas '{self._path}' is of another space than scan '{path}' ({_space(self._shape, self._affine)}, "
                f"there {_space(image.shape[:3], image.affine)}); resample it with nilearn.image.resample_to_img, "
                "interpolation='nearest'"
            )
        tr_s = float(image.header.get_zooms()[3]) * _SECONDS.get(image.header.get_xyzt_units()[1], 1.0)
        if not 0.0 < tr_s <= _LONGEST_TR_S:
            raise MoodringError(f"scan '{path}' says {tr_s:g} s from image to image; set the repetition time in it")
        try:
            voxels = np.asarray(image.dataobj, np.float32).reshape(len(self._labels), -1)
        except (OSError, EOFError, ValueError) as error:
            raise MoodringError(f"scan '{path}' cannot be read to its end ({error}); get it again") from None
        inside = self._labels > 0
        _, region = np.unique(self._labels[inside], return_inverse=True)
        sums = np.zeros((self._count, voxels.shape[1]))
        np.add.at(sums, region, voxels[inside])
        return (sums / np.bincount(region)[:, None]).T, tr_s


def _at_interval(means: NDArray[np.float64], tr_s: float, interval_s: float) -> FloatArray:
    """Interpolate linearly to regular times that lie within the run."""
    given_s = np.arange(len(means)) * tr_s
    wanted_s = np.arange(0.0, given_s[-1] + 1e-9, interval_s)
    before = np.clip(np.searchsorted(given_s, wanted_s, side="right") - 1, 0, max(0, len(means) - 2))
    share = ((wanted_s - given_s[before]) / tr_s)[:, None]
    after = np.minimum(before + 1, len(means) - 1)
    return np.asarray((1.0 - share) * means[before] + share * means[after], np.float32)


def _scans_by_listener(root: Path) -> dict[str, dict[int, Path]]:
    found: dict[str, dict[int, Path]] = {}
    for path in sorted(root.glob("sub-*/func/*_bold.nii*")):
        match = _RUN.search(path.name)
        if match is None:
            raise MoodringError(f"scan '{path}' does not say its run; name it sub-…_task-…_run-1_bold.nii.gz")
        found.setdefault(path.parent.parent.name.removeprefix("sub-"), {})[int(match[1])] = path
    if not found:
        raise MoodringError(f"'{root}' has no sub-…/func/…_run-1_bold.nii.gz; give the folder of the scans")
    return {name: dict(sorted(own.items())) for name, own in found.items()}


def _atlas_path(root: Path, given: Path | None) -> Path:
    candidates = [root / "atlas.nii.gz", root / "atlas.nii"] if given is None else [given]
    for one in candidates:
        if one.is_file():
            return one
    raise MoodringError(f"no atlas '{candidates[0]}'; give a volume with a whole number for the region of each voxel")


def _events(root: Path, scans: Sequence[Path], run: int, class_of: Mapping[str, str] | None) -> list[tuple[float, str]]:
    """Return onset and class of each event of a run."""
    shared = sorted(root.glob(f"*_run-{run}_events.tsv"))
    paths = shared[:1] or [path.with_name(_RUN.sub(f"_run-{run}_events.tsv", path.name)) for path in scans]
    column = "trial_type" if class_of is None else "stim_file"
    tables = [_table(path, column) for path in paths]
    for path, table in zip(paths[1:], tables[1:], strict=True):
        if table != tables[0]:
            raise MoodringError(f"events '{path}' differ from '{paths[0]}'; all listeners heard one stimulus")
    if class_of is None:
        return tables[0]
    return [(onset_s, class_of.get(Path(name).stem, "")) for onset_s, name in tables[0]]


def _table(path: Path, column: str) -> list[tuple[float, str]]:
    """Return onset and kind of each event, as they stand there."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except FileNotFoundError:
        raise MoodringError(f"no events '{path}'; give a table with the columns onset and {column}") from None
    except (OSError, ValueError, csv.Error) as error:
        raise MoodringError(f"events '{path}' cannot be read: {error}") from None
    absent = [name for name in ("onset", column) if not rows or rows[0].get(name) is None]
    if absent:
        raise MoodringError(f"events '{path}' have no column '{absent[0]}', or no row; BIDS names it so")
    try:
        return [(float(row["onset"]), str(row[column])) for row in rows]
    except ValueError as error:
        raise MoodringError(f"events '{path}': an onset is no number of seconds ({error})") from None


def _loaded(path: Path) -> Any:
    try:
        return nib.load(path)
    except (OSError, EOFError, ValueError, ImageFileError) as error:
        raise MoodringError(f"image '{path}' is no NIfTI that can be read ({error}); get it again") from None


def _space(shape: Sequence[int], affine: NDArray[np.float64]) -> str:
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    return f"{' x '.join(map(str, shape))} voxels of {' x '.join(f'{size:.3g}' for size in sizes)} mm"


def _listed(runs: Sequence[int] | dict[int, Path]) -> str:
    return ", ".join(map(str, runs))
