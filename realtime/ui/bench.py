"""`moodring bench ui`: how fast the live page is drawn, how long its thread stalls, what window and engine cost.

Sources in a process of their own (64 channels of EEG at 1 kHz, 30 frames a second, sound at 16 kHz), an engine that
decodes them, and the window at 1366x768, as a lab runs them; the sources' processor time is not counted.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from ...configs.schema.errors import MoodringError, failure_of
from ...configs.schema.liblsl import own_session
from ...configs.schema.live import (
    DecisionSection,
    EegSection,
    FaceSection,
    LiveConfig,
    LslSection,
    ModelsSection,
    OutletSection,
    SpeechSection,
    StreamQuery,
)
from ...processes import Child, Parent, hold_interrupts
from ..bench.soak import figures_of, settled_slope
from ..bench.workload import Load, publish
from ..engine.engine_process import EngineProcess
from ..engine.job import EngineJob
from .display import display_available, offscreen

EEG = Load(64, 1000.0, 16)
FRAMES_HZ, FRAME = 30.0, (240, 320, 3)
AUDIO_HZ, BLOCK_S = 16_000, 0.02
SECONDS = 60.0
SIZE = (1366, 768)
_READY_S = 300.0
_WARM_UP_S = 15.0
_TICK_MS = 5
_NOTE_S = 1.0
_REPORT_S = 60


def bench_ui(seconds: float = SECONDS, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Run sources, engine and window, and measure the window.

    Parameters
    ----------
    seconds : float
        After a warm-up of 15 s.
    say : callable
        Told how it stands, now and then.

    Returns
    -------
    dict
        ``frames_per_s``: pictures of the camera, and of the EEG, that were drawn anew per second. ``gui_stall_ms``: how
        late a timer of 5 ms is in the window's thread, median and 99th percentile. ``cpu_s_per_s`` of window and
        engine. ``rss_slope_mb_per_h`` of the two together, None with the reason in ``rss_slope_why`` where it was too
        short to tell; and for the record ``rss_mb`` and ``platform``.

    Raises
    ------
    MoodringError
        A process failed.
    """
    name, lsl = f"ui-{uuid.uuid4().hex}", own_session("ui")
    with ExitStack() as stack:
        if not display_available():
            stack.enter_context(offscreen())
        with hold_interrupts():
            eeg = stack.enter_context(Child("EEG", publish, EEG, f"{name}-eeg", lsl, failure=failure_of))
            rest = stack.enter_context(Child("face and voice", publish_person, name, lsl, failure=failure_of))
        eeg.wait_for("ready", _READY_S)
        rest.wait_for("ready", _READY_S)
        with hold_interrupts():
            engine = stack.enter_context(EngineProcess(EngineJob(config_of(name, lsl))))
        engine.wait_ready(_READY_S)
        with hold_interrupts():
            window = stack.enter_context(
                Child("measured window", measure, name, engine.pid, seconds, failure=failure_of, daemon=False)
            )
        figures = figures_of(window, _READY_S + _WARM_UP_S, say)
        engine.ask_to_stop()
        engine.wait_done(_READY_S)
    return figures


def config_of(name: str, lsl: LslSection) -> LiveConfig:
    """Return the config of the measured session."""
    query = {kind: StreamQuery(name=f"{name}-{kind}") for kind in ("eeg", "face", "speech")}
    return LiveConfig(
        name=name,
        eeg=EegSection(stream=query["eeg"]),
        face=FaceSection(stream=query["face"]),
        speech=SpeechSection(stream=query["speech"]),
        models=ModelsSection(allow_simulated=True, face="none"),
        decisions=DecisionSection(rest_s=10.0),
        lsl=lsl.model_copy(update={"resolve_timeout_s": 60.0}),
        outlet=OutletSection(name=f"{name}-estimate"),
    )


def publish_person(parent: Parent, name: str, lsl: LslSection) -> None:
    """Publish pictures and sound until asked to end: the target of a child process. Sends ``{"ready": true}``."""
    from ..engine.lsl_clock import LslClock
    from ..engine.process_settings import apply_lsl_settings

    apply_lsl_settings(lsl)
    import pylsl

    height, width, depth = FRAME
    info = pylsl.StreamInfo(f"{name}-face", "VideoFrames", height * width * depth, FRAMES_HZ, pylsl.cf_int8, name)
    video = info.desc().append_child("moodring").append_child("video")
    for key, value in (("width", str(width)), ("height", str(height)), ("encoding", "bgr24")):
        video.append_child_value(key, value)
    faces = pylsl.StreamOutlet(info)
    voice = pylsl.StreamOutlet(
        pylsl.StreamInfo(f"{name}-speech", "Audio", 1, AUDIO_HZ, pylsl.cf_float32, f"{name}-speech")
    )
    clock, frames, sound = LslClock(), _frames(), _sound()
    parent.send({"ready": True})
    start_s, frame, block = clock.now() + 0.1, 0, 0
    while not parent.ended.is_set():
        if frame / FRAMES_HZ <= block * BLOCK_S:
            due_s = start_s + frame / FRAMES_HZ
            clock.sleep(due_s - clock.now())
            faces.push_sample(frames[frame % len(frames)].reshape(-1).view(np.int8), due_s)
            frame += 1
        else:
            count = round(BLOCK_S * AUDIO_HZ)
            due_s = start_s + block * BLOCK_S
            clock.sleep(due_s - clock.now())
            places = np.arange(block * count, (block + 1) * count) % len(sound)
            voice.push_chunk(sound[places, None], due_s - 1.0 / AUDIO_HZ)
            block += 1


