"""Records a session: the engine's own files, LabRecorder's parts, and an eye on the disk.

What the engine decodes, it writes itself, exactly as it got it: EEG as rows, pictures and sound as films. LabRecorder
writes the LSL streams as XDF, the lab's own format, in processes that go on where the engine dies. Every file is
written by a thread of its own, which nothing waits for.
"""

import json
import logging
import math
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ...configs.schema import session_folder as names
from ...configs.schema.live import FaceSection, LiveConfig, SpeechSection, StreamQuery
from ...models.contract import Estimate, RecordingStatus, Transition
from ...models.io import wire
from ...models.io.files import write_file
from ...models.streaming.clock import Clock
from ...models.streaming.schedule import Plan
from ...models.streaming.sources import Chunk, SourceInfo
from ...models.streaming.summary import BundleName
from ..engine.outlet import source_id
from .disk import RESERVE_BYTES, DiskWatch, look
from .files import Lines, Samples
from .folder import SessionFolder
from .index_outlets import IndexOutlet, index_name
from .labrecorder import labrecorder_program, recorder_settings
from .media import Pictures, Sound
from .writing import Writing
from .xdf import Wanted, XdfParts

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_CLOSING_S = 20.0
_SHOWN_S = 20.0
_LINES_WAITING = 5000
# Some seconds of each: a disk that hesitates for longer loses samples, which are counted.
_CHUNKS_WAITING = {"eeg": 2000, "face": 150, "speech": 1000}
_TRUTH_TYPE = "EmotionTruth"
_LOUDSPEAKER = "loudspeaker"


@dataclass(frozen=True)
class RecorderPlace:
    """Where a recorder works: the root that sessions are filed under, and a folder for what nobody keeps."""

    root: Path
    scratch: Path


