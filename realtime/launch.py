"""Start an engine in a process of its own, hear from it, and stop it."""

import json
import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Any, Self

from ..configs.errors import ConfigError, MoodringError
from .job import EngineJob, engine_process

_GRACE_S = 15.0


@contextmanager
def children_leave_interrupts_to_us() -> Iterator[None]:
    """Start children that do not hear Ctrl+C, which a terminal sends to all: this process ends them in order.

    Interrupts are held back meanwhile, which children inherit (not on Windows); one that comes is heard at the end of
    the block, so that what is started inside has to be taken in charge inside.
    """
    held_back: list[int] = []
    masked = hasattr(signal, "pthread_sigmask")
    if masked:
        resource_tracker.ensure_running()  # its start lets interrupts through again
    # A thread of a numerical library may still take the signal, and Python then passes it to the main thread.
    handler = signal.signal(signal.SIGINT, lambda number, _frame: held_back.append(number))
    if masked:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if masked:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if held_back:
            signal.raise_signal(signal.SIGINT)


class EngineProcess:
    """An engine in a child process; use as a context manager, or call :meth:`stop`.

    Parameters
    ----------
    job : EngineJob
    """

    def __init__(self, job: EngineJob) -> None:
        context = multiprocessing.get_context("spawn")
        self._news, theirs = context.Pipe()
        self._process = context.Process(target=engine_process, args=(job, theirs), name="engine")
        self._heard: dict[str, Any] = {}
        self._left_behind = (
            "; start it again"
            if job.record is None
            else f"; what it recorded is in the newest session below '{job.record}', and opens: moodring decode FOLDER"
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child lives."""
        return self._process.is_alive()

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
        self._process.join(_GRACE_S)
        summary: dict[str, Any] = self._heard["done"]
        return summary

    def over(self, wait_s: float) -> bool:
        """Listen for a while; say whether the session is over, well or badly."""
        self._read(wait_s)
        return "done" in self._heard or "error" in self._heard or not self._process.is_alive()

    def ask_to_stop(self) -> None:
        """Ask the engine to stop; the summary follows."""
        try:
            self._news.send_bytes(b"stop")
        except OSError:
            return

    def stop(self) -> None:
        """Stop the engine and wait for its end; a child that does not end, or was not ready yet, is killed."""
        if self._process.is_alive() and "ready" in self._heard:
            self.ask_to_stop()
            # What it still says must be read, or it could not end.
            deadline_s = time.monotonic() + _GRACE_S
            while self._process.is_alive() and time.monotonic() < deadline_s:
                self._read(0.1)
            self._process.join(0.1)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._news.close()

    def _hear(self, what: str, timeout_s: float | None) -> None:
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while what not in self._heard:
            gone = not self._process.is_alive()
            self._read(0.1)
            if "error" in self._heard:
                kind = ConfigError if self._heard.get("status") == ConfigError.exit_status else MoodringError
                raise kind(str(self._heard["error"]))
            if what in self._heard:
                return
            if gone:
                raise MoodringError(f"the engine died (exit status {self._process.exitcode}){self._left_behind}")
            if deadline_s is not None and time.monotonic() > deadline_s:
                raise MoodringError(f"the engine was not {what} within {timeout_s:g} s; give it longer")

    def _read(self, wait_s: float) -> None:
        try:
            while self._news.poll(wait_s):
                self._heard.update(json.loads(self._news.recv_bytes()))
                wait_s = 0.0
        except (EOFError, OSError):
            time.sleep(min(wait_s, 0.02))
