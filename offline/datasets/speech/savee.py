"""SAVEE: four British men, seven emotions.

Haq and Jackson (2009), Speaker-dependent audio-visual emotion recognition, AVSP, http://kahlan.eps.surrey.ac.uk/savee
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import FileName, OnBad, SpeechCorpus, collect, sound_files, spoken_trial

EMOTION_CODES = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SPEAKERS = ("DC", "JE", "JK", "KL")

_NAME = re.compile(r"(?:([A-Z]{2})_)?(sa|su|a|d|f|h|n)(\d\d)")
_TAKES = {code: 30 if code == "n" else 15 for code in EMOTION_CODES}


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read ``AudioData/DC/a01.wav``, flat ``DC_a01.wav``, or the films ``AVClips/…/DC/a01.avi``.

    Where sound and films are both there, the sound is read. The prompt is ``a01`` and its like; the three sentences
    that all emotions share are not marked by the names. Of a speaker who is there, what is not there counts as missing.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad or missing and ``on_bad`` is "stop".
    """

    def trial_of(path: Path) -> Trial:
        parsed = parse_name(path)
        if parsed is None:
            raise MoodringError(f"'{path}' is not named as SAVEE names its files (DC/a01.wav or DC_a01.wav)")
        return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt)

    files = sound_files(root, "SAVEE")
    sounds = [path for path in files if path.suffix.lower() == ".wav"]
    return collect(
        "SAVEE",
        root,
        sounds or files,
        trial_of,
        on_bad,
        identity=lambda trial: f"{trial.subject}_{trial.stimulus}",
        missing=_missing,
    )


def parse_name(path: Path) -> FileName | None:
    """Parse ``DC_a01``, or ``a01`` in a folder of its speaker (``DC/a01.wav``); ``sa`` and ``su`` come before ``s``."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, code, number = match.groups()
    speaker = speaker or next((part for part in reversed(path.parts[:-1]) if part in SPEAKERS), None)
    if speaker is None:
        return None
    if speaker not in SPEAKERS:
        raise MoodringError(f"'{path}': '{speaker}' is no speaker of SAVEE ({' '.join(SPEAKERS)}); check its name")
    return FileName(EMOTION_CODES[code], speaker, f"{code}{number}")


def _missing(trials: Sequence[Trial]) -> Iterator[str]:
    there: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        there[trial.subject].add(trial.stimulus)
    for speaker, prompts in sorted(there.items()):
        for code, count in _TAKES.items():
            for number in range(1, count + 1):
                if f"{code}{number:02d}" not in prompts:
                    yield f"'{speaker}_{code}{number:02d}' is missing"
