"""Open a corpus of physiological signals by name: every module in :mod:`.physiology` is one."""

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol

from ...configs.schema.errors import ConfigError
from ...models.contract import Recording
from . import physiology
from .base import Dataset


class PhysiologyCorpus(Dataset[Recording], Protocol):
    """A dataset of recordings that also knows what was left out."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What was left out, and why."""
        ...


def physiology_names() -> tuple[str, ...]:
    """Return the names of all corpora, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(physiology.__path__)))


def read_physiology(name: str, root: Path) -> PhysiologyCorpus:
    """Read a corpus of physiological signals.

    Raises
    ------
    ConfigError
        There is no such corpus.
    MoodringError
        Nothing is there.
    """
    if name not in physiology_names():
        raise ConfigError(f"corpus '{name}' is not known; name one of {', '.join(physiology_names())}")
    corpus: PhysiologyCorpus = importlib.import_module(f"{physiology.__name__}.{name}").read(root)
    return corpus
