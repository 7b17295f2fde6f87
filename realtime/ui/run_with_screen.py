"""Run an engine in a process of its own with a window or the terminal dashboard."""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ...configs.schema.errors import ConfigError
from ...processes import Child, Parent, hold_interrupts
from ..engine.engine_process import EngineProcess
from ..engine.job import EngineJob
from ..ipc.snapshot_feed import SnapshotFeed
from ..lab.protocol.job import ProtocolJob, job_of, planned
from ..screens.at_the_end import problems, summary_line, what_it_rests_on
from ..screens.terminal import run_dashboard
from .display import display_available
from .display import offscreen as offscreen_here

if TYPE_CHECKING:
    from .app import Closing

_CLOSE_S = 20.0
_READY_S = 150.0  # a few on an idle machine
_CLOSED = {
    "user": "The window is closed; decoding goes on. Ctrl+C stops it, `moodring monitor` opens a screen again.",
    "gone": "The window has closed because the engine did not answer; waiting for it. Ctrl+C stops it.",
}


@dataclass(frozen=True)
class ScreenOptions:
    """Options of the screen.

    Attributes
    ----------
    headless : bool
        No screen: a line now and then.
    screenshot : Path or None
        Where a picture of the window goes.
    window_is_all : bool
        Whether closing the window ends the engine too.
    """

    headless: bool = False
    screenshot: Path | None = None
    window_is_all: bool = False


@dataclass(frozen=True)
class Finished:
    """A session that is over.

    Attributes
    ----------
    summary : dict
        As ``--json`` has it.
    interrupted : bool
        Whether Ctrl+C ended it.
    """

    summary: dict[str, Any]
    interrupted: bool


def run_with_screen(
    job: EngineJob, options: ScreenOptions, say: Callable[[str], None], begun: Callable[[], None] = lambda: None
) -> Finished:
    """Run an engine and the screen until the session is over, the window is closed or Ctrl+C is pressed.

    Parameters
    ----------
    job : EngineJob
    options : ScreenOptions
    say : callable
        Prints a line.
    begun : callable
        Called when the engine is ready, before the screen is there.

    Returns
    -------
    Finished

    Raises
    ------
    ConfigError
        The config names a protocol that cannot be shown.
    MoodringError
        The engine failed; its own line.
    """
    windowed = not options.headless and display_available()
    protocol = job_of(job.config)
    if protocol is not None:
        if not windowed:
            raise ConfigError(f"protocol '{protocol.file}' needs a display, and not --headless; leave one of both out")
        planned(protocol.file, protocol.participant, protocol.session)
    if not (windowed or options.headless):
        say("no display: showing the terminal dashboard instead of the window")
    interrupted = False
    with ExitStack() as stack:
        with hold_interrupts():
            engine = stack.enter_context(EngineProcess(job))
        name = engine.wait_ready(_READY_S)
        begun()
        window = None
        try:
            if windowed or options.screenshot is not None:
                with hold_interrupts():
                    window = _open_window(name, job.duration_s, options.screenshot, not windowed, protocol)
                stack.callback(window.end, 0.0)
            if not (windowed and window is not None and _wait_for_window(engine, window, options.window_is_all, say)):
                console = Console(stderr=True, force_terminal=False, width=200) if options.headless else Console()
                # It ends with the engine's process: one that is silent for a while is not to be stopped for it.
                run_dashboard(SnapshotFeed(name), console, close_when_ended=False, goes_on=lambda: not engine.over(0.0))
        except KeyboardInterrupt:
            interrupted = True
            say("stopping")
        engine.ask_to_stop()
        summary = engine.wait_done()
        if window is not None:
            window.join(_CLOSE_S)
            window.end(0.0)
    say(f"{summary_line(summary)} in {summary['duration_s']:.0f} s")
    for line in what_it_rests_on(summary):
        say(line)
    recording = summary["recording"]
    for folder in (*(recording["earlier"] or ()), recording["folder"]):
        if folder is not None:
            say(f"recorded: {folder}")
    for line in problems(summary, job.config.modalities):
        say(line)
    return Finished(summary, interrupted)


def _open_window(
    name: str, duration_s: float | None, screenshot: Path | None, offscreen: bool, protocol: ProtocolJob | None
) -> Child:
    """Start the window in a process of its own; off screen it only saves its screenshot."""
    from .app import Closing

    after_s = 40.0 if duration_s is None else 0.8 * duration_s
    closing = Closing(screenshot, after_s, close_after_screenshot=offscreen, close_when_ended=True)
    with offscreen_here() if offscreen else nullcontext():
        # No daemon: the participant's window is a process of its own.
        return Child("window", _show, name, closing, protocol, daemon=False)


def _show(parent: Parent, name: str, closing: "Closing", protocol: ProtocolJob | None) -> None:
    from .app import show_engine

    show_engine(name, closing, lambda why: parent.send({"closed": why}), protocol)


def _wait_for_window(engine: EngineProcess, window: Child, window_is_all: bool, say: Callable[[str], None]) -> bool:
    """Wait while the window is open; False where it could not open."""
    while not engine.over(0.2):
        if window.running:
            continue
        if window.exit_status:
            say(f"the window ended with status {window.exit_status} (see `moodring doctor`); here is the terminal")
            return False
        if window_is_all:
            return True
        if (line := _CLOSED.get(window.take("closed") or "user")) is not None:
            say(line)
        while not engine.over(0.5):
            pass
    return True
