"""Sends the markers of a protocol to its engine, in order, from a thread of its own; none is lost while it is away."""

import threading
import time
from collections import deque
from collections.abc import Callable

from ....configs.schema.errors import MoodringError
from ...ipc.channel import EngineClient, attach
from ...ipc.commands import Command

_RETRY_S = 0.5


class MarkerSender:
    """Keeps every marker until the engine has taken it; after an engine was away, the rest is sent with its own times.

    Parameters
    ----------
    name : str
        Of the engine.
    find : callable
        Connects to it; raises MoodringError.
    """

    def __init__(self, name: str, find: Callable[..., EngineClient] = attach) -> None:
        self._name = name
        self._find = find
        self._waiting: deque[Command] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._give_up_s = float("inf")
        self._lost, self._unsaved = "", ""
        self._client: EngineClient | None = None
        self._thread = threading.Thread(target=self._run, name="markers", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> str:
        """Why the engine takes no markers; empty while it does."""
        return self._lost

    @property
    def unsaved(self) -> str:
        """What the engine said of the newest marker where it could not save it; else empty."""
        return self._unsaved

    @property
    def waiting(self) -> int:
        """Markers that the engine has not taken yet."""
        return len(self._waiting)

    def send(self, text: str, time_s: float) -> None:
        """Queue a marker with its time on the LSL clock."""
        with self._changed:
            self._waiting.append(Command("mark", text, time_s))
            self._changed.notify()

    def close(self, timeout_s: float = 5.0) -> bool:
        """Send what waits, and disconnect; return whether everything was taken."""
        with self._changed:
            self._closing, self._give_up_s = True, time.monotonic() + timeout_s
            self._changed.notify()
        self._thread.join(timeout_s + 1.0)
        return not self._waiting

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting or time.monotonic() > self._give_up_s:
                    break
                command = self._waiting[0]
            if self._taken(command):
                self._waiting.popleft()
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._closing, _RETRY_S)
            if self._closing:
                time.sleep(0.05)
        if self._client is not None:
            self._client.close()

    def _taken(self, command: Command) -> bool:
        try:
            if self._client is None:
                self._client = self._find(self._name, control=True)
            reply = self._client.do(command)
        except MoodringError as error:
            stale, self._client = self._client, None
            if stale is not None:
                stale.close()
            self._lost = str(error)
            return False
        self._lost = ""
        self._unsaved = "" if reply.done else reply.text
        return True
