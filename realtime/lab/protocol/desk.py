"""The experimenter's side of a protocol: what each button does now, and the sentence beside them; without Qt."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ....models.contract import RecordingStatus
from .presenter import Progress

Deed = Literal["begin", "pause", "repeat", "skip", "abort", "adapt"]
CONFIRM_S = 5.0
_GONE = "The participant's window has ended"


@dataclass(frozen=True)
class DeskState:
    """What the row shows.

    Attributes
    ----------
    progress : Progress or None
        None until the participant's window is there.
    name : str
        Of the protocol.
    said : str
        What is wrong, or to be done, in a sentence.
    bad : bool
        Whether that is a failure.
    can : frozenset of Deed
    confirm : bool
        Whether the next Abort aborts.
    keys : bool
        Whether the participant's keys go to the participant's window.
    alone : bool
        Whether there is one screen for both windows.
    """

    progress: Progress | None = None
    name: str = ""
    said: str = ""
    bad: bool = False
    can: frozenset[Deed] = field(default_factory=frozenset)
    confirm: bool = False
    keys: bool = True
    alone: bool = False


class Desk:
    """Passes on what the experimenter wants, and pauses the protocol where nothing is recorded any more.

    Parameters
    ----------
    send : callable
        Sends a message to the participant's window.
    mark : callable
        Marks on behalf of a participant's window that is gone.
    """

    def __init__(self, send: Callable[[dict[str, Any]], None], mark: Callable[[str], None]) -> None:
        self._send, self._mark = send, mark
        self._name = ""
        self._progress: Progress | None = None
        self._failed = ""
        self._said = ""
        self._keys, self._alone = True, False
        self._recording: RecordingStatus | None = None
        self._recorded_in: str | None = None
        self._rest_left_s: float | None = None
        self._there = False
        self._unrecorded_once = False
        self._abort_until_s = -1.0

    @property
    def running(self) -> bool:
        """Whether the protocol has begun and not ended."""
        return self._progress is not None and self._progress.phase in ("running", "paused")

    @property
    def recorded(self) -> Path | None:
        """The finished recording of the protocol; None until it has ended and the recording has."""
        over = self._progress is not None and self._progress.phase in ("finished", "aborted")
        still = self._recording is not None and self._recording.on and self._recording.folder == self._recorded_in
        return Path(self._recorded_in) if over and self._recorded_in is not None and not still else None

    def take(self, message: dict[str, Any]) -> None:
        """Take a message of the participant's window."""
        if "planned" in message:
            self._name = str(message["planned"])
        if "progress" in message:
            self._progress = Progress(**message["progress"])
            self._keys, self._alone = bool(message.get("keys", True)), bool(message.get("alone", False))

    def fail(self, line: str) -> None:
        """Note that the participant's window has ended without the protocol's end."""
        if self._failed:
            return
        self._failed = f"{_GONE}: {line}"
        if self.running:
            self._mark("protocol_aborted")

    def look(self, there: bool, recording: RecordingStatus | None, rest_left_s: float | None) -> None:
        """Look after engine and recording; pause where the protocol would be shown for nothing.

        Parameters
        ----------
        there : bool
            Whether the engine answers.
        recording : RecordingStatus or None
        rest_left_s : float or None
            Of the engine's own rest.
        """
        was_there, self._there = self._there, there
        self._rest_left_s = rest_left_s
        was_on, on = self._is_on(self._recording), self._is_on(recording)
        self._recording = recording
        running = self._progress is not None and self._progress.phase == "running"
        if running and on and recording is not None:
            self._recorded_in = recording.folder
        if running and was_there and not there:
            self._pause("The engine does not answer: paused. Go on when it is back.")
        elif running and was_on and not on:
            why = (recording.error if recording is not None else None) or "it was stopped or paused"
            self._pause(f"The recording has stopped ({why}): paused. Go on when it records again.")

    def do(self, deed: Deed, now_s: float) -> None:
        """Do what a button or a key is for; what cannot be done now is said."""
        confirmed = deed == "abort" and now_s <= self._abort_until_s
        self._abort_until_s = -1.0
        self._said = ""
        if deed not in self._can():
            self._said = "" if deed == "adapt" else "That cannot be done now."
        elif deed == "begin" and (why := self._unready()):
            self._said = why
        elif deed == "abort" and not confirmed:
            self._abort_until_s = now_s + CONFIRM_S
            self._said = "Abort the protocol? Press Abort again within five seconds."
        elif deed == "pause" and self._progress is not None and self._progress.phase == "paused":
            self._resume()
        elif deed != "adapt":
            self._send({"do": deed})

    def state(self, now_s: float) -> DeskState:
        """Return what the row shows."""
        trouble = "" if self._progress is None else self._progress.trouble
        confirm = now_s <= self._abort_until_s
        said = self._said if confirm or not self._said.startswith("Abort the") else ""
        return DeskState(
            self._progress, self._name, self._failed or trouble or said, bool(self._failed or trouble),
            self._can(), confirm, self._keys, self._alone,
        )  # fmt: skip

    def _can(self) -> frozenset[Deed]:
        if self._failed or self._progress is None:
            return frozenset()
        phases: dict[str, set[Deed]] = {
            "ready": {"begin"},
            "running": {"pause", "repeat", "skip", "abort"},
            "paused": {"pause", "repeat", "skip", "abort"},
        }
        can = phases.get(self._progress.phase, set())
        return frozenset(can | ({"adapt"} if self.recorded is not None else set()))

    def _unready(self) -> str:
        """Return why the protocol cannot begin now; without a recording it begins when asked twice."""
        if not self._there:
            return "The engine does not answer; begin when it is back."
        if self._rest_left_s:
            return f"The session's own rest goes on for {self._rest_left_s:.0f} s; begin after it."
        if not self._is_on(self._recording) and not self._unrecorded_once:
            self._unrecorded_once = True
            return "Nothing is being recorded: start the recording (Ctrl+R), or press Begin again to do without."
        if self._recording is not None and not self._recording.lsl and not self._unrecorded_once:
            self._unrecorded_once = True
            return "The recorder has not found every stream yet; begin in a moment, or press Begin again to do without."
        return ""

    def _resume(self) -> None:
        if not self._there:
            self._said = "The engine does not answer; go on when it is back."
        elif self._recorded_in is not None and not self._is_on(self._recording):
            if not self._unrecorded_once:
                self._unrecorded_once = True
                self._said = (
                    "Nothing is being recorded: start the recording (Ctrl+R), or press Go on again to do without."
                )
                return
            self._send({"do": "resume"})
        else:
            self._send({"do": "resume"})

    def _pause(self, why: str) -> None:
        self._unrecorded_once = False
        self._send({"do": "pause", "why": why})

    @staticmethod
    def _is_on(recording: RecordingStatus | None) -> bool:
        return recording is not None and recording.on and not recording.paused
