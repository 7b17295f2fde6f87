"""CREMA-D: 91 American actors, twelve sentences, six emotions, clips of sound and of face and sound.

Cao, Cooper, Keutmann, Gur, Nenkova and Verma (2014), CREMA-D: Crowd-sourced emotional multimodal actors dataset, IEEE
Transactions on Affective Computing 5(4), https://doi.org/10.1109/TAFFC.2014.2336244
"""

import re
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import FileName, OnBad, SpeechCorpus, collect, file_of, known_code, sound_files, spoken_trial

EMOTION_CODES = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
SENTENCES = ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}

# One distributed file has a single X for the level that was not specified.
_NAME = re.compile(r"(1\d{3})_([A-Z]{3})_([A-Z]{3})_([A-Z]{2}|X)")


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read ``AudioWAV/1001_DFA_ANG_XX.wav``, or where there is no sound alone the films ``VideoFlash/….flv``.

    The prompt is the sentence; groups: intensity. Which clips exist differs from actor to actor, so nothing counts as
    missing.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad and ``on_bad`` is "stop".
    """

    def trial_of(path: Path) -> Trial:
        parsed = parse_name(path)
        if parsed is None:
            raise MoodringError(f"'{path}' is not named as CREMA-D names its files (1001_DFA_ANG_XX.wav)")
        return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt, parsed.groups)

    files = sound_files(root, "CREMA-D")
    sounds = [path for path in files if path.suffix.lower() == ".wav"]
    return collect("CREMA-D", root, sounds or files, trial_of, on_bad, identity=lambda trial: file_of(trial).stem)


def parse_name(path: Path) -> FileName | None:
    """Parse ``1001_DFA_ANG_XX``: actor, sentence, emotion, intensity."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    actor, sentence, code, level = match.groups()
    emotion = known_code(EMOTION_CODES, code, path, "emotion of CREMA-D")
    known_code(dict.fromkeys(SENTENCES, ""), sentence, path, "sentence of CREMA-D")
    level = known_code({**LEVELS, "X": LEVELS["XX"]}, level, path, "intensity of CREMA-D")
    return FileName(emotion, actor, sentence, {"intensity": level})
