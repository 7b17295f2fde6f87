"""Show the replay page in this process."""

from pathlib import Path

from ....configs.schema.errors import ConfigError
from ..display import display_available
from .tools import ReplayTools


def run_replay(tools: ReplayTools, path: Path | None, folder: Path | None = None) -> None:
    """Show the replay page until it is closed; blocks.

    Parameters
    ----------
    tools : ReplayTools
    path : Path or None
        Opened first.
    folder : Path or None
        Where recordings are looked for.

    Raises
    ------
    ConfigError
        There is no display.
    """
    if not display_available():
        raise ConfigError("the replay page needs a display; without one: moodring report SESSION, moodring export")
    from PyQt5.QtCore import QTimer

    from ..app import errors_logged, interruptible
    from ..application import application_here, qt_logged
    from .window import ReplayWindow

    application = application_here()
    window = ReplayWindow(tools, path, folder)
    window.show()
    # Python handles an interrupt at the window's own timer.
    with interruptible(lambda: QTimer.singleShot(0, window.leave)), errors_logged(), qt_logged():
        application.exec_()
