"""The way of samples from a source into its ring: stamps smoothed, gaps kept, EEG filtered.

The thread that polls the source is the only one that calls :meth:`Intake.take`; everybody may read the ring and
:attr:`Intake.figures`, which is replaced as a whole.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.contract import BoolArray, FloatArray, TimeArray
from ..models.signals.eeg_chain import EegChainSpec, EegChainState, start, step
from ..models.signals.mains import MainsState, listen
from .dejitter import DejitterState, dejitter
from .ring import Ring
from .sources.base import Chunk, SourceInfo

_FRAME_GAP_S = 0.25
_FRAME_GAP_PERIODS = 5
_RATE_SPAN_FRAMES = 128
_GOODS_KEPT = 256


@dataclass(frozen=True)
class IntakeFigures:
    """What the stamps say so far.

    Attributes
    ----------
    first_s, newest_s, received_s : float or None
        Stamps of the first and the newest sample, and when the newest came; None before the first.
    observed_rate_hz : float or None
    lost_samples : int
        That the stamps say existed and that never came.
    gap_s, gap_at_s, jump_s, jump_at_s : float or None
        Newest gap and newest jump back of the stamps, and when they were found.
    """

    first_s: float | None = None
    newest_s: float | None = None
    received_s: float | None = None
    observed_rate_hz: float | None = None
    lost_samples: int = 0
    gap_s: float | None = None
    gap_at_s: float | None = None
    jump_s: float | None = None
    jump_at_s: float | None = None


class EegTreatment:
    """The causal EEG chain, and which channels were good from which sample on."""

    def __init__(self, spec: EegChainSpec) -> None:
        self._state: EegChainState = start(spec)
        self._goods: tuple[tuple[int, BoolArray], ...] = ()
        self.mains = MainsState(spec.rate_hz, spec.line_hz, np.empty((0, len(spec.channel_names)), np.float64))

    def apply(self, samples_uv: FloatArray, gap_before: bool, first: int) -> tuple[FloatArray, BoolArray]:
        """Filter the samples that come next; the first of them has the index ``first``."""
        self.mains = listen(self.mains, samples_uv)
        chunk, self._state = step(self._state, samples_uv, gap_before)
        rows = chunk.good_rows
        starts = (0, *(np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1).tolist()) if len(rows) else ()
        for start_row in starts:
            if not self._goods or not np.array_equal(self._goods[-1][1], rows[start_row]):
                self._goods = (*self._goods[-_GOODS_KEPT:], (first + start_row, rows[start_row].copy()))
        return chunk.samples_uv, chunk.valid

    def good_at(self, index: int) -> BoolArray | None:
        """Say which channels were good at a sample; None before the first."""
        known = self._goods
        return next((good for first, good in reversed(known) if first <= index), known[0][1] if known else None)


class Intake:
    """Takes the chunks of one source.

    Parameters
    ----------
    info : SourceInfo
    ring : Ring
    treatment : EegTreatment or None
        For EEG.
    """

    def __init__(self, info: SourceInfo, ring: Ring, treatment: EegTreatment | None = None) -> None:
        self.info = info
        self.ring = ring
        self.treatment = treatment
        self.figures = IntakeFigures()
        self._dejitter = (
            DejitterState(info.rate_hz, info.jitter_s) if info.rate_hz and info.modality != "face" else None
        )
        self._frame_stamps: deque[float] = deque(maxlen=_RATE_SPAN_FRAMES)
        self._broken = False

    def take(self, chunk: Chunk) -> None:
        """Put a chunk into the ring."""
        if not len(chunk.stamps_s):
            return
        if self._dejitter is None:
            self._take_frames(chunk)
        else:
            self._take_signal(chunk, self._dejitter)

    def _take_signal(self, chunk: Chunk, state: DejitterState) -> None:
        pieces, self._dejitter = dejitter(state, chunk.stamps_s, chunk.gap)
        for piece in pieces:
            if piece.gap_s:
                self._note_gap(piece.gap_s, chunk.received_s)
            self._append(chunk.samples[piece.first : piece.stop], piece.stamps_s, chunk.received_s)
        rate_hz = self._dejitter.observed_rate_hz or self.figures.observed_rate_hz
        self.figures = replace(self.figures, observed_rate_hz=rate_hz)

    def _take_frames(self, chunk: Chunk) -> None:
        newest_s = self.figures.newest_s
        rate_hz = self.figures.observed_rate_hz or self.info.rate_hz
        bar_s = max(_FRAME_GAP_S, _FRAME_GAP_PERIODS / rate_hz) if rate_hz else _FRAME_GAP_S
        if newest_s is not None:
            missing_s = float(chunk.stamps_s[0]) - newest_s
            if missing_s > bar_s or missing_s < 0 or chunk.gap:
                self._note_gap(missing_s, chunk.received_s)
                self._frame_stamps.clear()
        self._append(chunk.samples, chunk.stamps_s, chunk.received_s)
        self._frame_stamps.extend(chunk.stamps_s.tolist())
        while self._frame_stamps and self._frame_stamps[0] < self._frame_stamps[-1] - 5.0:
            self._frame_stamps.popleft()
        span_s = self._frame_stamps[-1] - self._frame_stamps[0]
        if span_s > 1.0:
            self.figures = replace(self.figures, observed_rate_hz=(len(self._frame_stamps) - 1) / span_s)

    def _note_gap(self, gap_s: float, at_s: float) -> None:
        self._broken = True
        if gap_s < 0:
            self.figures = replace(self.figures, jump_s=gap_s, jump_at_s=at_s)
            return
        rate_hz = self.info.rate_hz or self.figures.observed_rate_hz or 0.0
        lost = self.figures.lost_samples + round(gap_s * rate_hz)
        self.figures = replace(self.figures, gap_s=gap_s, gap_at_s=at_s, lost_samples=lost)

    def _append(self, samples: NDArray[Any], stamps_s: TimeArray, received_s: float) -> None:
        newest_s = self.figures.newest_s
        if newest_s is not None and stamps_s[0] < newest_s:
            # Time in a ring never falls: after a jump back, nothing is taken until the stamps are ahead again.
            late = int(np.searchsorted(stamps_s, newest_s, side="right"))
            self.figures = replace(
                self.figures, lost_samples=self.figures.lost_samples + late, received_s=received_s, jump_at_s=received_s
            )
            if self.figures.jump_s is None:
                self.figures = replace(self.figures, jump_s=float(stamps_s[0]) - newest_s)
            self._broken = True
            samples, stamps_s = samples[late:], stamps_s[late:]
            if not len(stamps_s):
                return
        valid: BoolArray = np.ones(len(stamps_s), np.bool_)
        if self.treatment is not None:
            samples, valid = self.treatment.apply(samples, self._broken, self.ring.count)
        elif self.info.modality == "speech" and (self._broken or newest_s is None):
            valid[0] = False
        self._broken = False
        self.ring.append(samples, stamps_s, received_s, valid)
        first_s = self.figures.first_s if self.figures.first_s is not None else float(stamps_s[0])
        self.figures = replace(self.figures, first_s=first_s, newest_s=float(stamps_s[-1]), received_s=received_s)