def _frames() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a second of pictures, each different from all others."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (round(FRAMES_HZ), *FRAME), np.uint8)


def _sound() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return ten seconds of sound that comes and goes."""
    time_s = np.arange(10 * AUDIO_HZ) / AUDIO_HZ
    loud = 0.2 * (time_s % 5.0 < 3.0) * (0.6 + 0.4 * np.sin(2 * np.pi * 3.0 * time_s))
    return np.asarray(loud * np.sin(2 * np.pi * 180.0 * time_s), np.float32)


@dataclass
class Notes:
    """What is noted while it runs: stalls, and once a second memory."""

    stalls_ms: list[float]
    times_s: list[float]
    rss_mb: list[float]


def measure(parent: Parent, name: str, engine_pid: int, seconds: float) -> None:
    """Show an engine for a number of seconds and send the figures: the target of a child process."""
    from PyQt5.QtCore import Qt, QTimer
    from PyQt5.QtGui import QGuiApplication

    from ..ipc.snapshot_feed import SnapshotFeed
    from .application import application_here
    from .live.commander import Commander
    from .live.view_model import ViewModel
    from .live.window import Window
    from .settings import Settings

    application = application_here()
    processes = {"ui": psutil.Process(), "engine": psutil.Process(engine_pid)}
    notes = Notes([], [], [])
    with TemporaryDirectory() as place:
        window = Window(ViewModel(SnapshotFeed(name)), Commander(name), Settings(Path(place) / "window.ini"))
        window.resize(*SIZE)
        window.show()
        _run(application, parent, lambda: _settled(window))
        begin = _counts(window, processes)
        due_s = time.perf_counter()

        def tick() -> None:
            nonlocal due_s
            now_s = time.perf_counter()
            notes.stalls_ms.append(max(0.0, (now_s - due_s) * 1e3 - _TICK_MS))
            due_s = now_s

        def note() -> None:
            notes.times_s.append(time.perf_counter() - begin["time_s"])
            notes.rss_mb.append(sum(one.memory_info().rss for one in processes.values()) / 1e6)
            if len(notes.times_s) % _REPORT_S == 0:
                parent.send({"line": f"{len(notes.times_s)} s: {notes.rss_mb[-1]:.0f} MB"})

        timers = []
        for every_ms, what in ((_TICK_MS, tick), (round(_NOTE_S * 1e3), note)):
            timer = QTimer()
            timer.setTimerType(Qt.PreciseTimer)
            timer.timeout.connect(what)
            timer.start(every_ms)
            timers.append(timer)
        _run(application, parent, lambda: time.perf_counter() - begin["time_s"] >= seconds)
        end = _counts(window, processes)
        for timer in timers:
            timer.stop()
        platform = QGuiApplication.platformName()
        window.close()
    parent.send({"figures": _figures(begin, end, notes, seconds, platform)})


def _run(application: Any, parent: Parent, over: Callable[[], bool]) -> None:
    """Run the window's loop until something is so; raise MoodringError where the window or the parent has ended."""
    from PyQt5.QtCore import QTimer

    def look() -> None:
        if over() or parent.ended.is_set():
            application.exit()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(100)
    application.exec_()
    timer.stop()
    if parent.ended.is_set():
        raise MoodringError("the bench was ended before its time")


def _settled(window: Any) -> bool:
    """Return whether everything is there and decoding goes on for a while."""
    newest = None if window.view is None else window.view.newest
    if newest is None or newest.t0_s is None or window.view.frame is None or window.view.traces is None:
        return False
    return bool(newest.now_s - newest.t0_s > _WARM_UP_S)


def _counts(window: Any, processes: dict[str, psutil.Process]) -> dict[str, float]:
    times = {name: one.cpu_times() for name, one in processes.items()}
    cpu = {name: float(one.user + one.system) for name, one in times.items()}
    drawn = {"video": window.face.frames, "eeg": window.eeg.chart.frames}
    return {"time_s": time.perf_counter(), **cpu, **drawn}


def _figures(
    begin: dict[str, float], end: dict[str, float], notes: Notes, seconds: float, platform: str
) -> dict[str, Any]:
    took_s = end["time_s"] - begin["time_s"]
    slope, why = settled_slope(seconds, notes.times_s, notes.rss_mb)
    p50, p99 = np.percentile(notes.stalls_ms, (50, 99))
    return {
        "duration_s": round(took_s, 1),
        "frames_per_s": {key: round((end[key] - begin[key]) / took_s, 2) for key in ("video", "eeg")},
        "gui_stall_ms": {"p50": round(float(p50), 2), "p99": round(float(p99), 2)},
        "cpu_s_per_s": {key: round((end[key] - begin[key]) / took_s, 4) for key in ("ui", "engine")},
        "rss_slope_mb_per_h": slope,
        "rss_slope_why": why,
        "rss_mb": round(notes.rss_mb[-1], 1) if notes.rss_mb else None,
        "platform": platform,
    }
