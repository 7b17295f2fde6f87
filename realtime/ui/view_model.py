"""View model of the window: reads snapshots and rings; without Qt."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, FloatArray, Image
from ...models.io.ring import Ring
from ..ipc.snapshot import Snapshot
from ..ipc.snapshot_feed import SnapshotSource
from ..screens.history import History, empty, extended, prefilled
from .decimation import SOUND_BINS, loudness, traces
from .view import Attachment, ChosenFrame, Traces, View

EEG_SPAN_S = 8.0
SOUND_BIN_S = 0.05
GONE_AFTER_S = 1.0
GLIMPSES = 6

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Seconds between two readings of each ring."""

    eeg_s: float = 0.1
    face_s: float = 0.08
    sound_s: float = 0.1


class ViewModel:
    """Returns one immutable :class:`View` per call; keeps the last content while the engine is away.

    Parameters
    ----------
    source : SnapshotSource
    clock : callable
        Monotonic seconds.
    pace : Pace
    """

    def __init__(
        self, source: SnapshotSource, clock: Callable[[], float] = time.monotonic, pace: Pace | None = None
    ) -> None:
        self._source = source
        self._clock = clock
        self._pace = pace or Pace()
        self._snapshot: Snapshot | None = None
        self._received_s = clock()
        self._history = empty()
        self._rings: dict[str, Ring] = {}
        self._due: dict[str, float] = {}
        self._traces: Traces | None = None
        self._frame: Image | None = None
        self._glimpses: tuple[ChosenFrame, ...] = ()
        self._sound: FloatArray | None = None

    def view(self) -> View:
        """Read what is new and return the present view."""
        now = self._clock()
        snapshot = self._source.snapshot()
        if snapshot is not None:
            self._received_s = now
            if snapshot is not self._snapshot:
                self._take(snapshot)
        attachment = self._attachment(now)
        if attachment == "attached":
            self._read_rings(now)
        elif self._rings:
            self._let_go()
        return View(
            self._snapshot,
            attachment,
            now - self._received_s,
            self._source.why_silent(),
            self._history,
            self._traces,
            self._frame,
            self._glimpses,
            self._sound,
        )

    def close(self) -> None:
        """Close the rings and disconnect from the engine."""
        self._let_go()
        self._source.close()

    def _attachment(self, now: float) -> Attachment:
        if self._snapshot is None:
            return "waiting"
        if self._snapshot.phase == "ended":
            return "ended"
        return "gone" if now - self._received_s > GONE_AFTER_S else "attached"

    def _take(self, snapshot: Snapshot) -> None:
        before = self._history
        self._snapshot = snapshot
        self._history = extended(before, snapshot)
        if self._history.session != before.session:
            self._traces, self._frame, self._glimpses, self._sound = None, None, (), None
            self._let_go()
            self._prefill()

    def _prefill(self) -> None:
        ring = self._ring("estimates")
        if ring is not None:
            cut = ring.latest(ring.layout.capacity)
            self._history = prefilled(self._history, cut.stamps_s, cut.samples, ring.layout.names)

    def _let_go(self) -> None:
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()

    def _ring(self, name: str) -> Ring | None:
        """Return the ring of a modality, mapped once; a source that reconnected has another file."""
        snapshot = self._snapshot
        path = next((r.path for r in snapshot.rings if r.modality == name), None) if snapshot else None
        known = self._rings.get(name)
        if known is not None and (path is None or str(known.path) != path):
            known.close()
            del self._rings[name]
            known = None
        if known is None and path is not None:
            try:
                known = self._rings[name] = Ring.attach(path)
            except MoodringError as error:
                _log.debug("%s", error)
        return known

    def _ready(self, name: str, now: float, step_s: float) -> Ring | None:
        if now < self._due.get(name, 0.0):
            return None
        self._due[name] = now + step_s
        return self._ring(name)

    def _read_rings(self, now: float) -> None:
        if ring := self._ready("eeg", now, self._pace.eeg_s):
            self._read_eeg(ring)
        if ring := self._ready("face", now, self._pace.face_s):
            cut = ring.latest(1)
            self._frame = cut.samples[0] if len(cut) else self._frame
            self._keep_glimpses(ring, self._history)
        if ring := self._ready("speech", now, self._pace.sound_s):
            per_bin = round(AUDIO_RATE_HZ * SOUND_BIN_S)
            self._sound = loudness(ring.latest(per_bin * (SOUND_BINS + 1)), per_bin)

    def _read_eeg(self, ring: Ring) -> None:
        status = next(s for s in self._snapshot.sources if s.modality == "eeg") if self._snapshot else None
        cut = ring.latest(round(EEG_SPAN_S * ring.layout.rate_hz))
        span_uv = self._traces.span_uv if self._traces else 50.0
        good = status.good_channels if status else ()
        self._traces = traces(cut, ring.layout.names, good, span_uv) or self._traces

    def _keep_glimpses(self, ring: Ring, history: History) -> None:
        newest = self._glimpses[-1].stamp_s if self._glimpses else float("-inf")
        for look in history.looks[-GLIMPSES:]:
            stamp = look.frame_stamp_s
            if stamp is None or stamp <= newest:
                continue
            index = ring.start_at(stamp)
            cut = ring.between(index, index + 1)
            if len(cut) and abs(float(cut.stamps_s[0]) - stamp) < 1e-6:
                self._glimpses = (*self._glimpses, ChosenFrame(stamp, cut.samples[0]))[-GLIMPSES:]
