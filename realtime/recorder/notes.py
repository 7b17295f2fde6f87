"""Marks and notes of the experimenter: a line each in ``notes.jsonl``, on the disk before the next key is pressed."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ...configs.schema import session_folder as names
from ...models.io.files import private


@dataclass(frozen=True)
class Note:
    """A line of ``notes.jsonl``.

    Attributes
    ----------
    time_s : float
        When the key was pressed, on the clock of the stamps.
    session_time_s : float or None
        The same since t0; None before there is one.
    at : str
        The same by the clock on the wall, ISO 8601.
    kind : "mark" or "note"
    text : str
    """

    time_s: float
    session_time_s: float | None
    at: str
    kind: Literal["mark", "note"]
    text: str

    @property
    def title(self) -> str:
        """Return what was done, for the reply."""
        return f"Marked “{self.text}”" if self.kind == "mark" else "Note taken"


def append_notes(folder: Path, notes: Iterable[Note]) -> None:
    """Append lines to the notes of a session folder and wait until the disk has them; raise OSError."""
    with open(folder / names.NOTES_FILE, "ab", opener=private) as file:
        for note in notes:
            file.write(json.dumps(asdict(note), ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
