"""IEMOCAP: ten American actors in five dialogued sessions, improvised and scripted, with raters' categories and grades.

Busso, Bulut, Lee, Kazemzadeh, Mower, Kim, Chang, Lee and Narayanan (2008), IEMOCAP: Interactive emotional dyadic motion
capture database, Language Resources and Evaluation 42(4), https://doi.org/10.1007/s10579-008-9076-6
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import OnBad, SpeechCorpus, collect, file_of, sound_files, spoken_trial

CATEGORIES = {
    "ang": "anger", "hap": "happiness", "exc": "happiness", "sad": "sadness", "neu": "neutral", "sur": "surprise",
    "fea": "fear", "dis": "disgust",
}  # fmt: skip
"""Majority categories that have a common name; ``fru`` (frustrated), ``oth`` and ``xxx`` (no majority) have none."""
FOUR = {
    "sad": "sadness", "hap": "happiness", "exc": "happiness", "sur": "happiness", "neu": "neutral", "ang": "anger",
    "fru": "anger",
}  # fmt: skip
"""The merge to four of Hsieh and Lee, which counts frustration as anger and surprise as happiness."""
_OTHERS = ("fru", "oth", "xxx")
_NAME = re.compile(r"Ses0([1-5])([FM])_((?:impro|script)\w+?)_([FM])(\d{3})")
_LINE = re.compile(
    r"\[(?P<start>[\d.]+) - (?P<stop>[\d.]+)\]\t(?P<name>\w+)\t(?P<category>[a-z]+)\t"
    r"\[(?P<valence>[\d.]+), (?P<arousal>[\d.]+), (?P<dominance>[\d.]+)\]"
)


@dataclass(frozen=True)
class Rated:
    """What raters said of an utterance.

    Attributes
    ----------
    category : str
        The majority's, as the corpus abbreviates it.
    ratings : mapping of str to float
        Mean valence, arousal and dominance, 1 to 5.
    """

    category: str
    ratings: Mapping[str, float]


def read(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read ``Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav`` and ``Session1/dialog/EmoEvaluation``.

    The prompt is the scene, which both actors of a pair and, where it is scripted, all pairs share. Ratings: valence,
    arousal, dominance, 1 to 5. Groups: session, scene, category (as abbreviated). Utterances of categories without a
    common name (frustrated, other, no majority) are left out; :func:`merged_to_four` keeps frustration.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad and ``on_bad`` is "stop".
    """
    return _read(root, on_bad, CATEGORIES)


def merged_to_four(root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read the corpus with the four classes of Hsieh and Lee (:data:`FOUR`); other categories are left out."""
    return _read(root, on_bad, FOUR)


def of_actor(corpus: SpeechCorpus, actor: str) -> SpeechCorpus:
    """Return the utterances of one actor.

    Parameters
    ----------
    corpus : SpeechCorpus
    actor : str
        Session and sex: ``"1F"`` to ``"5M"``.

    Raises
    ------
    MoodringError
        The actor has none.
    """
    own = tuple(one for one in corpus.trials if one.subject == actor)
    if not own:
        there = sorted({one.subject for one in corpus.trials})
        raise MoodringError(f"{corpus.name} has no utterance of actor '{actor}'; it has {', '.join(there)}")
    return replace(corpus, trials=own)


def _read(root: Path, on_bad: OnBad, emotions: Mapping[str, str]) -> SpeechCorpus:
    files = [path for path in sound_files(root, "IEMOCAP") if path.parent.parent.parent.name == "sentences"]
    if not files:
        raise MoodringError(f"IEMOCAP: no Session1/sentences/wav under '{root}'; give the folder of the full release")
    rated = dict(_rated(root))

    def trial_of(path: Path) -> Trial | None:
        match = _NAME.fullmatch(path.stem)
        if match is None:
            raise MoodringError(f"'{path}' is not named as IEMOCAP names its files (Ses01F_impro01_F000.wav)")
        if path.stem not in rated:
            raise MoodringError(f"'{path}' is in no table of dialog/EmoEvaluation; get its session again")
        one = rated[path.stem]
        if one.category not in emotions:
            return None
        session, _, scene, sex, _ = match.groups()
        groups = {"session": session, "scene": scene, "category": one.category}
        trial = spoken_trial(path, root, emotions[one.category], session + sex, scene, groups)
        return replace(trial, ratings=dict(one.ratings))

    return collect("IEMOCAP", root, files, trial_of, on_bad, identity=lambda trial: file_of(trial).stem)


def _rated(root: Path) -> Iterator[tuple[str, Rated]]:
    """Yield each utterance's category and grades.

    Raises
    ------
    MoodringError
        A category is none of the corpus's, or a table cannot be read.
    """
    for path in sorted(root.glob("Session?/dialog/EmoEvaluation/Ses*.txt")):
        if path.name.startswith("."):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise MoodringError(f"table '{path}' cannot be read: {error}") from None
        for match in map(_LINE.fullmatch, text.splitlines()):
            if match is None:
                continue  # the header, and what each rater said
            category = match["category"]
            if category not in CATEGORIES and category not in _OTHERS:
                raise MoodringError(
                    f"table '{path}': '{category}' is no category of IEMOCAP ({' '.join((*CATEGORIES, *_OTHERS))})"
                )
            yield match["name"], Rated(category, {s: float(match[s]) for s in ("valence", "arousal", "dominance")})
