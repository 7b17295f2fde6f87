"""Run an engine and take pictures of the window that shows it, off screen."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...configs.schema.errors import MoodringError, failure_of
from ...processes import Child, hold_interrupts
from ..engine.engine_process import EngineProcess
from ..engine.job import EngineJob
from .display import offscreen

if TYPE_CHECKING:
    from ...processes import Parent
    from .replay.tools import ReplayTools

_READY_S = 300.0
_SILENT_S = 1200.0


def run_pictures(
    job: EngineJob, folder: Path, seconds: float, say: Callable[[str], None], tools: "ReplayTools | None" = None
) -> int:
    """Take pictures of a session that is run for them, then of its recording, and return how many.

    Parameters
    ----------
    job : EngineJob
    folder : Path
    seconds : float
        How much of the session they show.
    say : callable
        Told each picture.
    tools : ReplayTools or None
        With which the recording is opened; None takes no pictures of it.

    Raises
    ------
    MoodringError
        The engine or the window failed.
    """
    count = 0
    with offscreen(), hold_interrupts():
        engine = EngineProcess(job)
    with engine:
        name = engine.wait_ready(_READY_S)
        with offscreen(), hold_interrupts():
            # No daemon: the pictures of the set-up page need processes of its own.
            taker = Child("pictures", _take, name, job.config, folder, seconds, failure=failure_of, daemon=False)
        with taker:
            count += _told(taker, say)
        engine.ask_to_stop()
        recorded = engine.wait_done(_READY_S)["recording"].get("folder")
    if tools is not None and recorded is not None:
        with offscreen(), hold_interrupts():
            taker = Child("pictures", _take_replay, tools, Path(recorded), folder, failure=failure_of, daemon=False)
        with taker:
            count += _told(taker, say)
    return count


def _told(taker: Child, say: Callable[[str], None]) -> int:
    """Pass on which pictures were taken, until the last, and return how many."""
    count = 0
    while (message := taker.receive(_SILENT_S)) is not None:
        say(str(message["picture"]))
        count += 1
    if taker.running:
        raise MoodringError(f"no picture came for {_SILENT_S:g} s; run it on a machine that is less busy")
    return count


def _take(parent: "Parent", *arguments: Any) -> None:
    # Only here: the parent process needs no Qt.
    from .screenshots import take_pictures

    take_pictures(parent, *arguments)


def _take_replay(parent: "Parent", *arguments: Any) -> None:
    from .replay.pictures import take_replay_pictures

    take_replay_pictures(parent, *arguments)
