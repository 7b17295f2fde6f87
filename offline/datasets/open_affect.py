"""Open a corpus of felt valence and arousal, by name or by its layout: every module in :mod:`.affect` is one."""

import difflib
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from ...configs.schema.errors import ConfigError, MoodringError
from . import affect
from .affect_corpus import AffectCorpus, AffectTrial

_MOST_FOLDERS = 200
_ANY = "recordings"
"""Taken where no corpus has the layout."""


def affect_names() -> tuple[str, ...]:
    """Return the names of all corpora, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(affect.__path__)))


def read_affect(root: Path, name: str | None = None) -> AffectCorpus:
    """Read a corpus of felt valence and arousal.

    Parameters
    ----------
    root : Path
        The folder it was unpacked to.
    name : str, optional
        One of :func:`affect_names`; by default the one whose layout the folder has.

    Raises
    ------
    ConfigError
        There is no such corpus.
    MoodringError
        The folder is none, has no layout that is known, or several; or what is in it is damaged or not labelled.
    """
    if name is not None and name not in affect_names():
        raise ConfigError(f"corpus '{name}' is not known; name one of {', '.join(affect_names())}")
    if not root.is_dir():
        raise MoodringError(f"'{root}' is no folder; give the folder that a corpus was unpacked to")
    corpus: AffectCorpus = _module(name or _detected(root)).read(root)
    if not corpus.trials:
        reason = f" ({corpus.problems[0]})" if corpus.problems else ""
        raise MoodringError(f"'{root}' has no trial of {corpus.name} with EEG and labels{reason}; copy it again")
    return corpus


def trial_named(corpus: AffectCorpus, name: str) -> AffectTrial:
    """Return the trial of a name, or the only one whose name holds it.

    Raises
    ------
    ConfigError
        There is none, or there are several.
    """
    found = [one for one in corpus.trials if one.name == name] or [one for one in corpus.trials if name in one.name]
    if len(found) == 1:
        return found[0]
    near = difflib.get_close_matches(name, [one.name for one in corpus.trials], n=3, cutoff=0.0)
    named = ", ".join(f"'{one.name}'" for one in found[:3]) if found else ", ".join(f"'{one}'" for one in near)
    problem = f"fits {len(found)} trials" if found else "is no trial"
    raise ConfigError(
        f"--trial '{name}' {problem} of {corpus.name}, such as {named}; name one of its {len(corpus.trials)}"
    )


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{affect.__name__}.{name}")


def _layouts(root: Path) -> list[str]:
    """Return the corpora whose own layout a folder has."""
    return [name for name in affect_names() if name != _ANY and _module(name).found_in(root)]


def _detected(root: Path) -> str:
    found = _layouts(root)
    if len(found) == 1:
        return found[0]
    if found:
        raise MoodringError(f"'{root}' holds {' and '.join(found)}; name one as the corpus")
    for inside in sorted(one for one in root.iterdir() if one.is_dir())[:_MOST_FOLDERS]:
        below = _layouts(inside)
        if below:
            raise MoodringError(f"'{root}' has no layout that is known, '{inside}' has that of {below[0]}; give that")
    if _layouts(root.parent):
        raise MoodringError(f"'{root}' is a part of a corpus; give its folder, '{root.parent}'")
    if _module(_ANY).found_in(root):
        return _ANY
    raise MoodringError(
        f"'{root}' has the layout of none of {', '.join(affect_names())}; give the folder of one (docs/corpora.md)"
    )
