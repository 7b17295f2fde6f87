"""Keeps LabRecorders at work on the LSL streams that a session wants, part after part.

LabRecorder has limits that are made up for here: a stream that appears after its start, or comes back as another one,
is never recorded (so another part begins, and the one before ends only when the new one runs); on a full disk it goes
on without a word (so its file's growth is watched); and it may die (so it is started again). Streams of few bytes, such
as markers, are written by a second LabRecorder too: nothing else has them, and a new recorder takes a second to begin.
"""

import logging
import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pylsl

from ...configs.schema.live import StreamQuery
from ...configs.schema.session_folder import PART_NAME, SPARE_NAME
from .labrecorder import Part

_log = logging.getLogger(__name__)
_NAP_S = 0.05
_SETTLE_S = 0.4
_RETRY_S = 1.0
_START_S = 10.0
_ABSENT_S = 4.0
_SILENT_S = 6.0
_PATIENCE_S = 2.5
_FEW_VALUES_HZ = 1000.0
_CLOSE_S = 8.0


@dataclass(frozen=True)
class Wanted:
    """Streams to record. ``own``: only those of this machine. ``expected``: worth waiting for at the start."""

    query: StreamQuery
    own: bool = False
    expected: bool = True


@dataclass(frozen=True)
class Found:
    """A stream that is there. ``light``: a few values a second."""

    uid: str
    name: str
    light: bool


@dataclass(frozen=True)
class PartsStatus:
    """How the recorders do: parts begun, recorders that died, whether all that is wanted and there is written."""

    parts: int
    restarts: int
    recording: bool


class XdfParts:
    """Records in a thread of its own.

    Parameters
    ----------
    program : Path
        LabRecorder.
    folder : Path
        Of the parts.
    wanted : sequence of Wanted
    settings : Path or None
        liblsl's, for LabRecorder.
    say : callable
        Told in one line what happened, and whether it is to be said aloud.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        wanted: Sequence[Wanted],
        settings: Path | None,
        say: Callable[[str, bool], None],
    ) -> None:
        self._wanted = tuple(wanted)
        self._lines = tuple(
            _Line(name, light, program, folder, settings, say)
            for name, light in ((PART_NAME, False), (SPARE_NAME, True))
        )
        self._stopping = threading.Event()
        self._linger = True
        self._thread = threading.Thread(target=self._run, name="record-lsl", daemon=True)

    def start(self) -> None:
        """Begin to look for the streams and to record them."""
        self._thread.start()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the recorders' keepers."""
        return tuple(part.pid for line in self._lines for part in line.running)

    @property
    def status(self) -> PartsStatus:
        """How they do."""
        return PartsStatus(
            sum(line.begun for line in self._lines),
            sum(line.restarts for line in self._lines),
            all(line.complete for line in self._lines) and any(line.running for line in self._lines),
        )

    def stop(self) -> None:
        """Let the recorders take what is still on its way, close their files, and wait for that."""
        if self._thread.ident is None:
            return
        self._stopping.set()
        self._thread.join(_CLOSE_S + 6.0)

    def _run(self) -> None:
        resolver = pylsl.ContinuousResolver(forget_after=2.0)
        patient_until_s = time.monotonic() + _PATIENCE_S
        try:
            while not self._stopping.wait(_NAP_S):
                infos = resolver.results()
                found = present(infos, self._wanted)
                # The engine's own outlets take a moment to be found, and belong into the first part.
                missing = any(one.expected and not any(_matches(info, one) for info in infos) for one in self._wanted)
                if missing and time.monotonic() < patient_until_s:
                    continue
                for line in self._lines:
                    line.step(time.monotonic(), found)
        except Exception as error:
            # Whatever liblsl or the system raises: decoding and the engine's own files go on, and it is shown.
            _log.exception("recording of LSL streams")
            self._lines[0].say(f"recording of LSL streams has failed: {type(error).__name__}: {error}", True)
        finally:
            for line in self._lines:
                line.finish()
            deadline_s = time.monotonic() + _CLOSE_S
            for line in self._lines:
                line.wait(deadline_s)


def present(infos: Sequence[pylsl.StreamInfo], wanted: Sequence[Wanted]) -> tuple[Found, ...]:
    """Pick the streams that are wanted; of a sender that is there twice since it restarted, the newer one."""
    newest: dict[tuple[str, ...], pylsl.StreamInfo] = {}
    here = socket.gethostname()
    for info in infos:
        if not any(_matches(info, one) and (not one.own or info.hostname() == here) for one in wanted):
            continue
        key = (info.name(), info.type(), info.source_id() or info.uid(), info.hostname())
        if key not in newest or info.created_at() > newest[key].created_at():
            newest[key] = info
    return tuple(
        Found(info.uid(), info.name(), info.nominal_srate() * info.channel_count() <= _FEW_VALUES_HZ)
        for info in newest.values()
    )


