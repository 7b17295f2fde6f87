"""Open a corpus of emotional speech by name.

Every module in :mod:`.speech` is one corpus: it has ``read(root, on_bad)``, and ``parse_name(path)`` where the names of
its files tell the emotion. Another corpus is another file there.
"""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from ...configs.schema.errors import ConfigError
from . import speech
from .speech_corpus import FileName, OnBad, SpeechCorpus


def corpus_names() -> tuple[str, ...]:
    """Return the names of all corpora, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(speech.__path__)))


def read_corpus(name: str, root: Path, on_bad: OnBad = "stop") -> SpeechCorpus:
    """Read a corpus of emotional speech.

    Parameters
    ----------
    name : str
        One of :func:`corpus_names`.
    root : Path
        The folder it was unpacked to; for ``manifest`` the CSV file.
    on_bad : "stop" or "skip"
        What to do about files that are missing, cut short, misnamed or there twice.

    Raises
    ------
    ConfigError
        There is no such corpus.
    MoodringError
        Nothing is there, or a file is bad and ``on_bad`` is "stop".
    """
    if name not in corpus_names():
        raise ConfigError(f"corpus '{name}' is not known; name one of {', '.join(corpus_names())}")
    read: Callable[[Path, OnBad], SpeechCorpus] = importlib.import_module(f"{speech.__name__}.{name}").read
    return read(root, on_bad)


def parse_file_name(path: Path) -> FileName | None:
    """Return what a file's name says in the notation of any corpus; None where it is in none.

    Raises
    ------
    MoodringError
        The name is in the notation of a corpus, with a code that the corpus does not have.
    """
    for name in corpus_names():
        parse: Callable[[Path], FileName | None] | None = getattr(
            importlib.import_module(f"{speech.__name__}.{name}"), "parse_name", None
        )
        if parse is not None and (parsed := parse(path)) is not None:
            return parsed
    return None
