"""Results replace nothing but earlier results, and are for their owner's eyes only."""

import json
import os
import stat
from pathlib import Path

import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.models.io.journal import Journal
from moodring.models.io.results import check_replaceable, check_writable, write_results

OTHERS = [
    ("decisions.jsonl", '{"time_s": 1.0}\n'),
    ("settings.json", '{"line_hz": 50}\n'),
    ("rows.json", "[1, 2]\n"),
    ("other.json", '{"written_by": "me"}\n'),
    ("notes.txt", "written_by moodring 0.1.0\n"),
]


@pytest.mark.parametrize(("name", "text"), OTHERS)
def test_a_file_that_holds_no_results_of_moodring_is_never_replaced(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError, match="holds no results that moodring wrote"):
        check_replaceable(path)
    with pytest.raises(ConfigError, match="name another file"):
        write_results(path, {"n": 1})
    assert path.read_text() == text


@pytest.mark.parametrize("before", [None, b"", "results"])
def test_a_new_an_empty_and_an_earlier_file_are_written(tmp_path: Path, before) -> None:
    path = tmp_path / "out.json"
    if before == "results":
        write_results(path, {"n": 1})
    elif before is not None:
        path.write_bytes(before)
    check_writable(path)
    assert path.exists() == (before is not None)
    write_results(path, {"n": 2})
    values = json.loads(path.read_text())
    assert values.pop("written_by").startswith("moodring ")
    assert values == {"n": 2}


def test_a_missing_folder_is_told_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "mistyped" / "out.json"
    for write in (check_replaceable, check_writable, lambda one: write_results(one, {}), Journal):
        with pytest.raises(ConfigError, match=r"the folder '.*mistyped' is not there; make it, or name another file"):
            write(path)
    assert not path.parent.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_results_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_results(tmp_path / "out.json", {})
        (tmp_path / "out.json").chmod(0o644)
        write_results(tmp_path / "out.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="/dev/null is POSIX")
def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    device = tmp_path / "device"
    device.symlink_to("/dev/null")
    check_writable(device)
    write_results(device, {"n": 1})
    assert device.is_char_device()


@pytest.mark.parametrize(("name", "text"), OTHERS)
def test_a_journal_is_not_added_to_another_file(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(MoodringError, match="is no journal"):
        Journal(path)
    assert path.read_text() == text
