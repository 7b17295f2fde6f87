"""DREAMER, SEED and EAV made up: their MATLAB files, with few electrodes' worth of seconds."""

import numpy as np
from scipy.io import savemat

from moodring.offline.datasets.affect.eav import ELECTRODES as EAV_ELECTRODES
from moodring.offline.datasets.affect.eav import EMOTIONS
from moodring.offline.datasets.affect.seed import ELECTRODES as SEED_ELECTRODES
from tests.support.corpus_parts import made_eeg, write_film

EPOC = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")


def write_dreamer(root, people=3, clips=2, seconds=4, baseline_s=3):
    """Write DREAMER.mat; clips differ in length, ratings go from 1 to 5."""

    def cell(parts):
        made = np.empty((len(parts), 1), object)
        for number, part in enumerate(parts):
            made[number, 0] = part
        return made

    data = np.empty((1, people), object)
    for person in range(people):
        ratings = [((person + clip) % 5 + 1, (2 * clip) % 5 + 1) for clip in range(clips)]
        eeg = {
            "baseline": cell([made_eeg((person, clip), baseline_s, 128, 14, 0, 0) + 4200 for clip in range(clips)]),
            "stimuli": cell(
                [made_eeg((person, clip, 1), seconds + clip, 128, 14, 0, 0) + 4200 for clip in range(clips)]
            ),
        }
        data[0, person] = {
            "EEG": eeg,
            "ScoreValence": np.array([[float(v)] for v, _ in ratings]),
            "ScoreArousal": np.array([[float(a)] for _, a in ratings]),
        }
    names = np.empty((1, len(EPOC)), object)
    names[0] = EPOC
    root.mkdir(parents=True, exist_ok=True)
    savemat(root / "DREAMER.mat", {"DREAMER": {"Data": data, "EEG_SamplingRate": 128.0, "EEG_Electrodes": names}})
    return root


def write_seed(root, files=("1_20131027", "1_20131030", "2_20140404"), labels=(1, 0, -1), seconds=4):
    folder = root / "Preprocessed_EEG"
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / "label.mat", {"label": np.array([labels])})
    for number, name in enumerate(files):
        clips = {
            f"djc_eeg{clip}": made_eeg((number, clip), seconds + clip, 200, len(SEED_ELECTRODES), label, 0).T
            for clip, label in enumerate(labels, start=1)
        }
        savemat(folder / f"{name}.mat", clips)
    return root


def write_eav(
    root, people=(1, 2), trials=((0, "Listening"), (7, "Speaking"), (4, "Listening")), seconds=4, films=(1, 2)
):
    """Write people; ``trials`` are rows of the label file, ``films`` the trials that have one."""
    for person in people:
        folder = root / f"subject{person}"
        (folder / "EEG").mkdir(parents=True)
        label = np.zeros((10, len(trials)))
        segments = np.zeros((seconds * 500, len(EAV_ELECTRODES), len(trials)))
        for order, (row, what) in enumerate(trials):
            label[row, order] = 1
            segments[:, :, order] = made_eeg((person, order), seconds, 500, len(EAV_ELECTRODES), 0, 0)
            if order + 1 in films:
                name = f"{order + 1:03d}_Trial_{order // 2 + 1:02d}_{what}_{list(EMOTIONS)[row // 2]}.mp4"
                write_film(folder / "Video" / name, seconds, 30, person)
        savemat(folder / "EEG" / f"subject{person}_eeg.mat", {"seg1" if person == 1 else "seg": segments})
        savemat(folder / "EEG" / f"subject{person}_eeg_label.mat", {"label": label})
    return root
