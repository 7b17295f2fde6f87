"""DEAP, preprocessed (Koelstra et al. 2012, https://doi.org/10.1109/T-AFFC.2011.15): 32 people, 40 music videos each.

``data_preprocessed_python/s01.dat`` (pickles, read by :mod:`..array_pickles`: arrays alone) or
``data_preprocessed_matlab/s01.mat``: 128 Hz, 3 s of rest, then 60 s of the video (8,064 samples); ``data`` (trial,
channel, time) and ``labels`` (trial, [valence, arousal, dominance, liking]).

Rows follow the number of the *video* (``Experiment_id``), films of the face the order of *presentation* (``Trial``):
both are joined by ``participant_ratings.csv``, without which there is no film and no order. Then each trial is a
session of its own, so that the rest of no other trial, which may have come later, counts for it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....models.contract import FloatArray, Signal
from ..affect_corpus import NINE_POINTS, AffectCorpus, AffectTrial, file_of, levels_of, not_here, regular_signal
from ..array_pickles import read_arrays
from ..deap_tables import RatedVideo, films_of, read_ratings

NAME = "DEAP"
ELECTRODES = (
    "Fp1", "AF3", "F3", "F7", "FC5", "FC1", "C3", "T7", "CP5", "CP1", "P3", "P7", "PO3", "O1", "Oz", "Pz",
    "Fp2", "AF4", "Fz", "F4", "F8", "FC6", "FC2", "Cz", "C4", "T8", "CP6", "CP2", "P4", "P8", "PO4", "O2",
)  # fmt: skip
RATE_HZ = 128.0
REST_S = 3.0
VIDEOS = 40
LABEL_SOURCE = f"rated by the person after each video, {NINE_POINTS}"
_FOLDERS = ("data_preprocessed_python", "data_preprocessed_matlab")
_FILE = re.compile(r"^s(\d\d)\.(dat|mat)$")
_RATED = ("valence", "arousal", "dominance", "liking")


@dataclass
class PreprocessedFiles:
    """Loader of trials; holds the file read last, because a person's trials lie in one."""

    _path: Path | None = None
    _data: FloatArray | None = field(default=None, repr=False)

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG of a trial."""
        path, row = file_of(trial), int(trial.stimulus) - 1
        if path != self._path or self._data is None:
            self._path, self._data = path, read_person(path)[0]
        name = f"{path.name} video {trial.stimulus}"
        return regular_signal(self._data[row, : len(ELECTRODES)].T, RATE_HZ, ELECTRODES, name)

    def __getstate__(self) -> dict[str, object]:
        """Return nothing of what was read: another process reads for itself."""
        return {"_path": None, "_data": None}


def found_in(root: Path) -> bool:
    """Return whether a folder has the layout."""
    return _folder(root) is not None


def read(root: Path) -> AffectCorpus:
    """Read the folder that holds ``data_preprocessed_python``, and ``face_video`` and the table of ratings beside it.

    Raises
    ------
    MoodringError
        It has no such folder, a file is damaged, a rating lies outside 1 to 9, or ratings and table disagree.
    """
    folder = _folder(root)
    if folder is None:
        raise not_here(NAME, root, f"{_FOLDERS[0]}/s01.dat")
    table, path = read_ratings(root)
    problems = [] if path else [f"no participant_ratings.csv in '{root}': films and order of the trials are not known"]
    films = films_of(root)
    trials: list[AffectTrial] = []
    for file in sorted(one for one in folder.iterdir() if _FILE.match(one.name)):
        person = file.stem
        labels = read_person(file)[1]
        if len(labels) < VIDEOS:
            problems.append(f"{person} has {len(labels)} of {VIDEOS} trials")
        rated = {one.video: one for one in table.get(person, ())}
        theirs = [_trial(file, row, labels[row], rated.get(row + 1), films) for row in range(len(labels))]
        trials += sorted(theirs, key=lambda trial: trial.order)
        shown = [trial for trial in theirs if trial.video is not None]
        if rated and len(shown) < len(theirs):
            problems.append(f"{person}: {len(theirs) - len(shown)} of {len(theirs)} trials have no film of the face")
    problems += [f"{person} is in the table and has no file" for person in sorted(set(table) - _people(trials))]
    return AffectCorpus(NAME, tuple(trials), PreprocessedFiles(), LABEL_SOURCE, tuple(problems))


def read_person(path: Path) -> tuple[FloatArray, NDArray[np.float64]]:
    """Return one person's data ``(trials, channels, times)`` in microvolts, and labels ``(trials, 4)``.

    Raises
    ------
    MoodringError
        The file cannot be read or has other shapes.
    """
    arrays = _mat_arrays(path) if path.suffix == ".mat" else read_arrays(path)
    data, labels = arrays.get("data"), arrays.get("labels")
    if data is None or labels is None:
        raise MoodringError(
            f"'{path}' holds {', '.join(sorted(arrays)) or 'no array'}; 'data' and 'labels' were expected: "
            "copy it again"
        )
    if data.ndim != 3 or data.shape[1] < len(ELECTRODES) or labels.shape != (len(data), len(_RATED)):
        raise MoodringError(
            f"'{path}': data {data.shape} and labels {labels.shape} came; (trials, 40, times) and (trials, 4) were "
            "expected: copy it again"
        )
    return data.astype(np.float32), labels.astype(np.float64)


def _folder(root: Path) -> Path | None:
    for name in _FOLDERS:
        if (root / name).is_dir() and any(_FILE.match(one.name) for one in (root / name).iterdir()):
            return root / name
    return None


def _people(trials: list[AffectTrial]) -> set[str]:
    return {trial.subject for trial in trials}


def _trial(
    file: Path, row: int, labels: NDArray[np.float64], rated: RatedVideo | None, films: dict[tuple[str, int], Path]
) -> AffectTrial:
    person, video = file.stem, row + 1
    name = f"{person} video {video:02d}"
    ratings = dict(zip(_RATED, (float(value) for value in labels), strict=True))
    if rated is not None and abs(rated.valence - ratings["valence"]) > 0.01:
        raise MoodringError(
            f"'{file}': video {video} has valence {ratings['valence']:g}, the table of ratings has {rated.valence:g} "
            "for it; both belong to one release: copy both again"
        )
    film = None if rated is None else films.get((person, rated.trial))
    return AffectTrial(
        name,
        person,
        stimulus=str(video),
        labels=levels_of(ratings, NINE_POINTS, name),
        ratings=ratings,
        groups={"session": name if rated is None else person},
        file=file,
        order=video - 1 if rated is None else rated.trial - 1,
        rest_s=REST_S,
        video=film,
        video_start_s=REST_S,
    )


def _mat_arrays(path: Path) -> dict[str, NDArray[np.float64]]:
    from ..mat_files import read_mat

    return {name: np.asarray(value) for name, value in read_mat(path, ("data", "labels")).items()}
