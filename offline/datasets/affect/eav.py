"""EAV (Lee et al. 2024, https://doi.org/10.1038/s41597-024-03838-4): EEG and films of 42 people in conversation.

``subject1/EEG/subject1_eeg.mat`` holds ``seg`` or ``seg1`` (time, electrode, trial), 20 s at 500 Hz, and
``subject1_eeg_label.mat`` a row for each emotion of listening and speaking; the films'
``subject1/Video/001_Trial_01_Listening_Neutral.mp4`` begin with the number of the trial. Nobody rated: the emotion that
a conversation was held in stands for both levels. There is no rest. A person's file is read whole.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ....configs.schema.errors import MoodringError
from ....models.contract import FloatArray, Signal
from ..affect_corpus import AffectCorpus, AffectTrial, file_of, not_here, regular_signal
from ..mat_files import mat_names, read_mat

NAME = "EAV"
RATE_HZ = 500.0
MAINS_HZ = 60.0
ELECTRODES = (
    "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC1", "FC2", "FC6", "T7", "C3", "Cz", "C4", "T8", "CP5",
    "CP1", "CP2", "CP6", "P7", "P3", "Pz", "P4", "P8", "PO9", "O1", "Oz", "O2", "PO10",
)  # fmt: skip
EMOTIONS = {
    "Neutral": ("medium", "medium"),
    "Sadness": ("low", "low"),
    "Anger": ("low", "high"),
    "Happiness": ("high", "high"),
    "Calmness": ("high", "low"),
}
"""Valence and arousal of each emotion on the circumplex (Russell 1980), in the order of the label file."""
LABEL_SOURCE = "the emotion a conversation was held in, as its place on the circumplex; nobody rated"
_PERSON = re.compile(r"^subject(?P<person>\d+)$")
_FILM = re.compile(r"^(?P<trial>\d{3})_Trial_\d+_(?P<what>Listening|Speaking)_(?P<emotion>[A-Za-z]+)\.(mp4|avi|mkv)$")


@dataclass
class EavFiles:
    """Loader of trials; holds the file read last."""

    _path: Path | None = None
    _data: FloatArray | None = field(default=None, repr=False)

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG of a trial."""
        path = file_of(trial)
        if self._data is None or self._path != path:
            self._path, self._data = path, _segments(path)
        if trial.order >= self._data.shape[2]:
            raise MoodringError(
                f"trial '{trial.name}': '{path}' has {self._data.shape[2]} trials; copy it again, or train with "
                'on_bad = "skip"'
            )
        return regular_signal(self._data[:, :, trial.order], RATE_HZ, ELECTRODES, trial.name)

    def __getstate__(self) -> dict[str, object]:
        """Return nothing of what was read: another process reads for itself."""
        return {"_path": None, "_data": None}


def found_in(root: Path) -> bool:
    """Return whether a folder has the layout."""
    return next(iter(root.glob("subject*/EEG/subject*_eeg.mat")), None) is not None


def read(root: Path) -> AffectCorpus:
    """Read the folder that holds ``subject1`` and so on.

    Raises
    ------
    MoodringError
        There is none, labels have another shape, or a film's name says another emotion than the labels.
    """
    if not found_in(root):
        raise not_here(NAME, root, "subject1/EEG/subject1_eeg.mat")
    trials: list[AffectTrial] = []
    problems: list[str] = []
    folders = ((int(found["person"]), one) for one in root.iterdir() if (found := _PERSON.match(one.name)))
    for number, folder in sorted(folders):
        eeg = folder / "EEG" / f"{folder.name}_eeg.mat"
        labels = folder / "EEG" / f"{folder.name}_eeg_label.mat"
        if not eeg.is_file() or not labels.is_file():
            problems.append(f"{folder.name} has no {(labels if eeg.is_file() else eeg).name}")
            continue
        theirs = _trials(number, folder, eeg, labels)
        trials += theirs
        without = sum(one.video is None for one in theirs)
        if without:
            problems.append(f"{folder.name}: {without} of {len(theirs)} trials have no film")
    return AffectCorpus(NAME, tuple(trials), EavFiles(), LABEL_SOURCE, tuple(problems), line_hz=MAINS_HZ)


def _trials(number: int, folder: Path, eeg: Path, labels: Path) -> list[AffectTrial]:
    table = np.asarray(read_mat(labels, ("label",)).get("label", np.zeros((0, 0))))
    names = tuple(EMOTIONS)
    if table.ndim != 2 or len(table) != 2 * len(names):
        raise MoodringError(
            f"'{labels}': label {table.shape} came; ({2 * len(names)}, trials) was expected: copy it again"
        )
    films = {int(found["trial"]): (one, found) for one in _files(folder / "Video") if (found := _FILM.match(one.name))}
    trials = []
    for order, row in enumerate(table.argmax(axis=0).tolist()):
        emotion = names[row // 2]
        film, found = films.get(order + 1, (None, None))
        if found is not None and found["emotion"] != emotion:
            raise MoodringError(
                f"'{film}' says {found['emotion']}, and '{labels.name}' {emotion} for trial {order + 1}; both belong "
                "to one release: copy both again"
            )
        valence, arousal = EMOTIONS[emotion]
        trials.append(
            AffectTrial(
                f"subject {number:02d} trial {order + 1:03d}",
                f"{number:02d}",
                stimulus=emotion,
                labels={"valence": valence, "arousal": arousal},
                groups={"session": f"{number:02d}", "task": found["what"].lower() if found else ""},
                file=eeg,
                order=order,
                video=film,
            )
        )
    return trials


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _segments(path: Path) -> FloatArray:
    name = "seg1" if "seg1" in mat_names(path) else "seg"
    data = np.asarray(read_mat(path, (name,)).get(name, np.zeros(0)))
    if data.ndim != 3 or data.shape[1] != len(ELECTRODES):
        raise MoodringError(
            f"'{path}': {name} {data.shape} came; (times, {len(ELECTRODES)}, trials) was expected: copy it again"
        )
    return data.astype(np.float32)
