"""Configs: unknown keys name the nearest valid one, wrong values say what came, missing files say so."""

from pathlib import Path

import pytest

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.live import LiveConfig
from moodring.configs.schema.load import load, toml_text

ROOT = Path(__file__).parent.parent.parent.parent
GOOD = '[eeg]\nstream = { name = "amp" }\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "live.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["demo", "lab", "replay"])
def test_shipped_configs_load(name: str) -> None:
    config = load(ROOT / "configs" / f"{name}.toml", LiveConfig)
    assert config.name == name
    assert config.eeg is not None


@pytest.mark.parametrize("name", ["demo", "lab", "replay"])
def test_a_config_written_as_toml_loads_as_the_same(name: str, tmp_path: Path) -> None:
    overrides = ['session.consent="a \\"quoted\\" é\\u007f"', 'session.markers=[{name="m"}]']
    config = load(ROOT / "configs" / f"{name}.toml", LiveConfig, overrides)
    assert config.face is None or None in config.face.model_dump().values()
    assert load(written(tmp_path, toml_text(config)), LiveConfig) == config


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("[eeg]\nstraem = 3\n", ["unknown key 'eeg.straem'", "did you mean 'stream'?", "'eeg.stream' is missing"]),
        (GOOD + "line_hz = 55\n", ["'eeg.line_hz'", "50 or 60", "came: 55"]),
        (GOOD + "[decisions]\ninterval_s = 'soon'\n", ["'decisions.interval_s'", "came: 'soon'"]),
        (GOOD + "[recording]\n", ["unknown key 'recording'", "known keys:", "decisions"]),
        ("name = 'x'\n", ["at least one source"]),
        ("[eeg]\nstream = {}\n", ["'eeg.stream'", "at least one of name, type, source_id"]),
        ("[face]\ncamera = 0\nstream = { name = 'x' }\n", ["'face'", "exactly one"]),
        ("[speech]\nmicrophone = 0\nreference = {}\n", ["'speech.reference'", "exactly one of stream"]),
        (
            "[speech]\nmicrophone = 0\nheadphones = true\nreference = { device = 1 }\n",
            ["'speech'", "headphones = true or a reference, not both"],
        ),
        ("[eeg\n", ["not valid TOML"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, fragments: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), LiveConfig)
    message = str(caught.value)
    assert "\n" not in message.strip() or "not valid TOML" in message
    for fragment in fragments:
        assert fragment in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml' does not exist"):
        load(tmp_path / "nowhere.toml", LiveConfig)


def test_a_folder_and_what_is_no_text_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder; give the path of a TOML file$"):
        load(tmp_path, LiveConfig)
    (tmp_path / "a.m4a").write_bytes(b"\x00\x00\x00\x20ftypM4A \xff\xfe")
    with pytest.raises(
        ConfigError, match=r"a\.m4a' is not text; give the path of a TOML file \(a recording: 'moodring decode "
    ):
        load(tmp_path / "a.m4a", LiveConfig)


def test_overrides_use_toml_values_and_bare_words(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    config = load(path, LiveConfig, ["eeg.line_hz=60", "models.policy=random", "decisions.rest_s=12.5"])
    assert config.eeg is not None
    assert (config.eeg.line_hz, config.models.policy, config.decisions.rest_s) == (60, "random", 12.5)


@pytest.mark.parametrize("override", ["eeg.line_hz", "=3", "name.x=3"])
def test_malformed_overrides_are_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError):
        load(written(tmp_path, "name = 'n'\n" + GOOD), LiveConfig, [override])


def test_a_rest_that_is_too_short_to_normalise_to_is_refused() -> None:
    from pydantic import ValidationError

    from moodring.configs.schema.live import DecisionSection

    assert DecisionSection(rest_s=0.0).rest_s == 0.0
    with pytest.raises(ValidationError, match="at least 10 s"):
        DecisionSection(rest_s=5.0)


def test_what_nobody_typed_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("")
    with pytest.raises(ConfigError) as caught:
        load(path, LiveConfig, ["models.allow_simulated=maybe"], defaults=["decisions.rest_s=0"])
    assert "--set 'models.allow_simulated=maybe'" in str(caught.value)
    assert "rest_s" not in str(caught.value)


def test_a_text_that_is_no_config_names_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Subject 3 was tired")
    with pytest.raises(ConfigError, match="give a TOML file: configs/ holds some to copy"):
        load(path, LiveConfig)


def test_an_error_is_no_longer_than_anybody_reads(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f"{'k' * 5000} = 1\n")
    with pytest.raises(ConfigError) as caught:
        load(path, LiveConfig, [f"decisions.rest_s={'x' * 5000}"])
    assert len(str(caught.value)) < 1500