def _matches(info: pylsl.StreamInfo, wanted: Wanted) -> bool:
    query = wanted.query
    asked = ((query.name, info.name()), (query.type, info.type()), (query.source_id, info.source_id()))
    return all(not value or value == came for value, came in asked)


class _Line:
    """The parts of one recorder, one after the other; for the one thread."""

    def __init__(
        self,
        name: str,
        light: bool,
        program: Path,
        folder: Path,
        settings: Path | None,
        say: Callable[[str, bool], None],
    ) -> None:
        self._name, self._light = name, light
        self._program, self._folder, self._settings = program, folder, settings
        self.say = say
        self._current: Part | None = None
        self._next: Part | None = None
        self._ending: list[Part] = []
        self._seen: tuple[frozenset[str], float] = (frozenset(), 0.0)
        self._retry_s = 0.0
        self._absent_until_s: dict[str, float] = {}
        self._heavy = False
        self.begun = 0
        self.restarts = 0
        self.complete = False

    @property
    def running(self) -> tuple[Part, ...]:
        """The parts at work."""
        return tuple(part for part in (self._current, self._next) if part is not None and not part.died)

    def step(self, now_s: float, found: tuple[Found, ...]) -> None:
        """Look after the parts."""
        here = [
            one
            for one in found
            if (one.light or not self._light) and now_s >= self._absent_until_s.get(one.uid, -math.inf)
        ]
        uids = frozenset(one.uid for one in here)
        if uids != self._seen[0]:
            self._seen = (uids, now_s)
        self._bury()
        self._change_over(now_s)
        newest = self._next or self._current
        missing = [one for one in here if newest is None or one.uid not in newest.uids]
        written = self._current.uids if self._current is not None else frozenset()
        self.complete = all(one.uid in written for one in here) and (self._light or bool(here))
        settled = now_s - self._seen[1] >= _SETTLE_S
        # A recorder that died is replaced at once: what it recorded is known to be there.
        if missing and self._next is None and now_s >= self._retry_s and (settled or self.restarts):
            self._begin(now_s, here)

    def finish(self) -> None:
        """Let all parts end."""
        for part in (self._current, self._next):
            if part is not None:
                part.finish()
                self._ending.append(part)
        self._current = self._next = None

    def wait(self, deadline_s: float) -> None:
        """Wait for the end of all parts; who takes longer is killed by its keeper some seconds later."""
        for part in self._ending:
            if not part.wait(max(0.1, deadline_s - time.monotonic())):
                self.say(
                    f"recorder {part.path.name} does not close its file; what it wrote is kept, it will be ended", True
                )

    def _begin(self, now_s: float, streams: Sequence[Found]) -> None:
        self.begun += 1
        self._heavy = any(not one.light for one in streams)
        path = self._folder / f"{self._name}-{self.begun:03}.xdf"
        try:
            self._next = Part(self._program, path, [one.uid for one in streams], self._settings)
        except OSError as error:
            self._retry_s = now_s + _RETRY_S
            self.say(f"recorder {path.name} cannot be started: {error.strerror or error}", True)
            return
        self.say(f"recorder {path.name}: {', '.join(one.name for one in streams)}", False)

    def _bury(self) -> None:
        """Notice who has died, or writes nothing any more."""
        self._ending = [part for part in self._ending if not part.died]
        part = self._current
        if part is None:
            return
        # Of light streams, LabRecorder keeps up to 8 kB to itself, so their file may stand still.
        if not part.died and not self._light and self._heavy and part.idle_s() > _SILENT_S:
            self.say(f"recorder {part.path.name} has written nothing for {_SILENT_S:.0f} s; starting another", True)
            self._ending.append(part)
        elif part.died:
            self.say(f"recorder {part.path.name} has died; what it wrote is kept, starting another", True)
        else:
            return
        part.finish()
        self._current = None
        self.restarts += 1

    def _change_over(self, now_s: float) -> None:
        """Let the part before end once the new one runs."""
        part = self._next
        if part is None:
            return
        if part.died:
            # Mostly a stream that went away: it is announced for a while after its end.
            part.finish()
            said = part.said()
            self._absent_until_s = {uid: now_s + _ABSENT_S for uid in part.uids if f"{uid}'\" matched no" in said}
            if not self._absent_until_s:
                last = (said.strip().splitlines() or ["no word"])[-1]
                self.say(f"recorder {part.path.name} did not start ({last}); trying again", True)
                self._retry_s = now_s + _RETRY_S
            self._next = None
        elif part.collecting:
            if self._current is not None:
                self._current.finish()
                self._ending.append(self._current)
                self.say(f"another part of the recording began: {part.path.name}", False)
            self._current, self._next = part, None
        elif time.monotonic() - part.began_s > _START_S:
            self.say(f"recorder {part.path.name} took too long to start; trying again", True)
            part.finish()
            self._ending.append(part)
            self._next, self._retry_s = None, now_s + _RETRY_S
