"""Open the window of several engines: in this process for a monitor, in one of its own for the engines' own command."""

import sys
import time
from collections.abc import Callable, Sequence

from ....processes import Child, Parent, hold_interrupts
from ...ipc.engine_feeds import EngineFeeds, FollowedEngines
from ...ipc.run_dir import EngineCard
from ..display import display_available
from ..live.commander import Commander, Commands

_LOOK_MS = 250
_POLL_S = 0.2
_CLOSE_S = 20.0
_CLOSED = "The window is closed; decoding goes on. Ctrl+C stops it, `moodring monitor --all` opens a screen again."


def run_tiles_window(
    engines: FollowedEngines,
    commands: Callable[[str], Commands] | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Show several engines until the window is closed; blocks.

    Parameters
    ----------
    engines : FollowedEngines
        Closed at the end.
    commands : callable or None
        See :class:`~moodring.realtime.ui.tiles.window.TilesWindow`.
    ended : callable
        Whether the window is to close by itself; asked four times a second.
    """
    from PyQt5.QtCore import QTimer

    from ..app import errors_logged, interruptible
    from ..application import application_here, qt_logged
    from .window import TilesWindow

    application = application_here()
    window = TilesWindow(engines, commands)

    def look() -> None:
        if ended():
            window.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(_LOOK_MS)
    window.show()
    with interruptible(window.close), errors_logged(), qt_logged():
        application.exec_()
    timer.stop()
    window.close()


def show_beside(
    pids: Sequence[int], goes_on: Callable[[], bool], say: Callable[[str], None], otherwise: Callable[[], None]
) -> None:
    """Show engines of this command in a window that may end them, while they go on or until Ctrl+C.

    Parameters
    ----------
    pids : sequence of int
        The engines' processes.
    goes_on : callable
        Whether any of them runs.
    say : callable
        Prints a line.
    otherwise : callable
        Shows them where no window can be opened; blocks.
    """
    if not display_available():
        say("no display: showing the terminal's tiles instead of the window")
        otherwise()
        return
    try:
        with hold_interrupts():
            window = Child("window", _show, tuple(pids))
        with window:
            while goes_on() and window.running:
                time.sleep(_POLL_S)
            if window.running:
                window.end(_CLOSE_S)
            elif window.exit_status:
                say(f"the window ended with status {window.exit_status} (see `moodring doctor`); here is the terminal")
                otherwise()
            elif goes_on():
                say(_CLOSED)
                while goes_on():
                    time.sleep(_POLL_S)
    except KeyboardInterrupt:
        return


def _show(parent: Parent, pids: tuple[int, ...]) -> None:
    def ours(card: EngineCard) -> bool:
        return card.pid in pids

    run_tiles_window(EngineFeeds(ours), Commander, parent.ended.is_set)
    sys.exit(0)
