"""Scans of listeners: what is refused, and which images a window holds."""

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.fmri.scans import Event, Scans, response_windows

NAMES = ("S01", "S02", "S03")


def _scans(n_images: int = 40, runs: tuple[int, ...] = (20, 20)) -> Scans:
    images = tuple(
        np.arange(n_images, dtype=np.float32)[:, None] * (1 + s) + np.arange(3, dtype=np.float32) for s in range(3)
    )
    return Scans(NAMES, images, 2.0, np.repeat(np.arange(len(runs)), runs))


def test_listeners_with_other_numbers_of_images_are_refused_by_name() -> None:
    images = (np.zeros((40, 3), np.float32), np.zeros((39, 3), np.float32))
    with pytest.raises(MoodringError, match="listener 'S02' has 39 images, expected 40"):
        Scans(NAMES[:2], images, 2.0, np.zeros(40, np.int64))


def test_scans_of_another_space_are_refused_by_name() -> None:
    images = (np.zeros((40, 3), np.float32), np.zeros((40, 4), np.float32))
    with pytest.raises(MoodringError, match=r"listener 'S02' has \(4,\) regions or voxels, expected \(3,\)"):
        Scans(NAMES[:2], images, 2.0, np.zeros(40, np.int64))


def test_a_listener_of_nans_is_named_and_the_rest_goes_on() -> None:
    scans, said = _scans(), []
    scans.images[1][7, 2] = np.nan
    left = scans.usable(said.append)
    assert left.listeners == ("S01", "S03")
    assert said == ["left out: listener 'S02' has images that are not finite numbers"]
    scans.images[0][:] = np.inf
    with pytest.raises(MoodringError, match="1 listener"):
        scans.usable(said.append)


def test_a_window_follows_its_event_by_the_lag() -> None:
    scans = _scans()
    events = [Event(4.0, 0, 0), Event(10.0, 1, 0), Event(50.0, 1, 1)]
    data = response_windows(scans, events, ("a", "b"), 6.0, 4, pytest.fail)
    assert data.windows.shape == (3, 3, 3, 4)
    assert data.start_s.tolist() == [10.0, 16.0, 56.0]
    assert data.end_s.tolist() == [18.0, 24.0, 64.0]
    run = np.arange(20.0)
    expected = ((run - run.mean()) / run.std())[[5, 6, 7, 8]]
    np.testing.assert_allclose(data.windows[2, 0, 1], expected, rtol=1e-5)
    assert data.runs.tolist() == [0, 0, 1]


def test_each_run_is_standardised_by_itself() -> None:
    scans = _scans()
    moved = Scans(
        NAMES, tuple(one + 100.0 * scans.runs[:, None].astype(np.float32) for one in scans.images), 2.0, scans.runs
    )
    events = [Event(4.0, 0, 0), Event(50.0, 1, 1)]
    first, second = (response_windows(one, events, ("a", "b"), 0.0, 4, pytest.fail) for one in (scans, moved))
    np.testing.assert_allclose(first.windows, second.windows, atol=1e-4)


def test_an_event_outside_the_scan_or_in_two_runs_is_named_and_left_out() -> None:
    said: list[str] = []
    events = [Event(4.0, 0, 0), Event(34.0, 0, 0), Event(44.0, 1, 1), Event(78.0, 1, 1), Event(-20.0, 1, 1)]
    data = response_windows(_scans(), events, ("a", "b"), 0.0, 4, said.append)
    assert data.start_s.tolist() == [4.0, 44.0]
    assert said == ["left out: 3 event(s) whose window lies outside the scan or its run (34.0 s, 78.0 s, -20.0 s …)"]
    with pytest.raises(MoodringError, match="no event of class 'b'"):
        response_windows(_scans(), events[:2], ("a", "b"), 0.0, 4, said.append)


def test_volumes_keep_their_space() -> None:
    volumes = tuple(np.random.default_rng(s).normal(size=(40, 4, 5, 6)).astype(np.float32) for s in range(3))
    scans = Scans(NAMES, volumes, 2.0, np.zeros(40, np.int64))
    data = response_windows(scans, [Event(4.0, 0, 0), Event(20.0, 1, 0)], ("a", "b"), 0.0, 7, pytest.fail)
    assert data.windows.shape == (3, 2, 7, 4, 5, 6)
