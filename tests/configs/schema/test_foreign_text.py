"""Foreign text is shown, and never acts."""

import logging

import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.foreign_text import VisibleFormatter, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Muse S (ö, 脳波, 🧠)", "Muse S (ö, 脳波, 🧠)"),
        ("a\u00a0b", "a\u00a0b"),
        ("amp\x1b[2J\x1b]0;owned\x07", r"amp\x1b[2J\x1b]0;owned\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("one\nok  eeg: all is well\r", r"one\nok  eeg: all is well\r"),
        ("gnp.\u202efdp", r"gnp.\u202efdp"),
        ("bad name \udcff", r"bad name \udcff"),
        ("[red] <b>&", "[red] <b>&"),
    ],
)
def test_what_would_act_is_written_out_and_the_rest_stays(text, shown):
    assert visible(text) == shown
    shown.encode()


@pytest.mark.parametrize("kind", [MoodringError, ConfigError])
def test_an_error_is_one_line_that_only_shows(kind):
    assert str(kind("stream 'a\x1b[31m'\nok  eeg: fine")) == r"stream 'a\x1b[31m' ok  eeg: fine"


def test_a_log_line_only_shows():
    record = logging.LogRecord("x", logging.WARNING, "f", 1, "%s is lost", ("amp\x1b[2J",), None)
    assert VisibleFormatter().format(record) == r"amp\x1b[2J is lost"


def test_an_error_that_foreign_text_makes_very_long_loses_its_middle():
    line = str(MoodringError(f"{'x' * 50_000}: expected a number, came '{'y' * 50_000}'; give one"))
    assert len(line) <= 2000
    assert line.startswith("xxx")
    assert line.endswith("; give one")
