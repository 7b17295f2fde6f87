"""DREAMER (Katsigiannis and Ramzan 2018, https://doi.org/10.1109/JBHI.2017.2688239): 23 people, 18 clips each.

``DREAMER.mat``: for each person and clip 14 electrodes of an Emotiv EPOC at 128 Hz, of the clip and of a neutral one
before it (``baseline``), and ratings from 1 to 5. There is no film. The file is read whole, by one process.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....models.contract import Signal
from ..affect_corpus import AffectCorpus, AffectTrial, Scale, file_of, levels_of, not_here, regular_signal
from ..mat_files import read_mat

NAME = "DREAMER"
FILE = "DREAMER.mat"
FIVE_POINTS = Scale(1.0, 5.0, 2.5, 3.5)
REST_S = 30.0
"""The end of the neutral clip; all of it lasts 61 s."""
LABEL_SOURCE = f"rated by the person after each clip, {FIVE_POINTS}"


@dataclass
class DreamerFile:
    """Loader of trials; holds the file."""

    _data: Any = field(default=None, repr=False)

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG of a trial: the end of the neutral clip, then the clip; each from its own mean."""
        if self._data is None:
            self._data = _structure(file_of(trial))
        person = self._data.Data[int(trial.subject) - 1]
        clip = int(trial.stimulus) - 1
        rate_hz = float(self._data.EEG_SamplingRate)
        names = tuple(str(name) for name in np.atleast_1d(self._data.EEG_Electrodes))
        before, shown = _samples(person.EEG.baseline[clip]), _samples(person.EEG.stimuli[clip])
        rest = before[len(before) - round(trial.rest_s * rate_hz) :]
        samples = np.concatenate([rest - rest.mean(axis=0), shown - shown.mean(axis=0)])
        return regular_signal(samples, rate_hz, names, trial.name)

    def __getstate__(self) -> dict[str, object]:
        """Return nothing of what was read: another process reads for itself."""
        return {"_data": None}


def found_in(root: Path) -> bool:
    """Return whether a folder has the layout."""
    return (root / FILE).is_file()


def read(root: Path) -> AffectCorpus:
    """Read the folder that holds ``DREAMER.mat``.

    Raises
    ------
    MoodringError
        It is not there, is damaged, or holds a rating outside 1 to 5.
    """
    path = root / FILE
    if not path.is_file():
        raise not_here(NAME, root, FILE)
    data = _structure(path)
    trials = []
    for person, one in enumerate(np.atleast_1d(data.Data), start=1):
        scores = zip(np.atleast_1d(one.ScoreValence), np.atleast_1d(one.ScoreArousal), strict=True)
        for clip, (valence, arousal) in enumerate(scores, start=1):
            name = f"person {person:02d} clip {clip:02d}"
            ratings = {"valence": float(valence), "arousal": float(arousal)}
            rate_hz = float(data.EEG_SamplingRate)
            rest_s = min(REST_S, len(_samples(one.EEG.baseline[clip - 1])) / rate_hz)
            trials.append(
                AffectTrial(
                    name,
                    str(person),
                    stimulus=str(clip),
                    labels=levels_of(ratings, FIVE_POINTS, name),
                    ratings=ratings,
                    groups={"session": str(person)},
                    file=path,
                    order=clip - 1,
                    rest_s=rest_s,
                )
            )
    return AffectCorpus(NAME, tuple(trials), DreamerFile(data), LABEL_SOURCE, scale=FIVE_POINTS)


def _structure(path: Path) -> Any:
    data = read_mat(path, ("DREAMER",), simple=True).get("DREAMER")
    wanted = ("Data", "EEG_Electrodes", "EEG_SamplingRate")
    missing = [name for name in wanted if not hasattr(data, name)]
    if missing:
        raise MoodringError(f"'{path}' has no DREAMER.{missing[0]}; {', '.join(wanted)} were expected: copy it again")
    return data


def _samples(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, np.float64).reshape(len(values), -1)
