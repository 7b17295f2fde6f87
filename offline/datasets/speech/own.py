"""A user's own recordings: a folder per class, or a CSV that names them."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import CLASSES, Corpus, OnBad, Spoken, found, gather, twins

_SYNONYMS = {
    "angry": "anger",
    "bored": "boredom",
    "calmness": "calm",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
_COLUMNS = ("path", "label", "speaker", "prompt")


def read_folders(root: Path, on_bad: OnBad = "stop", pattern: str | None = None) -> Corpus:
    r"""Read ``root/<class>/file`` or ``root/<class>/<speaker>/file``.

    Parameters
    ----------
    root : Path
        Its folders are named by the nine classes, or by their adjectives (happy, sad …).
    on_bad : "stop" or "skip"
    pattern : str, optional
        A regular expression for the file's stem with groups ``speaker`` and, perhaps, ``prompt`` and others:
        ``(?P<speaker>\w+?)_(?P<prompt>\w+)``. Without one, the folder below the class is the speaker, or everybody
        is ``unknown``; and every file is a prompt of its own.

    Raises
    ------
    MoodringError
        Nothing is there, the pattern is none, or a file is bad and ``on_bad`` is "stop".
    """
    try:
        naming = re.compile(pattern) if pattern is not None else None
    except re.error as error:
        raise MoodringError(f"pattern '{pattern}' is no regular expression: {error}; mend it") from None

    def read(path: Path) -> Spoken:
        label_folder, *between = path.relative_to(root).parts[:-1] or ("",)
        groups = _matched(naming, path)
        speaker = groups.pop("speaker", None) or (between[0] if between else "unknown")
        prompt = groups.pop("prompt", None) or str(path.relative_to(root))
        return Spoken(path, _label(label_folder, f"'{path}': folder"), speaker, prompt, groups)

    files = found(root, "folder of classes")
    corpus = gather(root.name, root, files, read, "skip", identity=lambda item: str(item.path))
    return _without_twins(corpus, on_bad)


def read_manifest(file: Path, on_bad: OnBad = "stop") -> Corpus:
    """Read a CSV with the columns ``path`` and ``label``, and perhaps ``speaker``, ``prompt`` and further groups.

    Paths are relative to the CSV. An empty speaker is ``unknown``, an empty prompt the file's own.

    Raises
    ------
    MoodringError
        It is not there or no such CSV; or a file is bad and ``on_bad`` is "stop".
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines)
            columns = tuple(table.fieldnames or ())
            rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MoodringError(f"manifest '{file}' cannot be read: {error}; give a CSV in UTF-8") from None
    absent = [name for name in _COLUMNS[:2] if name not in columns]
    if absent:
        raise MoodringError(
            f"manifest '{file}' has the columns {', '.join(columns) or 'none'}; it needs {' and '.join(_COLUMNS[:2])}"
        )
    root = file.resolve().parent
    named = [(root / (row["path"] or ""), row, f"line {number} of '{file}'") for number, row in enumerate(rows, 2)]
    by_path: dict[Path, tuple[Mapping[str, str | None], str]] = {}
    problems = []
    for path, row, where in named:
        if path in by_path:
            problems.append(f"{where} names '{path}' again; {by_path[path][1]} is kept")
        else:
            by_path[path] = (row, where)

    def read(path: Path) -> Spoken:
        row, where = by_path[path]
        if None in row:
            raise MoodringError(f"{where} has more values than there are columns; quote commas")
        further = {name: row[name] or "" for name in columns if name not in _COLUMNS}
        return Spoken(
            path,
            _label(row["label"] or "", f"{where}: label"),
            row.get("speaker") or "unknown",
            row.get("prompt") or str(path),
            further,
        )

    corpus = gather(file.stem, root, by_path, read, "skip", identity=lambda item: str(item.path), problems=problems)
    return _without_twins(corpus, on_bad)


def _without_twins(corpus: Corpus, on_bad: OnBad) -> Corpus:
    """Add the files of equal content to what is wrong, and stop or leave both out, since either label may be false."""
    same = twins(corpus.items)
    problems = (*corpus.problems, *same)
    kept = [item for item in corpus.items if not any(f"'{item.path}'" in line for line in same)]
    return gather(
        corpus.name,
        corpus.root,
        [item.path for item in kept],
        {item.path: item for item in kept}.__getitem__,
        on_bad,
        identity=lambda item: str(item.path),
        problems=problems,
    )


def _label(name: str, where: str) -> str:
    label = name.strip().lower()
    label = _SYNONYMS.get(label, label)
    if label not in CLASSES:
        raise MoodringError(f"{where} '{name}' is none of {', '.join(CLASSES)}; rename it")
    return label


def _matched(naming: re.Pattern[str] | None, path: Path) -> dict[str, str]:
    if naming is None:
        return {}
    match = naming.fullmatch(path.stem)
    if match is None:
        raise MoodringError(f"'{path}' does not fit the pattern '{naming.pattern}'; rename it, or mend the pattern")
    return {name: value for name, value in match.groupdict().items() if value is not None}
