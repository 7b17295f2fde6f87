"""Pipes, devices, links out of a folder, sizes and depths: refused in one line, at once."""

import os
import sys
import tomllib

import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.live import LiveConfig
from moodring.configs.schema.load import load, read
from moodring.configs.schema.regular_files import check_toml_depth, open_regular, parse_json, read_regular
from moodring.models.io.journal import read_journal
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.sound import read_sound

posix = pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")


@posix
@pytest.mark.parametrize("reader", [read, read_journal, read_sound, open_regular, lambda path: open_recording(path)])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_regular_file_is_refused_before_it_is_opened(tmp_path, reader, kind):
    path = tmp_path / "a.mkv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises((MoodringError, OSError), match="not a regular file"):
        reader(path)


@posix
def test_of_a_folder_only_what_lies_in_it_is_read(tmp_path):
    inside = tmp_path / "session"
    inside.mkdir()
    (tmp_path / "secret.toml").write_text("a = 1")
    (inside / "own.toml").write_text("a = 1")
    (inside / "link.toml").symlink_to("own.toml")
    (inside / "out.toml").symlink_to("../secret.toml")
    assert read(inside / "link.toml", inside) == {"a": 1}
    with pytest.raises(ConfigError, match="leads out of"):
        read(inside / "out.toml", inside)


def test_a_file_larger_than_is_read_is_refused_unread(tmp_path):
    path = tmp_path / "large.toml"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(ConfigError, match="has more than 1 MB"):
        read(path)
    with pytest.raises(OSError, match="has more than 0 MB"):
        read_regular(path, 10)


DEEP = {
    "key": "a" + ".b" * 400_000 + " = 1",
    "header": "[" + "a." * 300_000 + "a]",
    "arrays": "a = " + "[" * 5000,
    "tables": "a = " + "{b=" * 5000,
    "inline": "a = {b" + ".c" * 999 + " = 1}",
}
FLAT = (
    "a = '" + "[." * 999 + "'",
    'a = """' + '\\"[.\n' * 999 + '"""',
    "# " + "[." * 999,
    "a = [" + "1.5,\n" * 999 + "]",
)


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_goes_deep_is_refused_before_it_is_parsed(tmp_path, text):
    (tmp_path / "deep.toml").write_text(text)
    with pytest.raises(ConfigError, match="goes deeper than 64 tables") as caught:
        load(tmp_path / "deep.toml", LiveConfig)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", FLAT, ids=["literal", "long", "comment", "array"])
def test_dots_and_brackets_in_texts_and_comments_count_for_nothing(text):
    check_toml_depth(text)
    tomllib.loads(text)


def test_json_nested_deeply_is_no_json():
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 200_000)


@pytest.mark.parametrize("override", ["a" + ".b" * 999 + "=1", "decisions.rest_s=" + "[" * 999])
def test_a_deep_override_is_refused(tmp_path, override):
    (tmp_path / "c.toml").write_text("")
    with pytest.raises(ConfigError, match="deeper than 64"):
        load(tmp_path / "c.toml", LiveConfig, [override])


def test_a_long_value_is_not_repeated_in_the_error(tmp_path):
    (tmp_path / "c.toml").write_text(f"[decisions]\nrest_s = '{'x' * 100_000}'\n[eeg]\nstream = {{name = 'a'}}\n")
    with pytest.raises(ConfigError, match=r"'decisions\.rest_s'") as caught:
        load(tmp_path / "c.toml", LiveConfig)
    assert len(str(caught.value)) < 1000
