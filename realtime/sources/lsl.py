"""What LSL sources share: finding exactly one stream, opening it, pulling from it, and getting it back.

Finding never blocks: liblsl looks on in the background, and :meth:`LslInlet.open` is asked again. A stream that is
lost, or is silent while another sender answers to the query, is found again by the query and its description is
checked as at first; liblsl's own recovery is off, for it takes whatever has the same ``source_id``.
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

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import StreamQuery
from ...models.contract import TimeArray
from ...models.streaming.sources import SourceUnfitError
from .backlog import BacklogState, behind

_SETTLE_S = 0.5
_SETTLE_AGAIN_S = 0.3
_PULL_S = 0.05
_SEARCH_AFTER_S = 0.7
_REOPEN_AFTER_S = 6.0
_OPEN_TIMEOUT_S = 5.0
_FORGET_AFTER_S = 1.0


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
    """A view of the newest samples, valid until the next pull.

    ``gap`` after a reconnection or after ``skipped`` samples; ``backlog`` samples still wait.
    """

    samples: NDArray[Any]
    stamps_s: TimeArray
    received_s: float
    gap: bool
    skipped: int = 0
    backlog: int = 0


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
        self._opened = False
        self._broken = False
        self._check: Callable[[pylsl.StreamInfo], None] = lambda _: None
        self._first: pylsl.StreamInfo | None = None
        self._backlog = BacklogState()
        self._skipped = 0

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
        self._check = check
        info = self._connect(self._only(found))
        if info is not None:
            self._resolver, self._first = None, info
        return info

    def pull(self) -> Pulled | None:
        """Give what has come, after 50 ms at most."""
        inlet = self._inlet
        if inlet is None:
            time.sleep(_PULL_S)
            self._look_for_it()
            return None
        try:
            if not self._opened:
                inlet.open_stream(_OPEN_TIMEOUT_S)
                self._opened, self._heard_at = True, time.monotonic()
            samples, stamps_s = inlet.pull_chunk(
                _PULL_S, self._pull_samples, dest_obj=self._buffer, min_samples=1, as_numpy=True
            )
        except (LostError, TimeoutError, LslTimeoutError):
            self._inlet = None
            self._look_for_it()
            return None
        if not len(stamps_s):
            self._look_for_it()
            return None
        self._heard_at = time.monotonic()
        self._resolver = None
        waiting = self._catch_up(inlet)
        gap, self._broken = self._broken, False
        skipped, self._skipped = self._skipped, 0
        # What was skipped just now lies behind these samples: it is the next ones that have a gap before them.
        self._broken, self._skipped = waiting.skipped > 0, waiting.skipped
        return Pulled(samples, stamps_s, float(pylsl.local_clock()), gap, skipped, waiting.backlog)

    def _catch_up(self, inlet: pylsl.StreamInlet) -> "_Waiting":
        """Look what still waits; throw the oldest away where we have been behind for too long."""
        backlog = inlet.samples_available()
        rate_hz = float(self._first.nominal_srate()) if self._first is not None else 0.0
        self._backlog, surplus = behind(self._backlog, backlog, rate_hz, time.monotonic())
        skipped = 0
        spare = np.empty_like(self._buffer) if surplus else self._buffer
        while skipped < surplus:
            most = min(surplus - skipped, self._pull_samples)
            stamps_s = inlet.pull_chunk(0.0, most, dest_obj=spare[:most], as_numpy=True)[1]
            if not len(stamps_s):
                break
            skipped += len(stamps_s)
        return _Waiting(backlog - skipped, skipped)

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

    def _only(self, found: Iterable[pylsl.StreamInfo]) -> pylsl.StreamInfo:
        newest: dict[tuple[str, str, str, str], pylsl.StreamInfo] = {}
        for info in found:
            # A restarted sender is there twice for a while: the newer one counts.
            own = info.source_id() or info.uid()
            key = (info.name(), info.type(), own, info.hostname())
            if key not in newest or info.created_at() > newest[key].created_at():
                newest[key] = info
        if len(newest) > 1:
            raise SourceUnfitError(
                f"{self._what} stream ({self._query}) matches {len(newest)} streams: {listed(newest.values())}; "
                "exactly one was expected: add name or source_id to the query so that it names one, or stop the others"
            )
        return next(iter(newest.values()))

    def _connect(self, info: pylsl.StreamInfo) -> pylsl.StreamInfo | None:
        if info.channel_count() == 0:
            raise SourceUnfitError(
                f"{self._what} stream '{info.name()}' has no channels (0); at least one was expected: check what sends it"
            )
        inlet = pylsl.StreamInlet(
            info,
            max_buflen=self._buffer_s,
            recover=False,
            processing_flags=pylsl.proc_clocksync,
        )
        try:
            full = inlet.info(_OPEN_TIMEOUT_S)
            self._check(full)
            if self._first is not None:
                same_or_unfit(self._what, self._first, full)
            # The first pull would wait for the first time correction. The stream itself is opened then: a replay that
            # waits for its readers begins, and nobody may want more of it than its description.
            inlet.time_correction(_OPEN_TIMEOUT_S)
        except (TimeoutError, LslTimeoutError, LostError):
            return None
        self._buffer = np.empty((self._pull_samples, full.channel_count()), inlet.np_dtype)
        self._inlet, self._opened = inlet, False
        self._uid = full.uid()
        self._seen_at = None
        self._heard_at = time.monotonic()
        self._backlog = BacklogState()
        return full

    def _look_for_it(self) -> None:
        """Look for a sender while there is none, or while ours is silent."""
        silent_s = time.monotonic() - self._heard_at
        if self._inlet is not None and silent_s < _SEARCH_AFTER_S:
            return
        if self._resolver is None:
            self._resolver = pylsl.ContinuousResolver(pred=predicate(self._query), forget_after=_FORGET_AFTER_S)
            return
        found = self._resolver.results()
        others = [info for info in found if info.uid() != self._uid]
        if not others and self._inlet is not None and silent_s < _REOPEN_AFTER_S:
            return
        candidates = others or found
        if not candidates:
            self._seen_at = None
            return
        self._seen_at = self._seen_at or time.monotonic()
        if time.monotonic() - self._seen_at < _SETTLE_AGAIN_S:
            return
        # The silent inlet stays until another takes its place: what it belongs to may only be paused.
        if self._connect(self._only(candidates)) is not None:
            self._broken = True


@dataclass(frozen=True)
class _Waiting:
    """Samples that wait, and samples that were thrown away."""

    backlog: int
    skipped: int


def same_or_unfit(what: str, first: pylsl.StreamInfo, now: pylsl.StreamInfo) -> None:
    """Refuse a stream that came back as something else than what the session was built on.

    Raises
    ------
    SourceUnfitError
        With what it was and what it is now.
    """
    facts = (
        ("number of channels", first.channel_count(), now.channel_count()),
        ("nominal rate in Hz", first.nominal_srate(), now.nominal_srate()),
        ("sample format", first.channel_format(), now.channel_format()),
        ("list of channel names", ", ".join(labels(first)), ", ".join(labels(now))),
    )
    for words, before, after in facts:
        if before != after:
            raise SourceUnfitError(
                f"{what} stream '{now.name()}' came back with another {words}: {before} expected, {after} came; "
                "set the device as it was, or start another session"
            )


def labels(info: pylsl.StreamInfo) -> tuple[str, ...]:
    """Read the channels' labels from a stream's description; empty where it has none."""
    node = info.desc().child("channels").child("channel")
    found = []
    while not node.empty():
        found.append(node.child_value("label"))
        node = node.next_sibling("channel")
    return tuple(found)


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
