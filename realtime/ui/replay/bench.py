"""`moodring bench view`: how long a session takes to open and to seek in, as its user sees it."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from PyQt5.QtWidgets import QApplication

from ....configs.schema.errors import MoodringError
from ..application import application_here
from ..settings import Settings
from .tools import ReplayTools
from .window import ReplayWindow

SIZE = (1366, 768)
_SEEKS = 40
PLAYED_S = 10.0
_PATIENCE_S = 600.0
_TURN_S = 0.002


def bench_view(
    tools: ReplayTools, path: Path, say: Callable[[str], None] = lambda _: None, played_s: float = PLAYED_S
) -> dict[str, Any]:
    """Open a session in the window, seek to random places, and play for a while at each of three speeds.

    Returns
    -------
    dict
        ``opened_s``: from opening until the first frame, EEG and sound are drawn; ``estimates_s``: until the estimates
        are too; ``seek_ms``: from a seek until frame, EEG and sound of the place are drawn, median and largest;
        ``pictures_per_s``: pictures drawn at each speed. ``…_cpu…`` is processor time of all threads, which other
        programs on the machine change less.
    """
    application = application_here()
    with TemporaryDirectory() as place:
        window = ReplayWindow(tools, None, None, Settings(Path(place) / "replay.ini"), SIZE)
        window.show()
        application.processEvents()
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        window.open(path)
        _until(application, window, lambda: window.replay is not None and window.drawn)
        opened_s, opened_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        say(f"opened_s: {opened_s:.2f}")
        _until(application, window, lambda: window.settled)
        estimates_s, estimates_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        began_cpu_s = time.process_time()
        took_ms = _seeks(application, window)
        seek_cpu_ms = 1000 * (time.process_time() - began_cpu_s) / len(took_ms)
        say(f"seek_ms: {median(took_ms):.0f}")
        played = {f"{speed:g}x": _play(application, window, speed, played_s) for speed in (1.0, 4.0, 8.0)}
        replay = window.replay
        length_s = 0.0 if replay is None else replay.transport.stop_s - replay.transport.start_s
        memory_mb = psutil.Process().memory_info().rss / 1e6
        window.leave()
    return {
        "session_s": round(length_s, 1),
        "opened_s": round(opened_s, 3),
        "opened_cpu_s": round(opened_cpu_s, 3),
        "estimates_s": round(estimates_s, 3),
        "estimates_cpu_s": round(estimates_cpu_s, 3),
        "seek_cpu_ms": round(seek_cpu_ms, 1),
        "seek_ms": {"median": round(median(took_ms), 1), "largest": round(max(took_ms), 1), "count": len(took_ms)},
        "pictures_per_s": played,
        "rss_mb": round(memory_mb),
    }


def _seeks(application: QApplication, window: ReplayWindow) -> list[float]:
    places, took_ms = random.Random(5), []
    replay = window.replay
    if replay is None:
        raise MoodringError("the session could not be opened; see the line above")
    for _ in range(_SEEKS):
        began_s = time.perf_counter()
        window.deeds.seek(places.uniform(replay.transport.start_s, replay.transport.stop_s))
        window.tick()
        _until(application, window, lambda: window.drawn)
        took_ms.append(1000 * (time.perf_counter() - began_s))
    return took_ms


def _play(application: QApplication, window: ReplayWindow, speed: float, seconds: float) -> float:
    """Return how many different pictures are drawn a second."""
    replay = window.replay
    if replay is None:
        return 0.0
    replay.transport.seek(replay.transport.start_s)
    replay.transport.set_speed(speed)
    replay.transport.play()
    before, began_s = window.pictures, time.perf_counter()
    while time.perf_counter() - began_s < seconds:
        application.processEvents()
        time.sleep(_TURN_S)
    replay.transport.pause()
    return round((window.pictures - before) / (time.perf_counter() - began_s), 1)


def _until(application: QApplication, window: ReplayWindow, there: Callable[[], bool]) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while not there():
        application.processEvents()
        window.tick()
        time.sleep(_TURN_S)
        if time.monotonic() > until_s:
            raise MoodringError(f"nothing was drawn within {_PATIENCE_S:g} s")
