"""The local channel between an engine and its screens: requests and answers as JSON.

The engine answers each screen in a thread of its own from a finished snapshot, so a screen that hangs, dies or sends
nonsense holds up nobody.
"""

import contextlib
import os
import secrets
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from ...configs.schema.errors import MoodringError
from ...models.io import wire
from . import run_dir
from .snapshot import Snapshot

_MOST_SCREENS = 16
_LONGEST_QUESTION = 1024
_LONGEST_ANSWER = 1 << 22
_LONGEST_PLACE = 100  # of a Unix socket, in bytes


class ChannelServer:
    """Server side of the channel: answers requests of screens.

    Parameters
    ----------
    snapshot : callable
        Gives the newest snapshot; called from the channel's threads.
    stop : callable
        Asks the engine to stop.
    folder : Path or None
        The engine's own folder, where the socket goes, so that it goes with it; None is the system's place.

    Attributes
    ----------
    address : str
        Where screens find it.
    key : bytes
    """

    def __init__(self, snapshot: Callable[[], Snapshot], stop: Callable[[], None], folder: Path | None = None) -> None:
        self._snapshot = snapshot
        self._stop = stop
        self.key = secrets.token_bytes(32)
        # The family is the system's default: a Unix socket, or a named pipe on Windows.
        place = None if folder is None or os.name == "nt" else str(folder / "channel")
        self._listener = Listener(place if place is not None and len(place) < _LONGEST_PLACE else None)
        self.address = str(self._listener.address)
        self._seats = threading.BoundedSemaphore(_MOST_SCREENS)
        self._closing = threading.Event()
        self._told = threading.Event()
        self._attached = 0
        self._count = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="channel", daemon=True)

    def start(self) -> None:
        """Start to answer requests."""
        self._thread.start()

    def linger(self, for_s: float = 1.0) -> None:
        """Wait until attached screens have read that the session has ended."""
        self._told.clear()
        if self._attached:
            self._told.wait(for_s)

    def close(self, timeout_s: float = 1.0) -> None:
        """Stop; later calls do nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        # Knocking is the portable way to wake a thread that waits for a knock.
        with contextlib.suppress(OSError):
            Client(self.address).close()
        self._thread.join(timeout_s)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection = self._listener.accept()
            except OSError:
                continue
            if self._closing.is_set() or not self._seats.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="screen", daemon=True).start()

    def _serve(self, connection: "Connection[Any, Any]") -> None:
        with self._count:
            self._attached += 1
        try:
            with connection:
                deliver_challenge(connection, self.key)
                answer_challenge(connection, self.key)
                while not self._closing.is_set():
                    question = connection.recv_bytes(_LONGEST_QUESTION)
                    if self._closing.is_set():
                        return
                    if question == b"stop":
                        self._stop()
                        connection.send_bytes(b"{}")
                    elif question == b"snapshot":
                        snapshot = self._snapshot()
                        connection.send_bytes(wire.encode(snapshot))
                        if snapshot.phase == "ended":
                            self._told.set()
                    else:
                        return
        except (EOFError, OSError, AuthenticationError):
            return
        finally:
            with self._count:
                self._attached -= 1
            self._seats.release()


class EngineClient:
    """Client side of the channel; for one thread.

    Raises
    ------
    MoodringError
        From every method: the engine is gone.
    """

    def __init__(self, card: run_dir.EngineCard) -> None:
        self.card = card
        try:
            self._connection = Client(card.address, authkey=bytes.fromhex(card.key))
        except (OSError, EOFError, AuthenticationError) as error:
            raise MoodringError(f"engine '{card.name}' does not answer ({error}); it has ended or is ending") from error

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot."""
        return wire.decode(Snapshot, self._ask(b"snapshot"))

    def stop(self) -> None:
        """Request the engine to stop."""
        self._ask(b"stop")

    def close(self) -> None:
        """Disconnect from the engine."""
        self._connection.close()

    def __enter__(self) -> "EngineClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: bytes) -> bytes:
        try:
            self._connection.send_bytes(question)
            return self._connection.recv_bytes(_LONGEST_ANSWER)
        except (OSError, EOFError) as error:
            raise MoodringError(f"engine '{self.card.name}' has ended") from error


def attach(name: str | None = None) -> EngineClient:
    """Connect to a running engine by its session's name, or to the newest.

    Raises
    ------
    MoodringError
        None runs under that name.
    """
    return EngineClient(run_dir.find(name))
