"""`moodring live CONFIG --protocol FILE`: what is wrong is told before anything starts."""

from pathlib import Path

import pytest
from PIL import Image as Pillow

PICTURE = 'name = "p"\n[[stimuli]]\nname = "calm_sea"\nfile = "calm_sea.png"\nseconds = 1.0\n[[steps]]\nstimuli = {}\n'


def write_protocol(folder: Path) -> Path:
    folder.mkdir()
    Pillow.new("RGB", (32, 24)).save(folder / "calm_sea.png")
    (folder / "protocol.toml").write_text(PICTURE)
    return folder / "protocol.toml"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    path = tmp_path / "lab.toml"
    path.write_text('[eeg]\nstream = { name = "nobody-sends-this" }\n[session]\nparticipant = "P07"\n')
    return path


CONSENT = ("--set", 'session.consent="signed"')


def test_without_consent_it_is_not_shown(config: Path, tmp_path: Path, run) -> None:
    protocol = write_protocol(tmp_path / "films")
    status, _, told = run("live", config, "--protocol", protocol)
    assert status == 2
    assert "no consent of participant 'P07' is noted" in told


def test_a_protocol_that_includes_itself_is_told(config: Path, tmp_path: Path, run) -> None:
    (tmp_path / "a.toml").write_text('name = "a"\n[[steps]]\ninclude = "b.toml"\n')
    (tmp_path / "b.toml").write_text('name = "b"\n[[steps]]\ninclude = "a.toml"\n')
    status, _, told = run("live", config, "--protocol", tmp_path / "a.toml", *CONSENT)
    assert status == 2
    assert "includes itself: 'a.toml' → 'b.toml' → 'a.toml'" in told


def test_a_missing_stimulus_is_told_and_the_config_may_name_the_protocol(config: Path, tmp_path: Path, run) -> None:
    protocol = write_protocol(tmp_path / "films")
    (protocol.parent / "calm_sea.png").unlink()
    with config.open("a") as file:
        file.write(f'consent = "signed"\n[protocol]\nfile = "{protocol}"\n')
    status, _, told = run("live", config)
    assert status == 2
    assert "stimulus 'calm_sea'" in told
    assert told.count("\n") == 1


def test_it_needs_a_display_one_participant_and_an_outlet(config: Path, tmp_path: Path, run) -> None:
    protocol = write_protocol(tmp_path / "films")
    status, _, told = run("live", config, "--protocol", protocol, "--headless", *CONSENT)
    assert (status, "needs a display" in told) == (2, True)
    other = tmp_path / "other.toml"
    other.write_text('name = "other"\n' + config.read_text())
    status, _, told = run("live", config, other, "--protocol", protocol, *CONSENT)
    assert (status, "shown to one participant" in told) == (2, True)
    status, _, told = run("live", config, "--protocol", protocol, "--set", "outlet.enabled=false", *CONSENT)
    assert (status, "outlet.enabled" in told) == (2, True)
    status, _, told = run("live", "--protocol", protocol)
    assert (status, "set-up page" in told) == (2, True)


def test_show_needs_an_engine_that_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run) -> None:
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    status, _, told = run("protocol", "show", "nobody")
    assert status != 0
    assert "nobody" in told
