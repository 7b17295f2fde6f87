"""Commands from a screen to its engine, and the engine's replies in one sentence."""

from dataclasses import dataclass
from typing import Literal

CommandKind = Literal[
    "mark", "note", "start_recording", "pause_recording", "resume_recording", "stop_recording", "stop_session"
]
LONGEST_TEXT = 2000
"""Characters of a mark or a note."""


@dataclass(frozen=True)
class Command:
    """What an experimenter asks of the engine.

    Attributes
    ----------
    kind : str
        ``"mark"`` and ``"note"`` are saved with their text; the others steer the recording and the session.
    text : str
    time_s : float or None
        When the key was pressed, on the LSL clock; None is now.
    """

    kind: CommandKind
    text: str = ""
    time_s: float | None = None


@dataclass(frozen=True)
class Reply:
    """What became of a command.

    Attributes
    ----------
    done : bool
    text : str
        One sentence for the experimenter.
    """

    done: bool
    text: str
