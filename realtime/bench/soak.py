"""`moodring bench soak`: lost samples, memory growth and leftovers of a long session.

A whole session (source, EEG chain, rings, the bundled model's decisions, outlet, a screen's questions) decodes 64
channels at 1 kHz from another process, whose sample index in channel 0 proves every loss.
"""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing import resource_tracker
from typing import Any

import numpy as np
import psutil
from scipy.stats import theilslopes

from ...configs.schema.errors import MoodringError, failure_of
from ...configs.schema.liblsl import own_session
from ...configs.schema.live import (
    DecisionSection,
    EegSection,
    LiveConfig,
    LslSection,
    ModelsSection,
    OutletSection,
    StreamQuery,
)
from ...models.decoders.session_models import load_models
from ...processes import Child, Parent, hold_interrupts
from ..engine.lsl_clock import LslClock
from ..engine.process_settings import apply_lsl_settings, freeze_gc
from ..engine.session import Session
from ..sources.lsl_eeg import LslEeg
from .index import IndexCount
from .workload import Load, publish

LOAD = Load(64, 1000.0, 16)
SECONDS = 600.0
_SHORTEST_SLOPE_S = 300.0
_WARM_UP_S = 90.0  # rings of a minute fill, and the libraries take what they will keep
_START_S = 120.0
_STEP_S = 0.05
_SCREEN_S = 0.25
_SAMPLE_S = 1.0
_REPORT_S = 60
_ENDING_S = 5.0


