"""eNTERFACE'05: films of 43 people, six emotions, five sentences each.

Martin, Kotsia, Macq and Pitas (2006), The eNTERFACE'05 audio-visual emotion database, ICDE Workshops,
https://doi.org/10.1109/ICDEW.2006.145
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import FileName, OnBad, SpeechCorpus, collect, sound_files, spoken_trial

EMOTION_CODES = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}

_SUBJECT = re.compile(r"subject[ _]?(\d+)", re.IGNORECASE)
# Some names repeat the suffix (s16_su_3avi.avi), set the number apart (s_3_an_1.avi) or lack the sentence (subject 6).
_NAME = re.compile(r"s_?(\d+)_(an|di|fe|ha|sa|su)(?:_(\d))?(?:avi)?", re.IGNORECASE)
_SENTENCES = 5


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read ``subject N/<emotion>/sentence k/sN_an_k.avi``.

    The folder names the subject (the files of subject 11 say ``s12_``). Subject 6's clips hold all sentences of an
    emotion in one piece: they are left out, with a note, since their prompt cannot be kept apart. The prompt is
    emotion and sentence. Of a subject who is there, what is not there counts as missing; of subject 23, three clips of
    happiness never existed.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad or missing and ``on_bad`` is "stop".
    """
    files = sound_files(root, "eNTERFACE'05")
    whole = [path for path in files if (parsed := parse_name(path)) is not None and not parsed.prompt]
    notes = [f"{len(whole)} clip(s) that hold several sentences are left out: '{whole[0]}' …"] if whole else []
    return collect(
        "eNTERFACE'05",
        root,
        [path for path in files if path not in set(whole)],
        lambda path: _trial(path, root),
        on_bad,
        identity=lambda trial: f"subject {trial.subject} {trial.stimulus}",
        notes=notes,
        missing=_missing,
    )


def parse_name(path: Path) -> FileName | None:
    """Parse ``s1_an_1``, with the quirks of the distributed files; the folder, not the name, tells the subject."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    _, code, sentence = match.groups()
    code = code.lower()
    return FileName(EMOTION_CODES[code], "", f"{code}{sentence}" if sentence else "")


def _trial(path: Path, root: Path) -> Trial:
    parsed = parse_name(path)
    if parsed is None:
        raise MoodringError(f"'{path}' is not named as eNTERFACE'05 names its files (s1_an_1.avi)")
    subject = next((match for part in reversed(path.parts) if (match := _SUBJECT.fullmatch(part))), None)
    if subject is None:
        raise MoodringError(f"'{path}' lies in no folder 'subject N', which says whose it is")
    emotions = {part.lower() for part in path.parts} & set(EMOTION_CODES.values())
    if emotions and parsed.emotion not in emotions:
        raise MoodringError(f"'{path}' says {parsed.emotion} but lies in '{emotions.pop()}'; check its name")
    sentence = next((part for part in path.parts if part.lower().startswith("sentence")), None)
    if sentence is not None and not sentence.endswith(parsed.prompt[-1]):
        raise MoodringError(f"'{path}' says sentence {parsed.prompt[-1]} but lies in '{sentence}'; check its name")
    return spoken_trial(path, root, parsed.emotion, str(int(subject[1])), parsed.prompt)


def _missing(trials: Sequence[Trial]) -> Iterator[str]:
    there: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        there[trial.subject].add(trial.stimulus)
    for speaker, prompts in sorted(there.items(), key=lambda pair: int(pair[0])):
        absent = [
            f"{code}_{k}" for code in EMOTION_CODES for k in range(1, _SENTENCES + 1) if f"{code}{k}" not in prompts
        ]
        happy = [name for name in absent if name.startswith("ha")]
        if speaker == "23" and len(happy) <= 3:
            absent = [name for name in absent if name not in happy]
        yield from (f"'{name}' of subject {speaker} is missing" for name in absent)
