"""Ingest: from a source's chunks to its ring, with clock jumps corrected, stamps smoothed and EEG filtered.

Only the thread that polls the source calls :meth:`StreamIngest.append`; any thread may read the ring and
:attr:`StreamIngest.figures`, which is replaced as a whole.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....configs.schema.live import EegSection, MemorySection
from ...contract import BoolArray, Figures, FloatArray, RingFactory, RingLayout, RingWriter, TimeArray
from ...signals.eeg.chain import EegChainSpec, EegChainState, delay_s, start, step
from ...signals.eeg.channel_quality import in_words
from ...signals.eeg.line_noise import LineNoiseState, detect_line_noise
from .clock_jumps import ClockJumpState, correct_clock_jumps, reconnected
from .dejitter import DejitterState, dejitter
from .sources import Chunk, SourceInfo

_KEPT_S = 60.0
_KEPT_FRAMES = 128
_LEAST_KEPT = 64
_FRAME_GAP_S = 0.25
_FRAME_GAP_PERIODS = 5
_RATE_SPAN_FRAMES = 128
_GOODS_KEPT = 256
_RATE_SPAN_S = 2.0
_RATE_AFTER_S = 0.5
_LONG_GAP_S = 0.1
_ONE_GAP_S = 0.5


class EegPreprocessing:
    """The causal EEG chain, and the good channels from each sample on.

    Parameters
    ----------
    spec : EegChainSpec
    """

    def __init__(self, spec: EegChainSpec) -> None:
        self._state: EegChainState = start(spec)
        self.delay_s = delay_s(spec)
        self._goods: tuple[tuple[int, BoolArray], ...] = ()
        self._faults: tuple[tuple[int, tuple[str, ...]], ...] = ()
        self.line_noise = LineNoiseState(spec.rate_hz, spec.line_hz, np.empty((0, len(spec.channel_names)), np.float64))

    def apply(self, samples_uv: FloatArray, gap_before: bool, first: int) -> tuple[FloatArray, BoolArray]:
        """Filter the next samples, ``(n_times, n_channels)``; ``first`` is the index of the first.

        Returns
        -------
        samples_uv : (n_times, n_channels) float32
        valid : (n_times,) bool
        """
        self.line_noise = detect_line_noise(self.line_noise, samples_uv)
        chunk, self._state = step(self._state, samples_uv, gap_before)
        rows = chunk.good_rows
        starts = (0, *(np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1).tolist()) if len(rows) else ()
        for start_row in starts:
            if not self._goods or not np.array_equal(self._goods[-1][1], rows[start_row]):
                self._goods = (*self._goods[-_GOODS_KEPT:], (first + start_row, rows[start_row].copy()))
        for row, faults in chunk.faults:
            if not self._faults or self._faults[-1][1] != faults:
                self._faults = (*self._faults[-_GOODS_KEPT:], (first + row, faults))
        return chunk.samples_uv, chunk.valid

    def unusable_at(self, index: int) -> str:
        """Return why no channel could be used at a sample; empty where one could, or nothing is known yet."""
        good = self.good_channels_at(index)
        if good is None or good.any():
            return ""
        return in_words(next((faults for first, faults in reversed(self._faults) if first <= index), ()))

    def good_channels_at(self, index: int) -> BoolArray | None:
        """Return which channels were good at a sample, ``(n_channels,)``; None before the first."""
        known = self._goods
        return next((good for first, good in reversed(known) if first <= index), known[0][1] if known else None)


class StreamIngest:
    """Appends the chunks of one source to its ring.

    Parameters
    ----------
    info : SourceInfo
    ring : RingWriter
    eeg : EegPreprocessing or None
        None for anything but EEG.

    Attributes
    ----------
    figures : Figures
        What the stamps show so far; what depends on the time of asking (silence, age) is left open.
    """

    def __init__(self, info: SourceInfo, ring: RingWriter, eeg: EegPreprocessing | None = None) -> None:
        self.info = info
        self.ring = ring
        self.eeg = eeg
        self.figures = Figures(nominal_rate_hz=info.rate_hz, delay_s=info.delay_s)
        self._dejitter = (
            DejitterState(info.rate_hz, info.jitter_s) if info.rate_hz and info.modality != "face" else None
        )
        self._clock = ClockJumpState()
        self._counted: deque[tuple[float, int]] = deque()
        self._frame_stamps: deque[float] = deque(maxlen=_RATE_SPAN_FRAMES)
        self._gap_before = False
        self._broken = False

    def append(self, chunk: Chunk) -> None:
        """Append a chunk to the ring: stamps corrected and smoothed, gaps marked, EEG filtered.

        The result is a function of the chunks alone: appended again in the same order, they give the same ring.
        """
        chunk = self._without_unstamped(chunk)
        # A chunk without samples may still tell of a gap, as from a resampler that starts anew.
        gap_before, self._gap_before = self._gap_before or chunk.gap, False
        if not len(chunk.stamps_s):
            self._gap_before = gap_before
            return
        chunk = self._with_corrected_clock(replace(chunk, gap=gap_before))
        if self._dejitter is None:
            self._append_frames(chunk)
        else:
            self._append_signal(chunk, self._dejitter)

    def _without_unstamped(self, chunk: Chunk) -> Chunk:
        """Return a chunk without samples whose stamp is not finite, and count skipped samples."""
        stamped = np.isfinite(chunk.stamps_s)
        skipped = chunk.skipped + int(len(stamped) - stamped.sum())
        figures = self.figures
        if skipped or chunk.overflows or chunk.backlog != figures.backlog_samples:
            self.figures = replace(
                figures,
                skipped_samples=figures.skipped_samples + skipped,
                backlog_samples=chunk.backlog,
                overflows=figures.overflows + chunk.overflows,
            )
        if stamped.all():
            return chunk
        return replace(chunk, samples=chunk.samples[stamped], stamps_s=chunk.stamps_s[stamped], gap=True)

    def _with_corrected_clock(self, chunk: Chunk) -> Chunk:
        """Return a chunk with clock jumps corrected."""
        if chunk.gap:
            self._clock = reconnected(self._clock)
        period_s = 1.0 / self.info.rate_hz if self.info.rate_hz else 0.0
        expected_s = chunk.received_s - (self.info.delay_s or 0.0)
        stamps_s, jumps_s, self._clock = correct_clock_jumps(self._clock, chunk.stamps_s, expected_s, period_s)
        if jumps_s:
            self.figures = replace(self.figures, jump_s=jumps_s[-1], jump_at_s=chunk.received_s)
        if self._clock.offset_s != self.figures.clock_offset_s:
            self.figures = replace(self.figures, clock_offset_s=self._clock.offset_s)
        return replace(chunk, stamps_s=stamps_s)

    def _append_signal(self, chunk: Chunk, state: DejitterState) -> None:
        stamps_s, gaps, self._dejitter = dejitter(state, chunk.stamps_s, chunk.gap)
        missing_s = {gap.first: gap.seconds for gap in gaps}
        for low, high in pairwise(sorted({0, *missing_s, len(stamps_s)})):
            if low in missing_s:
                self._note_gap(missing_s[low], chunk.received_s)
                if abs(missing_s[low]) > _LONG_GAP_S:
                    self._counted.clear()
            self._append_to_ring(chunk.samples[low:high], stamps_s[low:high], chunk.received_s)
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
        """Return the rate from counts and stamps, which unlike a fit notices single missing samples."""
        counted = self._counted
        counted.append((float(stamps_s[-1]), len(stamps_s)))
        while len(counted) > 2 and counted[0][0] < counted[-1][0] - _RATE_SPAN_S:
            counted.popleft()
        span_s = counted[-1][0] - counted[0][0]
        if span_s < _RATE_AFTER_S:
            return None
        return (sum(n for _, n in counted) - counted[0][1]) / span_s

    def _append_frames(self, chunk: Chunk) -> None:
        newest_s = self.figures.newest_s
        rate_hz = self.figures.observed_rate_hz or self.info.rate_hz
        bar_s = max(_FRAME_GAP_S, _FRAME_GAP_PERIODS / rate_hz) if rate_hz else _FRAME_GAP_S
        if newest_s is not None:
            missing_s = float(chunk.stamps_s[0]) - newest_s
            if missing_s > bar_s or missing_s < 0 or chunk.gap:
                self._note_gap(missing_s, chunk.received_s)
                self._frame_stamps.clear()
        self._append_to_ring(chunk.samples, chunk.stamps_s, chunk.received_s)
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

    def _append_to_ring(self, samples: NDArray[Any], stamps_s: TimeArray, received_s: float) -> None:
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
        if self.eeg is not None:
            samples, valid = self.eeg.apply(samples, self._broken, self.ring.count)
        elif self.info.modality != "face" and (self._broken or newest_s is None):
            valid[0] = False
        self._broken = False
        self.ring.append(samples, stamps_s, received_s, valid)
        first_s = self.figures.first_s if self.figures.first_s is not None else float(stamps_s[0])
        self.figures = replace(self.figures, first_s=first_s, newest_s=float(stamps_s[-1]), received_s=received_s)


def ingest_factory(
    section: EegSection | None, make_ring: RingFactory, rings_gb: float = MemorySection().rings_gb
) -> Callable[[SourceInfo], StreamIngest]:
    """Return the function that makes a source's ingest, with a ring of the given factory.

    It raises MoodringError, before a ring is made, where the rings would take more than ``rings_gb`` together.
    """
    taken: list[int] = []

    def make(info: SourceInfo) -> StreamIngest:
        layout = ring_layout(info)
        taken.append(layout.nbytes)
        if sum(taken) > rings_gb * 1e9:
            taken.remove(layout.nbytes)
            raise MoodringError(too_large(info, sum(taken), rings_gb))
        ring = make_ring(info.modality, layout)
        eeg = None
        if info.modality == "eeg":
            eeg = EegPreprocessing(chain_spec(info.rate_hz or 0.0, info.channel_names, section))
        return StreamIngest(info, ring, eeg)

    return make


def ring_layout(info: SourceInfo) -> RingLayout:
    """Return the layout of a source's ring."""
    capacity = _KEPT_FRAMES if info.modality == "face" else max(_LEAST_KEPT, round(_KEPT_S * (info.rate_hz or 1.0)))
    return RingLayout(capacity, info.shape, info.dtype, info.rate_hz or 0.0, info.channel_names)


