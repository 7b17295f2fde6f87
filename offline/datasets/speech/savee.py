"""SAVEE: four British men, seven emotions (Haq and Jackson 2009)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Corpus, OnBad, Spoken, found, gather
from .names import SAVEE_CODES, savee_name

_TAKES = {code: 30 if code == "n" else 15 for code in SAVEE_CODES}


def read_savee(root: Path, on_bad: OnBad = "stop") -> Corpus:
    """Read ``AudioData/DC/a01.wav``, flat ``DC_a01.wav``, or the films ``AVClips/…/DC/a01.avi``.

    Where sound and films are both there, the sound is read. Groups: speaker, prompt (``a01``; the three sentences that all
    emotions share are not marked by the names). Of a speaker who is there, what is not there counts as missing.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad or missing and ``on_bad`` is "stop".
    """
    files = found(root, "SAVEE")
    sounds = [path for path in files if path.suffix.lower() == ".wav"]
    return gather("SAVEE", root, sounds or files, _read, on_bad, identity=_take, expected=_missing)


def _take(item: Spoken) -> str:
    return f"{item.speaker}_{item.prompt}"


def _read(path: Path) -> Spoken:
    named = savee_name(path)
    if named is None:
        raise MoodringError(f"'{path}' is not named as SAVEE names its files (DC/a01.wav or DC_a01.wav)")
    return Spoken(path, named.label, named.speaker, named.prompt)


def _missing(items: Sequence[Spoken]) -> Iterator[str]:
    there: dict[str, set[str]] = defaultdict(set)
    for item in items:
        there[item.speaker].add(item.prompt)
    for speaker, prompts in sorted(there.items()):
        for code, count in _TAKES.items():
            for number in range(1, count + 1):
                if f"{code}{number:02d}" not in prompts:
                    yield f"'{speaker}_{code}{number:02d}' is missing"
