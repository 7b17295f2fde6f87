"""What a corpus reader gives: items with their truth and groups, what was wrong with the rest, and what to know."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ...configs.schema.errors import MoodringError
from ..evaluation.splits import Items
from ..recordings.sound import SUFFIXES, fault

CLASSES = ("anger", "boredom", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The nine words that every corpus's labels are translated to."""

OnBad = Literal["stop", "skip"]
PROBLEMS_NAMED = 3


@dataclass(frozen=True)
class Spoken:
    """One recorded utterance of a corpus.

    Attributes
    ----------
    path : Path
    label : str
        One of :data:`CLASSES`.
    speaker, prompt : str
        Groups that a protocol may keep apart: who spoke, and which words.
    groups : mapping of str to str
        Further ones, such as take, intensity or repetition.
    """

    path: Path
    label: str
    speaker: str
    prompt: str
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Corpus:
    """A corpus as found on disk.

    Attributes
    ----------
    name : str
    root : Path
    items : tuple of Spoken
        In order of their paths.
    problems : tuple of str
        A line for each file that is missing, cut short, misnamed or there twice; none of them is among the items.
    notes : tuple of str
        What to know before training: such as a speaker with one class only.
    """

    name: str
    root: Path
    items: tuple[Spoken, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def groups(self) -> Items:
        """Give the items for a protocol: groups ``speaker``, ``prompt``, ``label`` and all further ones they share."""
        shared = set.intersection(*(set(item.groups) for item in self.items)) if self.items else set()
        paths = tuple(str(item.path) for item in self.items)
        own = {name: tuple(item.groups[name] for item in self.items) for name in sorted(shared)}
        return Items(
            names=tuple(str(item.path.relative_to(self.root)) for item in self.items),
            groups={
                "speaker": tuple(item.speaker for item in self.items),
                "prompt": tuple(item.prompt for item in self.items),
                "label": tuple(item.label for item in self.items),
                **own,
            },
            sources=paths,
            timelines=paths,
            start_s=np.zeros(len(paths)),
            end_s=np.full(len(paths), np.inf),
        )


def found(root: Path, what: str) -> list[Path]:
    """List the sound files and films below a folder, sorted; hidden ones (``._a.wav`` of macOS) are left out.

    Raises
    ------
    MoodringError
        The folder is not there or holds none.
    """
    if not root.is_dir():
        raise MoodringError(f"{what}: folder '{root}' does not exist; give the folder that the corpus was unpacked to")
    files = sorted(
        path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not files:
        raise MoodringError(f"{what}: no sound file lies under '{root}'; give the folder the corpus was unpacked to")
    return files


def gather(
    name: str,
    root: Path,
    files: Iterable[Path],
    read: Callable[[Path], Spoken | None],
    on_bad: OnBad,
    *,
    identity: Callable[[Spoken], str],
    problems: Sequence[str] = (),
    notes: Sequence[str] = (),
    expected: Callable[[Sequence[Spoken]], Iterable[str]] | None = None,
) -> Corpus:
    """Read every file's name and state, and sort good from bad.

    Parameters
    ----------
    name : str
    root : Path
    files : iterable of Path
    read : callable
        Gives what a file is; None where it does not belong; raises MoodringError where it is misnamed.
    on_bad : "stop" or "skip"
    identity : callable
        What only one item may have: usually the file's name.
    problems, notes : sequence of str
        Known before.
    expected : callable, optional
        Gives a line for everything that is missing beside the items read.

    Raises
    ------
    MoodringError
        Something is wrong and ``on_bad`` is "stop"; or nothing is left.
    """
    wrong, good = list(problems), []
    seen: dict[str, Path] = {}
    for path in files:
        try:
            item = read(path)
        except MoodringError as error:
            wrong.append(str(error))
            continue
        if item is None:
            continue
        first = seen.setdefault(identity(item), path)
        if first is not path:
            wrong.append(f"'{path}' and '{first}' are both '{identity(item)}': the first read is kept; remove one")
        elif (reason := fault(path)) is not None:
            wrong.append(f"'{path}' {reason}")
        else:
            good.append(item)
    if expected is not None:
        wrong.extend(expected(tuple(good)))
    if wrong and on_bad == "stop":
        more = f"; and {len(wrong) - PROBLEMS_NAMED} more" if len(wrong) > PROBLEMS_NAMED else ""
        raise MoodringError(
            f"{name}: {len(wrong)} file(s) under '{root}' cannot be used: {'; '.join(wrong[:PROBLEMS_NAMED])}{more}. "
            'Mend them or take them away; a training goes on without them with on_bad = "skip"'
        )
    if not good:
        raise MoodringError(f"{name}: no usable file under '{root}'" + (f": {wrong[0]}" if wrong else "; check it"))
    return Corpus(name, root, tuple(good), tuple(wrong), (*notes, *_lopsided(good)))


def twins(items: Sequence[Spoken]) -> list[str]:
    """Give a line for files with the same content: the same recording under two names, perhaps with two labels."""
    by_size: dict[int, list[Spoken]] = defaultdict(list)
    for item in items:
        by_size[item.path.stat().st_size].append(item)
    lines = []
    for same in by_size.values():
        first: dict[bytes, Spoken] = {}
        for item in same if len(same) > 1 else ():
            other = first.setdefault(hashlib.sha256(item.path.read_bytes()).digest(), item)
            if other is not item:
                labels = "" if other.label == item.label else f" under two labels, {other.label} and {item.label}"
                lines.append(f"'{item.path}' and '{other.path}' are the same recording{labels}; remove one")
    return lines


def _lopsided(items: Sequence[Spoken]) -> list[str]:
    said: dict[str, set[str]] = defaultdict(set)
    for item in items:
        said[item.speaker].add(item.label)
    return [
        f"speaker '{speaker}' speaks only {next(iter(labels))}: left out alone, their recall covers one class, "
        "and a model may learn the voice instead of the emotion"
        for speaker, labels in sorted(said.items())
        if len(labels) == 1
    ]
