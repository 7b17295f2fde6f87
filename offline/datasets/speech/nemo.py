"""nEMO: Polish acted speech, nine actors, six emotions.

Christop (2024), nEMO: Dataset of Emotional Speech in Polish, https://arxiv.org/abs/2404.06292
"""

import re
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import FileName, OnBad, SpeechCorpus, collect, file_of, sound_files, spoken_trial

EMOTION_CODES = {
    "anger": "anger",
    "fear": "fear",
    "happiness": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprised": "surprise",
}
_NAME = re.compile(rf"([A-Z]{{2}}\d)_({'|'.join(EMOTION_CODES)})_(\d+)")


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read ``EB0_anger_15.wav``: speaker, emotion, sentence; no other file of the corpus is needed.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad and ``on_bad`` is "stop".
    """

    def trial_of(path: Path) -> Trial:
        parsed = parse_name(path)
        if parsed is None:
            raise MoodringError(f"'{path}' is not named as nEMO names its files (EB0_anger_15.wav)")
        return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt)

    return collect("nEMO", root, sound_files(root, "nEMO"), trial_of, on_bad, identity=lambda one: file_of(one).stem)


def parse_name(path: Path) -> FileName | None:
    """Parse ``EB0_anger_15``: speaker, emotion, number of the sentence."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, word, sentence = match.groups()
    return FileName(EMOTION_CODES[word], speaker, sentence)
