"""Open a corpus by the name of its kind."""

from pathlib import Path
from typing import Literal

from ..base import Corpus, OnBad
from .emodb import read_emodb
from .enterface import read_enterface
from .own import read_folders, read_manifest
from .ravdess import read_ravdess
from .savee import read_savee

Kind = Literal["emodb", "ravdess", "savee", "enterface", "folders", "manifest"]


def read_corpus(kind: Kind, root: Path, on_bad: OnBad = "stop") -> Corpus:
    """Read a corpus of spoken emotion.

    Parameters
    ----------
    kind : "emodb", "ravdess", "savee", "enterface", "folders" or "manifest"
    root : Path
        The folder it was unpacked to; for a manifest the CSV.
    on_bad : "stop" or "skip"
        What to do about files that are missing, cut short, misnamed or there twice.

    Raises
    ------
    MoodringError
        Nothing is there, or a file is bad and ``on_bad`` is "stop".
    """
    readers = {
        "emodb": read_emodb,
        "ravdess": read_ravdess,
        "savee": read_savee,
        "enterface": read_enterface,
        "folders": read_folders,
        "manifest": read_manifest,
    }
    return readers[kind](root, on_bad)
