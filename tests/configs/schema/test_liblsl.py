"""Configuration of liblsl as text."""

from pathlib import Path

import pytest

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.liblsl import liblsl_settings
from moodring.configs.schema.live import LslSection


def test_lsl_settings_of_the_computer_stay_in_charge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "lsl_api.cfg"
    own.write_text("[lab]\nSessionID = lab\n")
    monkeypatch.setenv("LSLAPICFG", str(own))
    assert liblsl_settings(LslSection(resolve_timeout_s=3.0)) is None
    assert "SessionID = mine" in str(liblsl_settings(LslSection(session_id="mine")))


def test_lsl_settings_are_written_as_liblsl_reads_them() -> None:
    text = liblsl_settings(LslSection(session_id="lab-2", known_peers=["10.0.0.7", "amp.local"]))
    assert text is not None
    assert "KnownPeers = {10.0.0.7, amp.local}\nSessionID = lab-2\n" in text
    assert "ResolveScope = link" in text


@pytest.mark.parametrize("word", ["a}b", "two\nlines", "", "a,b"])
def test_lsl_settings_that_break_the_text_are_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="not a plain word"):
        liblsl_settings(LslSection(session_id=word))
