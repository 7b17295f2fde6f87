"""EMO-DB: acted German studio speech, ten speakers, ten prompts.

Burkhardt, Paeschke, Rolfes, Sendlmeier and Weiss (2005), A database of German emotional speech, Interspeech,
https://doi.org/10.21437/Interspeech.2005-446
"""

import re
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import FileName, OnBad, SpeechCorpus, collect, file_of, known_code, sound_files, spoken_trial

EMOTION_LETTERS = {
    "W": "anger",  # Wut or Ärger
    "L": "boredom",  # Langeweile
    "E": "disgust",  # Ekel
    "A": "fear",  # Angst
    "F": "happiness",  # Freude
    "T": "sadness",  # Trauer
    "N": "neutral",
}
SEXES = dict.fromkeys(("08", "09", "13", "14", "16"), "female") | dict.fromkeys(("03", "10", "11", "12", "15"), "male")
"""Of the speakers, as the corpus's documentation says."""

_NAME = re.compile(r"(\d\d)([ab]\d\d)([A-Z])([a-z])")


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read ``wav/03a01Fa.wav`` and its like from the corpus's folder, or from ``wav`` itself.

    Groups: take; sex, of the corpus's ten speakers. The prompts are a01 to b10. Which takes exist is irregular, so
    nothing counts as missing.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad and ``on_bad`` is "stop".
    """

    def trial_of(path: Path) -> Trial:
        parsed = parse_name(path)
        if parsed is None:
            raise MoodringError(
                f"'{path}' is not named as EMO-DB names its files (03a01Fa.wav: speaker, prompt, emotion, take)"
            )
        return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt, parsed.groups)

    files = sound_files(root, "EMO-DB")
    return collect("EMO-DB", root, files, trial_of, on_bad, identity=lambda trial: file_of(trial).stem)


def parse_name(path: Path) -> FileName | None:
    """Parse ``03a01Fa``: speaker, prompt, emotion, take."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, prompt, letter, take = match.groups()
    emotion = known_code(EMOTION_LETTERS, letter, path, "emotion letter of EMO-DB")
    sex = {"sex": SEXES[speaker]} if speaker in SEXES else {}
    return FileName(emotion, speaker, prompt, {"take": take, **sex})
