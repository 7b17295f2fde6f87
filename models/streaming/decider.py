"""One decision: from the samples up to a data time to an estimate. The same code live and on recordings.

The caller chooses when to decide; nothing here waits or uses threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contract import (
    LEVELS,
    Ages,
    EegWindow,
    Estimate,
    FaceFrame,
    Hearing,
    Ledger,
    Look,
    Modality,
    Pooled,
    Readout,
    SampleRange,
    SpeechEstimate,
)
from ..fusion import opinion_pool
from . import alignment
from .clock import Clock
from .listening import Listener
from .schedule import ModalityInput, Plan

if TYPE_CHECKING:
    from ..decoders.speech import SpeechDecoder
    from ..decoders.video_eeg import VideoEegDecoder
    from ..fusion.pool_file import Pool

REST_STEP_S = 0.5
LOUDSPEAKER = "loudspeaker"
"""Key of the loudspeaker's reference in the counts of samples."""
_FRESH_S = 0.5
_OLDEST_LOOK_S = 2.5
SPEAKING = "the participant speaks"


@dataclass
class _Clockwork:
    """What the decoder remembers between decisions."""

    next_look: int | None = None
    next_rest: int = 0
    first_look: int | None = None
    looks: int = 0
    eeg_at: int = 0
    face_at: int = 0
    speech_at: int = 0
    last_eeg: Look | None = None
    last_face: Look | None = None
    spoken_s: float = -math.inf
    heard: opinion_pool.Heard | None = None


@dataclass
class _Spent:
    """Where the time of one decision went, and what it touched."""

    cutting_s: float = 0.0
    features_s: float = 0.0
    eeg_first: int | None = None
    face_first: int | None = None
    received_s: float = -math.inf


