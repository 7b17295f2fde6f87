"""The set-up page, the session, the page again: each in a process of its own, as `moodring live CONFIG` has them."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from ...configs.schema.errors import ConfigError, MoodringError, failure_of
from ...configs.schema.live import LiveConfig
from ...configs.schema.load import check
from ...processes import Child, Parent, hold_interrupts
from ..engine.job import EngineJob
from .display import display_available
from .ending.ended import Ended, ended_badly, ended_well
from .run_with_screen import ScreenOptions, run_with_screen

_POLL_MS = 100
_CLOSE_S = 2.0


def run_app(config: LiveConfig | None, say: Callable[[str], None]) -> None:
    """Show the set-up page, the session that is started from it, and the page again; until the page is closed.

    Ctrl+C ends the session that runs, and then this.

    Parameters
    ----------
    config : LiveConfig or None
        Shown first; None is that of the last session.
    say : callable
        Prints a line.

    Raises
    ------
    ConfigError
        There is no display.
    """
    if not display_available():
        raise ConfigError(
            "the set-up page needs a display; without one: moodring live CONFIG (configs/lab.toml to copy)"
        )
    ended: Ended | None = None
    while True:
        with hold_interrupts():
            page = open_page(config, ended)
        with page:
            begun = _session_of(page, say)
        if begun is None:
            return
        config, ended = begun


def _session_of(page: Child, say: Callable[[str], None]) -> tuple[LiveConfig, Ended] | None:
    """Run the session that the set-up page starts, and return what there is then; None where it was the last."""
    while True:
        asked = page.receive(0.5)
        if asked is None and not page.running:
            return None
        if asked is None or "start" not in asked:
            continue
        try:
            return _run(page, _job(asked["start"]), say)
        except MoodringError as error:
            if not page.running:
                raise
            page.send({"failed": str(error)})


def _run(page: Child, job: EngineJob, say: Callable[[str], None]) -> tuple[LiveConfig, Ended] | None:
    """Run a session, in whose window's place the set-up page goes; raise MoodringError where it does not begin."""
    begun = threading.Event()
    try:
        finished = run_with_screen(job, ScreenOptions(), say, lambda: _leave(page, begun))
    except MoodringError as error:
        if not begun.is_set():
            raise
        say(f"the session has failed: {error}")
        return job.config, ended_badly(job, str(error))
    return None if finished.interrupted else (job.config, ended_well(job, finished.summary))


def _leave(page: Child, begun: threading.Event) -> None:
    """Let the live window take the place of the set-up page."""
    begun.set()
    page.end(_CLOSE_S)


def open_page(config: LiveConfig | None, ended: Ended | None = None) -> Child:
    """Return the process of the set-up page; it says ``shown`` once it is there, and ``start`` when asked to begin.

    Parameters
    ----------
    config : LiveConfig or None
        Shown first; None is that of the last session.
    ended : Ended or None
        The session before, where there was one.
    """
    # No daemon: its search, previews and checks are processes of its own.
    return Child("set-up page", show_page, config, ended, failure=failure_of, daemon=False)


def _job(asked: dict[str, object]) -> EngineJob:
    """Return the job that the set-up page asked for, checked as a config from a file is."""
    values = asked["config"]
    if not isinstance(values, dict):
        raise ConfigError("the set-up page sent no config; start it again")
    folder = Path(str(asked["folder"]))
    return EngineJob(
        check(values, LiveConfig, "set-up"),
        started_wall_s=time.time(),
        record=folder if asked["record"] else None,
        record_later=folder,
    )


def show_page(parent: Parent, config: LiveConfig | None, ended: Ended | None) -> None:
    """Show the set-up page until it is closed or the session has begun: the target of a child process."""
    from PyQt5.QtCore import QTimer

    from ..lab.profiles import Profiles
    from .app import interruptible
    from .application import application_here, qt_logged
    from .settings import Settings
    from .setup.page import SetupPage
    from .setup.tools import Session

    application = application_here()
    page = SetupPage(Settings(), Profiles(), config)
    if ended is not None:
        page.show_ended(ended)

    def start(session: Session) -> None:
        values = session.config.model_dump(mode="json", exclude_none=True)
        parent.send({"start": {"config": values, "folder": str(session.folder), "record": session.record}})

    def listen() -> None:
        message = parent.receive()
        if message is not None and "failed" in message:
            page.failed(str(message["failed"]))
        if parent.ended.is_set():
            page.close()

    page.started.connect(start)
    timer = QTimer()
    timer.timeout.connect(listen)
    timer.start(_POLL_MS)
    page.show()
    parent.send({"shown": True})
    with interruptible(lambda: bool(page.close())), qt_logged():
        application.exec_()
    timer.stop()