class Recorder:
    """Records one session from its making until :meth:`stop`.

    :meth:`take` is for the sources' threads, :meth:`journal` for the decoder's, the rest for the session's.

    Parameters
    ----------
    config : LiveConfig
    bundles : sequence of BundleName
    clock : Clock
    place : RecorderPlace

    Raises
    ------
    MoodringError
        LabRecorder is not installed, or the folder cannot be made.
    """

    def __init__(self, config: LiveConfig, bundles: Sequence[BundleName], clock: Clock, place: RecorderPlace) -> None:
        program = labrecorder_program()
        self._config = config
        self._clock = clock
        self.folder = SessionFolder.create(place.root, config, bundles)
        path = self.folder.path
        self._films: dict[str, Writing[Chunk]] = {}
        self._log_lines = Writing("log", Lines(path / names.LOG_FILE), _LINES_WAITING)
        self._journal = Writing("decisions", Lines(path / names.DECISIONS_FILE), _LINES_WAITING)
        self._parts = XdfParts(program, path / names.STREAMS_FOLDER, _wanted(config), self._settings(place), self._say)
        # Made when the sources are there: every outlet takes one of the few ports that discovery asks.
        self._indices: dict[str, IndexOutlet] = {}
        self._events: list[str] = []
        self._news: tuple[str, float] = ("", -math.inf)
        self._events_lock = threading.Lock()
        self._disk = DiskWatch()
        self._looked_s = -1e9
        self._warned = False
        self._failed: set[str] = set()
        self._error: str | None = None
        self._over = False
        self._closing: threading.Thread | None = None
        self._handler = _ToLog(self)
        logging.getLogger("moodring").addHandler(self._handler)

    def take(self, info: SourceInfo, chunk: Chunk) -> None:
        """Record samples as a source gave them; they are copied, for the source uses their memory again."""
        self._take(info.modality, info, chunk)

    def take_loudspeaker(self, info: SourceInfo, chunk: Chunk) -> None:
        """Record what the loudspeaker played, as :meth:`take` does."""
        self._take(_LOUDSPEAKER, info, chunk)

    def _take(self, what: str, info: SourceInfo, chunk: Chunk) -> None:
        if self._over or not len(chunk.stamps_s):
            return
        film = self._films.get(what)
        if film is None:
            film = self._open(what, info)
            if film is None:
                return
        film.put(Chunk(chunk.samples.copy(), chunk.stamps_s.copy(), chunk.received_s, chunk.gap))

    def journal(self, estimate: Estimate) -> None:
        """Record a decision."""
        self._journal.put(wire.encode(estimate))

    def begin(self, plan: Plan, infos: Sequence[SourceInfo]) -> None:
        """Note t0 and the devices, and begin to record the LSL streams."""
        origins = [info.origin for info in infos if info.origin]
        whose = [info.participant for info in infos if info.participant]
        changes: dict[str, Any] = {"t0_s": plan.t0_s, "rest_s": plan.rest_s}
        if origins and len(origins) == len(infos):
            changes["origin"] = origins[0] if len(set(origins)) == 1 else ", ".join(dict.fromkeys(origins))
        if whose and self.folder.session.participant == "unknown":
            changes["participant"] = whose[0]
        try:
            self.folder.say(**changes)
            self.folder.devices(infos)
        except OSError as error:
            self._halt(f"{(error.strerror or str(error)).lower()}")
            return
        self._indices = _index_outlets(self._config)
        self._parts.start()

    def changed(self, what: str, change: Transition) -> None:
        """Record a change of health."""
        self.log(what, change.state, change.why)

    def log(self, what: str, state: str, why: str) -> None:
        """Append a line to the log."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {"time_s": self._clock.now(), "at": moment, "what": what, "state": state, "why": why}
        self._log_lines.put(json.dumps(entry).encode())

    def step(self) -> tuple[str, ...]:
        """Look after disk and files; give what is to be announced, each in one line."""
        now_s = time.monotonic()
        if not self._over:
            for film in self._writings():
                if film.error is not None and film.name not in self._failed:
                    self._failed.add(film.name)
                    self._say(f"recording of {film.name} has stopped: {film.error}; decoding goes on")
                    self._error = self._error or f"{film.name}: {film.error}"
            if now_s - self._looked_s >= _LOOK_S:
                self._looked_s = now_s
                self._look_at_disk(now_s)
        with self._events_lock:
            events, self._events = tuple(self._events), []
        return events

    @property
    def status(self) -> RecordingStatus:
        """How it stands; from any thread."""
        parts = self._parts.status
        seen = self._disk.seen
        lost = {modality: film.lost for modality, film in tuple(self._films.items())}
        return RecordingStatus(
            on=not self._over,
            folder=str(self.folder.path),
            bytes=seen[-1].folder_bytes if seen else 0,
            minutes_left=self._disk.minutes_left,
            disk_low=self._warned,
            lost_frames=lost.get("face", 0),
            lost_chunks=sum(count for modality, count in lost.items() if modality != "face"),
            parts=parts.parts,
            recorder_restarts=parts.restarts,
            lsl=parts.recording,
            news=self._news[0] if time.monotonic() - self._news[1] < _SHOWN_S else None,
            error=self._error,
        )

    def stop(self) -> None:
        """Finish all files; called again, it does nothing. A session that never had a sample leaves no folder."""
        if self._over:
            if self._closing is not None:
                self._closing.join(_CLOSING_S)
            return
        self._over = True
        self._close()
        if not self._films and self.folder.session.t0_s is None:
            shutil.rmtree(self.folder.path, ignore_errors=True)
            return
        try:
            self._disk = self._disk.saw(look(self.folder.path, time.monotonic()))
            self.folder.ended()
        except OSError as error:
            _log.warning("session.toml keeps no end: %s", error)

    def _close(self) -> None:
        for film in tuple(self._films.values()):
            film.close()
        self._indices = {}
        self._parts.stop()
        self._log_parts()
        logging.getLogger("moodring").removeHandler(self._handler)
        for lines in (self._journal, self._log_lines):
            lines.close()

    def _log_parts(self) -> None:
        status = self._parts.status
        self.log("recording", "ended", f"{status.parts} parts of LSL streams, {status.restarts} restarts")

    def _writings(self) -> tuple[Writing[Any], ...]:
        return (*tuple(self._films.values()), self._journal, self._log_lines)

    def _open(self, what: str, info: SourceInfo) -> Writing[Chunk] | None:
        """Open the file of a source; in its own thread, of which each source has one."""
        streams, video = self.folder.path / names.STREAMS_FOLDER, self.folder.path / names.VIDEO_FOLDER
        sink: Samples | Pictures | Sound
        told = partial(self._tell, info.modality)
        try:
            if what == _LOUDSPEAKER:
                sink = Sound(video / names.LOUDSPEAKER_FILE, video / names.LOUDSPEAKER_INDEX_FILE, info)
            elif info.modality == "eeg":
                sink = Samples(streams / names.SAMPLES_FILE, info)
            elif info.modality == "face":
                index = video / names.CAMERA_INDEX_FILE
                sink = Pictures(video / names.CAMERA_FILE, index, info, self._config.session.video, told)
            else:
                sink = Sound(video / names.MICROPHONE_FILE, video / names.MICROPHONE_INDEX_FILE, info, told)
        except OSError as error:
            if what not in self._failed:
                self._failed.add(what)
                self._error = f"{what}: {(error.strerror or str(error)).lower()}"
                self._say(f"recording of {self._error}; decoding goes on")
            return None
        film = Writing(what, sink, _CHUNKS_WAITING[info.modality])
        self._films[what] = film
        return film

    def _tell(self, modality: str, row: tuple[float, ...], stamp_s: float) -> None:
        """Send a row of an index, once its outlet is there; from the thread that writes the film."""
        outlet = self._indices.get(modality)
        if outlet is not None:
            outlet.push(row, stamp_s)

    def _look_at_disk(self, now_s: float) -> None:
        try:
            self._disk = self._disk.saw(look(self.folder.path, now_s))
        except OSError as error:
            self._halt((error.strerror or str(error)).lower())
            return
        if self._disk.full:
            self._halt(f"the disk is full ({RESERVE_BYTES / 1e6:.0f} MB are kept free)")
            return
        left = self._disk.minutes_left
        if left is not None and left < self._config.session.warn_minutes:
            if not self._warned:
                self._say(f"the disk is full in {left:.1f} min at the present rate; free some of it")
            self._warned = True
        elif left is None or left > 1.2 * self._config.session.warn_minutes:
            self._warned = False

    def _halt(self, why: str) -> None:
        """Stop recording and say so loudly; decoding goes on."""
        self._say(f"recording has stopped: {why}; decoding goes on")
        self._error = why
        self._over = True
        # Closing takes seconds, and the session's thread keeps the health meanwhile.
        self._closing = threading.Thread(target=self._close, name="record-close", daemon=True)
        self._closing.start()

    def _say(self, line: str, loud: bool = True) -> None:
        """Say what happened: in the log and on LSL; aloud, on the screens and the terminal too."""
        self.log("recording", "warning" if loud else "info", line)
        if loud:
            _log.warning("%s", line)
            self._news = (line, time.monotonic())
        with self._events_lock:
            self._events.append(line)

    def _settings(self, place: RecorderPlace) -> Path | None:
        text = recorder_settings(self._config.lsl)
        if text is None:
            return None
        path = place.scratch / "lsl_api.cfg"
        write_file(path, text, fsync=True)
        return path


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


def _filmed(config: LiveConfig) -> tuple[str, ...]:
    """Say of which films an index goes over LSL: where the config lets estimates on the network."""
    if not config.outlet.enabled:
        return ()
    asked: tuple[tuple[str, object], ...] = (("face", config.face), ("speech", config.speech))
    return tuple(modality for modality, section in asked if section is not None)


def _index_outlets(config: LiveConfig) -> dict[str, IndexOutlet]:
    devices = {"face": config.face, "speech": config.speech}
    return {one: IndexOutlet(config, one, _device(devices[one])) for one in _filmed(config)}


def _device(section: FaceSection | SpeechSection | None) -> str:
    if section is None:
        return ""
    device = section.camera if isinstance(section, FaceSection) else section.microphone
    return f"stream {section.stream}" if section.stream is not None else str(device)


def _wanted(config: LiveConfig) -> tuple[Wanted, ...]:
    """List what is recorded over LSL: what the config names, what a simulation adds, and what the engine says."""
    wanted = [Wanted(query, expected=False) for query in config.session.markers]
    if config.eeg is not None:
        wanted.append(Wanted(config.eeg.stream))
    if config.speech is not None and config.speech.stream is not None:
        wanted.append(Wanted(config.speech.stream))
    reference = config.speech.reference if config.speech is not None else None
    if reference is not None and reference.stream is not None:
        wanted.append(Wanted(reference.stream))
    wanted.append(Wanted(StreamQuery(type=_TRUTH_TYPE), expected=False))
    for modality in _filmed(config):
        name = index_name(config.outlet.name, modality)
        wanted.append(Wanted(StreamQuery(name=name, source_id=source_id(name, config.name)), own=True))
    if config.outlet.enabled:
        for name in (config.outlet.name, f"{config.outlet.name}{names.HEALTH_SUFFIX}"):
            wanted.append(Wanted(StreamQuery(name=name, source_id=source_id(name, config.name)), own=True))
    return tuple(wanted)
