"""Decode felt valence and arousal from EEG and face: looks where the policy asks for them, and the resting baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ..contract import EegInput, EegWindow, FaceFrame, FaceInput, FaceState, HeadOutput, Look, ModelSpec
from . import alignment
from .decision_schedule import ModalityInput, Plan
from .decoder import DecoderStep
from .ingest.sources import SourceInfo

if TYPE_CHECKING:
    from ..decoders.video_eeg import VideoEegDecoder
    from .clock import Clock

REST_STEP_S = 0.5
_OLDEST_LOOK_S = 2.5
_NO_EEG_WINDOW_S = 1.0
SETTLE_S = 2.0
"""For so long after another face is followed there is no answer: it would rest on a look or two."""
WITHOUT_FACE: dict[FaceState, str] = {
    "several": "several faces, none of them clearly the participant's (set face.region)",
    "too_small": "the face is too small",
}


@dataclass
class _Progress:
    """State between steps; looks are counted on the grid of frames from t0."""

    next_look: int | None = None
    next_rest: int = 0
    first_look: int | None = None
    looks: int = 0
    last_eeg: Look | None = None
    last_face: Look | None = None
    face_state: FaceState | None = None
    changed_s: float | None = None


@dataclass
class _Work:
    """Times of the stages of one step, and the earliest samples it used."""

    cutting_s: float = 0.0
    features_s: float = 0.0
    first: dict[str, int] = field(default_factory=dict)


class StreamingVideoEeg:
    """Schedules the looks and the rest windows of a video-EEG decoder.

    Parameters
    ----------
    decoder : VideoEegDecoder
    """

    def __init__(self, decoder: VideoEegDecoder) -> None:
        self._decoder = decoder
        eeg, face = self.spec.input(EegInput), self.spec.input(FaceInput)
        if face is None:
            raise ValueError(f"a video-EEG decoder needs a face input, which sets its grid; {self.spec.inputs} came")
        self._grid_hz = face.rate_hz
        self._window_s = eeg.window_s if eeg is not None else _NO_EEG_WINDOW_S
        self._max_wait_frames = decoder.max_wait_frames

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        return self._decoder.spec

    def start(self, plan: Plan, clock: Clock) -> None:
        """Forget the person, and begin a session."""
        self._decoder.reset()
        self._plan, self._clock = plan, clock
        self._at = _Progress()

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Raise MoodringError, with both values, where an EEG stream or its reference does not fit the bundle."""
        needs, section = self.spec.input(EegInput), config.eeg
        if info.modality != "eeg" or section is None:
            return
        reference = section.reference if isinstance(section.reference, str) else "+".join(section.reference)
        if needs is not None and reference != needs.reference:
            raise MoodringError(
                f"eeg.reference is '{reference}'; the video-EEG bundle was trained with '{needs.reference}': "
                "set it to that, or use another bundle"
            )
        self._decoder.check_eeg(info.channel_names, info.rate_hz or 0.0)

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Process the rest windows and looks that are due up to a data time, in order, and return the outputs."""
        work = _Work()
        looks = self._look(time_s, inputs, work)
        described_s = self._described_s(time_s, inputs)
        heads = self._heads(time_s, described_s, unusable_eeg(time_s, inputs.get("eeg")))
        return DecoderStep(
            heads=heads,
            described_s=described_s,
            first=work.first,
            cutting_s=work.cutting_s,
            features_s=work.features_s,
            looks=looks,
            calibrated=self._decoder.calibrated,
            disturbed_by_speech_s=self._window_s if heads[0].answered else 0.0,
            glimpsed_fraction=self._glimpsed_fraction(time_s),
        )

    def _glimpsed_fraction(self, time_s: float) -> float | None:
        if self._at.first_look is None:
            return None
        return self._at.looks / max(self._frame_at(time_s) - self._at.first_look + 1, 1)

    def _frame_at(self, time_s: float) -> int:
        return math.floor((time_s - self._plan.t0_s) * self._grid_hz + 1e-6)

    def _look(self, time_s: float, inputs: Mapping[str, ModalityInput], work: _Work) -> tuple[Look, ...]:
        at, frame_now = self._at, self._frame_at(time_s)
        if at.next_look is None:
            at.next_look = frame_now
        at.next_look = max(at.next_look, frame_now - round(_OLDEST_LOOK_S * self._grid_hz))
        looks: list[Look] = []
        while at.next_look <= frame_now:
            look_s = self._plan.t0_s + at.next_look / self._grid_hz
            self._rest(look_s, inputs.get("eeg"), work)
            look = self._look_once(look_s, inputs, work)
            if look is None:
                at.next_look += 1
                continue
            at.first_look = at.next_look if at.first_look is None else at.first_look
            at.looks += 1
            at.next_look += min(max(look.wait_frames, 1), self._max_wait_frames)
            at.last_eeg = look if look.eeg else at.last_eeg
            at.last_face = look if look.face is not None else at.last_face
            at.face_state = look.face_state
            at.changed_s = look.time_s if look.face_state == "changed" else at.changed_s
            looks.append(look)
        self._rest(time_s, inputs.get("eeg"), work)
        return tuple(looks)

    def _look_once(self, look_s: float, inputs: Mapping[str, ModalityInput], work: _Work) -> Look | None:
        """Embed one moment of the grid; return None where there is neither EEG nor face."""
        before_s = self._clock.now()
        eeg = self._eeg_window(look_s, inputs.get("eeg"), work)
        face = _face_frame(look_s, inputs.get("face"), work)
        work.cutting_s += self._clock.now() - before_s
        if eeg is None and face is None:
            return None
        before_s = self._clock.now()
        look = self._decoder.look(look_s, eeg, face)
        work.features_s += max(0.0, self._decoder.times.features_done_s - before_s)
        return look

    def _rest(self, until_s: float, modality_input: ModalityInput | None, work: _Work) -> None:
        """Feed the resting baseline up to a time."""
        plan, at = self._plan, self._at
        if plan.rest_s <= 0:
            return  # no rest is declared: not even the moment of t0 is one
        while (offset_s := at.next_rest * REST_STEP_S) <= plan.rest_s and plan.t0_s + offset_s <= until_s + 1e-6:
            window = self._eeg_window(plan.t0_s + offset_s, modality_input, work)
            at.next_rest += 1
            if window is not None:
                before_s = self._clock.now()
                self._decoder.rest(window)
                work.features_s += self._clock.now() - before_s

    def _eeg_window(self, time_s: float, modality_input: ModalityInput | None, work: _Work) -> EegWindow | None:
        if modality_input is None or modality_input.ingest.eeg is None:
            return None
        ring = modality_input.ring
        n = round(self._window_s * ring.layout.rate_hz)
        stop = alignment.stop_at(ring, time_s)
        good = modality_input.ingest.eeg.good_channels_at(stop - 1)
        if stop < n or good is None:
            return None
        piece = ring.between(stop - n, stop)
        window = alignment.eeg_window(piece, ring, n, time_s, good)
        if window is not None:
            work.first.setdefault("eeg", piece.first)
        return window

    def _described_s(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> dict[str, float]:
        """Name the inputs that still flow and that a look of late rests on, with the moment that it describes."""
        oldest_s = time_s - self._max_wait_frames / self._grid_hz - self._plan.interval_s
        described_s: dict[str, float] = {}
        for modality, look in (("eeg", self._at.last_eeg), ("face", self._at.last_face)):
            modality_input = inputs.get(modality)
            if look is None or look.time_s < oldest_s or modality_input is None:
                continue
            if not alignment.is_fresh(modality_input.ring, time_s):
                continue
            if modality == "eeg":
                delay_s = modality_input.ingest.eeg.delay_s if modality_input.ingest.eeg is not None else 0.0
                described_s["eeg"] = look.time_s - delay_s - self._window_s / 2
            elif look.frame_stamp_s is not None:
                described_s["face"] = look.frame_stamp_s
        return described_s

    def _heads(self, time_s: float, used: Mapping[str, float], unusable: str) -> tuple[HeadOutput, ...]:
        """Return the heads; abstain where nothing fresh is known of this person, and say why all classes are kept."""
        at = self._at
        if not at.looks:
            return self._abstained(unusable or "no look yet")
        if at.changed_s is not None and time_s - at.changed_s < SETTLE_S:
            return self._abstained("another face is followed now; what was seen of the one before is forgotten")
        without_face = "no face" if at.face_state is None else WITHOUT_FACE.get(at.face_state, "no face")
        if not used:
            # The state is still there, but it describes a person who is no longer seen.
            if unusable:
                return self._abstained(f"{without_face}, and {unusable}")
            told = at.face_state in WITHOUT_FACE
            return self._abstained(without_face if told else "neither EEG nor face for a while")
        heads = self._decoder.read()
        if all(len(head.kept) == len(head.classes) for head in heads):
            words = {"eeg": unusable or "no EEG", "face": without_face}
            missing = [said for modality, said in words.items() if modality not in used]
            why = ", ".join(missing) or "the evidence fits every level"
            return tuple(HeadOutput(**{**head.__dict__, "abstained": why}) for head in heads)
        return heads

    def _abstained(self, why: str) -> tuple[HeadOutput, ...]:
        return tuple(HeadOutput(head.name, head.construct, head.classes, abstained=why) for head in self.spec.outputs)


def unusable_eeg(time_s: float, modality_input: ModalityInput | None) -> str:
    """Return why the EEG that comes cannot be used; empty where it can, or none comes."""
    if modality_input is None or modality_input.ingest.eeg is None:
        return ""
    why = modality_input.ingest.eeg.unusable_at(alignment.stop_at(modality_input.ring, time_s) - 1)
    return f"no usable EEG: {why}" if why else ""


def _face_frame(time_s: float, modality_input: ModalityInput | None, work: _Work) -> FaceFrame | None:
    piece = alignment.newest_frame(modality_input.ring, time_s) if modality_input is not None else None
    if modality_input is None or piece is None:
        return None
    work.first.setdefault("face", piece.first)
    return FaceFrame(modality_input.picture(piece.samples[-1]), float(piece.stamps_s[-1]))