def too_large(info: SourceInfo, taken: int, rings_gb: float) -> str:
    """Return the line for a source whose ring does not fit beside those that take ``taken`` bytes."""
    size = ring_layout(info).nbytes
    frames = info.modality == "face"
    rate = "" if info.rate_hz is None else f" at {info.rate_hz:g} Hz"
    what = f"{info.shape[1]}x{info.shape[0]} pixels" if frames else f"{info.shape[0]} channels{rate}"
    kept = f"{_KEPT_FRAMES} frames" if frames else f"{_KEPT_S:g} s"
    cure = "send smaller frames" if frames else "set the sender's rate and channels right"
    return (
        f"{info.modality} '{info.name}' says {what}: {kept} of it take {size / 1e9:.2f} GB, and {taken / 1e9:.2f} of "
        f"{rings_gb:g} GB are taken; {cure}, or allow more: --set memory.rings_gb={-(-(size + taken) // 10**9)}"
    )


def chain_spec(rate_hz: float, names: tuple[str, ...], section: EegSection | None) -> EegChainSpec:
    """Return the EEG chain of a stream as the config describes it; without a section, with the defaults of a config."""
    if section is None:
        return EegChainSpec(rate_hz, names, 50.0)
    reference = section.reference if isinstance(section.reference, str) else tuple(section.reference)
    return EegChainSpec(rate_hz, names, section.line_hz, reference)