class Decider:
    """Makes the decisions of one session, in order.

    Parameters
    ----------
    plan : Plan
    video_eeg : VideoEegDecoder or None
    speech : SpeechDecoder or None
    clock : Clock
    bundles : tuple of str
        Hashes.
    referenced : bool
        Whether the session has a loudspeaker reference, which withholds speech while the loudspeaker plays.
    pool : Pool or None
        Pools each decision; None leaves that.
    """

    def __init__(
        self,
        plan: Plan,
        video_eeg: VideoEegDecoder | None,
        speech: SpeechDecoder | None,
        clock: Clock,
        bundles: tuple[str, ...],
        referenced: bool = False,
        pool: Pool | None = None,
    ) -> None:
        self.plan = plan
        self._pool = pool
        self._video_eeg = video_eeg
        self._listener = None if speech is None else Listener(speech, clock, referenced)
        self._clock = clock
        self._bundles = bundles
        self._at = _Clockwork()

    def glimpsed_fraction(self, time_s: float) -> float | None:
        """Say which part of all frames of the grid was looked at up to a time."""
        if self._at.first_look is None:
            return None
        elapsed = math.floor((time_s - self.plan.t0_s) * self.plan.grid_hz + 1e-6) - self._at.first_look + 1
        return self._at.looks / max(elapsed, 1)

    def decide(
        self,
        time_s: float,
        inputs: Mapping[Modality, ModalityInput],
        notices: tuple[str, ...],
        loudspeaker: ModalityInput | None = None,
    ) -> Estimate:
        """Make the decision of one data time from the samples up to it; ``loudspeaker`` is its reference's modality_input.

        The estimate's ``published_s`` is the moment of its making until :func:`published` sets it.
        """
        started_s = self._clock.now()
        spent = _Spent()
        stops = {
            modality: alignment.stop_at(modality_input.ring, time_s) for modality, modality_input in inputs.items()
        }
        looks = self._look(time_s, inputs, spent)
        said, hearing = self._listen(time_s, inputs.get("speech"), loudspeaker, stops.get("speech", 0), spent)
        readout = self._video_eeg.read() if self._video_eeg is not None and self._at.looks else None
        used = self._used(time_s, inputs)
        readout, abstained = _abstain(readout, used)
        said = said if "speech" in used else None
        degraded = self._degraded(readout, time_s)
        for modality, modality_input in inputs.items():
            if modality in used:
                self._note_arrival(modality_input, stops[modality], spent)
        done_s = self._clock.now()
        received_s = spent.received_s if math.isfinite(spent.received_s) else started_s
        ring_s = started_s + spent.cutting_s
        estimate = Estimate(
            time_s=time_s,
            session_time_s=time_s - self.plan.t0_s,
            readout=readout,
            speech=said,
            used=used,
            ages=Ages(None, None, None),
            looks=looks,
            abstained=abstained,
            calibrated=self._video_eeg.calibrated if self._video_eeg is not None else False,
            eeg_range=_range(spent.eeg_first, self._at.eeg_at, stops.get("eeg")),
            face_range=_range(spent.face_first, self._at.face_at, stops.get("face")),
            speech_range=_range(None, self._at.speech_at, stops.get("speech")),
            ledger=Ledger(received_s, ring_s, ring_s + spent.features_s, done_s, done_s),
            bundles=self._bundles,
            notices=notices,
            hearing=hearing,
            degraded=degraded,
            pooled=self._pooled(time_s, readout, said, degraded),
            ring_samples=_ring_samples(inputs, loudspeaker),
        )
        self._at.eeg_at = stops.get("eeg", self._at.eeg_at)
        self._at.face_at = stops.get("face", self._at.face_at)
        self._at.speech_at = stops.get("speech", self._at.speech_at)
        return estimate

    def published(self, estimate: Estimate, published_s: float) -> Estimate:
        """Complete an estimate with the moment it was published and the ages it had then."""
        ledger = Ledger(**{**estimate.ledger.__dict__, "published_s": published_s})
        return Estimate(**{**estimate.__dict__, "ledger": ledger, "ages": self._ages(estimate, published_s)})

    def _look(self, time_s: float, inputs: Mapping[Modality, ModalityInput], spent: _Spent) -> tuple[Look, ...]:
        """Take the rest windows and the looks that are due up to a time, in order."""
        if self._video_eeg is None:
            return ()
        plan, at = self.plan, self._at
        frame_now = math.floor((time_s - plan.t0_s) * plan.grid_hz + 1e-6)
        if at.next_look is None:
            at.next_look = frame_now
        at.next_look = max(at.next_look, frame_now - round(_OLDEST_LOOK_S * plan.grid_hz))
        looks: list[Look] = []
        while at.next_look <= frame_now:
            look_s = plan.t0_s + at.next_look / plan.grid_hz
            self._rest(look_s, inputs.get("eeg"), spent)
            look = self._look_once(look_s, inputs, spent)
            if look is None:
                at.next_look += 1
                continue
            at.first_look = at.next_look if at.first_look is None else at.first_look
            at.looks += 1
            at.next_look += min(max(look.wait_frames, 1), plan.max_wait_frames)
            at.last_eeg = look if look.eeg else at.last_eeg
            at.last_face = look if look.face is not None else at.last_face
            looks.append(look)
        self._rest(time_s, inputs.get("eeg"), spent)
        return tuple(looks)

    def _look_once(self, look_s: float, inputs: Mapping[Modality, ModalityInput], spent: _Spent) -> Look | None:
        """Show the model what there is at one moment of the grid; None where there is nothing."""
        before_s = self._clock.now()
        eeg = self._eeg_window(look_s, inputs.get("eeg"), spent)
        face = self._face_frame(look_s, inputs.get("face"), spent)
        spent.cutting_s += self._clock.now() - before_s
        if self._video_eeg is None or (eeg is None and face is None):
            return None
        before_s = self._clock.now()
        look = self._video_eeg.look(look_s, eeg, face)
        spent.features_s += max(0.0, self._video_eeg.times.features_done_s - before_s)
        return look

    def _rest(self, until_s: float, modality_input: ModalityInput | None, spent: _Spent) -> None:
        """Feed the resting baseline up to a time."""
        plan, at = self.plan, self._at
        while (offset_s := at.next_rest * REST_STEP_S) <= plan.rest_s and plan.t0_s + offset_s <= until_s + 1e-6:
            window = self._eeg_window(plan.t0_s + offset_s, modality_input, spent)
            at.next_rest += 1
            if window is not None and self._video_eeg is not None:
                before_s = self._clock.now()
                self._video_eeg.rest(window)
                spent.features_s += self._clock.now() - before_s

    def _eeg_window(self, time_s: float, modality_input: ModalityInput | None, spent: _Spent) -> EegWindow | None:
        if modality_input is None or modality_input.ingest.eeg is None:
            return None
        ring = modality_input.ring
        n = round(self.plan.window_s * ring.layout.rate_hz)
        stop = alignment.stop_at(ring, time_s)
        good = modality_input.ingest.eeg.good_channels_at(stop - 1)
        if stop < n or good is None:
            return None
        piece = ring.between(stop - n, stop)
        window = alignment.eeg_window(piece, ring, n, time_s, good)
        if window is not None and spent.eeg_first is None:
            spent.eeg_first = piece.first
        return window

    def _face_frame(self, time_s: float, modality_input: ModalityInput | None, spent: _Spent) -> FaceFrame | None:
        piece = alignment.newest_frame(modality_input.ring, time_s) if modality_input is not None else None
        if modality_input is None or piece is None:
            return None
        if spent.face_first is None:
            spent.face_first = piece.first
        return FaceFrame(modality_input.picture(piece.samples[-1]), float(piece.stamps_s[-1]))

    def _listen(
        self,
        time_s: float,
        modality_input: ModalityInput | None,
        loudspeaker: ModalityInput | None,
        stop: int,
        spent: _Spent,
    ) -> tuple[SpeechEstimate | None, Hearing | None]:
        """Say what the voice says now, and what is known of the microphone."""
        if self._listener is None or modality_input is None:
            return None, None
        listened = self._listener.listen(modality_input, loudspeaker, stop, self.plan.t0_s, time_s)
        self._at.speech_at = self._at.speech_at or listened.first
        spent.cutting_s += listened.cutting_s
        spent.features_s += listened.features_s
        if listened.hearing.speaking:
            self._at.spoken_s = time_s
        return listened.said, listened.hearing

    def _degraded(self, readout: Readout | None, time_s: float) -> str | None:
        """Say whether the participant spoke while the looks that the readout rests on were taken."""
        return SPEAKING if readout is not None and self._at.spoken_s > time_s - self.plan.window_s else None

    def _pooled(
        self, time_s: float, readout: Readout | None, said: SpeechEstimate | None, degraded: str | None
    ) -> Pooled | None:
        """Pool what both say, where that is asked for."""
        if self._pool is None:
            return None
        self._at.heard = opinion_pool.remember(self._at.heard, said)
        return self._pool.decide(time_s, readout, self._at.heard, degraded is not None)

    def _used(self, time_s: float, inputs: Mapping[Modality, ModalityInput]) -> tuple[Modality, ...]:
        """Say which modalities this decision rests on: delivering, and in the model's state."""
        held_s = self.plan.max_wait_frames / self.plan.grid_hz + self.plan.interval_s
        last: dict[Modality, Look | None] = {"eeg": self._at.last_eeg, "face": self._at.last_face}
        used: list[Modality] = []
        for modality, modality_input in inputs.items():
            newest_s = modality_input.ring.newest_s
            if newest_s is None or newest_s < time_s - _FRESH_S:
                continue
            if modality == "speech":
                if self._listener is not None:
                    used.append(modality)
                continue
            look = last[modality]
            if look is not None and look.time_s >= time_s - held_s:
                used.append(modality)
        return tuple(used)

    def _ages(self, estimate: Estimate, published_s: float) -> Ages:
        """Count from the middle of the stretch of time that each modality's newest feature describes."""
        eeg, face = self._at.last_eeg, self._at.last_face
        eeg_s = None
        if eeg is not None and "eeg" in estimate.used:
            eeg_s = published_s - eeg.time_s + self.plan.eeg_delay_s + self.plan.window_s / 2
        face_s = None
        if face is not None and face.frame_stamp_s is not None and "face" in estimate.used:
            face_s = published_s - face.frame_stamp_s
        speech_s = None
        if "speech" in estimate.used:
            said = estimate.speech
            speech_s = published_s - (estimate.time_s if said is None else (said.end_s + said.start_s) / 2)
        return Ages(eeg_s, face_s, speech_s)

    @staticmethod
    def _note_arrival(modality_input: ModalityInput, stop: int, spent: _Spent) -> None:
        newest = modality_input.ring.between(stop - 1, stop)
        if len(newest):
            spent.received_s = max(spent.received_s, float(newest.received_s[-1]))


