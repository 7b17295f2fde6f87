"""Errors of one line: what was expected, what came and what to do."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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


class Gathered:
    """Errors of checks that do not rest on each other, told together rather than one a run.

    Parameters
    ----------
    what : str
        What they keep from going on: "calibrating".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._errors: list[MoodringError] = []

    def __bool__(self) -> bool:
        """Return whether there is an error."""
        return bool(self._errors)

    def add(self, errors: Iterable[MoodringError]) -> None:
        """Add errors that were found."""
        self._errors += errors

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Add the error that is raised within it."""
        try:
            yield
        except MoodringError as error:
            self._errors.append(error)

    def refuse(self) -> None:
        """Raise what there is: a single error as it is, several as one line, each with a number."""
        if not self._errors:
            return
        if len(self._errors) == 1:
            raise self._errors[0]
        told = "; ".join(f"({number}) {error}" for number, error in enumerate(self._errors, start=1))
        line = f"{len(self._errors)} things keep moodring from {self._what}: {told}"
        raise failure_of(line, max(error.exit_status for error in self._errors))


def failure_of(line: str, exit_status: int) -> MoodringError:
    """Return the error that a line and an exit status of another process stand for."""
    return ConfigError(line) if exit_status == ConfigError.exit_status else MoodringError(line)
