"""The journal of a session: one decision a line, flushed to disk before the next."""

import logging
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import MOST_LINES_BYTES, read_regular
from ..contract import Estimate
from . import wire
from .described_values import LONGEST_S
from .files import need_folder, private

_log = logging.getLogger(__name__)
_LATEST_S = 1e12
_MOST_SAMPLES = 10**12
_LONGEST_LINE = 1 << 22


class Journal:
    """Appends estimates to a file of JSON lines.

    Parameters
    ----------
    path : Path
        Made for this user alone, in a folder that is there; an existing file is continued, with its permissions.

    Raises
    ------
    MoodringError
        It cannot be written, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            need_folder(path)
            _refuse_other_files(path)
            self._file: IO[bytes] = open(path, "ab", opener=private)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise _unwritable(path, error) from error

    def append(self, estimate: Estimate) -> None:
        """Write one line."""
        try:
            self._file.write(journal_line(estimate) + b"\n")
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


def journal_line(estimate: Estimate) -> bytes:
    """Return the line of a decision, without its end: JSON whose last key is the CRC-32 of what comes before it."""
    line = wire.encode(estimate)[:-1]
    return line + b',"crc32":"%08x"}' % zlib.crc32(line)


def read_journal(path: Path, inside: Path | None = None) -> tuple[Estimate, ...]:
    """Return the entries of a journal.

    An incomplete last line is left out; so is a damaged one, with a warning in the log that counts them.

    Parameters
    ----------
    path : Path
    inside : Path, optional
        The folder that the file must lie in, links followed.

    Raises
    ------
    MoodringError
        There is no such file, or no line of it is an entry.
    """
    try:
        lines = read_regular(path, MOST_LINES_BYTES, inside).split(b"\n")[:-1]
    except OSError as error:
        raise MoodringError(f"journal '{path}' cannot be read: {error.strerror or error}") from error
    entries: list[Estimate] = []
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(_entry(line))
        except MoodringError as error:
            faults.append(f"line {number}: {error}")
    if faults and not entries:
        raise MoodringError(
            f"journal '{path}' is damaged, or of a moodring before estimates had heads ({faults[0]}); "
            "to decode without it, move it out of the session folder"
        )
    if faults:
        _log.warning(
            "journal '%s': %d of %d lines are damaged and left out (%s)", path, len(faults), len(lines), faults[0]
        )
    rising = [one for one, before in zip(entries, (None, *entries), strict=False) if _follows(one, before)]
    if len(rising) < len(entries):
        _log.warning("journal '%s': %d decisions are not later than the one before", path, len(entries) - len(rising))
    return tuple(rising)


def _follows(one: Estimate, before: Estimate | None) -> bool:
    return before is None or one.time_s > before.time_s


def _entry(line: bytes) -> Estimate:
    """Return the decision of a line; raise MoodringError where it does not fit its check, or makes no sense."""
    begin, mark, rest = line.rpartition(b',"crc32":"')
    if mark and rest != b'%08x"}' % zlib.crc32(begin):
        raise MoodringError("does not fit its check")
    entry = wire.decode(Estimate, line)
    times_s = (entry.time_s, entry.session_time_s, *(look.time_s for look in entry.looks))
    counts = (*entry.ring_samples.values(), *(n for one in entry.ranges.values() for n in (one.first, one.stop)))
    numbers = [number for head in entry.heads for number in (head.probabilities or ())]
    if not (
        all(abs(time_s) <= _LATEST_S for time_s in times_s)
        and abs(entry.session_time_s) <= LONGEST_S
        and all(0 <= count <= _MOST_SAMPLES for count in counts)
        and all(0.0 <= number <= 1.0 for number in numbers)
    ):
        raise MoodringError("a time, a number of samples or a probability makes no sense")
    return entry


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
