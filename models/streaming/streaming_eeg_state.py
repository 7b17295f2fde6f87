"""Decode a state of mind from the EEG alone: a window every half second, after the person's rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...configs.schema.live import LiveConfig
from ..contract import EegWindow, HeadOutput, ModelSpec
from . import alignment
from .decision_schedule import ModalityInput, Plan
from .decoder import DecoderStep
from .ingest.sources import SourceInfo

if TYPE_CHECKING:
    from ..decoders.eeg_state import EegStateDecoder
    from .clock import Clock

STEP_S = 0.5
_OLDEST_S = 2.5  # windows that a slow decision left out and that are still made up for
_SILENT_S = 2.5  # without a window for so long, the evidence describes another situation


@dataclass
class _Work:
    """The earliest sample that a step touched, and the times of its stages."""

    first: int | None = None
    cutting_s: float = 0.0
    features_s: float = 0.0


class StreamingEegState:
    """Schedules the windows of an EEG-state decoder: rest first, then evidence.

    Parameters
    ----------
    decoder : EegStateDecoder
    """

    def __init__(self, decoder: EegStateDecoder) -> None:
        self._decoder = decoder

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        return self._decoder.spec

    def start(self, plan: Plan, clock: Clock) -> None:
        """Forget the person, and begin a session."""
        self._decoder.reset()
        self._plan, self._clock = plan, clock
        self._next: int | None = None
        self._newest_s = -math.inf

    def check(self, info: SourceInfo, config: LiveConfig) -> None:  # noqa: ARG002 - any reference will do
        """Raise MoodringError, with both values, where an EEG stream does not fit the bundle."""
        if info.modality == "eeg":
            self._decoder.check_eeg(info.channel_names, info.rate_hz or 0.0)

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Process the windows that are due up to a data time, and return the output."""
        given = inputs.get("eeg")
        work = self._windows(time_s, given)
        fresh = given is not None and self._newest_s >= time_s - _SILENT_S
        output = self._decoder.read(time_s) if fresh and self._decoder.domain.unlike is None else None
        described_s = self._decoder.described_s(time_s) if output is not None else None
        delay_s = given.ingest.eeg.delay_s if given is not None and given.ingest.eeg is not None else 0.0
        return DecoderStep(
            heads=(output or self._abstained(time_s, fresh),),
            described_s={} if described_s is None else {"eeg": described_s - delay_s},
            first={} if work.first is None else {"eeg": work.first},
            cutting_s=work.cutting_s,
            features_s=work.features_s,
            calibrated=self._decoder.calibrated,
            disturbed_by_speech_s=self._decoder.memory_s if output is not None else 0.0,
            domain_distances=self._decoder.domain.told(tuple(head.name for head in self.spec.outputs), fresh),
        )

    def _windows(self, time_s: float, given: ModalityInput | None) -> _Work:
        """Feed the windows of the grid up to a time."""
        due = math.floor((time_s - self._plan.t0_s) / STEP_S + 1e-6)
        start = max(due - round(_OLDEST_S / STEP_S), due if self._next is None else self._next)
        self._next = due + 1
        work = _Work()
        for index in range(start, due + 1):
            before_s = self._clock.now()
            found = self._window(self._plan.t0_s + index * STEP_S, given)
            cut_s = self._clock.now()
            work.cutting_s += cut_s - before_s
            if found is not None:
                window, touched = found
                work.first = touched if work.first is None else work.first
                self._use(window, index * STEP_S)
                work.features_s += self._clock.now() - cut_s
        return work

    def _use(self, window: EegWindow, session_time_s: float) -> None:
        """Add a window to the reference while the person rests, and to the evidence once it lies after the rest."""
        rest_s = self._plan.rest_s
        if session_time_s <= rest_s + 1e-6:
            self._decoder.rest(window)
        elif self._decoder.ready and session_time_s >= rest_s + self._decoder.features.window_s - 1e-6:
            self._decoder.look(window)
        self._newest_s = window.end_s

    def _window(self, at_s: float, given: ModalityInput | None) -> tuple[EegWindow, int] | None:
        if given is None or given.ingest.eeg is None:
            return None
        ring = given.ring
        n = round(self._decoder.features.window_s * ring.layout.rate_hz)
        stop = alignment.stop_at(ring, at_s)
        good = given.ingest.eeg.good_channels_at(stop - 1)
        if stop < n or good is None or not self._decoder.features.usable(ring.layout.names, good):
            return None
        piece = ring.between(stop - n, stop)
        window = alignment.eeg_window(piece, ring, n, at_s, good)
        return None if window is None else (window, piece.first)

    def _abstained(self, time_s: float, fresh: bool) -> HeadOutput:
        rest_s, head = self._plan.rest_s, self.spec.outputs[0]
        if not fresh:
            why = "no clean EEG for a while" if math.isfinite(self._newest_s) else "no clean EEG yet"
        elif (unlike := self._decoder.domain.unlike) is not None:
            why = unlike
        elif self._decoder.needs_rest and rest_s <= 0.0:
            why = "it needs the person's rest at the start: set decisions.rest_s, 30 at best"
        elif time_s - self._plan.t0_s <= rest_s + self._decoder.features.window_s:
            why = f"the person rests until {rest_s:g} s"
        else:
            why = "too little clean EEG while the person rested"
        return HeadOutput(head.name, head.construct, head.classes, abstained=why)
