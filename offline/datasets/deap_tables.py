"""The table of ratings and the films of the face of DEAP: what its two releases share."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ...configs.schema.errors import MoodringError

_TABLES = ("participant_ratings.csv", "metadata_csv/participant_ratings.csv", "Metadata/participant_ratings.csv")
_FILM = re.compile(r"^s(\d\d)_trial(\d\d)\.(avi|mp4|mkv)$")
_COLUMNS = ("Participant_id", "Trial", "Experiment_id", "Valence", "Arousal")


@dataclass(frozen=True)
class RatedVideo:
    """One line of the table.

    Attributes
    ----------
    trial : int
        Place in the order of presentation, from 1.
    video : int
        Number of the video, from 1.
    valence, arousal : float
    """

    trial: int
    video: int
    valence: float
    arousal: float


def read_ratings(root: Path) -> tuple[dict[str, tuple[RatedVideo, ...]], Path | None]:
    """Return the ratings of each person ("s01"), in order of presentation, and the file they came from.

    Returns
    -------
    ratings : dict
        Empty where there is no table.
    path : Path or None

    Raises
    ------
    MoodringError
        The table lacks a column, or a value is no number.
    """
    path = next((root / name for name in _TABLES if (root / name).is_file()), None)
    if path is None:
        return {}, None
    found: dict[str, list[RatedVideo]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise MoodringError(f"'{path}' has no column {missing[0]}; {', '.join(_COLUMNS)} were expected: use a copy")
        for number, row in enumerate(reader, start=2):
            try:
                person = f"s{int(row['Participant_id']):02d}"
                rated = RatedVideo(
                    int(row["Trial"]), int(row["Experiment_id"]), float(row["Valence"]), float(row["Arousal"])
                )
            except (TypeError, ValueError):
                raise MoodringError(f"'{path}' line {number}: numbers were expected; {row} came: correct it") from None
            found.setdefault(person, []).append(rated)
    ratings = {person: tuple(sorted(rows, key=lambda one: one.trial)) for person, rows in found.items()}
    return ratings, path


def films_of(root: Path) -> dict[tuple[str, int], Path]:
    """Return the films of the face by person ("s01") and place in the order of presentation, from 1."""
    found = {}
    for path in sorted((root / "face_video").glob("s*/s*_trial*")):
        named = _FILM.match(path.name)
        if named:
            found[f"s{named[1]}", int(named[2])] = path
    return found
