"""A bench's child processes: they say figures through a pipe, as JSON, and end when they are asked to or alone."""

import contextlib
import json
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from ...configs.schema.errors import MoodringError
from ...processes import Child

_GRACE_S = 10.0


class BenchChild:
    """A process that runs ``target(news, *args)``; use as a context manager.

    Parameters
    ----------
    name : str
    target : callable
        A function of a module; its first argument is its end of the pipe. It sends through :func:`tell` and ends when
        :func:`asked_to_end` says so.
    args : anything that crosses to a spawned process
    """

    def __init__(self, name: str, target: Callable[..., None], *args: Any) -> None:
        self._name = name
        self._child = Child(name, _run, target, args)
        self._news = self._child.pipe

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ask_to_end()
        self._child.end(_GRACE_S)

    def hear(self, timeout_s: float) -> dict[str, Any]:
        """Wait for what it says next.

        Raises
        ------
        MoodringError
            Its own line, or nothing came.
        """
        deadline_s = time.monotonic() + timeout_s
        try:
            while not self._news.poll(0.1):
                if time.monotonic() > deadline_s:
                    raise MoodringError(f"{self._name} said nothing for {timeout_s:g} s; the machine may be too busy")
            said: dict[str, Any] = json.loads(self._news.recv_bytes())
        except (EOFError, OSError) as error:
            raise MoodringError(f"{self._name} ended without a word (exit status {self._child.exit_status})") from error
        if "error" in said:
            raise MoodringError(str(said["error"]))
        return said

    def say(self, what: dict[str, Any]) -> None:
        """Tell it something."""
        with contextlib.suppress(OSError):
            self._news.send_bytes(json.dumps(what).encode())

    def ask_to_end(self) -> None:
        """Ask it to end."""
        self.say({"end": True})


def tell(news: "Connection[Any, Any]", what: dict[str, Any]) -> None:
    """Send from the child."""
    news.send_bytes(json.dumps(what).encode())


def asked_to_end(news: "Connection[Any, Any]", wait_s: float = 0.0) -> bool:
    """Say, in the child, whether the parent asked for the end or is gone."""
    try:
        return news.poll(wait_s) and bool(json.loads(news.recv_bytes()).get("end"))
    except (EOFError, OSError):
        return True


def _run(target: Callable[..., None], args: tuple[Any, ...], news: "Connection[Any, Any]") -> None:
    with contextlib.suppress(BrokenPipeError):
        try:
            target(news, *args)
        except MoodringError as error:
            tell(news, {"error": str(error)})
