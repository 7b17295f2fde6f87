"""Carry out what an experimenter asks of the engine from a screen."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ...configs.schema.errors import MoodringError
from ...models.streaming.clock import Clock
from ..ipc.commands import LONGEST_TEXT, Command, Reply
from ..ipc.snapshot import Mark

if TYPE_CHECKING:
    from .session import Session

_LONGEST_AGO_S = 3600.0


class Commands:
    """The commands of one session; called from the threads of its screens.

    Parameters
    ----------
    session : Session
    clock : Clock
    stopping : threading.Event
        Set to end the session.
    """

    def __init__(self, session: "Session", clock: Clock, stopping: threading.Event) -> None:
        self._session = session
        self._clock = clock
        self._stopping = stopping

    def do(self, command: Command) -> Reply:
        """Carry out a command; what goes wrong is a reply too."""
        recordings = self._session.recordings
        if command.kind == "start_recording" and self._stopping.is_set():
            return Reply(False, "The session is ending; nothing more is recorded.")
        doing: dict[str, Callable[[], Reply]] = {
            "mark": lambda: self._save(command, "mark"),
            "note": lambda: self._save(command, "note"),
            "start_recording": recordings.start,
            "pause_recording": lambda: recordings.pause(True),
            "resume_recording": lambda: recordings.pause(False),
            "stop_recording": recordings.finish,
            "stop_session": self._stop,
        }
        try:
            return doing[command.kind]()
        except MoodringError as error:
            return Reply(False, str(error))

    def _stop(self) -> Reply:
        again = self._stopping.is_set()
        self._stopping.set()
        return Reply(not again, "The session is already ending." if again else "The session ends.")

    def _save(self, command: Command, kind: Literal["mark", "note"]) -> Reply:
        """Save a mark or a note, show it, and send it on LSL."""
        text = " ".join(command.text.split())
        if not text:
            return Reply(False, "Nothing was written; a mark or a note needs a text.")
        if len(text) > LONGEST_TEXT:
            return Reply(False, f"The text has {len(text)} characters; {LONGEST_TEXT} at most, so cut it in two.")
        now_s = self._clock.now()
        asked_s = now_s if command.time_s is None else command.time_s
        # A screen's clock that is another one must not put a mark into another session.
        time_s = asked_s if now_s - _LONGEST_AGO_S <= asked_s <= now_s else now_s
        return self._session.mark(Mark(time_s, kind, text), _at(now_s - time_s))


def _at(ago_s: float) -> str:
    """Return the time of day so long ago, ISO 8601."""
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="milliseconds")
