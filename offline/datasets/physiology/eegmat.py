"""EEGMAT: EEG of rest and of mental arithmetic (Zyma et al. 2019, https://doi.org/10.3390/data4010014).

Each person rested for three minutes, and then subtracted for one. Read as published on PhysioNet
(``Subject00_1.edf`` rest, ``Subject00_2.edf`` arithmetic, ``subject-info.csv``) and under the names
``sub-00_rest.edf``, ``sub-00_arithmetic.edf``, ``participants.tsv``.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ....models.contract import Recording
from ...recordings.eeg_files import read_eeg_file
from ..base import Trial

NAME = "EEGMAT"
REST, ARITHMETIC = "rest", "arithmetic"
_PUBLISHED = re.compile(r"^Subject(?P<person>\d+)_(?P<task>[12])$")
_RENAMED = re.compile(rf"^sub-(?P<person>\d+)_(?P<task>{REST}|{ARITHMETIC})$")
_TASKS = {"1": REST, "2": ARITHMETIC, REST: REST, ARITHMETIC: ARITHMETIC}
_TABLES = ("participants.tsv", "subject-info.csv")


@dataclass(frozen=True)
class EegMat:
    """People at rest and in mental arithmetic: a trial a recording, labels ``{"task": "rest" or "arithmetic"}``.

    Attributes
    ----------
    trials : tuple of Trial
        Each person's rest before their arithmetic; groups ``session`` and, where the table has it, ``sex``.
    problems : tuple of str
        What was left out, and why.
    """

    trials: tuple[Trial, ...]
    problems: tuple[str, ...] = ()
    name: str = NAME

    def load(self, trial: Trial, /) -> Recording:
        """Return the EEG of a trial.

        Raises
        ------
        MoodringError
            The file cannot be read.
        """
        if trial.file is None:
            raise MoodringError(f"trial '{trial.name}' has no file; take the trials of this dataset")
        recording = read_eeg_file(trial.file)
        return replace(recording, name=trial.name, participant=trial.subject, origin=self.name)


def read(root: Path) -> EegMat:
    """Read the folder of the corpus.

    Raises
    ------
    MoodringError
        It is no folder, or holds no person with both recordings.
    """
    if not root.is_dir():
        raise MoodringError(f"{NAME} folder '{root}' does not exist; give the folder that it was unpacked to")
    files: dict[str, dict[str, Path]] = {}
    for path in sorted(root.glob("*.[eE][dD][fF]")):
        found = _PUBLISHED.match(path.stem) or _RENAMED.match(path.stem)
        if found:
            files.setdefault(found["person"], {})[_TASKS[found["task"]]] = path
    table = _table(root)
    problems = [f"person {person} is in the table and has no recording" for person in sorted(table.keys() - files)]
    trials: list[Trial] = []
    for person, theirs in sorted(files.items()):
        missing = [task for task in (REST, ARITHMETIC) if task not in theirs]
        if missing:
            problems.append(f"person {person} has no recording of {missing[0]}")
            continue
        trials += [_trial(person, task, theirs[task], table.get(person, {})) for task in (REST, ARITHMETIC)]
    if not trials:
        raise MoodringError(_nothing(root, problems))
    return EegMat(tuple(trials), tuple(problems))


def _trial(person: str, task: str, path: Path, row: Mapping[str, str]) -> Trial:
    groups = {"session": f"{person} {task}"}
    ratings = {}
    if sex := row.get("sex", row.get("gender", "")):
        groups["sex"] = sex
    if count := row.get("subtractions", row.get("number of subtractions", "")):
        try:
            ratings["subtractions"] = float(count)
        except ValueError:
            raise MoodringError(f"person {person} has {count!r} subtractions; a number was expected") from None
    return Trial(f"{person} {task}", person, labels={"task": task}, ratings=ratings, groups=groups, file=path)


def _table(root: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the table of people by their number; empty where there is no table."""
    path = next((root / name for name in _TABLES if (root / name).is_file()), None)
    if path is None:
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [
            {(key or "").strip().lower(): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
            for row in csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        ]
    named = ((re.sub(r"\D", "", row.get("participant_id", row.get("subject", ""))), row) for row in rows)
    return {person: row for person, row in named if person}


def _nothing(root: Path, problems: list[str]) -> str:
    inside = sorted({path.parent for path in root.glob("*/*.edf")})
    if problems:
        return f"{NAME} folder '{root}' has nobody with rest and arithmetic ({problems[0]}); copy it again"
    hint = f"; give '{inside[0]}'" if inside else "; give the folder that holds the EDF files"
    return f"'{root}' holds no Subject00_1.edf or sub-00_rest.edf, which {NAME} has{hint}"
