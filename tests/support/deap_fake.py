"""DEAP made up, in both of its releases, with the quirks of the real one; small, or at full size."""

import csv
import pickle

import numpy as np

from moodring.offline.datasets.affect.deap import ELECTRODES
from tests.support.corpus_parts import made_eeg, write_bdf, write_film

LEVELS = ((2.0, 8.0), (5.0, 2.0), (8.0, 5.0), (3.0, 3.5), (7.5, 7.0), (5.2, 5.2))
RATE_HZ, REST_S = 128, 3


def rating(person, video):
    """Return valence and arousal of a video, a little different for each person."""
    valence, arousal = LEVELS[(video - 1) % len(LEVELS)]
    return valence + 0.05 * (person % 3), arousal + 0.05 * (person % 2)


def presented(person, videos):
    """Return the videos in the order in which a person saw them."""
    return [int(v) for v in np.random.default_rng(person).permutation(videos) + 1]


def write_ratings(root, people, videos):
    root.mkdir(parents=True, exist_ok=True)
    with (root / "participant_ratings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("Participant_id", "Trial", "Experiment_id", "Start_time", "Valence", "Arousal", "Dominance", "Liking",
             "Familiarity")
        )  # fmt: skip
        for person in people:
            for trial, video in enumerate(presented(person, videos), start=1):
                valence, arousal = rating(person, video)
                writer.writerow((person, trial, video, 1000 * trial, valence, arousal, 5.0, 6.0, 3))


def write_films(root, people, videos, seconds, rate_hz=25, missing=(), size=192, drawn=None):
    """Write a film a trial; ``missing`` are (person, trial) that have none, as of s03, s05, s11, s14."""
    for person in people:
        for trial in range(1, videos + 1):
            if person <= 22 and (person, trial) not in missing:
                path = root / "face_video" / f"s{person:02d}" / f"s{person:02d}_trial{trial:02d}.avi"
                write_film(path, seconds, rate_hz, person, size=size, drawn=drawn)


def write_preprocessed(root, people=(1, 2, 3), videos=6, seconds=12, missing=(), table=True, films=True):
    """Write ``data_preprocessed_python``; trial rows follow the video, films the order of presentation."""
    folder = root / "data_preprocessed_python"
    folder.mkdir(parents=True, exist_ok=True)
    for person in people:
        data = np.zeros((videos, 40, (REST_S + seconds) * RATE_HZ))
        labels = np.zeros((videos, 4))
        for row in range(videos):
            valence, arousal = rating(person, row + 1)
            rest = made_eeg((person, row, 0), REST_S, RATE_HZ, 40, 0.0, 0.0)
            shown = made_eeg((person, row, 1), seconds, RATE_HZ, 40, (valence - 5) / 4, (arousal - 5) / 4)
            data[row] = np.concatenate([rest, shown]).T
            labels[row] = (valence, arousal, 5.0, 6.0)
        (folder / f"s{person:02d}.dat").write_bytes(pickle.dumps({"labels": labels, "data": data}, protocol=2))
    if table:
        write_ratings(root, people, videos)
    if films:
        write_films(root, people, videos, seconds, missing=missing)
    return root


BIOSEMI_NEW = tuple(reversed(ELECTRODES))
"""The order of another system, as of s23 to s32."""
EXTRA = ("EXG1", "EXG2", "EXG3", "EXG4", "GSR1", "Resp", "Plet", "Temp")


def write_original(
    root, people=(1, 2, 23), videos=3, seconds=12, rate_hz=512, missing=(), fixation_s=5, film_rate_hz=25, size=192,
    drawn=None, films=True,
):  # fmt: skip
    """Write ``data_original``: one BDF a person with codes on Status, 48 channels in full."""
    for person in people:
        order = BIOSEMI_NEW if person >= 23 else ELECTRODES
        pieces, codes = [], []

        def add(eeg, code, codes=codes, pieces=pieces):
            pieces.append(eeg)
            column = np.zeros(len(eeg), np.int64)
            if code is not None:
                column[: max(1, rate_hz // 50)] = code
            codes.append(column)

        def eeg(part, length_s, valence=0.0, arousal=0.0, person=person):
            return made_eeg((person, part), length_s, rate_hz, len(ELECTRODES), valence, arousal)

        add(eeg(0, 2), 1)
        for trial, video in enumerate(presented(person, videos), start=1):
            valence, arousal = rating(person, video)
            add(eeg(10 * trial, fixation_s), 3)
            add(eeg(10 * trial + 1, seconds, (valence - 5) / 4, (arousal - 5) / 4), 4)
            add(eeg(10 * trial + 2, 3), 5)
        add(eeg(5, 2), 7)
        samples, status = np.concatenate(pieces), np.concatenate(codes)
        # Offsets of electrodes of millivolts, and bits above the codes, as the device sends them.
        columns = samples[:, [ELECTRODES.index(name) for name in order]] + 4000.0
        others = np.random.default_rng(person).normal(0, 50, (len(columns), len(EXTRA)))
        write_bdf(
            root / "data_original" / f"s{person:02d}.bdf", np.concatenate([columns, others], axis=1), rate_hz,
            (*order, *EXTRA), status + (0x190000 if person >= 24 else 0),
        )  # fmt: skip
    write_ratings(root, people, videos)
    if films:
        write_films(root, people, videos, seconds, film_rate_hz, missing, size, drawn)
    return root
