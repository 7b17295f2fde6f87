"""RAVDESS: 24 actors, two statements, eight emotions (Livingstone and Russo 2018)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Corpus, OnBad, Spoken, found, gather
from .names import RAVDESS_EMOTIONS, ravdess_name

_SONG, _FILM_ONLY, _WITH_FILM = "02", "02", "01"


def read_ravdess(root: Path, on_bad: OnBad = "stop") -> Corpus:
    """Read the spoken part of ``Actor_AA/MM-VV-EE-II-SS-RR-AA.(wav|flac|mp4)``.

    Songs and films without sound are left out, and so is a film whose sound is there as a file of its own.
    Groups: speaker, prompt (the statement), intensity, repetition, sex. Of an actor who is there, each of the 60 files
    that is not counts as missing.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad or missing and ``on_bad`` is "stop".
    """
    files = found(root, "RAVDESS")
    stems = {path.stem for path in files}

    def read(path: Path) -> Spoken | None:
        item = _read(path)
        doubled = path.stem.startswith(f"{_WITH_FILM}-") and f"03{path.stem[2:]}" in stems
        return None if doubled else item

    return gather("RAVDESS", root, files, read, on_bad, identity=_take, expected=_missing)


def _take(item: Spoken) -> str:
    return item.path.stem[3:]


def _read(path: Path) -> Spoken | None:
    named = ravdess_name(path)
    if named is None:
        raise MoodringError(f"'{path}' is not named as RAVDESS names its files (03-01-06-01-02-01-12.wav)")
    if named.groups["channel"] == _SONG or named.groups["modality"] == _FILM_ONLY:
        return None
    if named.label == "neutral" and named.groups["intensity"] == "02":
        raise MoodringError(f"'{path}': neutral has no strong intensity in RAVDESS; check its name")
    folder = path.parent.name
    if folder.startswith("Actor_") and folder != f"Actor_{named.speaker}":
        raise MoodringError(f"'{path}' says actor {named.speaker} but lies in '{folder}'; check its name")
    groups = {name: value for name, value in named.groups.items() if name not in {"modality", "channel"}}
    return Spoken(path, named.label, named.speaker, named.prompt, groups)


def _missing(items: Sequence[Spoken]) -> Iterator[str]:
    there: dict[str, set[str]] = defaultdict(set)
    for item in items:
        there[item.speaker].add(_take(item))
    numbers = ("01", "02")
    for actor, takes in sorted(there.items()):
        for emotion, intensity, statement, repetition in product(RAVDESS_EMOTIONS, numbers, numbers, numbers):
            name = f"01-{emotion}-{intensity}-{statement}-{repetition}-{actor}"
            if name not in takes and (emotion, intensity) != ("01", "02"):
                yield f"'03-{name}' of actor {actor} is missing"
