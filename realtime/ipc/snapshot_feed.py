"""Feed of an engine's snapshots for a screen, which reconnects when the engine returns."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from ...configs.schema.errors import MoodringError
from .channel import EngineClient, attach
from .snapshot import Snapshot


class SnapshotSource(Protocol):
    """Protocol of a feed of snapshots; its methods do not block."""

    def snapshot(self) -> Snapshot | None:
        """Return the newest snapshot; None while no engine answers."""
        ...

    def why_silent(self) -> str:
        """Return the reason why no engine answers; empty where it is unknown."""
        ...

    def close(self) -> None:
        """Disconnect from the engine."""
        ...


class SnapshotFeed:
    """Polls an engine in a thread of its own, so that a hanging engine does not block the screen.

    Parameters
    ----------
    name : str or None
        Of the engine; None follows the newest, and then stays with its name.
    every_s : float
        Between two questions.
    retry_s : float
        Between two attempts to find an engine.
    silent_after_s : float
        An engine that has not answered for so long does not answer.
    """

    def __init__(
        self,
        name: str | None = None,
        every_s: float = 0.1,
        retry_s: float = 0.5,
        silent_after_s: float = 1.0,
        find: Callable[[str | None], EngineClient] = attach,
    ) -> None:
        self._name = name
        self._every_s, self._retry_s, self._silent_after_s = every_s, retry_s, silent_after_s
        self._find = find
        # One tuple, replaced as a whole: the screen's thread reads it without a lock.
        self._newest: tuple[Snapshot, float] | None = None
        self._why = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)
        self._thread.start()

    def snapshot(self) -> Snapshot | None:
        """Return the newest snapshot; None while no engine answers.

        A session that has ended keeps its last snapshot: it was the answer.
        """
        newest = self._newest
        if newest is None:
            return None
        snapshot, heard_s = newest
        ended = snapshot.phase == "ended"
        return snapshot if ended or time.monotonic() - heard_s <= self._silent_after_s else None

    def why_silent(self) -> str:
        """Return the reason why no engine answers; empty where it is unknown."""
        return self._why

    def close(self) -> None:
        """Disconnect from the engine."""
        self._closing.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                client = self._find(self._name)
            except MoodringError as error:
                self._why = str(error)
                self._closing.wait(self._retry_s)
                continue
            self._name = client.card.name
            with client:
                self._ask(client)
            self._closing.wait(self._retry_s)

    def _ask(self, client: EngineClient) -> None:
        while not self._closing.is_set():
            try:
                self._newest = (client.snapshot(), time.monotonic())
            except MoodringError as error:
                self._why = str(error)
                return
            self._closing.wait(self._every_s)
