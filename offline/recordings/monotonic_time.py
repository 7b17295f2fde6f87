"""Bring a recording onto one time that rises, as a reader needs it that does not follow how the samples arrived."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...models.contract import Arrivals, Recording, Signal, TimeArray, Video
from ...models.streaming.ingest.clock_jumps import ClockJumpState, correct_clock_jumps, reconnected
from .frames import SomeFrames

_JITTER_S = 0.02


def on_rising_time(recording: Recording) -> Recording:
    """Return a recording whose stamps rise: clock jumps corrected as a live session does, late samples left out.

    Of sources whose arrival was not recorded, stamps rise already.
    """
    return replace(
        recording,
        eeg=_signal(recording.eeg),
        face=_video(recording.face),
        speech=_signal(recording.speech),
        loudspeaker=_signal(recording.loudspeaker),
        signals={key: risen for key, one in recording.signals.items() if (risen := _signal(one)) is not None},
    )


def rising_stamps(
    stamps_s: TimeArray, arrivals: Arrivals, jitter_s: float = 0.0
) -> tuple[NDArray[np.int64], TimeArray]:
    """Correct clock jumps chunk by chunk, and choose the samples whose time rises.

    Parameters
    ----------
    stamps_s : (n,) float64
        As they came.
    arrivals : Arrivals
    jitter_s : float
        How far single stamps may be off.

    Returns
    -------
    kept : (n_kept,) int64
        Numbers of the samples.
    stamps_s : (n_kept,) float64
        Never falling. A stamp a little behind is jitter and is raised; one far behind is left out.
    """
    corrected = np.full(len(stamps_s), np.nan)
    state, start = ClockJumpState(), 0
    period_s = 1.0 / arrivals.rate_hz if arrivals.rate_hz else 0.0
    for stop, received_s, gap in zip(arrivals.stop, arrivals.received_s, arrivals.gap, strict=True):
        stamped = start + np.flatnonzero(np.isfinite(stamps_s[start:stop]))
        if len(stamped):
            state = reconnected(state) if gap or len(stamped) < stop - start else state
            expected_s = float(received_s) - (arrivals.delay_s or 0.0)
            corrected[stamped], _, state = correct_clock_jumps(state, stamps_s[stamped], expected_s, period_s)
        start = int(stop)
    finite = np.flatnonzero(np.isfinite(corrected))
    highest = np.maximum.accumulate(corrected[finite])
    on_time = highest - corrected[finite] <= max(_JITTER_S, jitter_s)
    return finite[on_time], highest[on_time]


def _signal(signal: Signal | None) -> Signal | None:
    if signal is None or signal.arrivals is None:
        return signal
    kept, stamps_s = rising_stamps(signal.stamps_s, signal.arrivals, signal.jitter_s)
    return replace(signal, samples=signal.samples[kept], stamps_s=stamps_s, arrivals=None)


def _video(video: Video | None) -> Video | None:
    if video is None or video.arrivals is None:
        return video
    kept, stamps_s = rising_stamps(video.stamps_s, video.arrivals)
    # Two frames of one time cannot be told apart.
    rises = np.diff(stamps_s, prepend=-np.inf) > 0
    frames = SomeFrames(video.frames, kept[rises])
    return replace(video, frames=frames, stamps_s=stamps_s[rises], arrivals=None)
