"""Run an attention decoder on the rings of a session: frames on the 8 Hz grid, ticks every half second, the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ..contract import (
    Ablation,
    EegInput,
    EegWindow,
    FaceFrame,
    FaceState,
    HeadOutput,
    Look,
    ModelSpec,
    Periphery,
    Withheld,
)
from ..networks.attention import FRAME_HZ, FRAMES_PER_TICK, TICK_HZ
from . import alignment
from .decision_schedule import ModalityInput, Plan
from .decoder import DecoderStep
from .ingest.sources import SourceInfo
from .soft_windows import SoftWindows

if TYPE_CHECKING:
    from ..decoders.attention import AttentionDecoder
    from .clock import Clock

THETA_WINDOW_S = 0.5
SETTLE_S = 2.0
"""For so long after another face is followed there is no answer: it would rest on a look or two."""
WITHOUT_FACE: dict[FaceState, str] = {
    "several": "several faces, none of them clearly the participant's (set face.region)",
    "too_small": "the face is too small",
}
_OLDEST_FRAME_S = 2.5


@dataclass
class _Progress:
    """State between steps; frames are counted on the grid from t0."""

    next_frame: int | None = None
    first_frame: int | None = None
    looks: int = 0
    last_look: int | None = None
    last_eeg_s: float | None = None
    last_face_s: float | None = None
    face_state: FaceState | None = None
    changed_s: float | None = None


@dataclass
class _Work:
    """Times of the stages of one step, the earliest samples it used, its frames, and its looks."""

    cutting_s: float = 0.0
    features_s: float = 0.0
    first: dict[str, int] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    periphery: list[Periphery] = field(default_factory=list)


class StreamingAttention:
    """Feeds an attention decoder.

    Parameters
    ----------
    decoder : AttentionDecoder
    """

    def __init__(self, decoder: AttentionDecoder) -> None:
        self._decoder = decoder
        eeg = self.spec.input(EegInput)
        self._window_s = eeg.window_s if eeg is not None else 1.0
        self._late_s = 0.0

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        return self._decoder.spec

    def start(self, plan: Plan, clock: Clock) -> None:
        """Reset to the start of a session."""
        self._decoder.reset()
        self._plan, self._clock = plan, clock
        self._at = _Progress()
        self._soft = SoftWindows()

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Raise MoodringError, with both values, where an EEG stream or its reference does not fit the bundle."""
        needs, section = self.spec.input(EegInput), config.eeg
        if info.modality != "eeg" or section is None:
            return
        reference = section.reference if isinstance(section.reference, str) else "+".join(section.reference)
        if needs is not None and reference != needs.reference:
            raise MoodringError(
                f"eeg.reference is '{reference}'; the bundle was trained with '{needs.reference}': set it to that, or "
                "use another bundle"
            )
        self._decoder.check_eeg(info.channel_names, info.rate_hz or 0.0)

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Process the frames and ticks that are due up to a data time, in order, and return the outputs."""
        work, at = _Work(), self._at
        now = math.floor((time_s - self._plan.t0_s) * FRAME_HZ + 1e-6)
        if at.next_frame is None:
            at.next_frame = at.first_frame = max(0, now - FRAMES_PER_TICK + 1)
        at.next_frame = max(at.next_frame, now - round(_OLDEST_FRAME_S * FRAME_HZ))
        while at.next_frame <= now:
            self._frame(at.next_frame, inputs, work)
            at.next_frame += 1
        fresh_s = self._described_s(time_s, inputs)
        unlike = self._decoder.domain.unlike if "eeg" in fresh_s else None
        described_s = fresh_s if unlike is None else {}
        heads = (
            self._abstained(unlike)
            if unlike is not None
            else self._heads(time_s, described_s, unusable_eeg(time_s, inputs.get("eeg")))
        )
        return DecoderStep(
            heads=heads,
            described_s=described_s,
            first=work.first,
            cutting_s=work.cutting_s,
            features_s=work.features_s,
            looks=tuple(work.looks),
            calibrated=self._decoder.calibrated,
            disturbed_by_speech_s=self._window_s if heads[0].answered else 0.0,
            glimpsed_fraction=at.looks / max(now - (at.first_frame or 0) + 1, 1),
            band_attention=self._decoder.band_attention if "eeg" in described_s else None,
            periphery=tuple(work.periphery),
            domain_distances=self._decoder.domain.told(tuple(head.name for head in heads), "eeg" in fresh_s),
            ablations=self._ablations(time_s, fresh_s, unlike is not None, heads[0].answered),
        )

    def _frame(self, frame: int, inputs: Mapping[str, ModalityInput], work: _Work) -> None:
        frame_s = self._plan.t0_s + frame / FRAME_HZ
        before_s = self._clock.now()
        face = _face_frame(frame_s, inputs.get("face"), work)
        short = self._eeg_window(frame_s, THETA_WINDOW_S, inputs.get("eeg"), work)
        cut_s = self._clock.now()
        seen = self._decoder.frame(frame_s, face, short)
        work.periphery += [] if self._decoder.periphery is None else [self._decoder.periphery]
        if face is not None and seen is not None:
            at = self._at
            waited = None if at.last_look is None else frame - at.last_look
            at.looks, at.last_look = at.looks + 1, frame
            at.last_face_s = face.stamp_s if seen.box is not None else at.last_face_s
            at.face_state = seen.state
            at.changed_s = frame_s if seen.state == "changed" else at.changed_s
            work.looks.append(Look(frame_s, face.stamp_s, seen.box, waited, seen.state, seen.faces, seen.person))
        work.cutting_s += cut_s - before_s
        work.features_s += self._clock.now() - cut_s
        if frame % FRAMES_PER_TICK == 0:
            self._tick(frame_s, inputs, work)

    def _tick(self, tick_s: float, inputs: Mapping[str, ModalityInput], work: _Work) -> None:
        before_s = self._clock.now()
        eeg = self._eeg_window(tick_s, self._window_s, inputs.get("eeg"), work)
        if eeg is not None and self._decoder.artifact == "soft":
            ring = inputs["eeg"].ring
            eeg = self._soft.window(eeg, ring, alignment.stop_at(ring, tick_s))
            self._late_s = tick_s - eeg.end_s if eeg is not None else 0.0
        cut_s = self._clock.now()
        if eeg is not None:
            self._at.last_eeg_s = tick_s
            if self._plan.rest_s > 0 and tick_s <= self._plan.t0_s + self._plan.rest_s + 1e-6:
                self._decoder.rest(eeg)
        if eeg is not None or self._at.last_eeg_s is not None or self._at.last_face_s is not None:
            self._decoder.tick(eeg)
        work.cutting_s += cut_s - before_s
        work.features_s += self._clock.now() - cut_s

    def _eeg_window(
        self, time_s: float, window_s: float, modality_input: ModalityInput | None, work: _Work
    ) -> EegWindow | None:
        if modality_input is None or modality_input.ingest.eeg is None:
            return None
        ring = modality_input.ring
        n = round(window_s * ring.layout.rate_hz)
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
        """Name the inputs that still flow and that the answers rest on, with the moment that each describes."""
        at, described_s = self._at, dict[str, float]()
        eeg, face = inputs.get("eeg"), inputs.get("face")
        if eeg is not None and at.last_eeg_s is not None and at.last_eeg_s >= time_s - 2.0 / TICK_HZ:
            delay_s = eeg.ingest.eeg.delay_s if eeg.ingest.eeg is not None else 0.0
            described_s["eeg"] = at.last_eeg_s - delay_s - self._late_s - self._window_s / 2
        if face is not None and at.last_face_s is not None and alignment.is_fresh(face.ring, time_s):
            described_s["face"] = at.last_face_s
        return described_s

    def _heads(self, time_s: float, used: Mapping[str, float], unusable: str) -> tuple[HeadOutput, ...]:
        """Return the heads; abstain where nothing fresh is known of this person, and say why all classes are kept."""
        at = self._at
        without_face = "no face" if at.face_state is None else WITHOUT_FACE.get(at.face_state, "no face")
        told = at.face_state in WITHOUT_FACE
        if not self._decoder.ticked:
            known = (without_face if told else "", unusable)
            return self._abstained(", and ".join(filter(None, known)) or "neither EEG nor face yet")
        if self._settles(time_s):
            return self._abstained("another face is followed now; what was seen of the one before is forgotten")
        if not used:
            if unusable:
                return self._abstained(f"{without_face}, and {unusable}")
            return self._abstained(without_face if told else "neither EEG nor face for a while")
        heads = self._decoder.read()
        if all(len(head.kept) == len(head.classes) for head in heads):
            words = {"eeg": unusable or "no EEG", "face": without_face}
            missing = [said for modality, said in words.items() if modality not in used]
            why = ", ".join(missing) or "the evidence fits every level"
            return tuple(replace(head, abstained=why) for head in heads)
        return heads

    def _settles(self, time_s: float) -> bool:
        return self._at.changed_s is not None and time_s - self._at.changed_s < SETTLE_S

    def _ablations(
        self, time_s: float, fresh: Mapping[str, float], unlike: bool, answered: bool
    ) -> tuple[Ablation, ...]:
        """Return the ablations of what the session has had so far, of which what is left would be answered from."""
        at = self._at
        face, eeg = "face" in fresh and not self._settles(time_s), "eeg" in fresh and not unlike
        told: dict[Withheld, bool] = {
            "eeg": face and at.last_eeg_s is not None,
            "face": eeg and at.last_face_s is not None,
            "last_look": answered,
        }
        return tuple(one for one in self._decoder.ablations() if told[one.without])

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
