"""Sends an experimenter's commands to the engine from a thread of its own, so that no command holds up the window."""

import queue
import threading
from collections.abc import Callable
from typing import Protocol

from ....configs.schema.errors import MoodringError
from ...ipc.channel import EngineClient, attach
from ...ipc.commands import Command, Reply


class Commands(Protocol):
    """Protocol of what takes commands; its methods do not block."""

    def send(self, command: Command) -> None:
        """Queue a command."""
        ...

    def replies(self) -> tuple[Reply, ...]:
        """Return the replies that have come since the last call."""
        ...

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what waits, and disconnect."""
        ...


class Commander:
    """Connects when the first command is given, and again after the engine was away.

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
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._client: EngineClient | None = None
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)
        self._thread.start()

    def send(self, command: Command) -> None:
        """Queue a command."""
        self._commands.put(command)

    def replies(self) -> tuple[Reply, ...]:
        """Return the replies that have come since the last call."""
        found = []
        while not self._replies.empty():
            found.append(self._replies.get())
        return tuple(found)

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what waits, and disconnect."""
        self._commands.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (command := self._commands.get()) is not None:
            self._replies.put(self._reply(command))
        if self._client is not None:
            self._client.close()

    def _reply(self, command: Command) -> Reply:
        fresh = self._client is None
        try:
            if self._client is None:
                self._client = self._find(self._name, control=True)
            return self._client.do(command)
        except MoodringError as error:
            if self._client is not None:
                self._client.close()
            self._client = None
            # A connection that had gone stale in the meantime says nothing of the engine now.
            return Reply(False, str(error)) if fresh else self._reply(command)
