"""Decode the voice: the samples of the microphone into the speech decoder, in order, and its answer at each decision.

Where the session has a loudspeaker reference, the samples first pass the gate of
:mod:`moodring.models.signals.speech.loudspeaker`, window by window on the data times of both: what it withholds never
reaches the speech decoder, and an utterance that it cuts off ends there. With an enrolment, the speech decoder itself
withholds other voices. The same live and on recordings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...configs.schema.live import LiveConfig
from ..contract import AUDIO_RATE_HZ, FloatArray, HeadOutput, Hearing, ModelSpec
from ..signals.speech import loudspeaker, microphone_level
from ..signals.speech.loudspeaker import LoudspeakerRules, LoudspeakerState, Verdict
from ..signals.speech.segments import WINDOW_SAMPLES
from . import alignment
from .decision_schedule import ModalityInput, Plan
from .decoder import DecoderStep
from .ingest.sources import SourceInfo

if TYPE_CHECKING:
    from ..contract import RingReader, RingSlice
    from .clock import Clock

NO_SPEECH = "no speech"
_LARGEST_STEP_S = 0.01
_WINDOW_S = WINDOW_SAMPLES / AUDIO_RATE_HZ
_REFERENCE_LOST_S = 1.0
_WITHHELD: dict[Verdict, str | None] = {
    "open": None,
    "playing": "the loudspeaker is playing",
    "unknown": "nothing comes from the loudspeaker reference",
}


class UtteranceDecoder(Protocol):
    """The speech decoder as this module uses it."""

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        ...

    @property
    def voiced(self) -> bool:
        """Whether an utterance is open of somebody who may be the participant."""
        ...

    @property
    def withheld(self) -> str | None:
        """Why the voice that is heard is withheld from the model; None where nothing is."""
        ...

    def reset(self) -> None:
        """Reset to the start of a stream."""
        ...

    def feed(self, samples: FloatArray, start_s: float) -> tuple[HeadOutput, ...]:
        """Decode the next samples."""
        ...

    def close(self) -> tuple[HeadOutput, ...]:
        """End the open utterance."""
        ...


class StreamingSpeech:
    """Feeds a speech decoder from the ring of a microphone.

    Parameters
    ----------
    decoder : UtteranceDecoder
    rules : LoudspeakerRules
    """

    def __init__(self, decoder: UtteranceDecoder, rules: LoudspeakerRules | None = None) -> None:
        self._decoder = decoder
        self._rules = rules or LoudspeakerRules()

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        return self._decoder.spec

    def start(self, plan: Plan, clock: Clock) -> None:
        """Forget the person, and begin a session."""
        self._decoder.reset()
        self._plan, self._clock = plan, clock
        self._gate = LoudspeakerState()
        self._verdict: Verdict = "open"
        self._at = 0
        self._standing: HeadOutput | None = None
        self._fed_until_s: float | None = None

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Accept any audio: sources resample to 16 kHz."""

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Feed what is new up to a data time, and return what the voice expresses now."""
        microphone = inputs.get("speech")
        if microphone is None:
            return DecoderStep((self._abstained("no microphone"),))
        begin_s = self._clock.now()
        ring = microphone.ring
        stop = alignment.stop_at(ring, time_s)
        if self._at == 0:
            # Voice activity counts its windows from the first sample: live and decoded, that is the session's start.
            self._at = ring.start_at(self._plan.t0_s - alignment.tolerance_s(ring.layout.rate_hz))
        first = self._at
        stretches = alignment.without_gaps(ring.between(self._at, stop))
        level = microphone_level.check_microphone(_last(ring, stop, microphone_level.CHECKED_SAMPLES))
        cut_s = self._clock.now()
        if self._plan.loudspeaker:
            reference = inputs.get("loudspeaker")
            new = self._through_gate(stretches, stop, None if reference is None else reference.ring, time_s)
        else:
            new = [
                one
                for part in stretches
                for one in self._decoder.feed(part.samples[:, 0], self._continued(part, len(part)))
            ]
            self._at = stop
        done_s = self._clock.now()
        output = self._current(new)
        withheld = None if output is not None else _WITHHELD[self._verdict] or self._decoder.withheld
        dead = level is not None and level.stuck
        fresh = alignment.is_fresh(ring, time_s) and not dead
        silence = microphone_level.fault_text(level) if dead else NO_SPEECH
        hearing = Hearing(
            speaking=self._decoder.voiced,
            withheld=withheld,
            fault=microphone_level.microphone_fault(level),
            trouble=microphone_level.fault_text(level) or None,
            clipped_fraction=None if level is None else level.clipped_fraction,
            level_db=None if level is None else level.level_db,
        )
        return DecoderStep(
            heads=(output if output is not None and fresh else self._abstained(withheld or silence),),
            described_s={"speech": _middle_s(output, time_s)} if fresh else {},
            first={"speech": first},
            cutting_s=cut_s - begin_s,
            features_s=done_s - cut_s,
            hearing=hearing,
        )

    def _abstained(self, why: str) -> HeadOutput:
        head = self.spec.head("speech")
        return HeadOutput(head.name, head.construct, head.classes, abstained=why)

    def _current(self, new: list[HeadOutput]) -> HeadOutput | None:
        current = new[-1] if new else self._standing
        if not new and not self._decoder.voiced:
            current = None
        # The final estimate of an utterance is answered once.
        self._standing = None if current is None or current.final else current
        return current

    def _through_gate(
        self, stretches: tuple[RingSlice, ...], stop: int, reference: RingReader | None, time_s: float
    ) -> list[HeadOutput]:
        """Gate window by window; feed what passes, in runs, and leave what is no whole window for the next time."""
        new: list[HeadOutput] = []
        left = 0
        for part in stretches:
            if not part.valid[0]:
                self._gate = loudspeaker.after_gap(self._gate)
            samples, begin_s = part.samples[:, 0], float(part.stamps_s[0])
            whole = len(samples) // WINDOW_SAMPLES
            ready = _ready(begin_s, whole, reference, time_s)
            start_s = self._continued(part, ready * WINDOW_SAMPLES)
            low = 0
            for window in range(ready):
                recorded = samples[window * WINDOW_SAMPLES : (window + 1) * WINDOW_SAMPLES]
                played = _played(reference, begin_s + window * _WINDOW_S)
                verdict, self._gate = loudspeaker.step(self._gate, recorded, played, self._rules)
                if verdict == self._verdict:
                    continue
                if self._verdict == "open":
                    new += self._feed(samples[low * WINDOW_SAMPLES : window * WINDOW_SAMPLES], start_s, low)
                    new += self._decoder.close()
                self._verdict, low = verdict, window
            if self._verdict == "open":
                new += self._feed(samples[low * WINDOW_SAMPLES : ready * WINDOW_SAMPLES], start_s, low)
            left = len(samples) - ready * WINDOW_SAMPLES
        self._at = stop - left
        return new

    def _feed(self, samples: FloatArray, start_s: float, window: int) -> tuple[HeadOutput, ...]:
        return self._decoder.feed(samples, start_s + window * _WINDOW_S) if len(samples) else ()

    def _continued(self, part: RingSlice, n: int) -> float:
        """Return the start of ``n`` samples of audio, moved where the smoothed stamps moved though nothing is missing.

        The speech model takes a step of more than 20 ms for a gap; a fit that still settles may make larger ones.
        """
        start_s, until_s = float(part.stamps_s[0]), self._fed_until_s
        if until_s is not None and part.valid[0]:
            start_s = min(max(start_s, until_s - _LARGEST_STEP_S), until_s + _LARGEST_STEP_S)
        self._fed_until_s = start_s + n / AUDIO_RATE_HZ
        return start_s


def _middle_s(output: HeadOutput | None, time_s: float) -> float:
    if output is None or output.start_s is None or output.end_s is None:
        return time_s
    return (output.end_s + output.start_s) / 2


def _last(ring: RingReader, stop: int, n: int) -> FloatArray:
    samples: FloatArray = ring.between(stop - n, stop).samples[:, 0]
    return samples


def _ready(start_s: float, whole: int, reference: RingReader | None, time_s: float) -> int:
    """Count the windows that the reference has passed; all, where it does not come any more."""
    newest_s = None if reference is None else reference.newest_s
    if newest_s is None or newest_s < time_s - _REFERENCE_LOST_S:
        return whole
    return min(whole, max(0, int((newest_s - start_s) / _WINDOW_S + 1e-3)))


def _played(reference: RingReader | None, start_s: float) -> FloatArray | None:
    """Return what the loudspeaker played from a moment on, one window long; None where that is not known."""
    if reference is None:
        return None
    first = reference.start_at(start_s - alignment.tolerance_s(reference.layout.rate_hz))
    piece = reference.between(first, first + WINDOW_SAMPLES)
    if len(piece) < WINDOW_SAMPLES or abs(piece.stamps_s[0] - start_s) > _WINDOW_S or not piece.valid[1:].all():
        return None
    return np.asarray(piece.samples[:, 0], np.float32)
