"""What can happen to a recording, on an engine of its own: its recorder dies, and somebody fills the disk."""

import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import psutil
import pylsl

from ...configs.schema.errors import MoodringError
from ...models.contract import RecordingStatus
from ..engine.launch import EngineProcess
from ..ipc.snapshot import Snapshot
from .fault_rows import LONGEST_PAUSE_S, Row
from .faults import LIVE_WITHIN_S, NOTICED_WITHIN_S, Fault

DISK_MB = 32
_READY_S = 40.0
_MENDED_S = 15.0
_STEADY_S = 2.0
_LOOK_S = 0.03


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a disk of 32 MB that lives in memory.

    Raises
    ------
    MoodringError
        That takes Linux and root.
    """
    if sys.platform != "linux":
        raise MoodringError("a small disk to fill is made on Linux only")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "disk"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "moodring", str(place)]
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words and our own folder
        except (OSError, subprocess.CalledProcessError) as error:
            raise MoodringError("only root can mount a small disk to fill; run the bench as root") from error
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)  # noqa: S603, S607


class RecordingHand:
    """Kills the recorders of an engine, and fills the disk that it records to."""

    def __init__(self, engine: EngineProcess, disk: Path) -> None:
        self._engine = engine
        self._disk = disk

    def kill(self) -> None:
        """Kill the recorder."""
        children = psutil.Process(self._engine.pid).children(recursive=True)
        recorders = [child for child in children if any("spawn_main" in word for word in child.cmdline())]
        if not recorders:
            raise MoodringError("the engine has no recorder to kill")
        min(recorders, key=lambda child: child.create_time()).kill()

    def fill(self) -> None:
        """Write until nothing fits any more."""
        with contextlib.suppress(OSError), (self._disk / "somebody else's").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 65536)


@dataclass(frozen=True)
class _Look:
    at_s: float
    decisions: int
    status: RecordingStatus
    words: str


def happen(fault: Fault, hand: RecordingHand, ask: Callable[[], Snapshot]) -> Row:
    """Let a fault befall a recording that runs, and write its row."""
    _until(ask, lambda snapshot: snapshot.recording is not None and snapshot.recording.lsl, _READY_S)
    time.sleep(_STEADY_S)
    before = _look(ask())
    begin_s = pylsl.local_clock()
    deed = fault.happens[0]
    getattr(hand, deed.do)(**deed.figures)
    seen: list[_Look] = []
    while not seen or seen[-1].at_s < begin_s + _MENDED_S:
        seen.append(_look(ask()))
        if seen[-1].at_s > begin_s + 4 * deed.wait_s and _settled(fault, before, seen):
            break
        time.sleep(_LOOK_S)
    return _row(fault, before, begin_s, seen)


def _look(snapshot: Snapshot) -> _Look:
    status = snapshot.recording
    if status is None:
        raise MoodringError("the engine does not record")
    return _Look(pylsl.local_clock(), snapshot.decisions, status, status.error or status.news or "")


def _settled(fault: Fault, before: _Look, seen: Sequence[_Look]) -> bool:
    """Whether the recorder is replaced, or the recording has given up."""
    now = seen[-1].status
    restarted = now.recorder_restarts > before.status.recorder_restarts and now.lsl
    return restarted if fault.name == "recorder killed" else not now.on


def _row(fault: Fault, before: _Look, begin_s: float, seen: Sequence[_Look]) -> Row:
    told = next((one for one in seen if re.search(fault.says, one.words)), None)
    changes = [now.at_s for old, now in pairwise(seen) if now.decisions != old.decisions]
    edges = [begin_s, *changes, seen[-1].at_s]
    pause_s = max(late - early for early, late in pairwise(edges))
    missed = seen[-1].status.lost_chunks - before.status.lost_chunks
    row = Row(fault.name, f"“{told.words}”" if told else "", longest_pause_s=pause_s)
    if told is not None:
        row = replace(row, noticed_s=told.at_s - begin_s)
    broken = []
    if told is None:
        broken.append(f"nothing said '{fault.says}'; said: {sorted({one.words for one in seen})[:6]}")
    elif told.at_s - begin_s > 2 * NOTICED_WITHIN_S:
        broken.append(f"noticed after {told.at_s - begin_s:.1f} s, at most {2 * NOTICED_WITHIN_S:g} expected")
    if pause_s > LONGEST_PAUSE_S:
        broken.append(f"no decision for {pause_s:.1f} s")
    if fault.name == "recorder killed":
        back = [
            one.at_s
            for one in seen
            if one.status.recorder_restarts > before.status.recorder_restarts and one.status.lsl
        ]
        row = replace(
            row,
            lost=f"{missed} chunks of what the engine writes itself (EEG, pictures, sound, decisions); XDF until the next part",
            live_s=back[0] - begin_s if back else None,
        )
        if missed or not back or back[0] - begin_s > 2 * LIVE_WITHIN_S:
            broken.append(f"{missed} chunks missed, recorded again after {row.live_s} s")
    else:
        row = replace(row, lost="what comes after; decoding goes on, what was written stays readable")
        if seen[-1].status.on:
            broken.append("it still claims to record")
    return replace(row, broken=tuple(broken))


def _until(ask: Callable[[], Snapshot], question: Callable[[Snapshot], bool], timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not question(ask()):
        if time.monotonic() > deadline_s:
            raise MoodringError(f"the recording did not run within {timeout_s:g} s; run the bench on a calmer machine")
        time.sleep(_LOOK_S)
