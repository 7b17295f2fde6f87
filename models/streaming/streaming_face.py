"""Run a face-expression decoder on the camera of a session: every frame of an 8 Hz grid, smoothed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..contract import FaceReading, HeadOutput, ModelSpec
from ..contract.specs import kept_classes
from ..fusion.circumplex import affect_of
from ..signals.face.tracking import Region, TrackerState, TrackingRules, track
from ..signals.face.watching import FaceWatch
from . import alignment
from .decision_schedule import ModalityInput, Plan
from .decoder import DecoderStep
from .ingest.sources import SourceInfo
from .smoothing import smoothed
from .streaming_attention import WITHOUT_FACE

if TYPE_CHECKING:
    from ...configs.schema.live import LiveConfig
    from ..decoders.face_expression import FaceExpressionDecoder
    from ..signals.face.detection import FaceDetector
    from ..signals.face.orientation import OrientationCheck
    from .clock import Clock

FRAME_HZ = 8
FRESH_S = 1.0
"""An answer rests on a reading that is no older."""
_OLDEST_FRAME_S = 2.5
_FIRST_FRAMES = 4
_DOUBTS = {
    "small": "the face is too small",
    "turned": "the face is turned away",
    "flat": "the face is too dark or too pale",
    "blurred": "the face is blurred",
    "covered": "the mouth is covered",
    "still": "the face has not moved for 15 s, like a picture",
    "sideways": "the face lies on its side: turn the camera upright",
    "upside down": "the face is upside down: turn the camera upright",
}
_LYING = {
    "sideways": "no face stands in the picture, one lies on its side: turn the camera upright",
    "upside down": "no face stands in the picture, one is upside down: turn the camera upright",
}


@dataclass
class _Progress:
    """State between steps; frames are counted on the grid from t0."""

    watch: FaceWatch
    next_frame: int | None = None
    tracked: TrackerState = field(default_factory=TrackerState)
    lie: str | None = None
    seen_stamp_s: float = -math.inf
    last: FaceReading | None = None
    mean: NDArray[np.float64] | None = None
    read: FaceReading | None = None


class StreamingFaceExpression:
    """Feeds a face-expression decoder.

    Faces are found in every frame of the grid and the participant's is followed
    (:mod:`~moodring.models.signals.face.tracking`); one that is still as a picture is passed over where there is
    another. Answers are means over frames that weigh exponentially less the older they are. A frame in which the face
    is small, turned, blurred, without contrast, still as a picture, or lies, counts for nothing, and where no other has
    come for a second the heads abstain with the reason. Another face begins anew.

    Parameters
    ----------
    decoder : FaceExpressionDecoder
    detector : FaceDetector
    orientation : OrientationCheck
    region : (x, y, width, height) or None
        Part of the frame, in fractions of its sides, that holds the participant's face; None is the whole frame.
    """

    def __init__(
        self,
        decoder: FaceExpressionDecoder,
        detector: FaceDetector,
        orientation: OrientationCheck,
        region: Region | None = None,
    ) -> None:
        self._decoder, self._detector, self._orientation = decoder, detector, orientation
        self._rules = TrackingRules(region)
        emotion, valence, arousal = decoder.live_heads
        self._emotion = emotion
        self.spec: ModelSpec = replace(decoder.spec, outputs=(emotion, valence, arousal))

    def start(self, plan: Plan, clock: Clock) -> None:
        """Forget the person, and begin a session."""
        self._plan, self._clock = plan, clock
        self._at = _Progress(FaceWatch(self._orientation, self._rules))

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Accept any camera."""

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Read the frames that are due up to a data time, and return what the face expresses now."""
        given = inputs.get("face")
        began_s, at = self._clock.now(), self._at
        now = math.floor((time_s - self._plan.t0_s) * FRAME_HZ + 1e-6)
        due = max(0, now - _FIRST_FRAMES + 1) if at.next_frame is None else at.next_frame
        first: dict[str, int] = {}
        readings: list[FaceReading] = []
        for frame in range(max(due, now - round(_OLDEST_FRAME_S * FRAME_HZ)), now + 1):
            if given is not None:
                readings += self._frame(self._plan.t0_s + frame / FRAME_HZ, given, first)
        at.next_frame = now + 1
        read = at.read if at.read is not None and at.read.time_s >= time_s - FRESH_S else None
        return DecoderStep(
            heads=self._abstained(self._why(time_s)) if read is None else self._heads(),
            described_s={} if read is None else {"face": read.frame_stamp_s},
            first=first,
            features_s=self._clock.now() - began_s,
            face_readings=tuple(readings),
        )

    def _frame(self, at_s: float, given: ModalityInput, first: dict[str, int]) -> tuple[FaceReading, ...]:
        """Read one frame of the grid: nothing where the camera has none that is new."""
        at = self._at
        piece = alignment.newest_frame(given.ring, at_s)
        if piece is None or piece.stamps_s[-1] <= at.seen_stamp_s:
            return ()
        first.setdefault("face", piece.first)
        image, at.seen_stamp_s = given.picture(piece.samples[-1]), float(piece.stamps_s[-1])
        found = self._detector.find_faces(image)
        numbers = at.watch.see(found, at_s)
        moving = [one.box for one, number in zip(found, numbers, strict=True) if not at.watch.still(number)]
        height, width = image.shape[:2]
        followed = moving or [one.box for one in found]
        sighting, at.tracked = track(at.tracked, followed, at_s, (height, width), self._rules)
        if sighting.state == "changed":
            at.mean, at.read = None, None
        at.lie = None if found else at.watch.without_faces(image, at_s)
        reading = FaceReading(at_s, at.seen_stamp_s, sighting.box, sighting.state, sighting.faces, sighting.person)
        which = next((i for i, one in enumerate(found) if one.box == sighting.box), None)
        if which is not None:
            face = found[which]
            shown = self._decoder.read(image, face)
            quality = shown.quality
            doubts = (*quality.doubts, *at.watch.doubts(numbers[which], image, face, at_s))
            reading = replace(reading, eyes_px=quality.eyes_px, turned=quality.turned, doubts=doubts)
            if not reading.doubts:
                self._add(shown.emotions, reading)
        at.last = reading
        return (reading,)

    def _add(self, emotions: NDArray[np.float64], reading: FaceReading) -> None:
        at = self._at
        at.mean = smoothed(at.mean, emotions, 0.0 if at.read is None else reading.time_s - at.read.time_s)
        at.read = reading

    def _heads(self) -> tuple[HeadOutput, ...]:
        head, mean = self._emotion, self._at.mean
        if mean is None:
            raise ValueError("a face was read, and there is no mean")
        affect = affect_of(head.classes, mean.tolist())
        if affect is None:
            raise ValueError("the decoder's classes are not on the circumplex")
        emotion = HeadOutput(
            head.name,
            head.construct,
            head.classes,
            tuple(mean.tolist()),
            kept=kept_classes(mean, head.conformal_threshold),
        )
        axes = zip(self.spec.outputs[1:], (affect.valence, affect.arousal), strict=True)
        return (emotion, *(HeadOutput(axis.name, axis.construct, value=value) for axis, value in axes))

    def _why(self, time_s: float) -> str:
        """Return why there is no answer."""
        last, lie = self._at.last, self._at.lie
        if last is None:
            return "no picture yet"
        if last.time_s < time_s - FRESH_S:
            return "no picture for a while"
        if lie is not None:
            return _LYING[lie]
        if last.face is None:
            return WITHOUT_FACE.get(last.face_state, "no face")
        return " and ".join(_DOUBTS[doubt] for doubt in last.doubts) or "no face long enough"

    def _abstained(self, why: str) -> tuple[HeadOutput, ...]:
        return tuple(HeadOutput(head.name, head.construct, head.classes, abstained=why) for head in self.spec.outputs)
