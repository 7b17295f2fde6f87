"""The experimenter's side as the live window has it: the participant's window as a child process, and the desk."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ....configs.schema.errors import MoodringError, failure_of
from ....processes import Child, Parent
from ...ipc.commands import Command
from ...lab.protocol.adapt import AdaptRun
from ...lab.protocol.desk import Deed, Desk, DeskState
from ...lab.protocol.job import ProtocolJob
from ..live.commander import Commands
from ..live.view import View
from . import texts
from .show import show_protocol

_GRACE_S = 8.0


class ProtocolControl:
    """Owns the participant's window and the calibration; close it with the live window.

    Parameters
    ----------
    job : ProtocolJob
    commands : Commands
        To the engine.
    avoid : str
        The screen of the experimenter's window.
    show : callable
        What the process does.
    """

    def __init__(
        self,
        job: ProtocolJob,
        commands: Commands,
        avoid: str = "",
        show: Callable[[Parent, ProtocolJob, str], None] = show_protocol,
    ) -> None:
        self._child: Any = Child(
            "participant's window", show, job, avoid, daemon=False, failure=failure_of, advice="start it again"
        )
        self.desk = Desk(self._child.send, lambda text: commands.send(Command("mark", text)))
        self._job = job
        self._adapting: AdaptRun | None = None
        self._adapted = ""

    @property
    def adapting_s(self) -> float | None:
        """How long the models have been adapted for; None where they are not now."""
        return None if self._adapting is None else self._adapting.seconds

    @property
    def adapted(self) -> str:
        """What became of adapting; empty before."""
        return self._adapted

    def state(self) -> DeskState:
        """Return what the row shows."""
        return self.desk.state(time.monotonic())

    def step(self, view: View) -> None:
        """Read what the participant's window says, and look after the engine."""
        self._read()
        newest = view.newest
        there = view.attachment == "attached"
        recording = None if newest is None else newest.recording
        rest_left_s = None if newest is None or newest.phase != "resting" else newest.rest_left_s
        self.desk.look(there, recording, rest_left_s)
        if self._adapting is not None and self._adapting.over:
            form = texts.ADAPTED if self._adapting.done else texts.NOT_ADAPTED
            self._adapted = form.format(said=self._adapting.said)
            self._adapting.close()
            self._adapting = None

    def do(self, deed: Deed) -> None:
        """Do what a button or a key is for."""
        if deed == "adapt" and self._adapting is not None:
            self._adapting.close()
            self._adapting, self._adapted = None, texts.CANCELLED
        elif deed == "adapt" and self.desk.recorded is not None:
            self._adapt(self.desk.recorded)
        else:
            self.desk.do(deed, time.monotonic())

    def close(self) -> None:
        """End both; a protocol that has not ended is aborted, and a calibration leaves nothing behind."""
        if self._adapting is not None:
            self._adapting.close()
        self._child.end(_GRACE_S)

    def _adapt(self, recorded: Path) -> None:
        try:
            self._adapting, self._adapted = AdaptRun(recorded, self._job.participant), ""
        except MoodringError as error:
            self._adapted = texts.NOT_ADAPTED.format(said=error)

    def _read(self) -> None:
        try:
            while (message := self._child.receive(0.0)) is not None:
                self.desk.take(message)
                if "pressed" in message:
                    self.do(message["pressed"])
        except MoodringError as error:
            self.desk.fail(str(error))
        else:
            if not self._child.running:
                self.desk.fail(texts.NO_ANSWER.format(status=self._child.exit_status))
