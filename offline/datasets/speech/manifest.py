"""A user's own recordings, named by a CSV file."""

import csv
from collections.abc import Mapping
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import OnBad, SpeechCorpus, collect, emotion_word, without_duplicates

_COLUMNS = ("path", "label", "speaker", "prompt")
Row = Mapping[str, str | None]


def read(file: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read a CSV with the columns ``path`` and ``label``, and perhaps ``speaker``, ``prompt`` and further groups.

    Paths are relative to the CSV. An empty speaker is ``unknown``, an empty prompt the file's own.

    Raises
    ------
    MoodringError
        It is not there or no such CSV; or a file is bad and ``on_bad`` is "stop".
    """
    columns, rows = _read_table(file)
    root = file.resolve().parent
    by_path: dict[Path, tuple[Row, str]] = {}
    problems = []
    for number, row in enumerate(rows, 2):
        path, where = root / (row["path"] or ""), f"line {number} of '{file}'"
        if path in by_path:
            problems.append(f"{where} names '{path}' again; {by_path[path][1]} is kept")
        else:
            by_path[path] = (row, where)

    def trial_of(path: Path) -> Trial:
        row, where = by_path[path]
        if None in row:
            raise MoodringError(f"{where} has more values than there are columns; quote commas")
        return Trial(
            name=str(path.relative_to(root)) if path.is_relative_to(root) else str(path),
            subject=row.get("speaker") or "unknown",
            stimulus=row.get("prompt") or str(path),
            labels={"emotion": emotion_word(row["label"] or "", f"{where}: label")},
            groups={name: row[name] or "" for name in columns if name not in _COLUMNS},
            file=path,
        )

    corpus = collect(
        file.stem, root, by_path, trial_of, "skip", identity=lambda trial: str(trial.file), problems=problems
    )
    return without_duplicates(corpus, on_bad)


def _read_table(file: Path) -> tuple[tuple[str, ...], list[dict[str, str | None]]]:
    """Return the names of the columns and the rows."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines)
            columns = tuple(table.fieldnames or ())
            rows: list[dict[str, str | None]] = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MoodringError(f"manifest '{file}' cannot be read: {error}; give a CSV in UTF-8") from None
    absent = [name for name in _COLUMNS[:2] if name not in columns]
    if absent:
        raise MoodringError(
            f"manifest '{file}' has the columns {', '.join(columns) or 'none'}; it needs {' and '.join(_COLUMNS[:2])}"
        )
    return columns, rows