def soak(seconds: float = SECONDS, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Decode for a number of seconds in a child process.

    Parameters
    ----------
    seconds : float
    say : callable
        Told how it stands, now and then.

    Returns
    -------
    dict
        ``duration_s``; ``lost_samples`` and ``reordered_samples`` by the index; ``rss_slope_mb_per_h``, the median
        slope (Theil-Sen) of the engine's memory after a warm-up of 90 s, None with the reason in ``rss_slope_why``
        where the soak was too short to tell;
        ``threads_left`` in the engine's process and ``processes_left`` when all has ended; and for the record
        ``decisions``, ``skipped_decisions``, ``rss_mb``, ``cpu_s_per_s``.

    Raises
    ------
    MoodringError
        The session fails.
    """
    name = f"soak-{uuid.uuid4().hex}"
    lsl = own_session("soak")
    resource_tracker.ensure_running()  # Python's own helper; it ends with this process
    before = _children()
    with ExitStack() as stack:
        with hold_interrupts():
            source = stack.enter_context(Child("load", publish, LOAD, name, lsl, failure=failure_of))
            engine = stack.enter_context(Child("soaked engine", _engine, name, lsl, seconds, failure=failure_of))
        source.wait_for("ready", _START_S)
        engine.send({"begin": True})
        figures = figures_of(engine, _START_S, say)
    return {**figures, "processes_left": len(_children() - before)}


def figures_of(child: Child, silent_s: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Pass on the lines of a child that measures, and return its figures.

    Raises
    ------
    MoodringError
        It failed, or sent nothing for so long.
    """
    while (message := child.receive(silent_s)) is not None and "figures" not in message:
        say(str(message["line"]))
    figures: dict[str, Any] = child.wait_for("figures", 0.0)
    return figures


def memory_slope_mb_per_h(times_s: list[float], rss_mb: list[float]) -> float:
    """Return the median slope between all pairs of points (Theil-Sen), which a step or a peak does not bend."""
    return float(theilslopes(rss_mb, np.asarray(times_s) / 3600.0).slope)


def settled_slope(seconds: float, times_s: list[float], rss_mb: list[float]) -> tuple[float | None, str | None]:
    """Return the slope after the warm-up, or None and why a soak of so many seconds has none."""
    if seconds < _SHORTEST_SLOPE_S:
        return None, (
            f"{seconds:g} s are too short: memory settles for {_WARM_UP_S:g} s, and after that a single step of a "
            f"megabyte would be tens of them an hour; soak for {_SHORTEST_SLOPE_S:g} s or more"
        )
    warm = [index for index, time_s in enumerate(times_s) if time_s >= _WARM_UP_S]
    return round(memory_slope_mb_per_h([times_s[i] for i in warm], [rss_mb[i] for i in warm]), 3), None


def _engine(parent: Parent, name: str, lsl: LslSection, seconds: float) -> None:
    apply_lsl_settings(lsl)
    import torch

    torch.set_num_threads(1)
    parent.receive(_START_S)
    if parent.ended.is_set():
        return
    clock = LslClock()
    config = LiveConfig(
        name=name,
        eeg=EegSection(stream=StreamQuery(name=name)),
        models=ModelsSection(allow_simulated=True),
        decisions=DecisionSection(rest_s=10.0),
        lsl=lsl,
        outlet=OutletSection(name=name + "-estimate"),
    )
    models = load_models(config, config.modalities)
    freeze_gc()
    process = psutil.Process()
    threads_before, python_threads_before = process.num_threads(), threading.active_count()
    counter = IndexCount()
    figures = _soaked(parent, Session(config, models, clock, None, clock.now()), counter, seconds)
    deadline_s = time.monotonic() + _ENDING_S
    while process.num_threads() > threads_before and time.monotonic() < deadline_s:
        time.sleep(_STEP_S)
    figures["threads_left"] = max(
        process.num_threads() - threads_before, threading.active_count() - python_threads_before
    )
    parent.send({"figures": figures})


def _soaked(parent: Parent, session: Session, counter: IndexCount, seconds: float) -> dict[str, Any]:
    """Run a session to its end and return its figures."""
    source = session.source_channels[0].source
    if not isinstance(source, LslEeg):
        raise TypeError("a soak reads EEG from LSL")
    source.watch = lambda pulled: counter.see(pulled.samples, pulled.stamps_s, pulled.gap)
    process = psutil.Process()
    with session:
        session.connect(threading.Event())
        session.start()
        begin_s, begin_cpu_s = time.monotonic(), time.process_time()
        times_s, rss_mb = _watched(parent, session, process, seconds)
        took_s, cpu_s = time.monotonic() - begin_s, time.process_time() - begin_cpu_s
    session.release()
    slope, why = settled_slope(seconds, times_s, rss_mb)
    return {
        "duration_s": round(took_s, 1),
        "lost_samples": counter.lost_samples,
        "reordered_samples": counter.reordered_samples,
        "rss_slope_mb_per_h": slope,
        "rss_slope_why": why,
        "samples": counter.samples,
        "decisions": session.tally.decisions,
        "skipped_decisions": session.tally.skipped,
        "rss_mb": round(rss_mb[-1], 1),
        "cpu_s_per_s": round(cpu_s / took_s, 4),
    }


def _watched(
    parent: Parent, session: Session, process: psutil.Process, seconds: float
) -> tuple[list[float], list[float]]:
    """Step a session as an engine does, take snapshots as a screen does, and note the memory once a second."""
    # Taken before it is needed: what a bench notes must not look like a leak.
    notes = np.full((int(seconds / _SAMPLE_S) + 2, 2), np.nan)
    n, begin_s = 0, time.monotonic()
    next_screen_s = next_sample_s = begin_s
    while (now_s := time.monotonic()) < begin_s + seconds:
        session.step()
        if now_s >= next_screen_s:
            session.snapshot()
            next_screen_s += _SCREEN_S
        if now_s >= next_sample_s and n < len(notes):
            notes[n] = now_s - begin_s, process.memory_info().rss / 1e6
            n += 1
            next_sample_s += _SAMPLE_S
            if n % _REPORT_S == 0:
                parent.send({"line": f"{n} s: {notes[n - 1, 1]:.1f} MB, {session.tally.decisions} decisions"})
        if parent.ended.wait(_STEP_S):
            raise MoodringError("the soak was ended before its time")
    return notes[:n, 0].tolist(), notes[:n, 1].tolist()


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}
