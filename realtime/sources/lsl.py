"""What LSL sources share: finding exactly one stream, opening it, pulling from it, and getting it back.

Finding never blocks: liblsl looks on in the background, and :meth:`LslInlet.open` is asked again. A stream that
falls silent is given to liblsl's own recovery first (the same ``source_id`` returns); a restarted sender that it does
not take for the same is found by our query and replaces the inlet.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pylsl
from numpy.typing import NDArray
from pylsl.util import LostError
from pylsl.util import TimeoutError as LslTimeoutError

from ...configs.errors import MoodringError
from ...configs.live import StreamQuery
from ...models.contract import TimeArray

_SETTLE_S = 0.5
_PULL_S = 0.05
_SEARCH_AFTER_S = 0.7
_REOPEN_AFTER_S = 6.0
_OPEN_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Session:
    """What a replay says of its session in a stream's description; None where it does not."""

    origin: str | None
    participant: str | None
    first_sample_after_t0_s: float | None
    rest_s: float | None
    timeline: str | None = None


@dataclass(frozen=True)
class Pulled:
    """A view of the newest samples, valid until the next pull; ``gap`` after a reconnection."""

    samples: NDArray[Any]
    stamps_s: TimeArray
    received_s: float
    gap: bool


class LslInlet:
    """One inlet on the one stream that a query names.

    Parameters
    ----------
    query : StreamQuery
    what : str
        The kind of stream in words, for messages.
    buffer_s : int
        How much liblsl keeps for us.
    pull_samples : int
        Most samples in one pull.
    """

    def __init__(self, query: StreamQuery, what: str, buffer_s: int, pull_samples: int) -> None:
        self._query = query
        self._what = what
        self._buffer_s = buffer_s
        self._pull_samples = pull_samples
        self._resolver: pylsl.ContinuousResolver | None = None
        self._seen_at: float | None = None
        self._inlet: pylsl.StreamInlet | None = None
        self._uid = ""
        self._buffer: NDArray[Any] = np.empty((0, 0))
        self._heard_at = 0.0
        self._reopened = False

    def open(self, check: Callable[[pylsl.StreamInfo], None]) -> pylsl.StreamInfo | None:
        """Connect to the stream; None where it is not there yet.

        Parameters
        ----------
        check : callable
            Raises MoodringError where the description does not fit.
        """
        found = self._find()
        if found is None:
            return None
        self._seen_at = self._seen_at or time.monotonic()
        # A second match may answer a little later than the first.
        if time.monotonic() - self._seen_at < _SETTLE_S:
            time.sleep(_PULL_S)
            return None
        info = self._connect(self._only(found), check)
        self._resolver = None if info is not None else self._resolver
        return info

    def pull(self) -> Pulled | None:
        """Give what has come, after 50 ms at most."""
        inlet = self._inlet
        if inlet is None:
            time.sleep(_PULL_S)
            self._look_for_it()
            return None
        try:
            samples, stamps_s = inlet.pull_chunk(
                _PULL_S, self._pull_samples, dest_obj=self._buffer, min_samples=1, as_numpy=True
            )
        except LostError:
            self._inlet = None
            return None
        if not len(stamps_s):
            self._look_for_it()
            return None
        self._heard_at = time.monotonic()
        self._resolver = None
        gap, self._reopened = self._reopened, False
        return Pulled(samples, stamps_s, float(pylsl.local_clock()), gap)

    def close(self) -> None:
        """Disconnect; only after the polling thread has ended."""
        self._resolver = None
        self._inlet = None

    def _find(self) -> list[pylsl.StreamInfo] | None:
        if self._resolver is None:
            self._resolver = pylsl.ContinuousResolver(pred=predicate(self._query))
            time.sleep(_PULL_S)
        found = self._resolver.results()
        if not found:
            time.sleep(_PULL_S)
        return found or None

    def _only(self, found: list[pylsl.StreamInfo]) -> pylsl.StreamInfo:
        newest: dict[tuple[str, str, str, str], pylsl.StreamInfo] = {}
        for info in found:
            # A restarted sender is there twice for a while: the newer one counts.
            own = info.source_id() or info.uid()
            key = (info.name(), info.type(), own, info.hostname())
            if key not in newest or info.created_at() > newest[key].created_at():
                newest[key] = info
        if len(newest) > 1:
            raise MoodringError(
                f"{self._what} stream ({self._query}) matches {len(newest)} streams: {listed(newest.values())}; "
                "add name or source_id to the query so that it names one"
            )
        return next(iter(newest.values()))

    def _connect(self, info: pylsl.StreamInfo, check: Callable[[pylsl.StreamInfo], None]) -> pylsl.StreamInfo | None:
        if info.channel_count() == 0:
            raise MoodringError(f"{self._what} stream '{info.name()}' has no channels; check what sends it")
        inlet = pylsl.StreamInlet(
            info,
            max_buflen=self._buffer_s,
            recover=bool(info.source_id()),
            processing_flags=pylsl.proc_clocksync,
        )
        try:
            full = inlet.info(_OPEN_TIMEOUT_S)
            check(full)
            # In this order: the first pull would wait for the first time correction, and an open stream may begin.
            inlet.time_correction(_OPEN_TIMEOUT_S)
            inlet.open_stream(_OPEN_TIMEOUT_S)
        except (TimeoutError, LslTimeoutError, LostError):
            return None
        self._buffer = np.empty((self._pull_samples, full.channel_count()), inlet.np_dtype)
        self._inlet = inlet
        self._uid = full.uid()
        self._heard_at = time.monotonic()
        return full

    def _look_for_it(self) -> None:
        """Look for a restarted sender while the stream is silent."""
        silent_s = time.monotonic() - self._heard_at
        if silent_s < _SEARCH_AFTER_S:
            return
        if self._resolver is None:
            self._resolver = pylsl.ContinuousResolver(pred=predicate(self._query))
            return
        found = self._resolver.results()
        others = [info for info in found if info.uid() != self._uid]
        if not others and self._inlet is not None and silent_s < _REOPEN_AFTER_S:
            return
        candidates = others or found
        if not candidates:
            return
        shape = self._buffer.shape[1]
        info = max(candidates, key=lambda one: one.created_at())
        if info.channel_count() != shape:
            raise MoodringError(
                f"{self._what} stream '{info.name()}' came back with {info.channel_count()} values per sample instead "
                f"of {shape}; start another session for it"
            )
        self._inlet = None
        if self._connect(info, lambda _: None) is not None:
            self._reopened = True


