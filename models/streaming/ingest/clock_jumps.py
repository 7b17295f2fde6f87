"""Clock-jump correction: keep stamps continuous when the clock of a source is set anew.

A gap and a jump of the clock look alike in the stamps; the arrival tells them apart. After a silence the newest sample
is as old as ever; after a jump ahead it would be younger than samples can be, and stamps that go back are never true.
The stamps after a jump are moved by a constant, until they fit again without it.
"""

from dataclasses import dataclass, replace

import numpy as np

from ...contract import TimeArray

JUMP_S = 0.5
"""Smaller steps are jitter, gaps, or the network clock's own corrections."""
FIRST_AGE_S = 5.0
"""The first sample of a stream cannot be older: nothing is delivered that was sent before the connection."""
_AGE_RISE = 0.002
_FITS_S = 0.1


@dataclass(frozen=True)
class ClockJumpState:
    """State between chunks.

    Attributes
    ----------
    offset_s : float
        Added to the stamps; 0 while the source's clock is believed.
    last_s : float or None
        Newest corrected stamp.
    received_s : float or None
        When it arrived.
    youngest_s : float or None
        Age of samples that nothing holds up; it rises by 2 ms per second.
    """

    offset_s: float = 0.0
    last_s: float | None = None
    received_s: float | None = None
    youngest_s: float | None = None


def correct_clock_jumps(
    state: ClockJumpState, raw_s: TimeArray, received_s: float, period_s: float
) -> tuple[TimeArray, tuple[float, ...], ClockJumpState]:
    """Correct the stamps of a chunk after a jump of the source's clock.

    Parameters
    ----------
    state : ClockJumpState
    raw_s : (n,) float64
        Stamps as they came, n > 0.
    received_s : float
        When the last of them arrived, less the declared delay of the device.
    period_s : float
        Between two samples; 0 where it is not known.

    Returns
    -------
    stamps_s : (n,) float64
    jumps_s : tuple of float
        By how much the clock jumped, ahead or back, at each jump found.
    state : ClockJumpState
    """
    if state.offset_s and state.last_s is not None and float(raw_s[0]) > state.last_s:
        age_s = received_s - float(raw_s[-1])
        if state.youngest_s is not None and abs(age_s - state.youngest_s) <= _FITS_S:
            # The clock was set right while nothing came.
            state = replace(state, offset_s=0.0)
    stamps_s = raw_s + state.offset_s
    before_s = state.last_s if state.last_s is not None else float(stamps_s[0]) - period_s
    steps_s = np.diff(stamps_s, prepend=before_s) - period_s
    edges = [int(at) for at in np.flatnonzero(np.abs(steps_s) > JUMP_S)]
    jumps: list[float] = []
    if state.last_s is None and not -JUMP_S <= received_s - float(stamps_s[-1]) <= FIRST_AGE_S:
        jumps.append(float(stamps_s[-1]) - received_s)
        state = replace(state, offset_s=received_s - float(raw_s[-1]))
        stamps_s = raw_s + state.offset_s
    for at in edges:
        before_s = float(stamps_s[at - 1]) if at else before_s
        step_s = float(raw_s[at]) + state.offset_s - before_s - period_s
        age_s = received_s - float(raw_s[-1]) - state.offset_s
        youngest_s = state.youngest_s if state.youngest_s is not None else 0.0
        if not (step_s < -JUMP_S or (step_s > JUMP_S and age_s < youngest_s - JUMP_S)):
            continue
        jumps.append(step_s)
        state = replace(state, offset_s=_offset_after_jump_s(state, float(raw_s[-1]), received_s, step_s))
        stamps_s[at:] = raw_s[at:] + state.offset_s
    age_s = received_s - float(stamps_s[-1])
    passed_s = received_s - state.received_s if state.received_s is not None else 0.0
    youngest_s = age_s if state.youngest_s is None else min(age_s, state.youngest_s + _AGE_RISE * max(passed_s, 0.0))
    return stamps_s, tuple(jumps), ClockJumpState(state.offset_s, float(stamps_s[-1]), received_s, youngest_s)


def reconnected(state: ClockJumpState) -> ClockJumpState:
    """Return the state for a source that was connected anew: offset and age are forgotten, the newest stamp is kept."""
    return replace(state, offset_s=0.0, youngest_s=None)


def _offset_after_jump_s(state: ClockJumpState, raw_s: float, received_s: float, step_s: float) -> float:
    """Choose the offset after a jump from the newest stamp, its arrival and the step."""
    if state.youngest_s is None:
        # Connected anew: only the arrival tells how long it was away.
        return max(received_s - raw_s, state.offset_s - step_s) if step_s < 0 else received_s - raw_s
    if abs(received_s - raw_s - state.youngest_s) <= JUMP_S:
        return 0.0
    # Its own clock cannot be believed: the stream goes on without a gap.
    return state.offset_s - step_s
