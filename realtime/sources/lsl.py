"""Find exactly one LSL stream, connect to it and pull from it.

Finding never blocks: liblsl looks on in the background, and :meth:`LslInlet.open` is called again. A stream that has
ended, or is silent while another sender answers to the query, is given up and found again by the query; liblsl's own
recovery is off, because it takes whatever has the same ``source_id``.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pylsl
from numpy.typing import NDArray
from pylsl.util import LostError
from pylsl.util import TimeoutError as LslTimeoutError

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import StreamQuery
from ...configs.schema.session_folder import LONGEST_REST_S
from ...models.contract import TimeArray
from ...models.io.described_values import HIGHEST_RATE_HZ, LONGEST_S, number_in, short_text
from ...models.streaming.ingest.health import lost_after_s
from ...models.streaming.ingest.sources import Chunk, SourceGoneError, SourceInfo, SourceUnfitError
from .backlog import BacklogState, behind

_log = logging.getLogger(__name__)
_SETTLE_S = 0.5
_SETTLE_AGAIN_S = 0.3
_PULL_S = 0.05
_SEARCH_AHEAD_S = 0.1  # of the moment at which the source counts as lost
_REOPEN_AFTER_S = 5.3  # from then on
_OPEN_TIMEOUT_S = 5.0
_FORGET_AFTER_S = 1.0
_FORGET_AT_FIRST_S = 5.0

_MOST_PULLED_BYTES = 1_000_000_000
_LONGEST_DESCRIPTION = 4_000_000

_FORMATS = {
    pylsl.cf_float32: "float32",
    pylsl.cf_double64: "double64",
    pylsl.cf_int8: "int8",
    pylsl.cf_int16: "int16",
    pylsl.cf_int32: "int32",
    pylsl.cf_int64: "int64",
    pylsl.cf_string: "string",
}

Description = TypeVar("Description")


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
        self._rate_hz = 0.0
        self._buffer: NDArray[Any] = np.empty((0, 0))
        self._sample_at = 0.0
        self._opened = False
        self._backlog = BacklogState()
        self._skipped = 0

    def open(self, describe: Callable[[pylsl.StreamInfo], Description]) -> Description | None:
        """Find the stream and connect to it, the first time or again; None where it is not there yet.

        Parameters
        ----------
        describe : callable
            Makes a description of the stream; raises MoodringError where it cannot be used.

        Returns
        -------
        What ``describe`` made of it, or None.
        """
        candidates = self._candidates(self._uid)
        if not candidates:
            time.sleep(_PULL_S)
            return None
        if not self._settled():
            time.sleep(_PULL_S)
            return None
        return self._connect(self._only(candidates), describe)

    def pull(self) -> Chunk | None:
        """Return what has come, after 50 ms at most: a view of ``(n, n_channels)``, valid until the next pull.

        Raises
        ------
        SourceGoneError
            The stream has ended, or is silent while another sender answers to the query.
        """
        inlet = self._inlet
        if inlet is None:
            raise SourceGoneError(f"{self._what} stream ({self._query}) is not connected; start what sends it")
        try:
            if not self._opened:
                # Only now: a replay that waits for its readers begins when the stream is opened, and a reader may want
                # no more than its description. The first pull would wait for the time correction without a limit.
                inlet.time_correction(_OPEN_TIMEOUT_S)
                inlet.open_stream(_OPEN_TIMEOUT_S)
                self._opened, self._sample_at = True, time.monotonic()
            samples, stamps_s = inlet.pull_chunk(
                _PULL_S, self._pull_samples, dest_obj=self._buffer, min_samples=1, as_numpy=True
            )
        except (LostError, TimeoutError, LslTimeoutError) as error:
            self._inlet = None
            raise SourceGoneError(f"{self._what} stream ({self._query}) has ended; start what sends it") from error
        if not len(stamps_s):
            self._leave_a_silent_sender()
            return None
        self._sample_at = time.monotonic()
        self._resolver = None
        # What is skipped now lies behind these samples: it is the next ones that have a gap before them.
        skipped_before = self._skipped
        backlog, self._skipped = self._catch_up(inlet)
        received_s = float(pylsl.local_clock())
        return Chunk(samples, stamps_s, received_s, skipped_before > 0, skipped_before, backlog)

    def _catch_up(self, inlet: pylsl.StreamInlet) -> tuple[int, int]:
        """Count the samples that still wait; drop the oldest where the reader has been behind for too long.

        Returns
        -------
        int
            Samples that wait.
        int
            Samples that were dropped.
        """
        backlog = inlet.samples_available()
        self._backlog, surplus = behind(self._backlog, backlog, self._rate_hz, time.monotonic())
        skipped = 0
        spare = np.empty_like(self._buffer) if surplus else self._buffer
        while skipped < surplus:
            most = min(surplus - skipped, self._pull_samples)
            stamps_s = inlet.pull_chunk(0.0, most, dest_obj=spare[:most], as_numpy=True)[1]
            if not len(stamps_s):
                break
            skipped += len(stamps_s)
        return backlog - skipped, skipped

    def close(self) -> None:
        """Disconnect; only from the thread that pulls, or after it has ended."""
        self._resolver = None
        self._inlet = None

    def _candidates(self, but: str) -> list[pylsl.StreamInfo]:
        """Return the streams that answer to the query: others than the last one where there are any."""
        if self._resolver is None:
            forget_after_s = _FORGET_AFTER_S if self._uid else _FORGET_AT_FIRST_S
            self._resolver = pylsl.ContinuousResolver(pred=predicate(self._query), forget_after=forget_after_s)
            self._seen_at = None
            time.sleep(_PULL_S)
        found: list[pylsl.StreamInfo] = self._resolver.results()
        if not found:
            self._seen_at = None
        return [info for info in found if info.uid() != but] or found

    def _settled(self) -> bool:
        """Return whether streams have been there for a while: a second match may answer a little later."""
        self._seen_at = self._seen_at or time.monotonic()
        return time.monotonic() - self._seen_at >= (_SETTLE_AGAIN_S if self._uid else _SETTLE_S)

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

    def _connect(
        self, info: pylsl.StreamInfo, describe: Callable[[pylsl.StreamInfo], Description]
    ) -> Description | None:
        if info.channel_count() == 0:
            raise SourceUnfitError(
                f"{self._what} stream '{info.name()}' has no channels (0); at least one was expected: check its sender"
            )
        check_rate(info, self._what)
        inlet = pylsl.StreamInlet(
            info,
            max_buflen=self._buffer_s,
            recover=False,
            processing_flags=pylsl.proc_clocksync,
        )
        try:
            full = inlet.info(_OPEN_TIMEOUT_S)
            _refuse_excess(self._what, full, self._pull_samples)
            description = describe(full)
        except (TimeoutError, LslTimeoutError, LostError):
            return None
        self._buffer = np.empty((self._pull_samples, full.channel_count()), inlet.np_dtype)
        self._rate_hz = float(full.nominal_srate())
        self._resolver, self._inlet, self._opened = None, inlet, False
        self._uid = full.uid()
        self._seen_at = None
        self._sample_at = time.monotonic()
        self._backlog, self._skipped = BacklogState(), 0
        return description

    def _leave_a_silent_sender(self) -> None:
        """Close the stream where it is silent and another sender is there, or it has been silent for long.

        Until then it is kept: what sends it may only be paused.
        """
        silent_s = time.monotonic() - self._sample_at
        search_after_s = lost_after_s(self._rate_hz) - _SEARCH_AHEAD_S
        if silent_s < search_after_s:
            return
        candidates = self._candidates(self._uid)
        others = [info for info in candidates if info.uid() != self._uid]
        if not others and (not candidates or silent_s < _REOPEN_AFTER_S + search_after_s):
            self._seen_at = None
            return
        if self._settled():
            self._inlet = None
            raise SourceGoneError(f"{self._what} stream ({self._query}) is silent for {silent_s:.1f} s; start it again")


def _refuse_excess(what: str, info: pylsl.StreamInfo, pull_samples: int) -> None:
    """Raise SourceUnfitError for a stream whose own description, or a pull of it, would take memory beyond sense."""
    pulled = pull_samples * info.channel_count() * 8
    if pulled > _MOST_PULLED_BYTES:
        raise SourceUnfitError(
            f"{what} stream '{info.name()}' says {info.channel_count()} channels: one reading takes {pulled / 1e6:.0f} "
            f"MB, {_MOST_PULLED_BYTES / 1e6:.0f} MB at most are expected; check its sender"
        )
    described = len(info.as_xml())
    if described > _LONGEST_DESCRIPTION:
        raise SourceUnfitError(
            f"{what} stream '{info.name()}' describes itself in {described / 1e6:.1f} MB; "
            f"{_LONGEST_DESCRIPTION / 1e6:.0f} MB at most are expected; check its sender"
        )


class LslSource(ABC):
    """A source that reads one LSL stream; ``describe`` checks the stream and makes a source of it.

    Parameters
    ----------
    inlet : LslInlet
    delay_s : float or None
        Declared delay of the device, taken off the stamps; None is undeclared.
    """

    def __init__(self, inlet: LslInlet, delay_s: float | None) -> None:
        self._inlet = inlet
        self._delay_s = delay_s

    def open(self) -> SourceInfo | None:
        """Connect; see :class:`~moodring.models.streaming.ingest.sources.Source`.

        Raises
        ------
        MoodringError
            Two streams match, or the one cannot be used: see :meth:`describe`.
        """
        return self._inlet.open(self.describe)

    @abstractmethod
    def describe(self, info: pylsl.StreamInfo) -> SourceInfo:
        """Return the source that a stream makes; raise MoodringError where it makes none."""

    def close(self) -> None:
        """Disconnect."""
        self._inlet.close()

    def _captured(self, chunk: Chunk) -> TimeArray:
        """Return the stamps of a chunk with the device's delay taken off."""
        stamps_s: TimeArray = chunk.stamps_s - (self._delay_s or 0.0)
        return stamps_s


