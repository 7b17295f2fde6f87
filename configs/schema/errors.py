"""Errors of one line: what was expected, what came and what to do."""

from typing import ClassVar

from .foreign_text import visible

_LONGEST = 2000


class MoodringError(Exception):
    """Error at run time: a stream, a camera, a bundle, a data file, the disk.

    The message is one line for the user: what was expected, what came, what to do. Foreign names in it are written out
    (:func:`~moodring.configs.schema.foreign_text.visible`), so that they cannot act on a terminal or screen, and a line
    that they make longer than 2000 characters loses its middle.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, line: str = "") -> None:
        text = visible(" ".join(line.splitlines()))
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST * 3 // 4]} … {text[-_LONGEST // 4 + 3 :]}"
        super().__init__(text)


class ConfigError(MoodringError):
    """Error in the command line or a config: unknown key, wrong type, missing config file."""

    exit_status: ClassVar[int] = 2


def failure_of(line: str, exit_status: int) -> MoodringError:
    """Return the error that a line and an exit status of another process stand for."""
    return ConfigError(line) if exit_status == ConfigError.exit_status else MoodringError(line)
