"""What the participant's voice says at each decision: the microphone's samples into the speech model, in order.

Where a loudspeaker reference is there, the samples go through the gate of :mod:`moodring.models.signals.speech.loudspeaker`
first, window by window on the data times of both: what it withholds, the speech model never hears, and an utterance
that it cuts off ends there. With an enrolment, the speech model itself withholds what is another voice. The same live and on recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..contract import AUDIO_RATE_HZ, FloatArray, Hearing, SpeechEstimate
from ..signals.speech import loudspeaker, microphone_level
from ..signals.speech.loudspeaker import LoudspeakerRules, LoudspeakerState, Verdict
from ..signals.speech.segments import WINDOW_SAMPLES
from . import alignment
from .schedule import ModalityInput

if TYPE_CHECKING:
    from ..io.ring import RingSlice, RingView
    from .clock import Clock

_LARGEST_STEP_S = 0.01
_WINDOW_S = WINDOW_SAMPLES / AUDIO_RATE_HZ
_REFERENCE_LOST_S = 1.0
_WITHHELD: dict[Verdict, str | None] = {
    "open": None,
    "playing": "the loudspeaker is playing",
    "unknown": "nothing comes from the loudspeaker reference",
}


class Speaks(Protocol):
    """The speech model as this module uses it."""

    @property
    def voiced(self) -> bool:
        """Whether an utterance is open of somebody who may be the participant."""
        ...

    @property
    def withheld(self) -> str | None:
        """Why the model takes nothing of the voice that it hears."""
        ...

    def feed(self, samples: FloatArray, start_s: float) -> tuple[SpeechEstimate, ...]:
        """Take the next samples."""
        ...

    def close(self) -> tuple[SpeechEstimate, ...]:
        """End the open utterance."""
        ...


@dataclass(frozen=True)
class Listened:
    """What came of listening once, from which sample on, and where its time went."""

    first: int
    said: SpeechEstimate | None
    hearing: Hearing
    cutting_s: float
    features_s: float


class Listener:
    """Feeds a speech model from the ring of a microphone.

    Parameters
    ----------
    speech : Speaks
    clock : Clock
    referenced : bool
        Whether the session has a loudspeaker reference: then nothing passes of which it says nothing.
    rules : LoudspeakerRules
    """

    def __init__(
        self, speech: Speaks, clock: Clock, referenced: bool = False, rules: LoudspeakerRules | None = None
    ) -> None:
        self._speech = speech
        self._clock = clock
        self._referenced = referenced
        self._rules = rules or LoudspeakerRules()
        self._gate = LoudspeakerState()
        self._verdict: Verdict = "open"
        self._at = 0
        self._said: SpeechEstimate | None = None
        self._heard_until_s: float | None = None

    def listen(
        self, modality_input: ModalityInput, reference: ModalityInput | None, stop: int, t0_s: float, time_s: float
    ) -> Listened:
        """Feed what is new up to the sample ``stop``, and say what the voice says now.

        Parameters
        ----------
        modality_input : ModalityInput
            The microphone.
        reference : ModalityInput or None
            What the loudspeaker plays; None where nothing has come of it yet.
        stop : int
            Of the microphone's ring.
        t0_s, time_s : float
            Where listening starts, and the data time of the decision.
        """
        begin_s = self._clock.now()
        ring = modality_input.ring
        if self._at == 0:
            # Voice activity counts its windows from the first sample: live and decoded, that is the session's start.
            self._at = ring.start_at(t0_s - alignment.tolerance_s(ring.layout.rate_hz))
        first = self._at
        heard = alignment.without_gaps(ring.between(self._at, stop))
        level = microphone_level.check_microphone(_last(ring, stop, microphone_level.CHECKED_SAMPLES))
        cut_s = self._clock.now()
        if self._referenced:
            new = self._through_gate(heard, stop, None if reference is None else reference.ring, time_s)
        else:
            new = [
                one for part in heard for one in self._speech.feed(part.samples[:, 0], self._continued(part, len(part)))
            ]
            self._at = stop
        done_s = self._clock.now()
        said = self._current(new)
        speaking = self._speech.voiced
        hearing = Hearing(
            speaking=speaking,
            withheld=None if said is not None else _WITHHELD[self._verdict] or self._speech.withheld,
            fault=microphone_level.microphone_fault(level),
            trouble=microphone_level.fault_text(level) or None,
            clipped_fraction=None if level is None else level.clipped_fraction,
            level_db=None if level is None else level.level_db,
        )
        return Listened(first, said, hearing, cut_s - begin_s, done_s - cut_s)

    def _current(self, new: list[SpeechEstimate]) -> SpeechEstimate | None:
        current = new[-1] if new else self._said
        if not new and not self._speech.voiced:
            current = None
        # The last word of an utterance is said once.
        self._said = None if current is None or current.final else current
        return current

    def _through_gate(
        self, heard: tuple[RingSlice, ...], stop: int, reference: RingView | None, time_s: float
    ) -> list[SpeechEstimate]:
        """Judge window by window; feed what passes, in runs, and leave what is no whole window for the next time."""
        new: list[SpeechEstimate] = []
        left = 0
        for part in heard:
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
                    new += self._speech.close()
                self._verdict, low = verdict, window
            if self._verdict == "open":
                new += self._feed(samples[low * WINDOW_SAMPLES : ready * WINDOW_SAMPLES], start_s, low)
            left = len(samples) - ready * WINDOW_SAMPLES
        self._at = stop - left
        return new

    def _feed(self, samples: FloatArray, start_s: float, window: int) -> tuple[SpeechEstimate, ...]:
        return self._speech.feed(samples, start_s + window * _WINDOW_S) if len(samples) else ()

    def _continued(self, part: RingSlice, n: int) -> float:
        """Return the start of ``n`` samples of audio, moved where the smoothed stamps moved though nothing is missing.

        The speech model takes a step of more than 20 ms for a gap; a fit that still settles may make larger ones.
        """
        start_s, until_s = float(part.stamps_s[0]), self._heard_until_s
        if until_s is not None and part.valid[0]:
            start_s = min(max(start_s, until_s - _LARGEST_STEP_S), until_s + _LARGEST_STEP_S)
        self._heard_until_s = start_s + n / AUDIO_RATE_HZ
        return start_s


def _last(ring: RingView, stop: int, n: int) -> FloatArray:
    samples: FloatArray = ring.between(stop - n, stop).samples[:, 0]
    return samples


def _ready(start_s: float, whole: int, reference: RingView | None, time_s: float) -> int:
    """Count the windows that the reference has passed; all, where it does not come any more."""
    newest_s = None if reference is None else reference.newest_s
    if newest_s is None or newest_s < time_s - _REFERENCE_LOST_S:
        return whole
    return min(whole, max(0, int((newest_s - start_s) / _WINDOW_S + 1e-3)))


def _played(reference: RingView | None, start_s: float) -> FloatArray | None:
    """Give what the loudspeaker played from a moment on, one window long; None where that is not known."""
    if reference is None:
        return None
    first = reference.start_at(start_s - alignment.tolerance_s(reference.layout.rate_hz))
    piece = reference.between(first, first + WINDOW_SAMPLES)
    if len(piece) < WINDOW_SAMPLES or abs(piece.stamps_s[0] - start_s) > _WINDOW_S or not piece.valid[1:].all():
        return None
    return np.asarray(piece.samples[:, 0], np.float32)
