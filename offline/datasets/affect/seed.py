"""SEED (Zheng and Lu 2015, https://doi.org/10.1109/TAMD.2015.2431497): 15 people, three sittings of 15 clips each.

``Preprocessed_EEG/1_20131027.mat`` (person and date) has a matrix (electrode, time) a clip, ``…_eeg1`` to ``…_eeg15``,
of 62 electrodes at 200 Hz, and ``label.mat`` the emotion that each clip was chosen for: -1 negative, 0 neutral, 1
positive. There is no rating of arousal, no film and no rest. The recordings as ``.cnt`` are read as recordings of your
own (:mod:`.recordings`).
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....configs.schema.errors import MoodringError
from ....models.contract import LEVELS, Signal
from ..affect_corpus import AffectCorpus, AffectTrial, file_of, not_here, regular_signal
from ..mat_files import mat_names, read_mat

NAME = "SEED"
RATE_HZ = 200.0
ELECTRODES = (
    "Fp1", "Fpz", "Fp2", "AF3", "AF4", "F7", "F5", "F3", "F1", "Fz", "F2", "F4", "F6", "F8", "FT7", "FC5", "FC3",
    "FC1", "FCz", "FC2", "FC4", "FC6", "FT8", "T7", "C5", "C3", "C1", "Cz", "C2", "C4", "C6", "T8", "TP7", "CP5",
    "CP3", "CP1", "CPz", "CP2", "CP4", "CP6", "TP8", "P7", "P5", "P3", "P1", "Pz", "P2", "P4", "P6", "P8", "PO7",
    "PO5", "PO3", "POz", "PO4", "PO6", "PO8", "CB1", "O1", "Oz", "O2", "CB2",
)  # fmt: skip
LABEL_SOURCE = "the emotion that a clip was chosen for: negative, neutral or positive as low, medium and high valence"
_FOLDERS = ("Preprocessed_EEG", ".")
_FILE = re.compile(r"^(?P<person>\d+)_(?P<date>\d{8})\.mat$")
_CLIP = re.compile(r"_eeg(?P<clip>\d+)$")


@dataclass(frozen=True)
class SeedFiles:
    """Loader of trials: one matrix of a file at a time."""

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG of a trial.

        Raises
        ------
        MoodringError
            The file lacks the clip, or has other electrodes.
        """
        path = file_of(trial)
        names = [name for name in mat_names(path) if (found := _CLIP.search(name)) and found["clip"] == trial.stimulus]
        if not names:
            raise MoodringError(
                f"trial '{trial.name}': '{path}' has no matrix of clip {trial.stimulus}; copy it again, or train with "
                'on_bad = "skip"'
            )
        samples = np.asarray(read_mat(path, names[:1])[names[0]])
        if samples.ndim != 2 or len(samples) != len(ELECTRODES):
            raise MoodringError(
                f"trial '{trial.name}': {samples.shape} came; ({len(ELECTRODES)}, times) was expected: copy it again"
            )
        return regular_signal(samples.T, RATE_HZ, ELECTRODES, trial.name)


def found_in(root: Path) -> bool:
    """Return whether a folder has the layout."""
    return _folder(root) is not None


def read(root: Path) -> AffectCorpus:
    """Read the folder that holds ``Preprocessed_EEG``, or that folder itself.

    Raises
    ------
    MoodringError
        There is no such file, no ``label.mat``, or a label that is none.
    """
    folder = _folder(root)
    if folder is None:
        raise not_here(NAME, root, "Preprocessed_EEG/1_20131027.mat and label.mat")
    labels = np.ravel(read_mat(folder / "label.mat", ("label",)).get("label", np.zeros(0)))
    if not len(labels) or not set(labels.tolist()) <= {-1, 0, 1}:
        raise MoodringError(
            f"'{folder / 'label.mat'}' holds {labels.tolist()[:5]}; -1, 0 and 1 were expected: use a copy"
        )
    trials = []
    for path in sorted(folder.iterdir()):
        found = _FILE.match(path.name)
        if not found:
            continue
        for number, label in enumerate(labels.tolist(), start=1):
            trials.append(
                AffectTrial(
                    f"{path.stem} clip {number:02d}",
                    found["person"],
                    stimulus=str(number),
                    labels={"valence": LEVELS[int(label) + 1]},
                    groups={"session": path.stem},
                    file=path,
                    order=number - 1,
                )
            )
    return AffectCorpus(NAME, tuple(trials), SeedFiles(), LABEL_SOURCE)


def _folder(root: Path) -> Path | None:
    for name in _FOLDERS:
        folder = root / name
        if (folder / "label.mat").is_file() and any(_FILE.match(one.name) for one in folder.iterdir()):
            return folder
    return None
