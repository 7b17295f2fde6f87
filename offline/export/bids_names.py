"""Names in a BIDS data set: labels of letters and digits, and the paths made of them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..recordings.session_record import SessionRecord

_PLACED = re.compile(r"_ses-(?P<session>.+)_task-.+_run-(?P<run>\d+)", re.DOTALL)
_LONGEST = 40


@dataclass(frozen=True)
class BidsNames:
    """The labels of one session; ``session`` and ``run`` are "" where there is none."""

    subject: str
    session: str
    task: str
    run: str

    @property
    def prefix(self) -> str:
        """What the name of each file begins with."""
        parts = (("sub", self.subject), ("ses", self.session), ("task", self.task), ("run", self.run))
        return "_".join(f"{key}-{value}" for key, value in parts if value)

    @property
    def sitting(self) -> str:
        """What the name of a file of the whole sitting begins with."""
        return "_".join(f"{key}-{value}" for key, value in (("sub", self.subject), ("ses", self.session)) if value)

    @property
    def folder(self) -> Path:
        """Folder of the sitting, within the data set."""
        return Path(f"sub-{self.subject}", *([f"ses-{self.session}"] if self.session else []))


def bids_names(session: SessionRecord, known: Mapping[str, str]) -> BidsNames:
    """Return the labels of a session.

    Parameters
    ----------
    session : SessionRecord
    known : mapping of str to str
        Participants that the data set has already: their labels by name.
    """
    placed = _PLACED.search(session.about.name)
    return BidsNames(
        subject_label(session.about.participant, known),
        label(placed["session"]) if placed else "",
        label(session.about.task or "unnamed"),
        f"{int(placed['run']):02}" if placed else "",
    )


def subject_label(participant: str, known: Mapping[str, str]) -> str:
    """Return a participant's label: the one known, else a new one that nobody has."""
    if participant in known:
        return known[participant]
    plain = label(participant)
    return plain if plain not in known.values() else plain[: _LONGEST - 6] + _digest(participant)


def label(text: str) -> str:
    """Return the letters and digits of a text; where there are none, some made of it."""
    return re.sub(r"[^0-9A-Za-z]", "", text)[:_LONGEST] or _digest(text)


def _digest(text: str) -> str:
    return "x" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:5]
