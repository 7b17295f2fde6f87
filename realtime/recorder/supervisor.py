"""Keep a recorder at work: hand it the chunks of the sources, and start another where it dies.

Everything that is handed over waits in an outbox until the recorder says that it is written, so that the next recorder
gets what the one before may not have written. Sources' threads only put into the outbox; nothing ever waits for a
recorder.
"""

import contextlib
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...models.io.source_streams import RecordedSource, SourceChunk
from .messages import STOP, chunk_message, pause_message, source_message

_OUTBOX_BYTES = 64_000_000
_POLL_S = 0.1
_START_S = 30.0
_SILENT_S = 8.0
_AGAIN_S = 1.0
_MOST_IN_VAIN = 5


class RecorderChild(Protocol):
    """Protocol of the part of :class:`moodring.processes.Child` used here."""

    pipe: Any

    def end(self, grace_s: float) -> None:
        """Kill it where it does not end in time; the pipe stays open."""
        ...


@dataclass(frozen=True)
class _Message:
    number: int
    content: bytes


class Supervisor:
    """Send chunks to recorder processes, one after the other.

    Parameters
    ----------
    start : callable
        Starts the recorder of a part, given its number from 1 on; raises OSError.
    report : callable
        Told in one line what happened, and whether it is to be shown.
    failed : callable
        Told why nothing can be recorded any more: the disk refuses, or recorders die at once.
    outbox_bytes : int
        How much may wait; what does not fit is counted as lost.
    named : tuple of str
        The marker streams of the config, as recorders call them.
    """

    def __init__(
        self,
        start: Callable[[int], RecorderChild],
        report: Callable[[str, bool], None],
        failed: Callable[[str], None],
        outbox_bytes: int = _OUTBOX_BYTES,
        named: tuple[str, ...] = (),
    ) -> None:
        self._start = start
        self._report = report
        self._failed = failed
        self._outbox_bytes = outbox_bytes
        self._changed = threading.Condition()
        self._sources: dict[str, bytes] = {}
        self._counts: dict[str, int] = {}
        self._outbox: deque[_Message] = deque()
        self._waiting_bytes = 0
        self._sent = 0
        self._numbers = itertools.count()
        self._stopping = False
        self._paused = False
        self._give_up_s = np.inf
        self._received_s = 0.0
        self._wrote = False
        self.parts = 0
        self.restarts = 0
        self.lost: dict[str, int] = {}
        self.complete = False
        """Whether every LSL stream that is wanted and there is being written, at the end: was to its end."""
        self.missing: tuple[str, ...] | None = None
        """The named streams that are not there now; None before a recorder has looked."""
        self.never = named
        """The named streams that have not been there yet."""
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Start the first recorder."""
        self._thread.start()

    def add(self, source: RecordedSource) -> None:
        """Announce a source, before its first chunk."""
        with self._changed:
            number = next(self._numbers)
            # To the next recorder it goes before everything else, where it acknowledges nothing.
            self._sources[source.key] = source_message(-1, source)
            self._queue(number, source_message(number, source))

    def put(self, key: str, chunk: SourceChunk) -> None:
        """Queue a chunk of a source; its arrays are copied."""
        with self._changed:
            first, number = self._counts.get(key, 0), next(self._numbers)
            message = chunk_message(number, key, first, chunk)
            if self._waiting_bytes + len(message) > self._outbox_bytes or self._stopping:
                self.lost[key] = self.lost.get(key, 0) + 1
                return
            self._counts[key] = first + len(chunk.stamps_s)
            self._queue(number, message)

    def pause(self, paused: bool) -> None:
        """Let recorders pass over the LSL streams that they read themselves, or take them again."""
        with self._changed:
            self._paused = paused
            number = next(self._numbers)
            self._queue(number, pause_message(number, paused))

    def stop(self, timeout_s: float) -> bool:
        """Write everything and end the recorder; return False where that takes longer."""
        with self._changed:
            self._stopping = True
            self._give_up_s = time.monotonic() + timeout_s
            self._changed.notify_all()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s + _SILENT_S)
        with self._changed:
            return not self._outbox

    def _queue(self, number: int, message: bytes) -> None:
        self._outbox.append(_Message(number, message))
        self._waiting_bytes += len(message)
        self._changed.notify_all()

    def _run(self) -> None:
        in_vain = 0
        while not (self._stopping and not self._outbox) and time.monotonic() < self._give_up_s:
            self.parts += 1
            began_s = time.monotonic()
            try:
                child = self._start(self.parts)
            except OSError as error:
                self._report(f"the recorder cannot be started: {error.strerror or error}", True)
                time.sleep(_AGAIN_S)
                continue
            refused = self._follow(child)
            self.complete = self.complete and self._stopping and not self._outbox
            if refused is not None:
                self._failed(refused)
                return
            if self._stopping and not self._outbox:
                return
            in_vain = 0 if self._wrote else in_vain + 1
            if in_vain == _MOST_IN_VAIN:
                self._failed(f"{in_vain} recorders died before they wrote anything")
                return
            self.restarts += 1
            self._report(f"the recorder has died; what it wrote is kept, starting part {self.parts + 1}", True)
            time.sleep(max(0.0, _AGAIN_S - (time.monotonic() - began_s)))

    def _follow(self, child: RecorderChild) -> str | None:
        """Send to a recorder and read its messages until it is gone; return why the disk refused, where it did."""
        self._wrote = False
        with self._changed:
            self._sent = 0
            known = tuple(self._sources.values())
            if self._paused:
                known += (pause_message(-1, True),)
        gone = threading.Event()
        feeder = threading.Thread(target=self._feed, args=(child.pipe, known, gone), name="recorder-feed", daemon=True)
        feeder.start()
        self._received_s = time.monotonic() + _START_S - _SILENT_S
        refused: str | None = None
        try:
            while refused is None:
                if child.pipe.poll(_POLL_S):
                    refused = self._receive(json.loads(child.pipe.recv_bytes()))
                elif time.monotonic() > min(self._received_s + _SILENT_S, self._give_up_s):
                    self._report("the recorder does not answer and is ended", True)
                    break
        except (EOFError, OSError):
            pass  # it is gone
        gone.set()
        child.end(0.0)
        with self._changed:
            self._changed.notify_all()
        feeder.join()
        child.pipe.close()
        return refused

    def _receive(self, news: dict[str, Any]) -> str | None:
        self._received_s = time.monotonic()
        if "written" in news:
            self._wrote = True
            with self._changed:
                while self._sent and self._outbox[0].number <= news["written"]:
                    self._waiting_bytes -= len(self._outbox.popleft().content)
                    self._sent -= 1
            self.complete = bool(news["complete"])
        if "missing" in news:
            self.missing = tuple(map(str, news["missing"]))
            self.never = tuple(one for one in self.never if one in self.missing)
        if "news" in news:
            self._report(str(news["news"]), True)
        return str(news["error"]) if "error" in news else None

    def _feed(self, pipe: Any, known: tuple[bytes, ...], gone: threading.Event) -> None:
        """Send what waits, in order, until the recorder is gone; at the end of the session, ask it to finish."""
        with contextlib.suppress(OSError):
            for message in known:
                pipe.send_bytes(message)
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: gone.is_set() or self._stopping or self._sent < len(self._outbox))
                    if gone.is_set():
                        return
                    if self._sent == len(self._outbox):
                        break
                    content = self._outbox[self._sent].content
                    self._sent += 1
                pipe.send_bytes(content)
            pipe.send_bytes(STOP)
