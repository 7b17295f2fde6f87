"""Pictures of every page, light and dark, at the sizes of common screens, of a session that runs."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PyQt5.QtWidgets import QApplication, QWidget

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...processes import Parent
from ..ipc.commands import Command
from ..ipc.engine_feeds import EngineFeeds, Followed
from ..ipc.snapshot_feed import SnapshotFeed
from ..lab.probe import SourceLook
from ..lab.profiles import Profiles
from ..lab.survey import CheckRun, Survey, SurveyRun
from ..screens import wording
from . import strings
from .app import application_here, saved
from .ending.ended import Ended
from .live.commander import Commander
from .live.view import View
from .live.view_model import ViewModel
from .live.window import Window
from .settings import Settings
from .setup.page import SetupPage
from .setup.tools import Tools
from .theme import PALETTES, ThemeName
from .tiles.window import TilesWindow

SIZES = ((1024, 700), (1366, 768), (1920, 1080), (3840, 2160))
_TURN_S = 0.03
_SEARCH_S = 120.0
_MARKS = ((0.25, "mark", strings.MARK_TEXT), (0.5, "note", "asked for water"), (0.8, "mark", "film 3"))


def take_pictures(parent: Parent, name: str, config: LiveConfig, folder: Path, after_s: float) -> None:
    """Attach to an engine, wait until it has something to show, and take the pictures: the target of a child process.

    Sends ``{"picture": file}`` for each.

    Parameters
    ----------
    parent : Parent
    name : str
        Of the engine.
    config : LiveConfig
        As the set-up page shows it.
    folder : Path
    after_s : float
        Seconds of the session that the live page shows.
    """
    application = application_here()
    with TemporaryDirectory() as place:
        settings = Settings(Path(place) / "window.ini")
        tools = _found(config, application)
        window = Window(ViewModel(SnapshotFeed(name)), Commander(name), settings)
        window.show()
        _wait(window, application, parent, after_s)
        for theme_name, size in _all():
            for page, picture in _live(window, application, settings, theme_name, size):
                _save(picture, folder, page, theme_name, size, parent)
        window.close()
        for theme_name, size in _all():
            settings.theme = theme_name
            tiles = TilesWindow(_EightTimes(EngineFeeds(lambda card: card.name == name)), Commander, settings)
            tiles.resize(*size)
            tiles.show()
            _turns(application, 1.6)
            _save(tiles, folder, "tiles", theme_name, size, parent)
            tiles.close()
        for theme_name, size in _all():
            settings.theme = theme_name
            setup = SetupPage(settings, Profiles(Path(place)), config, tools, size)
            setup.show()
            for page in _setup(setup, application, window.view):
                _save(setup, folder, page, theme_name, size, parent)
            setup.close()


def _all() -> Iterator[tuple[ThemeName, tuple[int, int]]]:
    for theme_name in PALETTES:
        for size in SIZES:
            yield theme_name, size


def _wait(window: Window, application: QApplication, parent: Parent, after_s: float) -> None:
    """Run the window until the session is old enough, with a mark now and then."""
    left = list(_MARKS)
    began_s: float | None = None
    while not parent.ended.is_set():
        _turn(application)
        newest = None if window.view is None else window.view.newest
        if newest is None or newest.t0_s is None:
            continue
        began_s = newest.now_s if began_s is None else began_s
        share = (newest.now_s - began_s) / after_s
        if left and share >= left[0][0]:
            _, kind, text = left.pop(0)
            window.send(Command("mark" if kind == "mark" else "note", text))
        if share >= 1.0:
            return


def _live(
    window: Window, application: QApplication, settings: Settings, theme_name: ThemeName, size: tuple[int, int]
) -> Iterator[tuple[str, QWidget]]:
    """Bring the live window into each of its states."""
    settings.theme = theme_name
    window.resize(*size)
    window.rebuild()
    _turns(application, 1.0)
    yield "live", window
    window.choose(blind=True)
    _turns(application, 0.4)
    yield "blind", window
    window.choose(blind=False, ago_s=0.0)
    _turns(application, 0.2)
    window.choose(ago_s=8.0)
    _turns(application, 0.4)
    yield "frozen", window
    window.choose(ago_s=None)
    window.deeds.do("help")
    _turns(application, 0.4)
    yield "keys", window
    window.deeds.do("help")


def _setup(page: SetupPage, application: QApplication, last: View | None) -> Iterator[str]:
    """Bring the set-up page into each of its states."""
    _turns(application, 1.6)
    for place, name in enumerate(("devices", "electrodes")):
        page.tabs.setCurrentIndex(place)
        _turns(application, 0.3)
        yield f"setup-{name}"
    page.check()
    _turns(application, 0.4)
    yield "setup-check"
    newest = None if last is None else last.newest
    recorded = None if newest is None else newest.recording
    if newest is not None:
        line = f"{wording.clock(newest.elapsed_s)}, {newest.decisions} decisions"
        folders = () if recorded is None else (Path(recorded.folder),)
        page.show_ended(Ended(newest.participant, line, recordings=folders))
        page.tabs.setCurrentIndex(0)
        _turns(application, 0.4)
        yield "setup-ended"


def _save(
    picture: QWidget, folder: Path, page: str, theme_name: ThemeName, size: tuple[int, int], parent: Parent
) -> None:
    path = folder / f"{page}-{theme_name}-{size[0]}x{size[1]}.png"
    if not saved(picture.grab().toImage(), path):
        raise MoodringError(f"picture '{path}' cannot be written; give a folder that can be written to")
    parent.send({"picture": path.name})


class _EightTimes:
    """The engines that are followed, each as eight: a picture of as many participants as a lab may have."""

    def __init__(self, engines: EngineFeeds) -> None:
        self._engines = engines

    def look(self) -> tuple[Followed, ...]:
        """Return every engine eight times."""
        return tuple(replace(one, key=f"{one.key}-{place}") for one in self._engines.look() for place in range(8))

    def close(self) -> None:
        """Disconnect from all."""
        self._engines.close()


class _Held:
    """What the tools of the set-up page found, once for all pictures."""

    over = True
    error: str | None = None

    def __init__(self, survey: Survey, looks: tuple[SourceLook, ...], findings: tuple[Any, ...]) -> None:
        self._survey, self._looks, self.findings = survey, looks, findings

    def survey(self) -> Survey:
        """Return what was found."""
        return self._survey

    def looks(self) -> tuple[SourceLook, ...]:
        """Return what the sources showed."""
        return self._looks

    def close(self) -> None:
        """Do nothing."""


def _found(config: LiveConfig, application: QApplication) -> Tools:
    """Look with the real tools, and return tools that show what was found."""
    tools = Tools()
    probe = tools.look(config)
    search, run = SurveyRun(config.lsl), CheckRun(config)
    until_s = time.monotonic() + _SEARCH_S
    try:
        while not (search.survey().complete and run.over and len(probe.looks()) == len(config.modalities)):
            _turn(application)
            if time.monotonic() > until_s:
                break
        held = _Held(search.survey(), probe.looks(), run.findings)
    finally:
        for one in (probe, search, run):
            one.close()
    return Tools(search=lambda _: held, look=lambda _: held, check=lambda _: held)


def _turns(application: QApplication, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        _turn(application)


def _turn(application: QApplication) -> None:
    application.processEvents()
    time.sleep(_TURN_S)