def labels(info: pylsl.StreamInfo) -> tuple[str, ...]:
    """Read the channels' labels from a stream's description; empty where it has none."""
    return channel_texts(info, "label")


def channel_texts(info: pylsl.StreamInfo, tag: str) -> tuple[str, ...]:
    """Read one text of each channel in a stream's description; empty where it describes no channels."""
    node = info.desc().child("channels").child("channel")
    found = []
    while not node.empty():
        found.append(node.child_value(tag))
        node = node.next_sibling("channel")
    return tuple(found)


def predicate(query: StreamQuery) -> str:
    """Return a query as liblsl's XPath."""
    return " and ".join(f"{key}={_quoted(str(value))}" for key, value in query.model_dump().items() if value)


def listed(infos: Iterable[pylsl.StreamInfo]) -> str:
    """Return a list of streams for a message."""
    return ", ".join(
        f"'{info.name()}' (type {info.type() or 'none'}, source_id {info.source_id() or 'none'})" for info in infos
    )


def on_the_network(wait_s: float = 1.0) -> str:
    """Return a list of the streams on the network for a message."""
    return listed(pylsl.resolve_streams(wait_s)) or "no LSL stream at all"


def matching(query: StreamQuery, wait_s: float) -> list[pylsl.StreamInfo]:
    """Return the streams that answer to a query, as soon as there is one; none after a wait."""
    found: list[pylsl.StreamInfo] = pylsl.resolve_bypred(predicate(query), 1, wait_s)
    return found


