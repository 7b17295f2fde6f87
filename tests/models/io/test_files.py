"""Files that are replaced whole."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from moodring.models.io.files import atomic_write, write_file


def test_the_new_content_takes_the_place_of_the_old_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "session.toml"
    write_file(path, "a = 1\n", fsync=True)
    write_file(path, b"a = \xc3\xa9\n")
    assert path.read_text(encoding="utf-8") == "a = é\n"
    assert [one.name for one in tmp_path.iterdir()] == ["session.toml"]


def test_the_old_content_stays_until_the_end_and_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as file:  # noqa: PT012 - both ends of the block matter
        np.savez(file, rows=np.arange(3))
        assert path.read_bytes() == b"old"
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["rows.npz"]
    with atomic_write(path) as file:
        np.savez(file, rows=np.arange(3))
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["rows"], np.arange(3))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_permissions_are_those_asked_for_or_those_of_the_file_before(tmp_path: Path) -> None:
    private, shared = tmp_path / "card.json", tmp_path / "model.safetensors"
    with atomic_write(private, mode=0o600) as file:
        (partial,) = tmp_path.iterdir()
        assert stat.S_IMODE(partial.stat().st_mode) == 0o600
        file.write(b"{}")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    shared.write_bytes(b"old")
    shared.chmod(0o664)
    write_file(shared, b"new")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o664


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "missing" / "a.txt", "a")
