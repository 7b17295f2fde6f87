"""The folders of engines are this user's own, and what dead engines left goes."""

import json
import os
import sys
from types import SimpleNamespace

import psutil
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.ipc import run_dir

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions and links are POSIX")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(run_dir, "_SYSTEM_RUNTIME", tmp_path / "none")
    monkeypatch.setattr(run_dir, "_SHARED_MEMORY", tmp_path)
    return tmp_path


def test_folders_of_dead_engines_go(root):
    alive = run_dir.create()
    dead = alive.with_name("moodring-999999999-1.00-abcdabcd")
    reused = alive.with_name(f"moodring-{os.getpid()}-1.00-abcdabcd")
    for folder in (dead, reused):
        folder.mkdir()
        (folder / "eeg.ring").write_bytes(b"x")
        (folder / "engine.json").write_text(json.dumps({"name": "ghost"}))
    assert run_dir.running() == ()
    other = run_dir.create()
    assert alive.exists()
    assert other.exists()
    assert not dead.exists()
    assert not reused.exists()


def test_the_users_runtime_folder_is_taken_where_the_system_has_one(root, tmp_path, monkeypatch):
    (tmp_path / "runtime").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    assert run_dir.runtime_root() == tmp_path / "runtime" / "moodring"
    assert run_dir.runtime_root().stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["moodring-study", "moodring-999999999-1.00-abcdabcd"])
def test_a_planted_link_in_shared_memory_deletes_nothing_elsewhere(root, tmp_path_factory, name):
    mine = tmp_path_factory.mktemp("mine")
    (mine / name).mkdir()
    (mine / name / "data.xdf").write_bytes(b"months of work")
    (root / f"moodring-{os.getuid()}").symlink_to(mine)
    with pytest.raises(MoodringError, match="is a link or a file"):
        run_dir.create()
    assert (mine / name / "data.xdf").exists()


def test_links_and_other_names_in_the_folder_are_left_alone(root, tmp_path_factory):
    mine = tmp_path_factory.mktemp("mine")
    (mine / "data.xdf").write_bytes(b"x")
    link = run_dir.runtime_root() / "moodring-999999999-1.00-abcdabcd"
    link.symlink_to(mine)
    other = run_dir.runtime_root() / "moodring-study"
    other.mkdir()
    run_dir.clean()
    assert (mine / "data.xdf").exists()
    assert other.exists()


def test_a_folder_of_another_user_or_open_to_others_is_refused(root, monkeypatch):
    folder = root / f"moodring-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(MoodringError, match=r"open to others \(mode 755\).*chmod 700"):
        run_dir.runtime_root()
    folder.chmod(0o700)
    real = type(folder).lstat

    def of_another(path):
        found = real(path)
        return SimpleNamespace(st_mode=found.st_mode, st_uid=found.st_uid + 1)

    monkeypatch.setattr(type(folder), "lstat", of_another)
    with pytest.raises(MoodringError, match="belongs to another user"):
        run_dir.runtime_root()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system keeps the time of the start as it was")
def test_setting_the_clock_makes_no_running_engine_a_dead_one(root, monkeypatch):
    alive = run_dir.create()
    before_s = psutil.boot_time()
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: before_s + 3600.0)
    assert run_dir.clean() == 0
    assert alive.exists()


def test_what_a_killed_engine_left_is_counted_and_freed(root):
    alive = run_dir.create()
    dead = alive.with_name("moodring-999999999-1.00-abcdabcd")
    dead.mkdir()
    (dead / "face.ring").write_bytes(bytes(5000))
    assert run_dir.clean() == 5000
    assert alive.exists()
    assert not dead.exists()
