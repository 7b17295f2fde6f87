"""The contract of every dataset: a sequence of labelled trials, and a way to load one.

Readers of corpora, simulations, protocols, evaluations and trainers all speak of :class:`Trial` and :class:`Dataset`.
Trials are cheap descriptions, so that a protocol can split a dataset before anything large is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

Data_co = TypeVar("Data_co", covariant=True)


@dataclass(frozen=True)
class Trial:
    """One labelled stretch of data of one subject.

    Attributes
    ----------
    name : str
        Unique within its dataset.
    subject : str
        The person recorded.
    stimulus : str
        What the subject was shown, or the words that were spoken; empty where a trial has none.
    labels : mapping of str to str
        Categories, such as ``{"emotion": "anger"}``.
    ratings : mapping of str to float
        Scales, such as ``{"valence": 0.3}``.
    groups : mapping of str to str
        Further groups that a protocol may keep apart: session, take, sex, intensity …
    file : Path or None
        The file that the trial is read from; None where it is simulated or held in memory.
    start_s, stop_s : float
        The part of the recording that the trial covers; by default all of it.
    """

    name: str
    subject: str
    stimulus: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ratings: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    start_s: float = 0.0
    stop_s: float = float("inf")


class Dataset(Protocol[Data_co]):
    """Trials and their data: a :class:`~moodring.models.contract.Recording`, or arrays of any kind."""

    @property
    def name(self) -> str:
        """Name for messages and tables."""
        ...

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials, in a fixed order."""
        ...

    def load(self, trial: Trial, /) -> Data_co:
        """Return the data of one trial."""
        ...
