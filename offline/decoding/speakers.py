"""Who speaks in sound files, as their names or a table tell."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from ...configs.schema.errors import MoodringError
from ..datasets.open_corpus import parse_file_name

ONE_SPEAKER = "one for all"
"""The speaker of files of which nothing tells who speaks."""


def speaker_in(path: Path) -> str:
    """Return the speaker that a file's name tells; :data:`ONE_SPEAKER` where it tells none."""
    try:
        parsed = parse_file_name(path)
    except MoodringError:
        parsed = None
    return ONE_SPEAKER if parsed is None or not parsed.speaker else parsed.speaker


def read_speakers(table: Path, files: Sequence[Path]) -> dict[str, str]:
    """Read who speaks in each file from a CSV with the columns ``file`` and ``speaker``.

    Parameters
    ----------
    table : Path
        Its paths count from its own folder.
    files : sequence of Path
        That it must tell of.

    Returns
    -------
    dict of str to str
        By the files' real paths.

    Raises
    ------
    MoodringError
        It cannot be read, has other columns, tells of a file twice, or of one of the files not at all.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            columns, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MoodringError(f"table of speakers '{table}' cannot be read: {error}") from error
    if not {"file", "speaker"} <= set(columns):
        raise MoodringError(
            f"table of speakers '{table}' has the columns {', '.join(columns) or 'none'}; it needs file and speaker"
        )
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        name, speaker = row["file"] or "", row["speaker"] or ""
        if not name or not speaker:
            raise MoodringError(f"line {number} of '{table}': a file and its speaker are needed")
        real = os.path.realpath(table.parent / name)
        if found.setdefault(real, speaker) != speaker:
            raise MoodringError(f"line {number} of '{table}' gives '{name}' to another speaker than before")
    missing = [str(path) for path in files if os.path.realpath(path) not in found]
    if missing:
        raise MoodringError(
            f"'{table}' does not tell who speaks in '{missing[0]}'"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + "; add a line for each"
        )
    return found
