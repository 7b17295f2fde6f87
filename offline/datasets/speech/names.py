"""What the file names of the corpora say: emotion, speaker, prompt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ....configs.schema.errors import MoodringError

EMODB_LETTERS = {
    "W": "anger",  # Wut or Ärger
    "L": "boredom",  # Langeweile
    "E": "disgust",  # Ekel
    "A": "fear",  # Angst
    "F": "happiness",  # Freude
    "T": "sadness",  # Trauer
    "N": "neutral",
}
EMODB_SEXES = dict.fromkeys(("08", "09", "13", "14", "16"), "female") | dict.fromkeys(
    ("03", "10", "11", "12", "15"), "male"
)
"""As the corpus's documentation says."""
RAVDESS_EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
SAVEE_CODES = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SAVEE_SPEAKERS = ("DC", "JE", "JK", "KL")
ENTERFACE_CODES = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}

_EMODB = re.compile(r"(\d\d)([ab]\d\d)([A-Z])([a-z])")
_RAVDESS = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_SAVEE = re.compile(r"(?:([A-Z]{2})_)?(sa|su|a|d|f|h|n)(\d\d)")
# Some names repeat the suffix (s16_su_3avi.avi), set the number apart (s_3_an_1.avi) or lack the sentence (subject 6).
_ENTERFACE = re.compile(r"s_?(\d+)_(an|di|fe|ha|sa|su)(?:_(\d))?(?:avi)?", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """What a file's name says.

    Attributes
    ----------
    corpus, label, speaker, prompt : str
        ``speaker`` is empty where only the folder names it.
    groups : mapping of str to str
        Whatever else the corpus encodes.
    """

    corpus: str
    label: str
    speaker: str
    prompt: str
    groups: Mapping[str, str] = field(default_factory=dict)


def truth_in_name(path: Path) -> Named | None:
    """Read a name in the style of EMO-DB, RAVDESS, SAVEE or eNTERFACE'05; None where it is in none.

    Raises
    ------
    MoodringError
        It is in such a style, with a code that the corpus does not have.
    """
    return emodb_name(path) or ravdess_name(path) or savee_name(path) or enterface_name(path)


def emodb_name(path: Path) -> Named | None:
    """Read ``03a01Fa``: speaker, prompt, emotion, take."""
    match = _EMODB.fullmatch(path.stem)
    if match is None:
        return None
    speaker, prompt, letter, take = match.groups()
    label = _code(EMODB_LETTERS, letter, path, "emotion letter of EMO-DB")
    sex = {"sex": EMODB_SEXES[speaker]} if speaker in EMODB_SEXES else {}
    return Named("emodb", label, speaker, prompt, {"take": take, **sex})


def ravdess_name(path: Path) -> Named | None:
    """Read ``03-01-06-02-02-01-12``: modality, channel, emotion, intensity, statement, repetition, actor."""
    match = _RAVDESS.fullmatch(path.stem)
    if match is None:
        return None
    modality, channel, emotion, intensity, statement, repetition, actor = match.groups()
    label = _code(RAVDESS_EMOTIONS, emotion, path, "emotion number of RAVDESS")
    _code({"01": "both", "02": "film", "03": "sound"}, modality, path, "modality number of RAVDESS")
    _code({"01": "speech", "02": "song"}, channel, path, "channel number of RAVDESS")
    for name, value in (("intensity", intensity), ("statement", statement), ("repetition", repetition)):
        _code({"01": "", "02": ""}, value, path, f"{name} number of RAVDESS")
    groups = {"modality": modality, "channel": channel, "intensity": intensity, "repetition": repetition}
    return Named("ravdess", label, actor, statement, {**groups, "sex": "male" if int(actor) % 2 else "female"})


def savee_name(path: Path) -> Named | None:
    """Read ``DC_a01``, or ``a01`` in a folder of its speaker (``DC/a01.wav``); ``sa`` and ``su`` come before ``s``."""
    match = _SAVEE.fullmatch(path.stem)
    if match is None:
        return None
    speaker, code, number = match.groups()
    speaker = speaker or next((part for part in reversed(path.parts[:-1]) if part in SAVEE_SPEAKERS), None)
    if speaker is None:
        return None
    if speaker not in SAVEE_SPEAKERS:
        raise MoodringError(
            f"'{path}': '{speaker}' is no speaker of SAVEE ({' '.join(SAVEE_SPEAKERS)}); check its name"
        )
    return Named("savee", SAVEE_CODES[code], speaker, f"{code}{number}")


def enterface_name(path: Path) -> Named | None:
    """Read ``s1_an_1``, with the quirks of the distributed files; the folder, not the name, says whose it is."""
    match = _ENTERFACE.fullmatch(path.stem)
    if match is None:
        return None
    _, code, sentence = match.groups()
    code = code.lower()
    return Named("enterface", ENTERFACE_CODES[code], "", f"{code}{sentence}" if sentence else "")


def _code(known: Mapping[str, str], code: str, path: Path, what: str) -> str:
    if code not in known:
        raise MoodringError(f"'{path}': '{code}' is no {what} ({' '.join(known)}); check its name")
    return known[code]
