"""RAVDESS: 24 actors, two statements, eight emotions.

Livingstone and Russo (2018), The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 13(5),
https://doi.org/10.1371/journal.pone.0196391
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import FileName, OnBad, SpeechCorpus, collect, file_of, known_code, sound_files, spoken_trial

EMOTION_CODES = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}

_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_SONG, _FILM_ONLY, _WITH_FILM = "02", "02", "01"


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read the spoken part of ``Actor_AA/MM-VV-EE-II-SS-RR-AA.(wav|flac|mp4)``.

    Songs and films without sound are left out, and so is a film whose sound is there as a file of its own.
    The prompt is the statement; groups: intensity, repetition, sex. Of an actor who is there, each of the 60 files
    that is not counts as missing.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad or missing and ``on_bad`` is "stop".
    """
    files = sound_files(root, "RAVDESS")
    stems = {path.stem for path in files}

    def trial_of(path: Path) -> Trial | None:
        trial = _trial(path, root)
        doubled = path.stem.startswith(f"{_WITH_FILM}-") and f"03{path.stem[2:]}" in stems
        return None if doubled else trial

    return collect("RAVDESS", root, files, trial_of, on_bad, identity=_take, missing=_missing)


def parse_name(path: Path) -> FileName | None:
    """Parse ``03-01-06-02-02-01-12``: modality, channel, emotion, intensity, statement, repetition, actor."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, channel, code, intensity, statement, repetition, actor = match.groups()
    emotion = known_code(EMOTION_CODES, code, path, "emotion number of RAVDESS")
    known_code({"01": "both", "02": "film", "03": "sound"}, modality, path, "modality number of RAVDESS")
    known_code({"01": "speech", "02": "song"}, channel, path, "channel number of RAVDESS")
    for name, value in (("intensity", intensity), ("statement", statement), ("repetition", repetition)):
        known_code({"01": "", "02": ""}, value, path, f"{name} number of RAVDESS")
    groups = {"modality": modality, "channel": channel, "intensity": intensity, "repetition": repetition}
    return FileName(emotion, actor, statement, {**groups, "sex": "male" if int(actor) % 2 else "female"})


def _take(trial: Trial) -> str:
    return file_of(trial).stem[3:]


def _trial(path: Path, root: Path) -> Trial | None:
    parsed = parse_name(path)
    if parsed is None:
        raise MoodringError(f"'{path}' is not named as RAVDESS names its files (03-01-06-01-02-01-12.wav)")
    if parsed.groups["channel"] == _SONG or parsed.groups["modality"] == _FILM_ONLY:
        return None
    if parsed.emotion == "neutral" and parsed.groups["intensity"] == "02":
        raise MoodringError(f"'{path}': neutral has no strong intensity in RAVDESS; check its name")
    folder = path.parent.name
    if folder.startswith("Actor_") and folder != f"Actor_{parsed.speaker}":
        raise MoodringError(f"'{path}' says actor {parsed.speaker} but lies in '{folder}'; check its name")
    groups = {name: value for name, value in parsed.groups.items() if name not in {"modality", "channel"}}
    return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt, groups)


def _missing(trials: Sequence[Trial]) -> Iterator[str]:
    there: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        there[trial.subject].add(_take(trial))
    numbers = ("01", "02")
    for actor, takes in sorted(there.items()):
        for emotion, intensity, statement, repetition in product(EMOTION_CODES, numbers, numbers, numbers):
            name = f"01-{emotion}-{intensity}-{statement}-{repetition}-{actor}"
            if name not in takes and (emotion, intensity) != ("01", "02"):
                yield f"'03-{name}' of actor {actor} is missing"
