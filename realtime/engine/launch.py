"""Start an engine in a process of its own, read its messages, and stop it.

Light to import: the parent process needs no networks.
"""

import json
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from ...configs.schema.errors import ConfigError, MoodringError
from ...processes import Child
from .job import EngineJob

_GRACE_S = 15.0


class EngineProcess:
    """An engine in a child process; use as a context manager, or call :meth:`stop`.

    Parameters
    ----------
    job : EngineJob
    """

    def __init__(self, job: EngineJob) -> None:
        self._heard: dict[str, Any] = {}
        self._left_behind = (
            "; start it again"
            if job.record is None
            else f"; what it recorded is in the newest session below '{job.record}', and opens: moodring decode FOLDER"
        )
        self._child = Child("engine", engine_process, job, daemon=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child lives."""
        return self._child.running

    def wait_ready(self, timeout_s: float) -> str:
        """Wait until screens may attach; give the engine's name.

        Raises
        ------
        MoodringError
            The engine failed (its own line), or took longer.
        """
        self._hear("ready", timeout_s)
        return str(self._heard["ready"])

    def wait_done(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Wait until the session is over; give its summary. Raises as :meth:`wait_ready`."""
        self._hear("done", timeout_s)
        self._child.join(_GRACE_S)
        summary: dict[str, Any] = self._heard["done"]
        return summary

    def over(self, wait_s: float) -> bool:
        """Listen for a while; say whether the session is over, well or badly."""
        self._read(wait_s)
        return "done" in self._heard or "error" in self._heard or not self._child.running

    def ask_to_stop(self) -> None:
        """Ask the engine to stop; the summary follows."""
        try:
            self._child.pipe.send_bytes(b"stop")
        except OSError:
            return

    def stop(self) -> None:
        """Stop the engine and wait for its end; a child that does not end, or was not ready yet, is killed."""
        ready = "ready" in self._heard
        if ready:
            self.ask_to_stop()
        self._child.end(_GRACE_S if ready else 0.0, self._read)

    def _hear(self, what: str, timeout_s: float | None) -> None:
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while what not in self._heard:
            gone = not self._child.running
            self._read(0.1)
            if "error" in self._heard:
                kind = ConfigError if self._heard.get("status") == ConfigError.exit_status else MoodringError
                raise kind(str(self._heard["error"]))
            if what in self._heard:
                return
            if gone:
                raise MoodringError(f"the engine died (exit status {self._child.exit_status}){self._left_behind}")
            if deadline_s is not None and time.monotonic() > deadline_s:
                raise MoodringError(f"the engine was not {what} within {timeout_s:g} s; give it longer")

    def _read(self, wait_s: float) -> None:
        try:
            while self._child.pipe.poll(wait_s):
                self._heard.update(json.loads(self._child.pipe.recv_bytes()))
                wait_s = 0.0
        except (EOFError, OSError):
            time.sleep(min(wait_s, 0.02))


def engine_process(job: EngineJob, parent: "Connection[Any, Any]") -> None:
    """Run an engine in a child process: the target of :class:`EngineProcess`.

    Sends JSON objects through ``parent``: ``{"ready": name}``, then ``{"done": summary}`` or
    ``{"error": line, "status": n}``. Stops on ``b"stop"``, and when the parent is gone.
    """
    from .engine import serve

    serve(job, parent)
