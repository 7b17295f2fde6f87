"""The journal of a session: one decision a line, flushed to disk before the next."""

from pathlib import Path
from types import TracebackType
from typing import IO

from ...configs.schema.errors import MoodringError
from ..contract import Estimate
from . import wire
from .files import make_private_folder, private

_LONGEST_LINE = 1 << 22


class Journal:
    """Appends estimates to a file of JSON lines.

    Parameters
    ----------
    path : Path
        Its folder is made, and the file, for this user alone; an existing file is continued, with its permissions.

    Raises
    ------
    MoodringError
        It cannot be written, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            make_private_folder(path.parent, exist_ok=True)
            _refuse_other_files(path)
            self._file: IO[bytes] = open(path, "ab", opener=private)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise _unwritable(path, error) from error

    def append(self, estimate: Estimate) -> None:
        """Write one line."""
        try:
            self._file.write(wire.encode(estimate) + b"\n")
            self._file.flush()
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> tuple[Estimate, ...]:
    """Return the entries of a journal; an incomplete last line is left out.

    Raises
    ------
    MoodringError
        There is no such file, or it is no journal.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise MoodringError(f"journal '{path}' cannot be read: {error}") from error
    try:
        return tuple(wire.decode(Estimate, line) for line in lines[:-1])
    except MoodringError as error:
        raise MoodringError(
            f"journal '{path}' is damaged, or of a moodring before estimates had heads ({error}); "
            "to decode without it, move it out of the session folder"
        ) from None


def _refuse_other_files(path: Path) -> None:
    """Raise MoodringError where a file is there whose first line is no estimate: it would be added to."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        first = file.readline(_LONGEST_LINE)
    try:
        if first.strip():
            wire.decode(Estimate, first)
    except MoodringError:
        raise MoodringError(f"'{path}' is there and is no journal; choose another file for journal") from None


def _unwritable(path: Path, error: OSError) -> MoodringError:
    return MoodringError(f"journal '{path}' cannot be written ({error}); free the disk or choose another journal")
