"""Readers of one stream, each for a process of its own: a bare loop, moodring's ingest, mne-lsl's StreamLSL.

All look every 10 ms for the newest sample that has reached them and note how old it is: now minus the stamp that its
sender gave it. A reader sends ``{"ready": true}`` once samples flow, measures from the next message on, and sends its
:class:`Reading` as ``{"measured": …}``.
"""

import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pylsl
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.liblsl import liblsl_settings
from ...configs.schema.live import EegSection, LslSection, StreamQuery
from ...models.io.ring import rings_in
from ...models.signals.eeg.stream_layout import EegLayout
from ...models.streaming.ingest.source_channel import SourceChannel
from ...models.streaming.ingest.sources import Chunk
from ...models.streaming.ingest.stream_ingest import StreamIngest, ingest_factory
from ...processes import Parent
from ..engine.lsl_clock import LslClock
from ..engine.process_settings import apply_lsl_settings, cap_blas
from ..engine.source_thread import SourceThread
from ..sources.lsl import on_the_network
from ..sources.lsl_eeg import LslEeg, eeg_layout
from .index import IndexCount

LOOK_S = 0.01
WARM_UP_S = 2.5
SWITCH_S = 0.001  # as in the engine
_FIND_S = 15.0


@dataclass(frozen=True)
class ReaderJob:
    """ReaderJob of a reader: a stream, how to reach it, and for how long.

    Attributes
    ----------
    stream : str
        Its name.
    seconds : float
    lsl : LslSection
    index_channel : int
        Which channel carries the sample's index, where one does.
    """

    stream: str
    seconds: float
    lsl: LslSection
    index_channel: int = 0


@dataclass(frozen=True)
class Reading:
    """Result of a reader: ages of the newest sample, and processor time per second.

    The losses are None where they were not counted or no channel holds an index.
    """

    p50_ms: float
    p99_ms: float
    cpu_s_per_s: float
    lost_samples: int | None = None
    reordered_samples: int | None = None


def floor(parent: Parent, job: ReaderJob) -> None:
    """Read with pylsl only: sleep, pull, look at the last stamp."""
    apply_lsl_settings(job.lsl)
    found = pylsl.resolve_byprop("name", job.stream, timeout=_FIND_S)
    if not found:
        raise MoodringError(_not_found(job))
    inlet = pylsl.StreamInlet(found[0], max_buflen=10, processing_flags=pylsl.proc_clocksync)
    inlet.time_correction()
    inlet.open_stream()
    buffer = np.empty((4096, found[0].channel_count()), inlet.np_dtype)
    newest_s = np.nan

    def look() -> float:
        nonlocal newest_s
        _, stamps_s = inlet.pull_chunk(0.0, len(buffer), dest_obj=buffer, as_numpy=True)
        if len(stamps_s):
            newest_s = float(stamps_s[-1])
        return newest_s

    parent.send({"measured": asdict(_measure(parent, job, look))})


def moodring(parent: Parent, job: ReaderJob) -> None:
    """Read as the engine does: the thread, source, dejitter, EEG chain and ring of a session, filters on."""
    apply_lsl_settings(job.lsl)
    cap_blas(1)
    sys.setswitchinterval(SWITCH_S)
    source = LslEeg(EegSection(stream=StreamQuery(name=job.stream)), any_layout)
    counter = IndexCount(job.index_channel)
    source.watch = lambda pulled: counter.see(pulled.samples, pulled.stamps_s, pulled.gap)
    make, source_channel = ingest_factory(None, rings_in(None)), SourceChannel("eeg", job.stream, source)
    thread = SourceThread(source_channel, lambda info: WatchedIngest(make(info)), threading.Condition())
    thread.start()
    try:
        ingest = _connected(source_channel, job)
        reading = _measure(parent, job, lambda: _newest_s(source_channel, ingest))
    finally:
        thread.ask_to_stop()
        thread.join(_FIND_S)
    reading = replace(reading, lost_samples=counter.lost_samples, reordered_samples=counter.reordered_samples)
    parent.send({"measured": asdict(reading)})


