"""eNTERFACE'05: films of 43 people, six emotions, five sentences each (Martin et al. 2006)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Corpus, OnBad, Spoken, found, gather
from .names import ENTERFACE_CODES, enterface_name

_SUBJECT = re.compile(r"subject[ _]?(\d+)", re.IGNORECASE)
_SENTENCES = 5


def read_enterface(root: Path, on_bad: OnBad = "stop") -> Corpus:
    """Read ``subject N/<emotion>/sentence k/sN_an_k.avi``.

    The folder names the subject (the files of subject 11 say ``s12_``). Subject 6's clips hold all sentences of an
    emotion in one piece: they are left out, with a note, since their prompt cannot be kept apart. Groups: speaker, prompt
    (emotion and sentence). Of a subject who is there, what is not there counts as missing; of subject 23, three clips of
    happiness never existed.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad or missing and ``on_bad`` is "stop".
    """
    files = found(root, "eNTERFACE'05")
    whole = [path for path in files if (named := enterface_name(path)) is not None and not named.prompt]
    notes = [f"{len(whole)} clip(s) that hold several sentences are left out: '{whole[0]}' …"] if whole else []
    return gather(
        "eNTERFACE'05",
        root,
        [path for path in files if path not in set(whole)],
        _read,
        on_bad,
        identity=lambda item: f"subject {item.speaker} {item.prompt}",
        notes=notes,
        expected=_missing,
    )


def _read(path: Path) -> Spoken:
    named = enterface_name(path)
    if named is None:
        raise MoodringError(f"'{path}' is not named as eNTERFACE'05 names its files (s1_an_1.avi)")
    subject = next((match for part in reversed(path.parts) if (match := _SUBJECT.fullmatch(part))), None)
    if subject is None:
        raise MoodringError(f"'{path}' lies in no folder 'subject N', which says whose it is")
    emotions = {part.lower() for part in path.parts} & set(ENTERFACE_CODES.values())
    if emotions and named.label not in emotions:
        raise MoodringError(f"'{path}' says {named.label} but lies in '{emotions.pop()}'; check its name")
    sentence = next((part for part in path.parts if part.lower().startswith("sentence")), None)
    if sentence is not None and not sentence.endswith(named.prompt[-1]):
        raise MoodringError(f"'{path}' says sentence {named.prompt[-1]} but lies in '{sentence}'; check its name")
    return Spoken(path, named.label, str(int(subject[1])), named.prompt)


def _missing(items: Sequence[Spoken]) -> Iterator[str]:
    there: dict[str, set[str]] = defaultdict(set)
    for item in items:
        there[item.speaker].add(item.prompt)
    for speaker, prompts in sorted(there.items(), key=lambda pair: int(pair[0])):
        absent = [
            f"{code}_{k}" for code in ENTERFACE_CODES for k in range(1, _SENTENCES + 1) if f"{code}{k}" not in prompts
        ]
        happy = [name for name in absent if name.startswith("ha")]
        if speaker == "23" and len(happy) <= 3:
            absent = [name for name in absent if name not in happy]
        yield from (f"'{name}' of subject {speaker} is missing" for name in absent)