def _ring_samples(inputs: Mapping[Modality, ModalityInput], loudspeaker: ModalityInput | None) -> dict[str, int]:
    """Count the samples that each source had delivered when the decision began."""
    counts: dict[str, int] = {modality: given.ring.count for modality, given in inputs.items()}
    return counts if loudspeaker is None else {**counts, LOUDSPEAKER: loudspeaker.ring.count}


def _abstain(readout: Readout | None, used: tuple[Modality, ...]) -> tuple[Readout | None, str | None]:
    """Leave everything open where nothing is known any more, and say why where everything is open."""
    if readout is None:
        return None, "no look yet"
    if "eeg" not in used and "face" not in used:
        # The state is still there, but it speaks of a person who is no longer seen.
        return None, "neither EEG nor face for a while"
    if len(readout.valence_set) == len(LEVELS) and len(readout.arousal_set) == len(LEVELS):
        missing = [name for modality, name in (("eeg", "no EEG"), ("face", "no face")) if modality not in used]
        return readout, ", ".join(missing) or "the evidence fits every level"
    return readout, None


def _range(first: int | None, before: int, stop: int | None) -> SampleRange | None:
    """Name the samples of a decision: from the earliest that it touched, or the first new one."""
    if stop is None:
        return None
    return alignment.sample_range(min(before if first is None else first, before, stop), stop)
