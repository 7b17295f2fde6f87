"""The recorder: a process of its own that writes one XDF part and outlives its engine for as long as that takes."""

import contextlib
import json
import signal
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from .messages import STOP
from .part_job import PartJob
from .part_writer import PartWriter

if TYPE_CHECKING:
    from .lsl_streams import LslStreams

_FLUSH_S = 0.2


def record_part(engine: "Connection[Any, Any]", job: PartJob) -> None:
    """Write a part until the engine says so, or is gone: the target of a child process.

    Sends JSON through ``engine``: ``{"written": number, "complete": bool, "missing": [stream]}`` after every flush,
    ``{"news": line}``, and ``{"error": line}`` where the disk refuses, which ends it.
    """
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        writer = PartWriter(job.path)
        try:
            _record(job, writer, engine, asked)
        finally:
            writer.close()
    except OSError as error:
        _send(engine, {"error": (error.strerror or str(error)).lower()})


def _record(job: PartJob, writer: PartWriter, engine: "Connection[Any, Any]", asked: threading.Event) -> None:
    from ..engine.process_settings import apply_lsl_settings
    from .lsl_streams import LslStreams

    apply_lsl_settings(job.lsl)
    streams = LslStreams(writer, job.wanted, job.decoded)
    streams.start()
    reported = False
    flushed_s = time.monotonic()
    going = True
    while going and not asked.is_set():
        going = _take(writer, engine, max(0.0, flushed_s + _FLUSH_S - time.monotonic()))
        if time.monotonic() - flushed_s >= _FLUSH_S:
            flushed_s = time.monotonic()
            _send(engine, _state(writer, streams))
            if streams.error is not None and not reported:
                reported = True
                _send(engine, {"news": streams.error})
    # What the engine handed over comes first: that it is safe must not wait for LSL.
    _send(engine, {"written": writer.flush(), "complete": False})
    streams.finish()
    _send(engine, _state(writer, streams))


def _state(writer: PartWriter, streams: "LslStreams") -> dict[str, Any]:
    return {"written": writer.flush(), "complete": streams.complete, "missing": streams.missing}


def _take(writer: PartWriter, engine: "Connection[Any, Any]", wait_s: float) -> bool:
    """Write the next message, if one comes in time, and return whether more may come."""
    try:
        if not engine.poll(wait_s):
            return True
        message = engine.recv_bytes()
    except (EOFError, OSError):
        return False
    if message == STOP:
        return False
    writer.take(message)
    return True


def _send(engine: "Connection[Any, Any]", news: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        engine.send_bytes(json.dumps(news).encode())