def with_session(source: SourceInfo, info: pylsl.StreamInfo) -> SourceInfo:
    """Return a source with the facts of a replayed session in its stream's description."""
    node = info.desc().child("moodring")

    def number(fact: str, low: float, high: float) -> float | None:
        text = node.child_value(fact)
        value = number_in(text, low, high)
        if text and value is None:
            _log.warning(
                "stream '%s' says %s = '%s'; %g to %g was expected: it is ignored",
                *(info.name(), fact, short_text(text), low, high),
            )
        return value

    return replace(
        source,
        origin=short_text(node.child_value("origin")),
        participant=short_text(node.child_value("participant")),
        first_sample_after_t0_s=number("first_sample_after_t0_s", -LONGEST_S, LONGEST_S),
        rest_s=number("rest_s", 0.0, LONGEST_REST_S),
        timeline=node.child_value("timeline") or None,
    )


def regular_rate_hz(info: pylsl.StreamInfo, what: str) -> float:
    """Return the nominal rate of a stream that must have one."""
    check_rate(info, what)
    rate_hz = float(info.nominal_srate())
    if not rate_hz > 0:
        raise MoodringError(
            f"{what} stream '{info.name()}' has no regular rate (0 Hz); a regular rate was expected: "
            "set it where the stream is sent"
        )
    return rate_hz


def check_rate(info: pylsl.StreamInfo, what: str) -> None:
    """Raise SourceUnfitError for a rate that no device has: liblsl takes memory for seconds of it."""
    rate_hz = float(info.nominal_srate())
    if not 0 <= rate_hz <= HIGHEST_RATE_HZ:
        raise SourceUnfitError(
            f"{what} stream '{info.name()}' says {rate_hz:g} Hz; 0 to {HIGHEST_RATE_HZ:g} Hz was expected: "
            "set it where the stream is sent"
        )


def numeric(info: pylsl.StreamInfo, what: str) -> None:
    """Raise MoodringError for a stream of text."""
    if info.channel_format() == pylsl.cf_string:
        raise MoodringError(f"{what} stream '{info.name()}' carries text; numbers were expected: query another stream")


def _quoted(value: str) -> str:
    return f"'{value}'" if "'" not in value else f'"{value}"'


def sample_format(info: pylsl.StreamInfo) -> str:
    """Return the format of a stream's samples as liblsl names it."""
    return _FORMATS.get(info.channel_format(), str(info.channel_format()))
