"""Record a session: its folder, its files, and an eye on the disk.

What the engine decodes is handed to a recorder process, which writes it into one XDF file with the LSL streams that the
session wants (:mod:`.supervisor`, :mod:`.child`). Pictures and sound go into Matroska files, journal and log into lines
of text, each by a thread of its own, which nothing waits for.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...configs.schema import session_folder as names
from ...configs.schema.live import LiveConfig
from ...models.contract import Estimate, RecordingStatus, Transition
from ...models.io.journal import journal_line
from ...models.io.source_streams import SourceChunk
from ...models.streaming.clock import Clock
from ...models.streaming.decision_schedule import Plan
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from ...models.streaming.summary import BundleName
from ...processes import Child
from .child import record_part
from .disk import RESERVE_BYTES, DiskWatch, measure
from .folder import SessionFolder
from .media_sinks import FilmSink, SoundSink, recorded_source, signal_values
from .part_job import PartJob
from .supervisor import Supervisor
from .wanted_streams import decoded_streams, wanted_streams
from .writer_thread import LineSink, WriterThread

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_CLOSING_S = 20.0
_SHOWN_S = 20.0
_MISSING_AFTER_S = 5.0
_LINES_WAITING = 5000
# Some seconds of each: a disk that hesitates for longer loses samples, which are counted.
_FRAMES_WAITING, _BLOCKS_WAITING = 150, 1000
_LOUDSPEAKER = "loudspeaker"


class Recorder:
    """Record one session from its making until :meth:`stop`.

    :meth:`take` is for the sources' threads, :meth:`journal` for the decoder's, the rest for the session's.

    Parameters
    ----------
    config : LiveConfig
    bundles : sequence of BundleName
    clock : Clock
    root : Path
        The folder that sessions are filed under.

    Raises
    ------
    MoodringError
        The folder cannot be made.
    """

    def __init__(self, config: LiveConfig, bundles: Sequence[BundleName], clock: Clock, root: Path) -> None:
        self._config = config
        self._clock = clock
        self.folder = SessionFolder.create(root, config, bundles)
        path = self.folder.path
        self._types: dict[str, str] = {}
        self._before: dict[str, tuple[bool, int]] = {}
        self._films: dict[str, WriterThread[Chunk]] = {}
        self._log_lines = WriterThread("log", LineSink(path / names.LOG_FILE), _LINES_WAITING)
        self._journal = WriterThread("decisions", LineSink(path / names.DECISIONS_FILE), _LINES_WAITING)
        self._events: list[str] = []
        self._news: tuple[str, float] = ("", -math.inf)
        self._events_lock = threading.Lock()
        self._disk = DiskWatch()
        self._looked_s = -1e9
        self._warned = False
        self._failed: set[str] = set()
        self._began_s = math.inf
        self._grace_s = 0.0
        self._missing: tuple[str, ...] = ()
        self._error: str | None = None
        self._over = False
        self._paused = False
        self._closing: threading.Thread | None = None
        self._handler = _ToLog(self)
        logging.getLogger("moodring").addHandler(self._handler)
        named = tuple(str(query) for query in config.session.markers)
        self._supervisor = Supervisor(self._start_part, self._report, self._halt, named=named)
        self._supervisor.start()

    def take(self, info: SourceInfo, chunk: Chunk) -> None:
        """Record samples as a source gave them; they are copied, for the source uses their memory again."""
        self._take(info.modality, info, chunk)

    def take_loudspeaker(self, info: SourceInfo, chunk: Chunk) -> None:
        """Record what the loudspeaker played, as :meth:`take` does."""
        self._take(_LOUDSPEAKER, info, chunk)

    def _take(self, key: str, info: SourceInfo, chunk: Chunk) -> None:
        if self._over:
            return
        gap, skipped = self._before.pop(key, (False, 0))
        gap, skipped = gap or chunk.gap or self._paused, skipped + chunk.skipped
        if self._paused or not len(chunk.stamps_s):
            # A pause, and a chunk without samples as from a resampler that starts anew, tell of a gap before the next.
            self._before[key] = gap, skipped
            return
        if key not in self._types:
            self._types[key] = self._add(key, info)
        if key in names.MEDIA_FILES:
            film = self._films.get(key)
            if film is not None:
                film.put(Chunk(chunk.samples.copy(), chunk.stamps_s.copy(), chunk.received_s, gap, skipped))
            return
        self._supervisor.put(
            key, SourceChunk(chunk.stamps_s, chunk.received_s, gap, skipped, signal_values(chunk, self._types[key]))
        )

    def _add(self, key: str, info: SourceInfo) -> str:
        """Announce a source and return the type its numbers are recorded with; in the source's own thread."""
        source = recorded_source(key, info)
        self._supervisor.add(source)
        if key in names.MEDIA_FILES:
            self._open(key, info)
        return source.dtype

    def _open(self, key: str, info: SourceInfo) -> None:
        """Open the Matroska file of a source."""
        path = self.folder.path / names.VIDEO_FOLDER / names.MEDIA_FILES[key]
        sink: FilmSink | SoundSink
        try:
            if key == "face":
                sink = FilmSink(path, info, self._config.session.video, self._supervisor.put)
            else:
                sink = SoundSink(path, key, info, self._supervisor.put)
        except OSError as error:
            self._failed.add(key)
            self._error = f"{key}: {(error.strerror or str(error)).lower()}"
            self._report(f"recording of {self._error}; decoding goes on", True)
            return
        if key == "face":
            self._films[key] = WriterThread(key, sink, _FRAMES_WAITING, lambda chunk: len(chunk.stamps_s))
        else:
            self._films[key] = WriterThread(key, sink, _BLOCKS_WAITING)

    def journal(self, estimate: Estimate) -> None:
        """Record a decision."""
        if not (self._paused or self._over):
            self._journal.put(journal_line(estimate))

    def begin(self, plan: Plan, infos: Sequence[SourceInfo], *, midway: bool = False) -> None:
        """Note t0 and the devices.

        Parameters
        ----------
        plan : Plan
        infos : sequence of SourceInfo
        midway : bool
            Whether the session began before its recording: then its rest is not in it, and samples are yet to come.
        """
        self._grace_s = _MISSING_AFTER_S if midway else 0.0
        origins = [info.origin for info in infos if info.origin]
        whose = [info.participant for info in infos if info.participant]
        changes: dict[str, Any] = {"t0_s": plan.t0_s, "rest_s": 0.0 if midway else plan.rest_s}
        if origins and len(origins) == len(infos):
            changes["origin"] = origins[0] if len(set(origins)) == 1 else ", ".join(dict.fromkeys(origins))
        if whose and self.folder.session.participant == "unknown":
            changes["participant"] = whose[0]
        self._began_s = time.monotonic()
        try:
            self.folder.update(**changes)
            self.folder.write_versions(infos)
        except OSError as error:
            self._halt((error.strerror or str(error)).lower())

    def pause(self, paused: bool) -> None:
        """Record nothing, or go on: neither what is decoded nor LSL streams nor decisions."""
        self._paused = paused
        self._supervisor.pause(paused)
        self.log("recording", "paused" if paused else "resumed", "by the experimenter")

    @property
    def on(self) -> bool:
        """Whether it records, or would but for a pause."""
        return not self._over

    def changed(self, what: str, change: Transition) -> None:
        """Record a change of health."""
        self.log(what, change.state, change.why)

    def log(self, what: str, state: str, why: str) -> None:
        """Append a line to the log."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"time_s": self._clock.now(), "at": moment, "what": what, "state": state, "why": why}
        self._log_lines.put(json.dumps(entry).encode())

    def step(self) -> tuple[str, ...]:
        """Look after disk and files; return what is to be announced, each in one line."""
        now_s = time.monotonic()
        if not self._over:
            for film in self._writings():
                if film.error is not None and film.name not in self._failed:
                    self._failed.add(film.name)
                    self._report(f"recording of {film.name} has stopped: {film.error}; decoding goes on", True)
                    self._error = self._error or f"{film.name}: {film.error}"
            if now_s - self._looked_s >= _LOOK_S:
                self._looked_s = now_s
                self._look_at_disk(now_s)
                self._look_for_streams(now_s)
        with self._events_lock:
            events, self._events = tuple(self._events), []
        return events

    @property
    def status(self) -> RecordingStatus:
        """State of the recording; callable from any thread."""
        uses = self._disk.uses
        lost = dict(self._supervisor.lost)
        for key, film in tuple(self._films.items()):
            lost[key] = lost.get(key, 0) + film.lost
        return RecordingStatus(
            on=not self._over,
            folder=str(self.folder.path),
            bytes=uses[-1].folder_bytes if uses else 0,
            minutes_left=self._disk.minutes_left,
            disk_low=self._warned,
            lost_frames=lost.get("face", 0),
            lost_chunks=sum(count for key, count in lost.items() if key != "face"),
            parts=self._supervisor.parts,
            recorder_restarts=self._supervisor.restarts,
            lsl=self._supervisor.complete,
            news=self._news[0] if time.monotonic() - self._news[1] < _SHOWN_S else None,
            error=self._error,
            missing=self._never_came() if self._over else tuple(dict.fromkeys((*self._never_came(), *self._missing))),
            paused=self._paused and not self._over,
        )

    def stop(self) -> None:
        """Finish all files; called again, do nothing. A session that never had a sample leaves no folder."""
        if self._over:
            if self._closing is not None:
                self._closing.join(_CLOSING_S)
            return
        self._over = True
        self._close()
        if not self._types and self.folder.session.t0_s is None:
            self.folder.remove()
            return
        try:
            self._disk = self._disk.with_use(measure(self.folder.path, time.monotonic()))
            self.folder.mark_ended(self._never_came())
        except OSError as error:
            _log.warning("session.toml keeps no end: %s", error)

    def _close(self) -> None:
        for film in tuple(self._films.values()):
            film.close()
        if not self._supervisor.stop(_CLOSING_S):
            self._error = self._error or "the recorder did not write everything"
        self.log("recording", "ended", f"{self._supervisor.parts} parts, {self._supervisor.restarts} restarts")
        logging.getLogger("moodring").removeHandler(self._handler)
        for lines in (self._journal, self._log_lines):
            lines.close()

    def _start_part(self, number: int) -> Child:
        path = self.folder.path / names.STREAMS_FOLDER / names.PART_FILE.format(number)
        job = PartJob(path, self._config.lsl, wanted_streams(self._config), decoded_streams(self._config))
        return Child("recorder", record_part, job, plain=True)

    def _writings(self) -> tuple[WriterThread[Any], ...]:
        return (*tuple(self._films.values()), self._journal, self._log_lines)

    def _look_at_disk(self, now_s: float) -> None:
        try:
            self._disk = self._disk.with_use(measure(self.folder.path, now_s))
        except OSError as error:
            self._halt((error.strerror or str(error)).lower())
            return
        if self._disk.full:
            self._halt(f"the disk is full ({RESERVE_BYTES / 1e6:.0f} MB are kept free)")
            return
        left = self._disk.minutes_left
        if left is not None and left < self._config.session.warn_minutes:
            if not self._warned:
                self._report(f"the disk is full in {left:.1f} min at the present rate; free some of it", True)
            self._warned = True
        elif left is None or left > 1.2 * self._config.session.warn_minutes:
            self._warned = False

    def _look_for_streams(self, now_s: float) -> None:
        """Report which marker streams of the config are not there, once those of the session had time to come."""
        if self._supervisor.missing is None or now_s - self._began_s < _MISSING_AFTER_S:
            return
        before, self._missing = self._missing, self._supervisor.missing
        gone = [one for one in self._missing if one not in before]
        came = [one for one in before if one not in self._missing]
        for stream in gone:
            self._report(f"stream {stream} is not there and is not recorded; start its sender", True)
        for stream in came:
            self._report(f"stream {stream} is recorded from now on", True)
        if gone or came:
            try:
                self.folder.update(missing_streams=list(self._never_came()))
            except OSError as error:
                self._halt((error.strerror or str(error)).lower())

    def _never_came(self) -> tuple[str, ...]:
        """Return what the config names and of which nothing has come since the session began."""
        if time.monotonic() < self._began_s + (0.0 if self._over else self._grace_s):
            return ()
        sources = tuple(key for key in self._config.modalities if key not in self._types)
        return sources + self._supervisor.never

    def _halt(self, why: str) -> None:
        """Stop recording and show why; decoding goes on."""
        ending, self._over = self._over, True
        self._error = why
        self._report(f"recording has stopped: {why}; decoding goes on", True)
        if not ending:
            # Closing takes seconds, and the session's thread keeps the health meanwhile.
            self._closing = threading.Thread(target=self._close, name="record-close", daemon=True)
            self._closing.start()

    def _report(self, line: str, shown: bool) -> None:
        """Put a line into the log and onto LSL; where it is ``shown``, on the screens and the terminal too."""
        self.log("recording", "warning" if shown else "info", line)
        if shown:
            _log.warning("%s", line)
            self._news = (line, time.monotonic())
        with self._events_lock:
            self._events.append(line)


class _ToLog(logging.Handler):
    """Puts what the engine logs into the session's log; changes of health come by themselves."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.INFO)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.endswith(".source_channel") and ".recorder." not in record.name:
            self._recorder.log(record.name.removeprefix("moodring."), record.levelname.lower(), record.getMessage())
        # A logger with a handler of its own no longer prints by itself.
        if record.levelno >= logging.WARNING and not logging.getLogger().handlers and logging.lastResort is not None:
            logging.lastResort.handle(record)
