"""The way of samples from a source into its ring: stamps smoothed, gaps kept, EEG filtered.

The thread that polls the source is the only one that calls :meth:`Intake.take`; everybody may read the ring and
:attr:`Intake.figures`, which is replaced as a whole.
"""

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.live import EegSection
from ..contract import BoolArray, FloatArray, TimeArray
from ..io.ring import Ring
from ..signals.eeg.chain import EegChainSpec, EegChainState, delay_s, start, step
from ..signals.eeg.line_noise import MainsState, listen
from .clock_jumps import RebaseState, rebase, restarted
from .dejitter import DejitterState, dejitter
from .sources import Chunk, SourceInfo

_KEPT_S = 60.0
_KEPT_FRAMES = 128
_FRAME_GAP_S = 0.25
_FRAME_GAP_PERIODS = 5
_RATE_SPAN_FRAMES = 128
_GOODS_KEPT = 256
_RATE_SPAN_S = 2.0
_RATE_AFTER_S = 0.5
_LONG_GAP_S = 0.1
_ONE_GAP_S = 0.5


@dataclass(frozen=True)
class IntakeFigures:
    """What the stamps say so far.

    Attributes
    ----------
    first_s, newest_s, received_s : float or None
        Stamps of the first and the newest sample, and when the newest came; None before the first.
    observed_rate_hz : float or None
        Samples that came per second of their stamps, over the last two seconds without a longer gap.
    drift_ppm : float or None
        By how much the device's clock runs fast, in millionths: the slope of the sample count over the LSL clock.
    jitter_s : float or None
        Largest recent distance of a stamp from its place; of frames, the spread of their intervals.
    lost_samples : int
        That the stamps say existed and that never came.
    skipped_samples : int
        Thrown away by the reader because it had fallen behind, or unusable for want of a stamp.
    backlog_samples : int or None
        That still waited when the newest were taken.
    gap_s, gap_at_s, jump_s, jump_at_s : float or None
        Newest gap (the longest within half a second) and newest jump of the stamps, and when they were found.
    offset_s : float
        By how much stamps are moved since the source's clock has jumped.
    """

    first_s: float | None = None
    newest_s: float | None = None
    received_s: float | None = None
    observed_rate_hz: float | None = None
    drift_ppm: float | None = None
    jitter_s: float | None = None
    lost_samples: int = 0
    skipped_samples: int = 0
    backlog_samples: int | None = None
    overflows: int = 0
    gap_s: float | None = None
    gap_at_s: float | None = None
    jump_s: float | None = None
    jump_at_s: float | None = None
    offset_s: float = 0.0


