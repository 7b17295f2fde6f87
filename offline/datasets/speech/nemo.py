"""nEMO: acted Polish speech, nine actors, six emotions, ninety sentences.

Christop (2024), nEMO: Dataset of emotional speech in Polish, LREC-COLING, https://arxiv.org/abs/2404.06292
"""

import csv
import re
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import FileName, OnBad, SpeechCorpus, collect, emotion_word, file_of, sound_files, spoken_trial

_TABLE = "data.tsv"
_COLUMNS = ("file_id", "emotion", "speaker_id", "gender", "age")
_NAME = re.compile(r"([A-Z]{2}\d)_(anger|fear|happiness|neutral|sadness|surprised)_(\d+)")


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read ``EB0_anger_57.flac`` and its like, with their ``data.tsv`` where it lies in the folder or below it.

    The prompt is the sentence's number; groups by the table: sex, age. What the table lists and is not there counts as
    missing; a file that it does not list, or under another emotion or speaker, as bad.

    Raises
    ------
    MoodringError
        Nothing is there, the table cannot be read, or a file is bad or missing and ``on_bad`` is "stop".
    """
    rows = _read_table(root)

    def trial_of(path: Path) -> Trial:
        parsed = parse_name(path)
        if parsed is None:
            raise MoodringError(f"'{path}' is not named as nEMO names its files (EB0_anger_57.flac)")
        if rows is None:
            return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt)
        row = rows.get(path.name)
        if row is None:
            raise MoodringError(f"'{path}' is not in {_TABLE}; take it away, or give the table that lists it")
        listed = emotion_word(row["emotion"], f"{_TABLE}, {path.name}: emotion"), row["speaker_id"]
        if listed != (parsed.emotion, parsed.speaker):
            raise MoodringError(f"'{path}' is {' by '.join(listed)} in {_TABLE}; check its name")
        groups = {"sex": row["gender"], "age": row["age"]}
        return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt, groups)

    files = sound_files(root, "nEMO")
    there = {path.name for path in files}
    absent = [f"'{name}' of {_TABLE} is missing" for name in rows or () if name not in there]
    return collect("nEMO", root, files, trial_of, on_bad, identity=lambda trial: file_of(trial).stem, problems=absent)


def parse_name(path: Path) -> FileName | None:
    """Parse ``EB0_anger_57``: speaker, emotion, sentence."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, word, prompt = match.groups()
    return FileName(emotion_word(word, f"'{path}': emotion"), speaker, prompt)


def _read_table(root: Path) -> dict[str, dict[str, str]] | None:
    """Return the rows by the names of their files; None without a table."""
    path = next(iter(sorted(root.rglob(_TABLE))), None)
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MoodringError(f"nEMO: '{path}' cannot be read ({error}); give the folder that holds {_TABLE}") from None
    for number, row in enumerate(rows, 2):
        if any(not row.get(column) for column in _COLUMNS):
            raise MoodringError(
                f"nEMO: line {number} of '{path}' has no {' or '.join(c for c in _COLUMNS if not row.get(c))}; mend it"
            )
    return {row["file_id"]: row for row in rows}
