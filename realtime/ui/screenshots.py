"""Pictures of every page, light and dark, at the sizes of common screens, and a moving one, of a session that runs."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PyQt5.QtWidgets import QApplication, QWidget

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...configs.schema.protocol.protocol import SCALES
from ...models.contract import Image
from ...processes import Parent
from ..ipc.commands import Command
from ..ipc.engine_feeds import EngineFeeds, Followed
from ..ipc.snapshot_feed import SnapshotFeed
from ..lab.probe import SourceLook
from ..lab.profiles import Profiles
from ..lab.protocol.desk import DeskState
from ..lab.protocol.plan import Plan, Question, Screen
from ..lab.protocol.playing import Playing
from ..lab.protocol.presenter import Presenter, Progress
from ..lab.protocol.stimulus_files import Stimulus
from ..lab.survey import CheckRun, Survey, SurveyRun
from ..screens import wording
from . import strings
from .app import saved
from .application import application_here
from .ending.ended import Ended
from .live.commander import Commander
from .live.view import View
from .live.view_model import ViewModel
from .live.window import Window
from .moving_picture import film_of
from .protocol.participant_window import ParticipantWindow
from .protocol.scenes import Patch
from .settings import Settings
from .setup.page import SetupPage
from .setup.tools import Tools
from .theme import PALETTES, ThemeName
from .tiles.window import TilesWindow

SIZES = ((1024, 700), (1366, 768), (1920, 1080), (3840, 2160))
MOVING, MOVING_SIZE, MOVING_S = "live.webp", (1366, 768), 8.0
_TURN_S = 0.03
_SEARCH_S = 120.0
_WORDS = ("joy", "interest", "calm", "sadness", "fear", "anger", "disgust", "nothing")
_PROGRESS = Progress("running", 7, 81, 3, 14, "stimulus", "calm_sea", 4.2)
_RUNNING = DeskState(_PROGRESS, "films", can=frozenset({"pause", "repeat", "skip", "abort"}))
_BROKEN = replace(_RUNNING, progress=replace(_PROGRESS, phase="paused"), said=strings.SHOWN_BROKEN, bad=True)
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
        window.resize(*MOVING_SIZE)
        _turns(application, 1.0)
        film_of(window, application, folder / MOVING, MOVING_S, frames_per_s=5.0, width=1000)
        parent.send({"picture": MOVING})
        for theme_name, size in _all():
            for page, picture in _live(window, application, settings, theme_name, size):
                _save(picture, folder, page, theme_name, size, parent)
        window.close()
        for page, size, picture in _participant():
            _save(picture, folder, page, None, size, parent)
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
    for state in (_RUNNING, _BROKEN):
        window.page.protocol.show_state(state)
        window.page.protocol.show()
        _turns(application, 0.4)
        yield "protocol-broken" if state.bad else "protocol", window
    window.page.protocol.hide()


def _participant() -> Iterator[tuple[str, tuple[int, int], QWidget]]:
    """Show the participant's window on each of its screens; it has one look for both palettes."""
    shown = Stimulus("calm_sea", "picture", Path("calm_sea.png"), 6.0, False)
    scales = tuple(Question(name) for name in SCALES)
    questions = (*scales, Question("keyword", words=_WORDS))
    screens = (
        ("text", Screen("text", words=strings.SHOWN_TEXT)),
        ("rest", Screen("rest", seconds=30.0, eyes="closed")),
        ("fixation", Screen("fixation", 0, 1.0)),
        ("stimulus", Screen("stimulus", 0, 6.0, stimulus=shown)),
        *((f"rating-{one.name}", Screen("rating", 0, questions=(one,))) for one in questions),
    )
    for size in SIZES:
        for name, screen in screens:
            presenter = Presenter(Plan("pictures", (screen,)), _NoMarkers(), prepare=_Drawn)
            window = ParticipantWindow(presenter, time.monotonic, Patch("upper left"))
            window.resize(*size)
            presenter.begin()
            window.tick()
            if presenter.sheet is not None:
                presenter.sheet.choose(6)
            window.show()
            yield f"participant-{name}", size, window
            window.end()


class _NoMarkers:
    """Takes markers and sends none."""

    lost = unsaved = ""

    def send(self, text: str, time_s: float) -> None:
        """Do nothing."""


class _Drawn(Playing):
    """A stimulus that needs no file."""

    def __init__(self, stimulus: Stimulus, _output: object, most: tuple[int, int]) -> None:
        height, width = most[1] // 4, most[0] // 4
        y, x = np.mgrid[:height, :width]
        self._drawn = np.stack([200 - 90 * y / height, 150 - 60 * y / height, 90 + 60 * x / width], -1).astype(np.uint8)
        super().__init__(replace(stimulus, kind="sound"), None, most)

    def image(self, _now_s: float) -> Image:
        """Return the picture."""
        return self._drawn


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
    picture: QWidget, folder: Path, page: str, theme_name: ThemeName | None, size: tuple[int, int], parent: Parent
) -> None:
    path = folder / f"{'-'.join(filter(None, (page, theme_name)))}-{size[0]}x{size[1]}.png"
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
