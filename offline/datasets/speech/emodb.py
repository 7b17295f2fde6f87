"""EMO-DB: acted German studio speech, ten speakers, ten prompts (Burkhardt et al. 2005)."""

from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Corpus, OnBad, Spoken, found, gather
from .names import emodb_name


def read_emodb(root: Path, on_bad: OnBad = "stop") -> Corpus:
    """Read ``wav/03a01Fa.wav`` and its like from the corpus's folder, or from ``wav`` itself.

    Groups: speaker, prompt (a01 to b10), take; sex, of the corpus's ten speakers. Which takes exist is irregular, so nothing counts as missing.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad and ``on_bad`` is "stop".
    """
    return gather("EMO-DB", root, found(root, "EMO-DB"), _read, on_bad, identity=lambda item: item.path.stem)


def _read(path: Path) -> Spoken:
    named = emodb_name(path)
    if named is None:
        raise MoodringError(
            f"'{path}' is not named as EMO-DB names its files (03a01Fa.wav: speaker, prompt, emotion, take)"
        )
    return Spoken(path, named.label, named.speaker, named.prompt, named.groups)
