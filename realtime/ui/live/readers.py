"""What a window draws from each ring: traces, frames, sound, maps; read at a pace, kept until something is newer."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.contract import AUDIO_RATE_HZ, FloatArray, Image, TimeArray
from ...ipc.snapshot import Snapshot
from ...screens.history import History
from .decimation import SOUND_BINS, HeldRing, Readable, Scroll, fitting_span, loudness
from .ring_room import RingRoom
from .scalp import SPAN_S as SCALP_S
from .scalp import ScalpMaps
from .spectrum import Spectrogram
from .view import Choices, ChosenFrame, EegChoice, ScalpImages, Traces, View

SOUND_BIN_S = 0.05
GLIMPSES = 6
_GLIMPSES_KEPT = 60
_SETTLED_S = 3.0


@dataclass(frozen=True)
class Pace:
    """Seconds between two readings of each ring."""

    eeg_s: float = 0.024
    face_s: float = 0.01
    sound_s: float = 0.05
    scalp_s: float = 0.5


class Readers:
    """Read the rings; everything stays as it was where there is nothing new.

    Parameters
    ----------
    pace : Pace
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._due: dict[str, float] = {}
        self._scroll: tuple[Readable, EegChoice, int, Scroll] | None = None
        self._maps: tuple[Readable, ScalpMaps] | None = None
        self._spectrogram: tuple[Readable, int, Spectrogram] | None = None
        self._span_uv: float | None = None
        self._chosen = EegChoice()
        self.forget()

    def forget(self) -> None:
        """Forget what was read: another session has begun."""
        self._traces: Traces | None = None
        self._frame: Image | None = None
        self._glimpses: tuple[ChosenFrame, ...] = ()
        self._sound: FloatArray | None = None
        self._spectrum: NDArray[Any] | None = None
        self._scalp: ScalpImages | None = None
        self._span_uv = None
        self.let_go()

    def let_go(self) -> None:
        """Let go of the rings; what was read stays."""
        self._scroll, self._maps, self._spectrogram = None, None, None
        self._due.clear()

    def copied(self) -> "Readers":
        """Return readers with the same content, for copies of the rings."""
        made = Readers(self._pace)
        for name in ("_traces", "_frame", "_glimpses", "_sound", "_spectrum", "_scalp", "_span_uv"):
            setattr(made, name, getattr(self, name))
        return made

    def shown_in(self, view: View) -> View:
        """Return a view with what was read."""
        newest_s = np.inf if view.snapshot is None else view.snapshot.now_s
        glimpses = tuple(one for one in self._glimpses if one.stamp_s <= newest_s)[-GLIMPSES:]
        return replace(
            view, traces=self._traces, frame=self._frame, glimpses=self._same(glimpses), sound=self._sound,
            spectrum=self._spectrum, scalp=self._scalp,
        )  # fmt: skip

    def _same(self, glimpses: tuple[ChosenFrame, ...]) -> tuple[ChosenFrame, ...]:
        """Return the tuple that was shown before where it has the same frames, so that nobody paints it again."""
        before: tuple[ChosenFrame, ...] = getattr(self, "_shown_glimpses", ())
        if [one.stamp_s for one in before] != [one.stamp_s for one in glimpses]:
            self._shown_glimpses = glimpses
            return glimpses
        return before

    def fitting_span(self) -> float | None:
        """Return the scale that fits the EEG that was read; None where there is none."""
        if self._traces is None:
            return None
        good = np.asarray(self._traces.good)
        values = self._traces.microvolts
        return fitting_span(values[:, good] if good.any() else values)

    def read(
        self, rings: RingRoom, snapshot: Snapshot | None, history: History, choices: Choices, now: float | None
    ) -> None:
        """Read what is due, and at once what the user chose otherwise; everything where ``now`` is None."""
        if choices.eeg != self._chosen:
            self._chosen = choices.eeg
            self._due.pop("eeg", None)
        if (ring := self._ready(rings, "eeg", now, self._pace.eeg_s)) is not None:
            self._read_eeg(ring, snapshot, choices.eeg)
            if self._is_due("scalp", now, self._pace.scalp_s):
                self._read_scalp(ring, snapshot)
        if (ring := self._ready(rings, "face", now, self._pace.face_s)) is not None:
            cut = ring.between(ring.count - 1, ring.count)
            if len(cut) or isinstance(ring, HeldRing):  # an older picture than is held is none, and not a newer one
                self._frame = cut.samples[0] if len(cut) else None
            self._keep_glimpses(ring, history)
        if (ring := self._ready(rings, "speech", now, self._pace.sound_s)) is not None:
            self._read_sound(ring)

    def _is_due(self, name: str, now: float | None, step_s: float) -> bool:
        if now is None:
            return True
        if now < self._due.get(name, 0.0):
            return False
        self._due[name] = now + step_s
        return True

    def _ready(self, rings: RingRoom, name: str, now: float | None, step_s: float) -> Readable | None:
        return rings.ring(name) if self._is_due(name, now, step_s) else None

    def _read_eeg(self, ring: Readable, snapshot: Snapshot | None, choice: EegChoice) -> None:
        held = _held_at(ring)
        key = replace(choice, span_uv=None, hidden=(), by_place=False)
        if self._scroll is None or self._scroll[:3] != (ring, key, held):
            self._scroll = (ring, key, held, Scroll(ring, choice.window_s, choice.passband))
        scroll = self._scroll[3]
        scroll.advance()
        times_s, values = scroll.columns()
        if len(times_s) < 2:
            self._traces = None if isinstance(ring, HeldRing) else self._traces
            return
        status = next((one for one in snapshot.sources if one.modality == "eeg"), None) if snapshot else None
        names = ring.layout.names
        good = status.good_channels if status is not None and len(status.good_channels) == len(names) else ()
        good = good or (True,) * len(names)
        self._fit_once(times_s, values, np.asarray(good))
        order = [place for place in _order(names, choice.by_place) if names[place] not in choice.hidden]
        self._traces = Traces(
            times_s,
            values[:, order],
            tuple(names[place] for place in order),
            tuple(good[place] for place in order),
            choice.span_uv or self._span_uv or 50.0,
            choice.window_s,
        )

    def _fit_once(self, times_s: TimeArray, values: FloatArray, good: NDArray[np.bool_]) -> None:
        """Fit the scale when a few seconds have come, and never again by itself."""
        used = values[:, good] if good.any() else values
        settled = np.isfinite(used).all(axis=1)
        if self._span_uv is None and settled.any() and times_s[settled][0] <= -_SETTLED_S + 1.1:
            self._span_uv = fitting_span(used)

    def _read_scalp(self, ring: Readable, snapshot: Snapshot | None) -> None:
        if self._maps is None or self._maps[0] is not ring:
            self._maps = (ring, ScalpMaps(ring.layout.names, ring.layout.rate_hz))
        cut = ring.between(ring.count - round(SCALP_S * ring.layout.rate_hz), ring.count)
        status = next((one for one in snapshot.sources if one.modality == "eeg"), None) if snapshot else None
        good = np.ones(len(ring.layout.names), np.bool_)
        if status is not None and len(status.good_channels) == len(good):
            good = np.asarray(status.good_channels, np.bool_)
        self._scalp = self._maps[1].images(cut, good)

    def _read_sound(self, ring: Readable) -> None:
        per_bin = round(AUDIO_RATE_HZ * SOUND_BIN_S)
        self._sound = loudness(ring.between(ring.count - per_bin * (SOUND_BINS + 1), ring.count), per_bin)
        held = _held_at(ring)
        if self._spectrogram is None or self._spectrogram[:2] != (ring, held):
            self._spectrogram = (ring, held, Spectrogram(ring))
        self._spectrogram[2].advance()
        self._spectrum = self._spectrogram[2].picture()

    def _keep_glimpses(self, ring: Readable, history: History) -> None:
        newest = self._glimpses[-1].stamp_s if self._glimpses else float("-inf")
        for look in history.looks:
            stamp = look.frame_stamp_s
            if stamp is None or stamp <= newest:
                continue
            index = ring.start_at(stamp)
            cut = ring.between(index, index + 1)
            if len(cut) and abs(float(cut.stamps_s[0]) - stamp) < 1e-6:
                frame = ChosenFrame(stamp, cut.samples[0], look.face)
                self._glimpses = (*self._glimpses, frame)[-_GLIMPSES_KEPT:]


def _held_at(ring: Readable) -> int:
    """Return up to where a copy is shown; 0 for a ring, which grows."""
    return ring.count if isinstance(ring, HeldRing) else 0


def _order(names: tuple[str, ...], by_place: bool) -> list[int]:
    """Return the channels' places in the stream, from top to bottom."""
    if not by_place:
        return list(range(len(names)))
    from ....models.signals.eeg.montage import positions

    places = positions(names)
    # Front to back, and from left to right; what has no place comes last.
    return sorted(
        range(len(names)), key=lambda one: (np.isnan(places[one, 0]), -round(places[one, 1], 1), places[one, 0])
    )
