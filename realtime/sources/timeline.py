"""Find the t0 of a replayed session, also when the replay has been running for long.

Streams of a replay name, in their description, a small stream whose samples are stamped with the LSL time of t0
(``ReplayTimeline``). liblsl's clock correction brings that stamp onto this computer's clock like any other.
"""

import logging
import time
from collections.abc import Iterable

import pylsl
from pylsl.util import LostError
from pylsl.util import TimeoutError as LslTimeoutError

from ...models.io.described_values import LONGEST_S

PATIENCE_S = 3.0
_log = logging.getLogger(__name__)


def announced_t0_s(timelines: Iterable[str], patience_s: float = PATIENCE_S) -> float | None:
    """Return t0 from the streams that announce it.

    Parameters
    ----------
    timelines : iterable of str
        The ``source_id`` of each; empty where no source names one.
    patience_s : float
        For each.

    Returns
    -------
    float or None
        The earliest, on this computer's LSL clock; None where none answered in time (the replay has ended).
    """
    answers = [_ask(source_id, patience_s) for source_id in sorted(set(timelines))]
    return min((t0_s for t0_s in answers if t0_s is not None), default=None)


def _ask(source_id: str, patience_s: float) -> float | None:
    deadline_s = time.monotonic() + patience_s
    found = pylsl.resolve_byprop("source_id", source_id, 1, patience_s)
    readable = [info for info in found if info.channel_count() > 0]
    if not readable:
        return None
    newest = max(readable, key=lambda info: float(info.created_at()))
    inlet = pylsl.StreamInlet(newest, max_buflen=10, recover=False, processing_flags=pylsl.proc_clocksync)
    try:
        # The first pull would wait for it anyway.
        inlet.time_correction(_left_s(deadline_s))
        _, t0_s = inlet.pull_sample(_left_s(deadline_s))
    except (TimeoutError, LslTimeoutError, LostError):
        return None
    if t0_s is None:
        return None
    if not abs(t0_s - pylsl.local_clock()) <= LONGEST_S:
        _log.warning("stream '%s' announces t0 = %g, days from now; it is ignored", newest.name(), t0_s)
        return None
    return float(t0_s)


def _left_s(deadline_s: float) -> float:
    return max(0.05, deadline_s - time.monotonic())
