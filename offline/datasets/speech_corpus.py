"""Shared by readers of speech corpora: finding files, sorting out faulty ones, loading sound."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...configs.schema.errors import MoodringError
from ...models.contract import FloatArray
from ..recordings.sound import SUFFIXES, fault, load_sound
from .base import Trial

EMOTIONS = ("anger", "boredom", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The labels that those of every corpus are translated to."""

OnBad = Literal["stop", "skip"]
PROBLEMS_NAMED = 3

_ADJECTIVES = {
    "angry": "anger",
    "bored": "boredom",
    "calmness": "calm",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}


@dataclass(frozen=True)
class FileName:
    """Contents of a file's name.

    Attributes
    ----------
    emotion, speaker, prompt : str
        ``emotion`` is one of :data:`EMOTIONS`; ``speaker`` is empty where only the folder names it.
    groups : mapping of str to str
        Whatever else the name encodes.
    """

    emotion: str
    speaker: str
    prompt: str
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SpeechCorpus:
    """A corpus as found on disk; a :class:`~.base.Dataset` of 16 kHz mono sound.

    Attributes
    ----------
    name : str
    root : Path
    trials : tuple of Trial
        In order of their paths; each with a file and the label ``emotion``.
    problems : tuple of str
        One line for each file that is missing, cut short, misnamed or there twice; none of them is among the trials.
    notes : tuple of str
        What to know before training, such as a speaker with one emotion only.
    """

    name: str
    root: Path
    trials: tuple[Trial, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def load(self, trial: Trial, /) -> FloatArray:
        """Return the sound of a trial, ``(n,)`` float32 at 16 kHz in -1..1.

        Raises
        ------
        MoodringError
            The file cannot be read.
        """
        return load_sound(file_of(trial))


def file_of(trial: Trial) -> Path:
    """Return the file of a trial that is read from one."""
    if trial.file is None:
        raise ValueError(f"trial '{trial.name}' has no file")
    return trial.file


def spoken_trial(
    path: Path, root: Path, emotion: str, speaker: str, prompt: str, groups: Mapping[str, str] | None = None
) -> Trial:
    """Return the trial of one recorded utterance; its name is the path below the corpus's folder."""
    name = str(path.relative_to(root))
    return Trial(name, speaker, prompt, labels={"emotion": emotion}, groups=dict(groups or {}), file=path)


def sound_files(root: Path, corpus: str) -> list[Path]:
    """List the sound files and films below a folder, sorted, without hidden ones (``._a.wav`` of macOS).

    Raises
    ------
    MoodringError
        The folder is not there or holds none.
    """
    if not root.is_dir():
        raise MoodringError(
            f"{corpus}: folder '{root}' does not exist; give the folder that the corpus was unpacked to"
        )
    files = sorted(
        path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not files:
        raise MoodringError(f"{corpus}: no sound file lies under '{root}'; give the folder the corpus was unpacked to")
    return files


def collect(
    name: str,
    root: Path,
    files: Iterable[Path],
    read: Callable[[Path], Trial | None],
    on_bad: OnBad,
    *,
    identity: Callable[[Trial], str],
    problems: Sequence[str] = (),
    notes: Sequence[str] = (),
    missing: Callable[[Sequence[Trial]], Iterable[str]] | None = None,
) -> SpeechCorpus:
    """Read the name and state of every file and keep the usable ones.

    Parameters
    ----------
    name : str
    root : Path
    files : iterable of Path
    read : callable
        Returns the trial of a file; None where it does not belong; raises MoodringError where it is misnamed.
    on_bad : "stop" or "skip"
    identity : callable
        Returns what only one trial may have, usually the file's name.
    problems, notes : sequence of str
        Found before.
    missing : callable, optional
        Returns one line for everything that is missing beside the trials read.

    Raises
    ------
    MoodringError
        Something is wrong and ``on_bad`` is "stop"; or nothing is left.
    """
    wrong, good = list(problems), []
    seen: dict[str, Path] = {}
    for path in files:
        try:
            trial = read(path)
        except MoodringError as error:
            wrong.append(str(error))
            continue
        if trial is None:
            continue
        first = seen.setdefault(identity(trial), path)
        if first is not path:
            wrong.append(f"'{path}' and '{first}' are both '{identity(trial)}': the first read is kept; remove one")
        elif (reason := fault(path)) is not None:
            wrong.append(f"'{path}' {reason}")
        else:
            good.append(trial)
    if missing is not None:
        wrong.extend(missing(tuple(good)))
    if wrong and on_bad == "stop":
        more = f"; and {len(wrong) - PROBLEMS_NAMED} more" if len(wrong) > PROBLEMS_NAMED else ""
        raise MoodringError(
            f"{name}: {len(wrong)} file(s) under '{root}' cannot be used: {'; '.join(wrong[:PROBLEMS_NAMED])}{more}. "
            'Mend them or take them away; a training goes on without them with on_bad = "skip"'
        )
    if not good:
        raise MoodringError(f"{name}: no usable file under '{root}'" + (f": {wrong[0]}" if wrong else "; check it"))
    return SpeechCorpus(name, root, tuple(good), tuple(wrong), (*notes, *_single_emotion_speakers(good)))


def without_duplicates(corpus: SpeechCorpus, on_bad: OnBad) -> SpeechCorpus:
    """Leave out all copies of a recording that is there under several names: either label may be wrong.

    Raises
    ------
    MoodringError
        There are some, or other problems, and ``on_bad`` is "stop".
    """
    same = _duplicates(corpus.trials)
    kept = {file_of(trial): trial for trial in corpus.trials if not any(f"'{trial.file}'" in line for line in same)}
    return collect(
        corpus.name,
        corpus.root,
        kept,
        kept.__getitem__,
        on_bad,
        identity=lambda trial: str(trial.file),
        problems=(*corpus.problems, *same),
    )


def emotion_word(word: str, where: str) -> str:
    """Return the emotion that a noun or an adjective names (happy, sad …).

    Raises
    ------
    MoodringError
        It is none of :data:`EMOTIONS`.
    """
    emotion = word.strip().lower()
    emotion = _ADJECTIVES.get(emotion, emotion)
    if emotion not in EMOTIONS:
        raise MoodringError(f"{where} '{word}' is none of {', '.join(EMOTIONS)}; rename it")
    return emotion


def known_code(known: Mapping[str, str], code: str, path: Path, what: str) -> str:
    """Return the meaning of a code in a file's name.

    Raises
    ------
    MoodringError
        The corpus has no such code.
    """
    if code not in known:
        raise MoodringError(f"'{path}': '{code}' is no {what} ({' '.join(known)}); check its name")
    return known[code]


def _duplicates(trials: Sequence[Trial]) -> list[str]:
    """Return one line for each file whose content is that of another."""
    by_size: dict[int, list[Trial]] = defaultdict(list)
    for trial in trials:
        by_size[file_of(trial).stat().st_size].append(trial)
    lines = []
    for same in by_size.values():
        first: dict[bytes, Trial] = {}
        for trial in same if len(same) > 1 else ():
            other = first.setdefault(hashlib.sha256(file_of(trial).read_bytes()).digest(), trial)
            if other is not trial:
                one, two = other.labels["emotion"], trial.labels["emotion"]
                labels = "" if one == two else f" under two labels, {one} and {two}"
                lines.append(f"'{trial.file}' and '{other.file}' are the same recording{labels}; remove one")
    return lines


def _single_emotion_speakers(trials: Sequence[Trial]) -> list[str]:
    spoken: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        spoken[trial.subject].add(trial.labels["emotion"])
    return [
        f"speaker '{speaker}' speaks only {next(iter(labels))}: left out alone, their recall covers one class, "
        "and a model may learn the voice instead of the emotion"
        for speaker, labels in sorted(spoken.items())
        if len(labels) == 1
    ]
