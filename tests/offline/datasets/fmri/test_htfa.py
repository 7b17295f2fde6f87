"""The factors of listeners of one story."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.fmri.htfa import halves, read, stimulus_states


def _write(folder: Path, matrices: list[np.ndarray]) -> Path:
    cells = np.empty((1, len(matrices)), object)
    cells[0] = matrices
    savemat(folder / "weights.mat", {"weights": cells})
    return folder


def test_listeners_are_read_and_halved(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=(30, 4)) for _ in range(6)]
    scans = read(_write(tmp_path, matrices), 1.5)
    first, second = halves(scans)
    assert first.listeners == ("listener 1", "listener 2", "listener 3")
    assert second.listeners == ("listener 4", "listener 5", "listener 6")
    np.testing.assert_allclose(second.images[2], matrices[5], rtol=1e-6)
    assert scans.interval_s == 1.5
    assert not scans.runs.any()


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match=r"no weights\.mat"):
        read(tmp_path, 1.5)
    savemat(tmp_path / "weights.mat", {"weights": np.zeros((3, 4))})
    with pytest.raises(MoodringError, match="no variable 'weights' of matrices"):
        read(tmp_path, 1.5)
    _write(tmp_path, [np.zeros((30, 4)), np.zeros((29, 4)), np.zeros((30, 4))])
    with pytest.raises(MoodringError, match="'listener 2' has 29 images"):
        read(tmp_path, 1.5)


def test_states_are_those_of_the_mean_response_whatever_each_listener_adds() -> None:
    rng = np.random.default_rng(1)
    truth = np.repeat([0, 1, 2, 1, 0, 2], 10)
    centres = rng.normal(size=(3, 8)) * 3.0
    images = [centres[truth] + rng.normal(size=(60, 8)) for _ in range(12)]
    assert stimulus_states(images, 3, 0).tolist() == truth.tolist()
