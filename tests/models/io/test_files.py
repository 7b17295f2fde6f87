"""Files that are replaced whole."""

import os
import secrets
import stat
from pathlib import Path

import numpy as np
import pytest

from moodring.models.io.files import atomic_write, make_private_folder, write_file


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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_private_folder_and_those_made_for_it_are_closed_and_others_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "sub" / "ses")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (tmp_path, tmp_path / "sub", tmp_path / "sub" / "ses")] == [
        *(0o755, 0o700, 0o700)
    ]
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "sub")


def test_a_planted_link_beside_a_file_is_not_written_through(tmp_path: Path, monkeypatch) -> None:
    victim, path = tmp_path / "victim", tmp_path / "out.json"
    victim.write_bytes(b"mine")
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0")
    (tmp_path / "out.json.0.partial").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_file(path, b"new")
    assert victim.read_bytes() == b"mine"
