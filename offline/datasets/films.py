"""Corpora of emotional films: which clip shows whom, saying what, in which emotion; and the faces of a clip."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import ConfigError, MoodringError
from ...models.contract import Image
from ...models.signals.face.detection import FaceDetector
from ...models.signals.face.images import crop_face
from ..recordings.frames import FileFrames, frame_times
from ..recordings.sound import FILM_SUFFIXES
from .base import Trial
from .speech import crema_d, enterface, ravdess, savee
from .speech_corpus import FileName, OnBad, SpeechCorpus, collect, sound_files, spoken_trial

_BY_NAME: Mapping[str, ModuleType] = {"crema_d": crema_d, "ravdess": ravdess, "savee": savee}
_LAYOUTS = {
    "crema_d": "VideoFlash/1001_DFA_ANG_XX.flv",
    "ravdess": "Actor_01/01-01-03-01-01-01-01.mp4",
    "savee": "AVClips/DC/a01.avi",
}
FILM_CORPORA = ("enterface", *_BY_NAME)
_LONGEST_FRAME = 640  # YuNet itself searches at half of it; a face at a desk keeps more pixels than a crop has


def read_films(name: str, root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """List the clips of eNTERFACE'05, SAVEE, RAVDESS or CREMA-D that show a face and hold its speech.

    Parameters
    ----------
    name : str
        One of :data:`FILM_CORPORA`.
    root : Path
        The folder it was unpacked to. Sound files beside the films are left alone, and so are RAVDESS's songs and
        films without sound.
    on_bad : "stop" or "skip"

    Returns
    -------
    SpeechCorpus
        A trial a clip: person, prompt, emotion, further groups, and the film as its file.

    Raises
    ------
    ConfigError
        There is no such corpus of films.
    MoodringError
        No film is there, or one is bad and ``on_bad`` is "stop".
    """
    if name not in FILM_CORPORA:
        raise ConfigError(f"corpus '{name}' has no films that are read; name one of {', '.join(FILM_CORPORA)}")
    if name == "enterface":
        return enterface.read(root, on_bad)
    films = [path for path in sound_files(root, name) if path.suffix.lower() in FILM_SUFFIXES]
    if not films:
        raise MoodringError(f"{name}: no film lies under '{root}'; expected {_LAYOUTS[name]}")
    parse: Callable[[Path], FileName | None] = _BY_NAME[name].parse_name

    def trial_of(path: Path) -> Trial | None:
        parsed = parse(path)
        if parsed is None:
            raise MoodringError(f"'{path}' is not named as {name} names its films ({_LAYOUTS[name]})")
        if name == "ravdess" and (parsed.groups["modality"], parsed.groups["channel"]) != ("01", "01"):
            return None
        return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt, parsed.groups)

    def clip(trial: Trial) -> str:
        return f"{trial.subject} {trial.stimulus} {trial.labels['emotion']} {' '.join(trial.groups.values())}"

    return collect(f"{name} films", root, films, trial_of, on_bad, identity=clip)


def film_faces(path: Path, count: int, side: int, detector: FaceDetector) -> Image:
    """Return the main face of frames evenly spaced over a film.

    Parameters
    ----------
    path : Path
    count : int
        How many frames are searched; the first and last moments of a clip, where nothing is expressed yet or any
        more, are left out.
    side : int
        Of a crop in pixels.
    detector : FaceDetector

    Returns
    -------
    (n, side, side) uint8
        Grey; frames without a face are left out.

    Raises
    ------
    MoodringError
        The film cannot be read, or no frame shows a face.
    """
    times = frame_times(path)
    if times is None:
        raise MoodringError(f"'{path}' holds no pictures; give a film")
    frames = FileFrames(path, times, _LONGEST_FRAME)
    crops = []
    try:
        for index in _spaced(len(frames), count):
            image = frames[int(index)]
            box = detector.find(image)
            if box is not None:
                crops.append(crop_face(image, box, side))
    finally:
        frames.close()
    if not crops:
        raise MoodringError(
            f"no face was found in {count} frames of '{path}'; take the clip away, or check its picture"
        )
    return np.stack(crops)


def _spaced(length: int, count: int) -> NDArray[np.int64]:
    """Return the middles of so many equal parts of a film, each frame once."""
    middles = (np.arange(count) + 0.5) * length / count
    return np.unique(np.minimum(middles.astype(np.int64), length - 1))
