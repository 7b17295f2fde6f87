"""The engine: a process that decodes a session, with or without screens."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psutil

from ...configs.schema.foreign_text import log_visibly
from ...models.decoders.session_models import Models, load_models
from ...models.io import results
from ...models.streaming.summary import Costs, summarise
from ...processes import Parent
from ..ipc import run_dir
from ..ipc.channel import ChannelServer
from .commands import Commands
from .job import EngineJob
from .lsl_clock import LslClock
from .process_settings import apply_lsl_settings, cap_blas, freeze_gc
from .session import Session

if TYPE_CHECKING:
    from ..recorder.recordings import Recordings

_STEP_S = 0.05
_SWITCH_S = 0.001


def run_engine(job: EngineJob, on_ready: Callable[[run_dir.EngineCard], None] = lambda _: None) -> dict[str, Any]:
    """Decode a session in this process until its duration is over or it is stopped.

    Ctrl+C and the system's request to end stop it in order, where this is the main thread.

    Parameters
    ----------
    job : EngineJob
    on_ready : callable
        Told how to reach the engine, once screens may attach.

    Returns
    -------
    dict
        The summary, which is also written to ``json_path``.

    Raises
    ------
    MoodringError
        A source, a bundle or the disk fails.
    """
    return _run(job, on_ready, threading.Event())


def _run(
    job: EngineJob,
    on_ready: Callable[[run_dir.EngineCard], None],
    stopping: threading.Event,
    prepare: Callable[[Session], None] = lambda _: None,
) -> dict[str, Any]:
    apply_settings(job)
    log_visibly()
    clock = LslClock()
    started_s = clock.now() - (max(0.0, time.time() - job.started_wall_s) if job.started_wall_s else 0.0)
    if job.json_path is not None:
        results.check_replaceable(job.json_path)
        results.check_writable(job.json_path)
    folder = run_dir.create()
    recorder: Recordings | None = None
    try:
        with _signals(stopping):
            modalities = (*job.config.modalities, *(source.modality for source in job.extensions.sources))
            models = load_models(job.config, modalities, job.extensions.decoders)
            recorder = _recordings(job, models, clock)
            freeze_gc()
            with Session(job.config, models, clock, folder, started_s, recorder, job.extensions.sources) as session:
                prepare(session)
                server = ChannelServer(session.snapshot, Commands(session, clock, stopping).do, folder)
                server.start()
                page = run_dir.page_of(job.config.web)
                card = run_dir.card_of(job.config.name, server.address, server.key, page)
                run_dir.write_card(folder, card)
                on_ready(card)
                try:
                    costs = _decode(session, job, clock, stopping)
                finally:
                    session.stop()
                    server.linger()
                    server.close()
                statuses = [source_channel.status(clock.now()) for source_channel in session.source_channels]
                summary = summarise(
                    session.tally,
                    started_s,
                    clock.now(),
                    statuses,
                    costs,
                    session.models.domain,
                    session.models.bundles,
                    session.notices,
                    recorder.status if recorder is not None else None,
                    0.0 if session.plan is None else session.plan.rest_s,
                )
                session.release()
    finally:
        if recorder is not None:
            recorder.stop()  # where no session was there to do so
        run_dir.remove(folder)
    if job.json_path is not None:
        results.write_results(job.json_path, summary)
    return summary


def _recordings(job: EngineJob, models: Models, clock: LslClock) -> "Recordings":
    """Return what records the session, from its start or when a screen asks for it."""
    from ..recorder.recordings import recordings_of

    return recordings_of(job.config, models.bundles, clock, job.record or job.record_later, job.record is not None)


def _decode(session: Session, job: EngineJob, clock: LslClock, stopping: threading.Event) -> Costs:
    session.connect(stopping)
    if stopping.is_set():
        return Costs(peak_rss_mb(), None)
    session.start()
    begin_s, begin_cpu_s = clock.now(), _cpu_s()
    while not stopping.wait(_STEP_S):
        session.step()
        if job.duration_s is not None and clock.now() - begin_s >= job.duration_s:
            break
    span_s = clock.now() - begin_s
    return Costs(peak_rss_mb(), round((_cpu_s() - begin_cpu_s) / span_s, 4) if span_s > 0 else None)


def apply_settings(job: EngineJob) -> None:
    """Configure liblsl and cap the threads of libraries; call before they are used."""
    apply_lsl_settings(job.config.lsl)
    import cv2
    import torch

    torch.set_num_threads(job.threads)
    cap_blas(job.threads)
    cv2.setNumThreads(job.threads)
    # The decoder must not wait 5 ms for the interpreter while a source's thread holds it.
    sys.setswitchinterval(_SWITCH_S)


def peak_rss_mb() -> float:
    """Return the peak memory of this process in megabytes."""
    if sys.platform == "win32":
        return round(float(psutil.Process().memory_info().peak_wset) / 1e6, 1)
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    return round(largest / (1e6 if sys.platform == "darwin" else 1e3 / 1.024), 1)


def serve(
    job: EngineJob,
    parent: Parent,
    prepare: Callable[[Session], None] = lambda _: None,
    told: Callable[[dict[str, Any]], dict[str, Any]] = lambda summary: summary,
) -> None:
    """Run an engine in a child process; see :func:`~moodring.realtime.engine.engine_process.engine_process`.

    ``prepare`` is called with the session before it connects, ``told`` makes what is sent of the summary.
    """
    summary = _run(job, lambda card: parent.send({"ready": card.name}), parent.ended, prepare)
    parent.send({"done": told(summary)})


@contextlib.contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """Stop the session in order on Ctrl+C and SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: stopping.set()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _cpu_s() -> float:
    times = psutil.Process(os.getpid()).cpu_times()
    return float(times.user + times.system)
