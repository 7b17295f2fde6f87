"""Start an engine in a process of its own, read its messages, and stop it.

Light to import: the parent process needs no networks.
"""

from typing import Any

from ...configs.schema.errors import failure_of
from ...processes import Child, ChildHandle, Parent
from .job import EngineJob

SHARED_LIBRARIES = "moodring.realtime.engine.shared_libraries"
_GRACE_S = 15.0


class EngineProcess(ChildHandle):
    """An engine in a child process; use as a context manager, or call :meth:`stop`.

    Parameters
    ----------
    job : EngineJob
    beside_others : bool
        Whether this process starts several: they then have the libraries in memory once.
    """

    def __init__(self, job: EngineJob, *, beside_others: bool = False) -> None:
        advice = "start it again"
        if job.record is not None:
            advice = (
                f"what it recorded is in the newest session below '{job.record}', and opens: moodring decode FOLDER"
            )
        shared = SHARED_LIBRARIES if beside_others else None
        child = Child("engine", engine_process, job, daemon=False, failure=failure_of, advice=advice, shared=shared)
        super().__init__(child, _GRACE_S)

    def wait_ready(self, timeout_s: float) -> str:
        """Wait until screens may attach, and return the engine's name.

        Raises
        ------
        MoodringError
            The engine failed (its own line), or took longer.
        """
        return str(self._child.wait_for("ready", timeout_s))

    def wait_done(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Wait until the session is over, and return its summary. Raise as :meth:`wait_ready`."""
        summary: dict[str, Any] = self._child.wait_for("done", timeout_s)
        self._child.join(_GRACE_S)
        return summary

    def over(self, wait_s: float) -> bool:
        """Return whether the session is over, well or badly, after a while at most."""
        self._child.join(wait_s)
        return self._child.error is not None or "done" in self._child.latest or not self._child.running

    def ask_to_stop(self) -> None:
        """Request the engine to stop; the summary follows."""
        self._child.ask_to_end()


def engine_process(parent: Parent, job: EngineJob) -> None:
    """Run an engine in a child process: the target of :class:`EngineProcess`.

    Sends ``{"ready": name}``, then ``{"done": summary}``. Stops when the parent asks, or is gone.
    """
    from .engine import serve

    serve(job, parent)
