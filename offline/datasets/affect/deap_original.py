"""DEAP, as recorded: one BioSemi file a person at 512 Hz, films of the face, ratings.

``data_original/s01.bdf`` … ``s32.bdf`` have 32 electrodes among 48 channels, in another order from s23 on: they are
picked by name. Codes of the channel Status (its lowest byte): 3 begins 5 s of fixation, the rest of a trial here; 4 the
video, 5 what follows it. Trials, and the films ``face_video/s01/s01_trial01.avi``, are in the order of presentation.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ....models.contract import Signal
from ..affect_corpus import NINE_POINTS, AffectCorpus, AffectTrial, file_of, levels_of, not_here
from ..biosemi import BiosemiFile
from ..deap_tables import films_of, read_ratings
from .deap import ELECTRODES, LABEL_SOURCE
from .deap import NAME as FAMILY

NAME = "DEAP original"
REST_S = 5.0
VIDEO_S = 60.0
_FIXATION, _VIDEO, _AFTER = 3, 4, 5
_FOLDER = "data_original"


@dataclass
class OriginalFiles:
    """Loader of trials; keeps the events of the file read last, and reads one trial's samples at a time."""

    _file: BiosemiFile | None = field(default=None, repr=False)

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG of a trial, from the start of its fixation to the end of its video.

        Raises
        ------
        MoodringError
            The file cannot be read, lacks an electrode, or has fewer trials than the table.
        """
        path = file_of(trial)
        if self._file is None or self._file.path != path:
            self._file = BiosemiFile.open(path)
        begins = self._file.codes(_VIDEO)
        if trial.order >= len(begins):
            raise MoodringError(
                f"trial '{trial.name}': '{path}' has {len(begins)} videos on its Status channel, and the table of "
                f'ratings has one with number {trial.order + 1}; copy it again, or train with on_bad = "skip"'
            )
        start_s = begins[trial.order]
        ends = [at for at in self._file.codes(_AFTER) if at > start_s]
        stop_s = min([start_s + VIDEO_S, *ends[:1]])
        return self._file.signal(ELECTRODES, start_s - trial.rest_s, stop_s)

    def __getstate__(self) -> dict[str, object]:
        """Return nothing of what was read: another process reads for itself."""
        return {"_file": None}


def found_in(root: Path) -> bool:
    """Return whether a folder has the layout."""
    return any((root / _FOLDER).glob("s[0-9][0-9].bdf"))


def read(root: Path) -> AffectCorpus:
    """Read the folder that holds ``data_original``, ``participant_ratings.csv`` and ``face_video``.

    Raises
    ------
    MoodringError
        There is no BDF file or no table, or a rating lies outside 1 to 9.
    """
    files = {path.stem: path for path in sorted((root / _FOLDER).glob("s[0-9][0-9].bdf"))}
    if not files:
        raise not_here(NAME, root, f"{_FOLDER}/s01.bdf")
    table, path = read_ratings(root)
    if path is None:
        raise not_here(NAME, root, "participant_ratings.csv")
    films = films_of(root)
    problems = [f"{person} has ratings and no file" for person in sorted(table.keys() - files.keys())]
    problems += [f"{person} has a file and no ratings" for person in sorted(files.keys() - table.keys())]
    trials: list[AffectTrial] = []
    for person, rated in sorted(table.items()):
        if person not in files:
            continue
        for one in rated:
            name = f"{person} trial {one.trial:02d}"
            ratings = {"valence": one.valence, "arousal": one.arousal}
            trials.append(
                AffectTrial(
                    name,
                    person,
                    stimulus=str(one.video),
                    labels=levels_of(ratings, NINE_POINTS, name),
                    ratings=ratings,
                    groups={"session": person},
                    file=files[person],
                    order=one.trial - 1,
                    rest_s=REST_S,
                    video=films.get((person, one.trial)),
                    video_start_s=REST_S,
                )
            )
        without = sum((person, one.trial) not in films for one in rated)
        if without:
            problems.append(f"{person}: {without} of {len(rated)} trials have no film of the face")
    return AffectCorpus(NAME, tuple(trials), OriginalFiles(), LABEL_SOURCE, tuple(problems), release_of=FAMILY)