def mne_lsl(parent: Parent, job: ReaderJob) -> None:
    """Read with mne-lsl's StreamLSL as it comes, with a band-pass and a notch."""
    with tempfile.TemporaryDirectory() as folder:
        # It brings its own liblsl, which reads its settings from a file.
        settings = Path(folder) / "lsl_api.cfg"
        settings.write_text(liblsl_settings(job.lsl) or "", encoding="utf-8")
        os.environ["LSLAPICFG"] = str(settings)
        apply_lsl_settings(job.lsl)
        from mne_lsl.stream import StreamLSL

        stream = StreamLSL(bufsize=5.0, name=job.stream)
        try:
            stream.connect(processing_flags=["clocksync"], timeout=_FIND_S)
        except RuntimeError as error:
            raise MoodringError(f"mne-lsl did not find the bench's load ({error}); run the bench again") from error
        stream.filter(1.0, 45.0)
        stream.notch_filter(50.0)
        newest = 1.0 / float(stream.info["sfreq"])
        reading = _measure(parent, job, lambda: float(stream.get_data(winsize=newest)[1][-1]))
        stream.disconnect()
    parent.send({"measured": asdict(reading)})


class WatchedIngest(StreamIngest):
    """An ingest that remembers the stamp, as sent, of the newest sample its ring shows."""

    def __init__(self, made: StreamIngest) -> None:
        super().__init__(made.info, made.ring, made.eeg)
        self.sent_s = math.nan

    def append(self, chunk: Chunk) -> None:
        """Append a chunk to the ring."""
        super().append(chunk)
        self.sent_s = float(chunk.stamps_s[-1])


def any_layout(info: pylsl.StreamInfo, section: EegSection) -> EegLayout:
    """Read a stream's channels, and take all of them under plain names where they are not described as EEG."""
    try:
        return eeg_layout(info, section)
    except MoodringError:
        count = info.channel_count()
        return EegLayout(tuple(range(count)), tuple(f"EEG {index + 1:03}" for index in range(count)), (1.0,) * count)


def _newest_s(source_channel: SourceChannel, ingest: WatchedIngest) -> float:
    if source_channel.error is not None:
        raise MoodringError(source_channel.error)
    return ingest.sent_s if len(ingest.ring.latest(1)) else math.nan


def _connected(source_channel: SourceChannel, job: ReaderJob) -> WatchedIngest:
    deadline_s = time.monotonic() + _FIND_S
    while not isinstance(source_channel.ingest, WatchedIngest):
        if source_channel.error is not None:
            raise MoodringError(source_channel.error)
        if time.monotonic() > deadline_s:
            raise MoodringError(_not_found(job))
        time.sleep(LOOK_S)
    return source_channel.ingest


def _measure(parent: Parent, job: ReaderJob, look: Callable[[], float]) -> Reading:
    """Warm up, wait until the bench starts all readers, and measure for the seconds of the job."""
    _look(look, min(WARM_UP_S, job.seconds))
    parent.send({"ready": True})
    parent.receive(_FIND_S * 4)
    if parent.ended.is_set():
        raise MoodringError("the bench was ended before it began")
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    ages_ms = _look(look, job.seconds) * 1000
    cpu_s_per_s = (time.process_time() - begin_cpu_s) / (time.perf_counter() - begin_s)
    if not len(ages_ms):
        raise MoodringError(f"a sample was expected and none came within {job.seconds:g} s; start the stream")
    p50_ms, p99_ms = np.percentile(ages_ms, (50, 99))
    return Reading(round(float(p50_ms), 3), round(float(p99_ms), 3), round(cpu_s_per_s, 4))


def _look(look: Callable[[], float], seconds: float) -> NDArray[np.float64]:
    """Look on a grid of 10 ms; return the ages in seconds from the first sample on."""
    clock = LslClock()
    ages_s: NDArray[np.float64] = np.full(int(seconds / LOOK_S), np.nan)
    begin_s = clock.now()
    for index in range(len(ages_s)):
        clock.sleep(begin_s + (index + 1) * LOOK_S - clock.now())
        newest_s = look()
        ages_s[index] = clock.now() - newest_s
    return np.asarray(ages_s[np.isfinite(ages_s)])


def _not_found(job: ReaderJob) -> str:
    return (
        f"stream '{job.stream}' was expected and not found within {_FIND_S:g} s; on the network: {on_the_network()}. "
        "Start it, or name another"
    )
