"""Read the LSL streams that a session wants besides what it decodes: markers, truth, estimates, health.

A thread looks for streams all the time, so that one that comes late or comes back is recorded too; every stream is read
by a thread of its own, because connecting and asking for the sender's clock may take seconds.
"""

import socket
import threading
import time
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pylsl
from pylsl.util import LostError
from pylsl.util import TimeoutError as LslTimeoutError

from ...configs.schema.live import StreamQuery
from ...models.io.described_values import HIGHEST_RATE_HZ
from ...models.io.stream_descriptions import ChannelFormat, StreamDescription, Tree
from .part_job import WantedStream
from .part_writer import PartWriter

_LOOK_S = 0.1
_FORGET_S = 2.0
_PULL_S = 0.2
_PULL_SAMPLES = 1024
_BUFFER_S = 60
_OPEN_S = 5.0
_OFFSET_EVERY_S = 5.0
_LONGEST_DESCRIPTION = 4_000_000  # the parsed tree takes some thirty times as much
_LINGER_S = 0.4  # what was sent just before the end is still on its way
_END_S = 3.0
_FORMATS: tuple[ChannelFormat, ...] = ("float32", "double64", "string", "int32", "int16", "int8", "int64")
_AUXILIARY_TYPE = "Auxiliary"
_SENDER = ("created_at", "uid", "session_id", "hostname")


class LslStreams:
    """Record LSL streams into a part until :meth:`finish`.

    Parameters
    ----------
    writer : PartWriter
    wanted : sequence of WantedStream
    decoded : sequence of StreamQuery
        What the engine decodes and hands over itself: not recorded again, whatever else asks for it.
    """

    def __init__(self, writer: PartWriter, wanted: Sequence[WantedStream], decoded: Sequence[StreamQuery]) -> None:
        self._writer = writer
        self._wanted = tuple(wanted)
        self._decoded = tuple(decoded)
        self._stopping = threading.Event()
        self._readers: dict[str, _Reader] = {}
        self._thread = threading.Thread(target=self._look, name="lsl-look", daemon=True)
        self.complete = False
        """Whether every stream that is wanted and there is being written."""
        self.error: str | None = None
        self.missing = tuple(str(one.query) for one in self._wanted if one.named)
        """The streams named by the config of which none is being written."""

    def start(self) -> None:
        """Begin to look for streams."""
        self._thread.start()

    def finish(self) -> None:
        """Record what is still on its way and disconnect."""
        self._stopping.set()
        self._thread.join(_END_S)
        time.sleep(_LINGER_S)
        readers = tuple(self._readers.values())
        for reader in readers:
            reader.stopping.set()
        deadline_s = time.monotonic() + _END_S
        for reader in readers:
            reader.thread.join(max(0.0, deadline_s - time.monotonic()))

    def _look(self) -> None:
        try:
            resolver = pylsl.ContinuousResolver(forget_after=_FORGET_S)
            while not self._stopping.wait(_LOOK_S):
                self._follow(resolver.results())
        except Exception as error:  # whatever liblsl or the system raises: what the engine hands over is still written
            self.error = f"LSL streams are not recorded any more: {type(error).__name__}: {error}"
            self.complete = False

    def _follow(self, infos: list[pylsl.StreamInfo]) -> None:
        here = present(infos, self._wanted, self._decoded)
        for info, wanted in here:
            uid = info.uid()
            reader = self._readers.get(uid)
            if reader is None or (reader.lost and not reader.thread.is_alive()):
                self._readers[uid] = _Reader(info, wanted, self._writer)
        self.complete = all(self._readers[info.uid()].open for info, _ in here)
        written = [wanted for info, wanted in here if self._readers[info.uid()].written]
        self.missing = tuple(str(one.query) for one in self._wanted if one.named and one not in written)
        self.error = self.error or next((one.error for one in self._readers.values() if one.error), None)


def present(
    infos: Sequence[pylsl.StreamInfo], wanted: Sequence[WantedStream], decoded: Sequence[StreamQuery]
) -> list[tuple[pylsl.StreamInfo, WantedStream]]:
    """Pick the streams that are wanted; of a sender that is there twice since it restarted, the newer one."""
    newest: dict[tuple[str, ...], tuple[pylsl.StreamInfo, WantedStream]] = {}
    here = socket.gethostname()
    for info in infos:
        is_decoded = any(_matches(info, query) for query in decoded)
        one = next(
            (
                one
                for one in wanted
                if _matches(info, one.query)
                and (not one.own or info.hostname() == here)
                and (one.auxiliary or not is_decoded)
            ),
            None,
        )
        if one is None:
            continue
        key = (info.name(), info.type(), info.source_id() or info.uid(), info.hostname())
        if key not in newest or info.created_at() > newest[key][0].created_at():
            newest[key] = (info, one)
    return list(newest.values())