class EegTreatment:
    """The causal EEG chain, and which channels were good from which sample on."""

    def __init__(self, spec: EegChainSpec) -> None:
        self._state: EegChainState = start(spec)
        self.delay_s = delay_s(spec)
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
        self._rebase = RebaseState()
        self._counted: deque[tuple[float, int]] = deque()
        self._frame_stamps: deque[float] = deque(maxlen=_RATE_SPAN_FRAMES)
        self._broken = False

    def take(self, chunk: Chunk) -> None:
        """Put a chunk into the ring."""
        chunk = self._sound(chunk)
        if not len(chunk.stamps_s):
            return
        chunk = self._rebased(chunk)
        if self._dejitter is None:
            self._take_frames(chunk)
        else:
            self._take_signal(chunk, self._dejitter)

    def _sound(self, chunk: Chunk) -> Chunk:
        """Leave out what no time belongs to, and note what the reader skipped."""
        told = np.isfinite(chunk.stamps_s)
        skipped = chunk.skipped + int(len(told) - told.sum())
        figures = self.figures
        if skipped or chunk.overflows or chunk.backlog != figures.backlog_samples:
            self.figures = replace(
                figures,
                skipped_samples=figures.skipped_samples + skipped,
                backlog_samples=chunk.backlog,
                overflows=figures.overflows + chunk.overflows,
            )
        if told.all():
            return chunk
        return replace(chunk, samples=chunk.samples[told], stamps_s=chunk.stamps_s[told], gap=True)

    def _rebased(self, chunk: Chunk) -> Chunk:
        """Carry the stamps over a jump of the source's clock."""
        if chunk.gap:
            self._rebase = restarted(self._rebase)
        period_s = 1.0 / self.info.rate_hz if self.info.rate_hz else 0.0
        expected_s = chunk.received_s - (self.info.delay_s or 0.0)
        stamps_s, jumps_s, self._rebase = rebase(self._rebase, chunk.stamps_s, expected_s, period_s)
        if jumps_s:
            self.figures = replace(self.figures, jump_s=jumps_s[-1], jump_at_s=chunk.received_s)
        if self._rebase.offset_s != self.figures.offset_s:
            self.figures = replace(self.figures, offset_s=self._rebase.offset_s)
        return replace(chunk, stamps_s=stamps_s)

    def _take_signal(self, chunk: Chunk, state: DejitterState) -> None:
        pieces, self._dejitter = dejitter(state, chunk.stamps_s, chunk.gap)
        for piece in pieces:
            if piece.gap_s:
                self._note_gap(piece.gap_s, chunk.received_s)
                if abs(piece.gap_s) > _LONG_GAP_S:
                    self._counted.clear()
            self._append(chunk.samples[piece.first : piece.stop], piece.stamps_s, chunk.received_s)
        state = self._dejitter
        # Where single stamps mean little, only the line knows the rate.
        rate_hz = state.observed_rate_hz if self.info.jitter_s else self._counted_rate_hz(chunk.stamps_s)
        self.figures = replace(
            self.figures,
            observed_rate_hz=rate_hz or self.figures.observed_rate_hz,
            drift_ppm=state.drift_ppm if state.drift_ppm is not None else self.figures.drift_ppm,
            jitter_s=state.peak_s,
        )

    def _counted_rate_hz(self, stamps_s: TimeArray) -> float | None:
        """Count samples against their stamps: unlike a fitted line, a count notices samples left out one by one."""
        counted = self._counted
        counted.append((float(stamps_s[-1]), len(stamps_s)))
        while len(counted) > 2 and counted[0][0] < counted[-1][0] - _RATE_SPAN_S:
            counted.popleft()
        span_s = counted[-1][0] - counted[0][0]
        if span_s < _RATE_AFTER_S:
            return None
        return (sum(n for _, n in counted) - counted[0][1]) / span_s

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
            self.figures = replace(
                self.figures,
                observed_rate_hz=(len(self._frame_stamps) - 1) / span_s,
                jitter_s=float(np.std(np.diff(self._frame_stamps))),
            )

    def _note_gap(self, gap_s: float, at_s: float) -> None:
        self._broken = True
        if gap_s < 0:
            self.figures = replace(self.figures, jump_s=gap_s, jump_at_s=at_s)
            return
        rate_hz = self.info.rate_hz or self.figures.observed_rate_hz or 0.0
        lost = self.figures.lost_samples + round(gap_s * rate_hz)
        before_s, before_at_s = self.figures.gap_s or 0.0, self.figures.gap_at_s
        if before_at_s is not None and at_s - before_at_s < _ONE_GAP_S:
            # Small ones that follow do not hide a large one.
            gap_s = max(gap_s, before_s)
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


def intake_maker(section: EegSection | None, folder: Path | None) -> Callable[[SourceInfo], Intake]:
    """Give the function that makes a source's ring, in a folder or in this process's memory, and its intake."""
    numbers = itertools.count()

    def make(info: SourceInfo) -> Intake:
        # A file of its own each time: screens may still have the last one mapped.
        path = folder / f"{info.modality}-{next(numbers)}.ring" if folder is not None else None
        capacity = _KEPT_FRAMES if info.modality == "face" else round(_KEPT_S * (info.rate_hz or 1.0))
        ring = Ring.create(capacity, info.shape, info.dtype, info.rate_hz or 0.0, info.channel_names, path)
        treatment = None
        if info.modality == "eeg":
            treatment = EegTreatment(chain_spec(info.rate_hz or 0.0, info.channel_names, section))
        return Intake(info, ring, treatment)

    return make


def chain_spec(rate_hz: float, names: tuple[str, ...], section: EegSection | None) -> EegChainSpec:
    """Describe the EEG chain of a stream; without a section the defaults of a config hold."""
    if section is None:
        return EegChainSpec(rate_hz, names, 50.0)
    reference = section.reference if isinstance(section.reference, str) else tuple(section.reference)
    return EegChainSpec(rate_hz, names, section.line_hz, reference)
