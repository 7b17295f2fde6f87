"""4-D NIfTI scans of several listeners: regions at regular times, events, and what is refused."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.fmri.nifti import read
from moodring.offline.datasets.fmri.scans import response_windows

CLASSES = ("angry", "happy")
AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
SHAPE = (4, 3, 2)
TR_S = 2.0


def _volume(path: Path, values: Any, affine: Any = AFFINE, tr_s: float = TR_S, unit: str = "sec") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(np.asarray(values, np.float32), affine)
    if image.ndim == 4:
        image.header.set_zooms((3.0, 3.0, 3.0, tr_s))
        image.header.set_xyzt_units("mm", unit)
    nib.save(image, path)


def _atlas() -> Any:
    labels = np.zeros(SHAPE)
    labels[0], labels[1, :, 0] = 7, 12
    return labels


def _study(root: Path, listeners: int = 2, runs: int = 2, images: int = 20) -> None:
    _volume(root / "atlas.nii.gz", _atlas())
    for s in range(listeners):
        for run in range(1, runs + 1):
            course = np.arange(images) + 100.0 * run + 1000.0 * s
            values = np.zeros((*SHAPE, images))
            values[0], values[1, :, 0] = course, -course
            values[0, 0, 0] += 6.0  # one of the six voxels of its region
            _volume(_scan(root, s, run), values)
    for run in range(1, runs + 1):
        rows = ["onset\tduration\ttrial_type", "4\t2\tangry", "10\t2\thappy", "12\t2\tother", "14\t2\tangry"]
        (root / f"task-listen_run-{run}_events.tsv").write_text("\n".join(rows) + "\n")


def _scan(root: Path, s: int, run: int) -> Path:
    return root / f"sub-{s:02}" / "func" / f"sub-{s:02}_task-listen_run-{run}_bold.nii.gz"


def test_regions_are_means_of_their_voxels_at_one_image_a_second(tmp_path: Path) -> None:
    _study(tmp_path)
    scans, events = read(tmp_path, CLASSES)
    assert scans.listeners == ("00", "01")
    assert scans.interval_s == 1.0
    assert scans.images[0].shape == (2 * 39, 2)  # 20 images, the last of them 38 s after the first
    np.testing.assert_allclose(scans.images[1][:5, 0], 1101.0 + np.arange(5) / 2.0)
    np.testing.assert_allclose(scans.images[1][39:44, 1], -1200.0 - np.arange(5) / 2.0)
    assert scans.runs.tolist() == [0] * 39 + [1] * 39
    assert [(one.onset_s, one.label, one.block) for one in events] == [
        (4.0, 0, 0), (10.0, 1, 0), (14.0, 0, 0), (43.0, 0, 1), (49.0, 1, 1), (53.0, 0, 1),
    ]  # fmt: skip
    windows = response_windows(scans, events, CLASSES, 4.0, 8, lambda _: None)
    assert windows.windows.shape == (2, 6, 2, 8)


def test_an_event_whose_response_lies_outside_the_scan_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    _study(tmp_path)
    with (tmp_path / "task-listen_run-2_events.tsv").open("a") as file:
        file.write("36\t2\thappy\n")
    told: list[str] = []
    scans, events = read(tmp_path, CLASSES)
    windows = response_windows(scans, events, CLASSES, 4.0, 8, told.append)
    assert len(windows.labels) == 6
    assert "75.0 s" in told[0]


def test_a_repetition_time_in_milliseconds_is_understood(tmp_path: Path) -> None:
    _study(tmp_path, runs=1)
    for s in range(2):
        _volume(_scan(tmp_path, s, 1), np.ones((*SHAPE, 20)), tr_s=2000.0, unit="msec")
    assert len(read(tmp_path, CLASSES)[0].runs) == 39


def _other_events(root: Path) -> None:
    (root / "task-listen_run-1_events.tsv").unlink()
    for s in range(2):
        table = _scan(root, s, 1).with_name(_scan(root, s, 1).name.replace("bold.nii.gz", "events.tsv"))
        table.write_text(f"onset\ttrial_type\n{4 + s}\tangry\n")


BAD: dict[str, tuple[Any, str]] = {
    "no scans": (lambda root: [one.unlink() for one in root.glob("sub-*/func/*")], "give the folder of the scans"),
    "no atlas": (lambda root: (root / "atlas.nii.gz").unlink(), "no atlas"),
    "atlas of another grid": (lambda root: _volume(root / "atlas.nii.gz", np.ones((5, 3, 2))), "is of another space"),
    "atlas moved": (
        lambda root: _volume(root / "atlas.nii.gz", _atlas(), np.diag([2.0, 3.0, 3.0, 1.0])),
        "is of another space",
    ),
    "atlas of fractions": (lambda root: _volume(root / "atlas.nii.gz", _atlas() + 0.5), "whole numbers"),
    "atlas empty": (lambda root: _volume(root / "atlas.nii.gz", np.zeros(SHAPE)), "has no region"),
    "a run is missing": (lambda root: _scan(root, 1, 2).unlink(), "listener '01' has runs 1, expected 1, 2"),
    "fewer images": (
        lambda root: _volume(_scan(root, 1, 2), np.ones((*SHAPE, 19))),
        "run 2 of listener '01' lasts 37 s, expected 39 s",
    ),
    "3-D": (lambda root: _volume(_scan(root, 0, 1), np.ones(SHAPE)), "has 3 dimensions"),
    "no repetition time": (lambda root: _volume(_scan(root, 0, 1), np.ones((*SHAPE, 20)), tr_s=0.0), "repetition time"),
    "no NIfTI": (lambda root: _scan(root, 0, 1).write_bytes(b"no"), "is no NIfTI"),
    "cut short": (
        lambda root: _scan(root, 0, 1).write_bytes(_scan(root, 0, 1).read_bytes()[:-60]),
        "cannot be read to its end",
    ),
    "no events": (lambda root: (root / "task-listen_run-1_events.tsv").unlink(), "no events"),
    "no onset": (
        lambda root: (root / "task-listen_run-1_events.tsv").write_text("time\ttrial_type\n1\tangry\n"),
        "no column 'onset'",
    ),
    "onset n/a": (
        lambda root: (root / "task-listen_run-1_events.tsv").write_text("onset\ttrial_type\nn/a\tangry\n"),
        "no number of seconds",
    ),
    "other events": (_other_events, "all listeners heard one stimulus"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    _study(tmp_path)
    spoil, told = BAD[case]
    spoil(tmp_path)
    with pytest.raises(MoodringError, match=told) as error:
        read(tmp_path, CLASSES)
    assert "\n" not in str(error.value)


def test_no_event_of_the_classes_is_refused(tmp_path: Path) -> None:
    _study(tmp_path)
    with pytest.raises(MoodringError, match="is one of calm"):
        read(tmp_path, ("calm",))
