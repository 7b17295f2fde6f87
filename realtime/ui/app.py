"""Open the window, and close it cleanly."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from PyQt5.QtCore import QTimer
from PyQt5.QtGui import QImage

from ...configs.schema.errors import MoodringError
from ...models.io.files import private
from ..ipc.snapshot_feed import SnapshotFeed, SnapshotSource
from ..lab.protocol.job import ProtocolJob
from .application import application_here, qt_logged
from .live.commander import Commander, Commands
from .live.view_model import ViewModel
from .live.window import Window
from .protocol.control import ProtocolControl

GONE_FOR_GOOD_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Closing:
    """When the window saves its screenshot and when it closes.

    Attributes
    ----------
    screenshot : Path or None
        Where the picture goes: PNG.
    screenshot_after_s : float
        Seconds of estimates that the picture must show; a window that closes earlier takes it at its end.
    close_after_screenshot : bool
    close_after_s : float or None
        Seconds after which the window closes by itself.
    close_when_ended : bool
        Close once the session has ended, or its engine has been gone for a few seconds.
    """

    screenshot: Path | None = None
    screenshot_after_s: float = 20.0
    close_after_screenshot: bool = False
    close_after_s: float | None = None
    close_when_ended: bool = False


def run_window(
    source: SnapshotSource,
    closing: Closing | None = None,
    closed: Callable[[str], None] = lambda _: None,
    commands: Commands | None = None,
    protocol: ProtocolJob | None = None,
) -> int:
    """Show an engine until the window is closed; blocks.

    Parameters
    ----------
    source : SnapshotSource
        Closed at the end.
    closing : Closing or None
    closed : callable
        Told why it has closed: ``"user"``, ``"ended"`` (the session has) or ``"gone"`` (the engine does not answer).
    commands : Commands or None
        To the engine, closed at the end; None where the window only watches.
    protocol : ProtocolJob or None
        Shown to the participant; needs commands.

    Returns
    -------
    int
        The exit status: 0, or 1 where the picture could not be written.
    """
    application = application_here()
    closing = closing or Closing()
    view_model = ViewModel(source)
    window = Window(view_model, commands)
    shot = WindowScreenshot(window, closing)
    timer = QTimer()
    timer.timeout.connect(shot.look)
    timer.start(250)
    if closing.close_after_s is not None:
        QTimer.singleShot(round(closing.close_after_s * 1000), shot.finish)
    window.show()
    if protocol is not None and commands is not None:
        handle = window.windowHandle()
        screen = None if handle is None else handle.screen()
        window.run_protocol(ProtocolControl(protocol, commands, "" if screen is None else screen.name()))
    with interruptible(shot.finish), errors_logged(), qt_logged():
        application.exec_()
    timer.stop()
    shot.take_if_missing()
    window.close()
    closed(shot.why_closed)
    return shot.status


def show_engine(
    name: str,
    closing: Closing | None = None,
    closed: Callable[[str], None] = lambda _: None,
    protocol: ProtocolJob | None = None,
) -> None:
    """Attach a window that may give commands, and end this process with its status: for a spawned process.

    Parameters
    ----------
    name : str
        Of the engine.
    closing : Closing or None
    closed : callable
        As of :func:`run_window`.
    protocol : ProtocolJob or None
    """
    sys.exit(run_window(SnapshotFeed(name), closing, closed, Commander(name), protocol))


class WindowScreenshot:
    """Saves the window's screenshot once when enough is shown, and closes on request."""

    def __init__(self, window: Window, closing: Closing) -> None:
        self._window = window
        self._closing = closing
        self._taken = closing.screenshot is None
        self.status = 0
        self.why_closed = "user"

    def look(self) -> None:
        """Check whether to take the screenshot or close."""
        view = self._window.view
        if view is None:
            return
        times = view.history.times_s
        if not self._taken and len(times) and times[-1] - times[0] >= self._closing.screenshot_after_s:
            self.take_if_missing()
            if self._closing.close_after_screenshot:
                self.finish()
        over = view.attachment == "ended" or (view.attachment == "gone" and view.silent_s > GONE_FOR_GOOD_S)
        if self._closing.close_when_ended and over:
            self.why_closed = view.attachment
            self.finish()

    def take_if_missing(self) -> None:
        """Save the screenshot if it was requested and is missing."""
        path = self._closing.screenshot
        if self._taken or path is None:
            return
        self._taken = True
        picture = self._window.grab().toImage()
        if not saved(picture, path):
            self.status = MoodringError.exit_status
            _log.error("picture '%s' cannot be written; give --screenshot a file in a folder that exists", path)

    def finish(self) -> None:
        """Save the screenshot if it is missing, and close."""
        self.take_if_missing()
        self._window.close()


def saved(picture: QImage, path: Path) -> bool:
    """Save a picture, which may show a face, for this user alone; return whether that was possible."""
    picture.setText("Software", "moodring")  # so that the next one may take its place, and nothing else is replaced
    try:
        with open(path, "ab", opener=private):
            pass
    except OSError:
        return False
    return bool(picture.save(str(path), "PNG"))


@contextmanager
def interruptible(finish: Callable[[], object]) -> Iterator[None]:
    """Close on Ctrl-C, which Python handles at ticks of the window's timer."""

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        finish()

    before: Any = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def errors_logged() -> Iterator[None]:
    """Log exceptions of slots, which otherwise end the process."""

    def log(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.error("the window met an error and goes on", exc_info=(kind, error, trace))

    before = sys.excepthook
    sys.excepthook = log
    try:
        yield
    finally:
        sys.excepthook = before