def predicate(query: StreamQuery) -> str:
    """Write a query as liblsl's XPath."""
    return " and ".join(f"{key}={_quoted(str(value))}" for key, value in query.model_dump().items() if value)


def listed(infos: Iterable[pylsl.StreamInfo]) -> str:
    """Name streams for a message."""
    return ", ".join(
        f"'{info.name()}' (type {info.type() or 'none'}, source_id {info.source_id() or 'none'})" for info in infos
    )


def on_the_network(wait_s: float = 1.0) -> str:
    """Say which streams there are, for the message that one is missing."""
    return listed(pylsl.resolve_streams(wait_s)) or "no LSL stream at all"


def session_of(info: pylsl.StreamInfo) -> Session:
    """Read what a replay says of its session."""
    node = info.desc().child("moodring")
    return Session(
        node.child_value("origin") or None,
        node.child_value("participant") or None,
        _number(node.child_value("first_sample_after_t0_s")),
        _number(node.child_value("rest_s")),
        node.child_value("timeline") or None,
    )


def regular_rate_hz(info: pylsl.StreamInfo, what: str) -> float:
    """Give the nominal rate of a stream that must have one."""
    rate_hz = float(info.nominal_srate())
    if not rate_hz > 0:
        raise MoodringError(
            f"{what} stream '{info.name()}' has no regular rate (0 Hz); a regular rate was expected: "
            "set it where the stream is sent"
        )
    return rate_hz


def numeric(info: pylsl.StreamInfo, what: str) -> None:
    """Refuse a stream of text."""
    if info.channel_format() == pylsl.cf_string:
        raise MoodringError(f"{what} stream '{info.name()}' carries text; numbers were expected: query another stream")


def _quoted(value: str) -> str:
    return f"'{value}'" if "'" not in value else f'"{value}"'


def _number(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
