"""Pictures of the replay page, light and dark, at the sizes of common screens."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from PyQt5.QtWidgets import QApplication

from ....configs.schema.errors import MoodringError
from ....processes import Parent
from ..app import saved
from ..application import application_here
from ..screenshots import SIZES
from ..settings import Settings
from ..theme import PALETTES
from .tools import ReplayTools
from .window import ReplayWindow

_PLACE = 0.6  # of the session
_PATIENCE_S = 300.0
_TURN_S = 0.02


def take_replay_pictures(parent: Parent, tools: ReplayTools, session: Path, folder: Path) -> None:
    """Open a recorded session and take the pictures: the target of a child process.

    Sends ``{"picture": file}`` for each.
    """
    application = application_here()
    with TemporaryDirectory() as place:
        settings = Settings(Path(place) / "window.ini")
        for theme_name in PALETTES:
            settings.theme = theme_name
            for size in SIZES:
                window = ReplayWindow(tools, session, None, settings, size)
                window.show()
                _settle(application, window)
                if window.replay is None:
                    raise MoodringError(f"'{session}' could not be opened for the pictures")
                transport = window.replay.transport
                window.deeds.seek(transport.start_s + _PLACE * (transport.stop_s - transport.start_s))
                for page in ("replay", "replay-rating"):
                    if page == "replay-rating":
                        window.deeds.rate()
                        window.deeds.set_value(0.4, 0.3)
                    _settle(application, window)
                    path = folder / f"{page}-{theme_name}-{size[0]}x{size[1]}.png"
                    if not saved(window.grab().toImage(), path):
                        raise MoodringError(f"picture '{path}' cannot be written; give a folder that can be written to")
                    parent.send({"picture": path.name})
                window.leave()


def _settle(application: QApplication, window: ReplayWindow) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    quiet = 0
    while quiet < 3 and time.monotonic() < until_s:
        application.processEvents()
        window.tick()
        quiet = quiet + 1 if window.settled else 0
        time.sleep(_TURN_S)