def _matches(info: pylsl.StreamInfo, query: StreamQuery) -> bool:
    asked = ((query.name, info.name()), (query.type, info.type()), (query.source_id, info.source_id()))
    return all(not value or value == came for value, came in asked)


class _Reader:
    """One stream, read by a thread of its own until it is lost or ``stopping``."""

    def __init__(self, info: pylsl.StreamInfo, wanted: WantedStream, writer: PartWriter) -> None:
        self._info = info
        self._wanted = wanted
        self._writer = writer
        self.stopping = threading.Event()
        self.open = False
        self.written = False
        self.lost = False
        self.error: str | None = None
        self.thread = threading.Thread(target=self._run, name=f"lsl-{info.name()}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        if self._info.channel_count() == 0:  # liblsl would divide by it, and end this process
            self.error = f"LSL stream '{self._info.name()}' has no channels (0) and is not recorded; check its sender"
            self.open = True
            return
        rate_hz = float(self._info.nominal_srate())
        if not 0 <= rate_hz <= HIGHEST_RATE_HZ:
            # liblsl takes memory for a minute of it.
            self.open = True
            self.error = (
                f"LSL stream '{self._info.name()}' is not recorded: it says {rate_hz:g} Hz, 0 to {HIGHEST_RATE_HZ:g} "
                "was expected"
            )
            return
        inlet = pylsl.StreamInlet(self._info, max_buflen=_BUFFER_S, recover=False, processing_flags=pylsl.proc_none)
        try:
            description, picks, more = describe(inlet.info(_OPEN_S), self._wanted.auxiliary)
            if not picks:
                self.open = True
                return
            inlet.open_stream(_OPEN_S)
            number = self._writer.stream(description, more)
            self._read(inlet, number, picks, description.channel_format == "string")
        except (LostError, TimeoutError, LslTimeoutError):
            # It is found again where it is still there.
            self.lost = True
        except Exception as error:  # whatever liblsl raises: the other streams are still written
            self.error = f"LSL stream '{self._info.name()}' is not recorded any more: {type(error).__name__}: {error}"
        finally:
            self.open = self.open and not self.lost

    def _read(self, inlet: pylsl.StreamInlet, number: int, picks: list[int], text: bool) -> None:
        offset_s = -np.inf
        while True:
            stopping = self.stopping.is_set()
            if not stopping and time.monotonic() - offset_s >= _OFFSET_EVERY_S:
                offset_s = time.monotonic()
                self._note_offset(inlet, number)
            samples, stamps = inlet.pull_chunk(0.0 if stopping else _PULL_S, _PULL_SAMPLES)
            self.open = self.written = True
            if len(stamps):
                rows: Any = (
                    [[row[pick] for pick in picks] for row in samples] if text else np.asarray(samples)[:, picks]
                )
                self._writer.samples(number, rows, np.asarray(stamps, np.float64))
            elif stopping:
                return

    def _note_offset(self, inlet: pylsl.StreamInlet, number: int) -> None:
        try:
            offset_s = inlet.time_correction(_OPEN_S)
        except (TimeoutError, LslTimeoutError):
            return
        # On the sender's clock, as LabRecorder notes it.
        self._writer.clock_offset(number, pylsl.local_clock() - offset_s, offset_s)


def describe(info: pylsl.StreamInfo, auxiliary: bool) -> tuple[StreamDescription, list[int], Tree]:
    """Return how a stream is described in XDF, which of its channels are recorded, and what is said of its sender."""
    text = info.as_xml()
    if len(text) > _LONGEST_DESCRIPTION:
        raise ValueError(f"it describes itself in {len(text) / 1e6:.1f} MB, {_LONGEST_DESCRIPTION / 1e6:.0f} at most")
    root = ElementTree.fromstring(text)  # noqa: S314 - liblsl's own
    desc = root.find("desc")
    tree = () if desc is None else _tree(desc)
    picks = list(range(info.channel_count()))
    if auxiliary:
        kinds = [(channel.findtext("type") or "").strip().lower() for channel in root.iterfind("desc/channels/channel")]
        picks = [pick for pick in picks if pick < len(kinds) and kinds[pick] not in ("eeg", "")]
        tree = tuple((tag, _only(content, picks) if tag == "channels" else content) for tag, content in tree)
    description = StreamDescription(
        info.name(),
        _AUXILIARY_TYPE if auxiliary else info.type(),
        len(picks),
        float(info.nominal_srate()),
        _FORMATS[info.channel_format() - 1],
        info.source_id(),
        tree,
    )
    return description, picks, tuple((tag, root.findtext(tag) or "") for tag in _SENDER)


def _tree(element: ElementTree.Element) -> Tree:
    return tuple((child.tag, _tree(child) if len(child) else child.text or "") for child in element)


def _only(content: "str | Tree", picks: list[int]) -> "str | Tree":
    if isinstance(content, str):
        return content
    channels = [one for one in content if one[0] == "channel"]
    return tuple(channels[pick] for pick in picks)
