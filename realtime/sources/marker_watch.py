"""Reads the marker streams that a config names, for the screens; the recorder reads them by itself."""

import logging
import threading
from collections.abc import Callable, Sequence

import pylsl
from pylsl.util import LostError
from pylsl.util import TimeoutError as LslTimeoutError

from ...configs.schema.live import StreamQuery

_log = logging.getLogger(__name__)
_LOOK_S = 0.1
_FORGET_S = 2.0
_OPEN_S = 2.0
_JOIN_S = 4.0
_LONGEST = 200
_MOST = 32


class MarkerWatch:
    """Hand over each marker with its time, on this machine's LSL clock.

    Parameters
    ----------
    queries : sequence of StreamQuery
        None of them: nothing is read.
    take : callable
        Given the time and the text of a marker, in the thread of the watch.
    """

    def __init__(self, queries: Sequence[StreamQuery], take: Callable[[float, str], None]) -> None:
        self._queries = tuple(queries)
        self._take = take
        self._inlets: dict[str, pylsl.StreamInlet | None] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="markers", daemon=True)

    def start(self) -> None:
        """Begin to look for the streams, where any is named."""
        if self._queries:
            self._thread.start()

    def stop(self) -> None:
        """Stop."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        try:
            resolver = pylsl.ContinuousResolver(forget_after=_FORGET_S)
            while not self._stopping.wait(_LOOK_S):
                for info in resolver.results():
                    if info.uid() not in self._inlets and self._wants(info):
                        self._inlets[info.uid()] = _opened(info)
                for uid, inlet in self._inlets.items():
                    if inlet is not None and not self._pull(inlet):
                        self._inlets[uid] = None
        except Exception as error:  # whatever liblsl raises: markers are still recorded, only not shown
            _log.warning("markers are not shown any more: %s: %s", type(error).__name__, error)

    def _wants(self, info: pylsl.StreamInfo) -> bool:
        irregular = info.nominal_srate() == pylsl.IRREGULAR_RATE and 0 < info.channel_count() <= _MOST
        return irregular and any(_fits(info, query) for query in self._queries)

    def _pull(self, inlet: pylsl.StreamInlet) -> bool:
        """Hand over what has come; False where the stream has ended."""
        try:
            samples, stamps = inlet.pull_chunk(timeout=0.0, max_samples=256)
        except LostError:
            return False
        for values, stamp in zip(samples, stamps, strict=True):
            words = (value if isinstance(value, str) else f"{value:g}" for value in values)
            self._take(float(stamp), " ".join(" ".join(words).split())[:_LONGEST])
        return True


def _opened(info: pylsl.StreamInfo) -> pylsl.StreamInlet | None:
    inlet = pylsl.StreamInlet(info, max_buflen=60, recover=False, processing_flags=pylsl.proc_clocksync)
    try:
        inlet.time_correction(_OPEN_S)  # the first pull would wait for it without a limit
        inlet.open_stream(_OPEN_S)
    except (LostError, TimeoutError, LslTimeoutError):
        return None
    return inlet


def _fits(info: pylsl.StreamInfo, query: StreamQuery) -> bool:
    asked = ((query.name, info.name()), (query.type, info.type()), (query.source_id, info.source_id()))
    return all(not value or value == came for value, came in asked)
