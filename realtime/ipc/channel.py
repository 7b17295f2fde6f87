"""The local channel between an engine and its screens: requests and answers as JSON.

The engine answers each screen in a thread of its own from a finished snapshot, so a screen that hangs, dies or sends
nonsense holds up nobody.
"""

import contextlib
import os
import secrets
import socket
import struct
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from ...configs.schema.errors import MoodringError
from ...models.io import wire
from . import run_dir
from .commands import Command, Reply
from .snapshot import Snapshot

_MOST_SCREENS = 16
_LONGEST_QUESTION = 12_000
_CONTROL = b"control"
_SNAPSHOT = b"snapshot"
_COMMAND_S = 60.0  # a recording is finished meanwhile
_LONGEST_ANSWER = 1 << 22
_LONGEST_PLACE = 100  # of a Unix socket, in bytes
READ_ONLY = Reply(False, "This screen only watches: start, stop and mark in the window that started the session.")


class ChannelServer:
    """Server side of the channel: answers requests of screens.

    Parameters
    ----------
    snapshot : callable
        Gives the newest snapshot; called from the channel's threads.
    do : callable
        Carries out a command and returns the reply; called from the channel's threads.
    folder : Path or None
        The engine's own folder, where the socket goes, so that it goes with it; None is the system's place.

    Attributes
    ----------
    address : str
        Where screens find it.
    key : bytes
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], do: Callable[[Command], Reply], folder: Path | None = None
    ) -> None:
        self._snapshot = snapshot
        self._do = do
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
                self._answer(connection)
        except (EOFError, OSError, AuthenticationError, MoodringError):
            return
        finally:
            with self._count:
                self._attached -= 1
            self._seats.release()

    def _answer(self, connection: "Connection[Any, Any]") -> None:
        """Answer the questions of one screen; what asked for no control may only look."""
        controls = False
        while not self._closing.is_set():
            question = connection.recv_bytes(_LONGEST_QUESTION)
            if self._closing.is_set():
                return
            if question == _SNAPSHOT:
                snapshot = self._snapshot()
                connection.send_bytes(wire.encode(snapshot))
                if snapshot.phase == "ended":
                    self._told.set()
            elif question == _CONTROL:
                controls = True
                connection.send_bytes(b"{}")
            else:
                command = wire.decode(Command, question)
                connection.send_bytes(wire.encode(self._do(command) if controls else READ_ONLY))


class EngineClient:
    """Client side of the channel; for one thread.

    Parameters
    ----------
    card : EngineCard
    timeout_s : float
        How long to wait for each answer.
    control : bool
        Whether it may give commands; a monitor may only look.

    Raises
    ------
    MoodringError
        From every method: the engine is gone, or does not answer in time.
    """

    def __init__(self, card: run_dir.EngineCard, timeout_s: float = 5.0, *, control: bool = False) -> None:
        self.card = card
        self._timeout_s = timeout_s
        key = bytes.fromhex(card.key)
        try:
            self._connection = _connect(card.address, timeout_s)
        except BlockingIOError as error:
            raise MoodringError(self._stopped()) from error
        except OSError as error:
            raise MoodringError(f"engine '{card.name}' does not answer ({error}); it has ended or is ending") from error
        try:
            patient = _Patient(self._connection, timeout_s)
            answer_challenge(patient, key)  # type: ignore[arg-type]
            deliver_challenge(patient, key)  # type: ignore[arg-type]
        except (TimeoutError, BlockingIOError) as error:
            self.close()
            raise MoodringError(self._stopped()) from error
        except (OSError, EOFError, AuthenticationError) as error:
            self.close()
            raise MoodringError(f"engine '{card.name}' does not answer ({error}); it has ended or is ending") from error
        if control:
            self._ask(_CONTROL)

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot."""
        return wire.decode(Snapshot, self._ask(_SNAPSHOT))

    def do(self, command: Command) -> Reply:
        """Send a command and return the engine's reply; finishing a recording takes a while."""
        return wire.decode(Reply, self._ask(wire.encode(command), _COMMAND_S))

    def close(self) -> None:
        """Disconnect from the engine."""
        self._connection.close()

    def __enter__(self) -> "EngineClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: bytes, timeout_s: float | None = None) -> bytes:
        patient = _Patient(self._connection, self._timeout_s if timeout_s is None else timeout_s)
        try:
            patient.send_bytes(question)
            return patient.recv_bytes(_LONGEST_ANSWER)
        except (TimeoutError, BlockingIOError) as error:
            self.close()  # an answer that comes later would be taken for that to the next question
            raise MoodringError(self._stopped()) from error
        except (OSError, EOFError) as error:
            raise MoodringError(f"engine '{self.card.name}' has ended") from error

    def _stopped(self) -> str:
        return (
            f"engine '{self.card.name}' has not answered for {self._timeout_s:g} s: process {self.card.pid} is stopped "
            "or overloaded; let it go on (kill -CONT), or end it"
        )


class _Patient:
    """A connection whose answers are waited for up to a time; TimeoutError after it."""

    def __init__(self, connection: "Connection[Any, Any]", timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s

    def send_bytes(self, message: bytes) -> None:
        """Send a message."""
        self._connection.send_bytes(message)

    def recv_bytes(self, longest: int | None = None) -> bytes:
        """Return the next message."""
        if not self._connection.poll(self._timeout_s):
            raise TimeoutError
        return self._connection.recv_bytes(longest)


def _connect(address: str, timeout_s: float) -> "Connection[Any, Any]":
    """Connect to a local socket, on which nothing blocks for longer than a time; raises OSError."""
    if os.name == "nt":
        return Client(address)
    with socket.socket(socket.AF_UNIX) as made:
        # The system's own limits hold in the middle of a message too, and for a queue of callers that is full.
        limit = struct.pack("@ll", int(timeout_s), int(timeout_s % 1 * 1e6))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            made.setsockopt(socket.SOL_SOCKET, option, limit)
        made.connect(address)
        return Connection(made.detach())


def attach(name: str | None = None, *, control: bool = False) -> EngineClient:
    """Connect to a running engine by its session's name, or to the newest; ``control`` is to give commands.

    Raises
    ------
    MoodringError
        None runs under that name.
    """
    return EngineClient(run_dir.find(name), control=control)
