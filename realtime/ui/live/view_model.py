"""View model of the window: reads snapshots and rings; without Qt."""

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

from ....models.contract import Look
from ....models.io.ring import Ring
from ...ipc.snapshot import Snapshot
from ...ipc.snapshot_feed import SnapshotSource
from ...screens.history import SPAN_S, History, empty, ending, extended, prefilled
from .readers import GLIMPSES, Pace, Readers
from .ring_room import RingRoom
from .view import Attachment, Choices, Frozen, View

GONE_AFTER_S = 1.0
_KEEP_EVERY_S = 0.45

__all__ = ["GLIMPSES", "Pace", "ViewModel"]


class ViewModel:
    """Returns one immutable :class:`View` per call; keeps the last content while the engine is away.

    Parameters
    ----------
    source : SnapshotSource
    clock : callable
        Monotonic seconds.
    pace : Pace

    Attributes
    ----------
    choices : Choices
        What the user chose; to be replaced.
    """

    def __init__(
        self, source: SnapshotSource, clock: Callable[[], float] = time.monotonic, pace: Pace | None = None
    ) -> None:
        self.choices = Choices()
        self._source = source
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._received_s = clock()
        self._history = empty()
        self._looks: tuple[Look, ...] = ()
        self._rings = RingRoom()
        self._readers = Readers(pace or Pace())
        self._kept: list[Snapshot] = []
        self._frozen: _Freeze | None = None

    def view(self) -> View:
        """Read what is new and return the present view."""
        now = self._clock()
        snapshot = self._source.snapshot()
        if snapshot is not None:
            self._received_s = now
            if snapshot is not self._snapshot:
                self._take(snapshot)
        attachment = self._attachment(now)
        self._freeze_or_thaw()
        if self._frozen is not None:
            return self._frozen_view(self._frozen, attachment, now)
        if attachment == "attached":
            self._readers.read(self._rings, self._snapshot, self._history, self.choices, now)
        else:
            self._rings.let_go()
            self._readers.let_go()
        made = View(
            snapshot=self._snapshot,
            newest=self._snapshot,
            attachment=attachment,
            silent_s=now - self._received_s,
            why=self._source.why_silent(),
            history=self._history,
            marks=self._snapshot.marks if self._snapshot is not None else (),
            choices=self.choices,
        )
        return self._readers.shown_in(made)

    def fit_eeg(self) -> float | None:
        """Return the scale that fits the EEG that is drawn now; None where there is none."""
        return self._readers.fitting_span()

    def close(self) -> None:
        """Close the rings and disconnect from the engine."""
        self._readers.let_go()
        self._rings.let_go()
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
            self._frozen, self._kept = None, []
            self.choices = replace(self.choices, ago_s=None)
            self._readers.forget()
            self._rings.let_go()
            self._rings.places = snapshot.rings
            self._prefill()
        self._rings.places = snapshot.rings
        if not self._kept or snapshot.now_s >= self._kept[-1].now_s + _KEEP_EVERY_S:
            self._kept = [*(one for one in self._kept if one.now_s > snapshot.now_s - SPAN_S), snapshot]

    def _prefill(self) -> None:
        ring = self._rings.ring("estimates")
        if isinstance(ring, Ring):
            cut = ring.latest(ring.layout.capacity)
            self._history = prefilled(self._history, cut.stamps_s, cut.samples, ring.layout.names)

    def _freeze_or_thaw(self) -> None:
        wanted = self.choices.ago_s is not None
        if wanted and self._frozen is None and self._snapshot is not None:
            kept = tuple(self._kept)
            self._frozen = _Freeze(self._snapshot, self._history, kept, self._rings.held(), self._readers.copied())
        elif not wanted and self._frozen is not None:
            self._frozen = None
            self._readers.let_go()

    def _frozen_view(self, frozen: "_Freeze", attachment: Attachment, now: float) -> View:
        """Return the view of a moment that has passed, and of the engine's state now."""
        made = frozen.view(self.choices)
        return replace(
            made,
            newest=self._snapshot,
            attachment=attachment,
            silent_s=now - self._received_s,
            why=self._source.why_silent(),
        )


class _Freeze:
    """What was there when the user froze the window, copied out of the rings."""

    def __init__(
        self, snapshot: Snapshot, history: History, kept: tuple[Snapshot, ...], rings: RingRoom, readers: Readers
    ) -> None:
        self._snapshot, self._history, self._rings, self._readers = snapshot, history, rings, readers
        self._kept = kept
        self._times = [one.now_s for one in kept]
        self._shown: View | None = None
        oldest = rings.oldest_s()
        known = self._times[0] if kept else snapshot.now_s
        self._longest_s = max(0.0, snapshot.now_s - (known if oldest is None else max(known, oldest)))

    def view(self, choices: Choices) -> View:
        """Return the view of a moment that has passed; the same one until the user wants another."""
        if self._shown is None or self._shown.choices != choices:
            self._shown = self._made(choices)
        return self._shown

    def _made(self, choices: Choices) -> View:
        ago_s = min(max(choices.ago_s or 0.0, 0.0), self._longest_s)
        moment_s = self._snapshot.now_s - ago_s
        snapshot = self._snapshot_at(moment_s)
        history = ending(self._history, moment_s)
        self._rings.show_until(moment_s)
        self._readers.read(self._rings, snapshot, history, choices, None)
        made = View(
            snapshot=snapshot,
            newest=self._snapshot,
            attachment="attached",
            silent_s=0.0,
            why="",
            history=history,
            marks=tuple(mark for mark in self._snapshot.marks if mark.time_s <= moment_s),
            frozen=Frozen(ago_s, self._longest_s),
            choices=choices,
        )
        return self._readers.shown_in(made)

    def _snapshot_at(self, time_s: float) -> Snapshot:
        """Return the newest snapshot up to a time."""
        if time_s >= self._snapshot.now_s or not self._kept:
            return self._snapshot
        return self._kept[max(bisect_right(self._times, time_s) - 1, 0)]
