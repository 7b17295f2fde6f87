"""Recordings of the Muse headband as CSV: ``subjecta-relaxed-1.csv`` with TP9, AF7, AF8, TP10 at 256 Hz in microvolts.

The layout of Bird, Manso, Ribeiro, Ekárt and Faria (2018, A study on mental state classification using EEG-based
brain-machine interface), whose people were relaxed, neutral or concentrating for a minute each, twice.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....configs.schema.errors import MoodringError
from ....models.contract import Recording, Signal
from ..base import Trial

NAME = "Muse"
ELECTRODES = ("TP9", "AF7", "AF8", "TP10")
RATE_HZ = 256.0
STATES = ("relaxed", "neutral", "concentrating")
_FILE = re.compile(rf"^subject(?P<person>[a-z0-9]+)-(?P<state>{'|'.join(STATES)})-(?P<take>\d+)$")


@dataclass(frozen=True)
class MuseRecordings:
    """People in states of mind: a trial a file, labels ``{"state": "relaxed", "neutral" or "concentrating"}``."""

    trials: tuple[Trial, ...]
    problems: tuple[str, ...] = ()
    name: str = NAME

    def load(self, trial: Trial, /) -> Recording:
        """Return the EEG of a trial; raise MoodringError where the file cannot be read."""
        if trial.file is None:
            raise MoodringError(f"trial '{trial.name}' has no file; take the trials of this dataset")
        return read_muse_csv(trial.file)


def read_muse_csv(path: Path) -> Recording:
    """Read one file; its t0 is the first sample.

    Raises
    ------
    MoodringError
        It does not exist, has other columns, numbers that are none, times that fall, or less than a second.
    """
    try:
        with path.open(encoding="utf-8") as file:
            header = [name.strip() for name in file.readline().split(",")]
            missing = [name for name in ("timestamps", *ELECTRODES) if name not in header]
            if missing:
                raise MoodringError(
                    f"'{path}' has no column {missing[0]} (it has: {', '.join(header)}); give a file with timestamps, "
                    f"{', '.join(ELECTRODES)}"
                )
            table = np.loadtxt(file, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise MoodringError(f"'{path}' cannot be read as a table of numbers ({error}); is it complete?") from error
    if len(table) < RATE_HZ:
        raise MoodringError(f"'{path}' has {len(table)} samples, a second ({RATE_HZ:g}) is the least; record longer")
    stamps_s = table[:, header.index("timestamps")] - table[0, header.index("timestamps")]
    if (np.diff(stamps_s) < 0).any():
        raise MoodringError(f"'{path}': its timestamps fall; sort the file, or record it again")
    samples = table[:, [header.index(name) for name in ELECTRODES]].astype(np.float32)
    # Stamps are written in milliseconds; the device's own clock is regular.
    signal = Signal(samples, stamps_s, RATE_HZ, ELECTRODES, path.name, jitter_s=0.002)
    found = _FILE.match(path.stem)
    return Recording(path.stem, found["person"] if found else path.stem, NAME, 0.0, 0.0, signal, None, None, None)


def read(root: Path) -> MuseRecordings:
    """Read the folder of the recordings; raise MoodringError where it is none or holds none."""
    if not root.is_dir():
        raise MoodringError(f"Muse folder '{root}' does not exist; give the folder with the CSV files")
    found = [(path, _FILE.match(path.stem)) for path in sorted(root.glob("*.csv"))]
    trials = tuple(
        Trial(
            f"{one['person']} {one['state']} {one['take']}",
            one["person"],
            labels={"state": one["state"]},
            groups={"session": path.stem},
            file=path,
        )
        for path, one in found
        if one
    )
    if not trials:
        raise MoodringError(f"'{root}' holds no file named like subjecta-relaxed-1.csv; give the folder that does")
    problems = tuple(f"'{path.name}' is not named like subjecta-relaxed-1.csv" for path, one in found if not one)
    return MuseRecordings(trials, problems)
