"""The live window: all panels, one timer, one view per tick."""

import time
from collections.abc import Callable
from dataclasses import replace

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QResizeEvent
from PyQt5.QtWidgets import QShortcut, QVBoxLayout, QWidget

from ...engine.lsl_clock import LslClock
from ...ipc.commands import Command, Reply
from ...lab.protocol.desk import Deed
from .. import strings, theme
from ..display import first_size
from ..protocol.control import ProtocolControl
from ..settings import Settings
from .actions import Actions
from .commander import Commands
from .page import LivePage
from .view import View
from .view_model import ViewModel

RATE_HZ = 40
SMALLEST = (1024, 680)
_REBUILD_MS = 200
_GEOMETRY = "window/geometry"


class Window(QWidget):
    """Shows what a :class:`ViewModel` sees, and passes on what its user wants.

    Parameters
    ----------
    view_model : ViewModel
        Closed with the window.
    commands : Commands or None
        To the engine; None where this screen only watches. Closed with the window.
    settings : Settings or None
        None are those of the user.
    now : callable
        The LSL clock, for the times of marks.
    inside : bool
        Whether it is a part of another window; :attr:`left` then tells that its user goes back.
    """

    left = pyqtSignal()

    def __init__(
        self,
        view_model: ViewModel,
        commands: Commands | None = None,
        settings: Settings | None = None,
        now: Callable[[], float] | None = None,
        *,
        inside: bool = False,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setAttribute(Qt.WA_StyledBackground)
        self.setWindowTitle(strings.BRAND)
        self.setMinimumSize(*SMALLEST)
        self.resize(*first_size(SMALLEST))
        self.settings = settings or Settings()
        self._inside = inside
        geometry = self.settings.bytes_of(_GEOMETRY)
        if geometry is not None and not inside:
            self.restoreGeometry(geometry)
        self._view_model = view_model
        self._commands = commands
        self._now = now or LslClock().now
        view_model.choices = replace(view_model.choices, eeg=self.settings.eeg)
        self.view: View | None = None
        self._protocol: ProtocolControl | None = None
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 0, 0, 0)
        self.deeds = Actions(self)
        self._keys = [self._key(sequence, what) for _, keys, what, _ in strings.SHORTCUTS for sequence in keys]
        self.page = self._built(theme.scale_for(self.width(), self.height()))
        self._rebuild_timer = QTimer(self)
        self._rebuild_timer.setSingleShot(True)
        self._rebuild_timer.timeout.connect(self.rebuild)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(round(1000 / RATE_HZ))

    @property
    def view_model(self) -> ViewModel:
        """What the window shows."""
        return self._view_model

    @property
    def read_only(self) -> bool:
        """Whether this screen only watches."""
        return self._commands is None

    def lsl_now(self) -> float:
        """Return the time of a key that is pressed now."""
        return self._now()

    def tick(self) -> None:
        """Show the newest view in all panels."""
        self.view = self._view_model.view()
        self.page.show_view(self.view)
        now_s = time.monotonic()
        for reply in self._commands.replies() if self._commands is not None else ():
            self.page.message.show_reply(reply, now_s)
            if not reply.done:
                self.deeds.refused()
        self.page.message.age(now_s)
        if self._protocol is not None:
            self._protocol.step(self.view)
            self.page.protocol.show_state(self._protocol.state(), self._protocol.adapting_s, self._protocol.adapted)

    def run_protocol(self, protocol: ProtocolControl) -> None:
        """Show the row of a protocol; it is closed with the window."""
        self._protocol = protocol
        self.page.protocol.show()

    def protocol_do(self, deed: Deed) -> None:
        """Do what a button or a key of the protocol is for."""
        if self._protocol is None:
            self.say(Reply(False, strings.NO_PROTOCOL))
        else:
            self._protocol.do(deed)

    def send(self, command: Command) -> None:
        """Send the engine a command; a screen that only watches says so."""
        if self._commands is None:
            self.say(Reply(False, strings.READ_ONLY))
        else:
            self._commands.send(command)

    def say(self, reply: Reply) -> None:
        """Show a sentence in the line of replies."""
        self.page.message.show_reply(reply, time.monotonic())

    def choose(self, **changes: object) -> None:
        """Change what the user chose, and show it at once."""
        self._view_model.choices = replace(self._view_model.choices, **changes)  # type: ignore[arg-type]
        self.settings.eeg = self._view_model.choices.eeg
        self.tick()

    def use_theme(self, name: theme.ThemeName) -> None:
        """Change the palette."""
        self.settings.theme = name
        self.rebuild()

    def toggle_full(self) -> None:
        """Have the whole screen, or be a window again."""
        top = self.window() or self
        top.showNormal() if top.isFullScreen() else top.showFullScreen()

    def leave(self) -> None:
        """Emit that its user goes back."""
        if self._inside:
            self.left.emit()

    def rebuild(self) -> None:
        """Build the page anew, in the palette and at the scale of the moment; the panels stay where they are."""
        self._rebuild_timer.stop()
        self.page.keep_places()
        before = self.page
        self.page = self._built(theme.scale_for(self.width(), self.height()))
        self._outer.removeWidget(before)
        before.hide()
        before.deleteLater()
        # At once, so that no empty window is seen in between.
        self.page.show()
        self._outer.activate()
        self.tick()

    def _built(self, scale: float) -> LivePage:
        theme.use(self.settings.theme, scale)
        self._scale = scale
        self.setPalette(theme.palette())
        self.setStyleSheet(theme.style())
        self.setFont(theme.font(12))
        page = LivePage(self.settings, self.read_only, self._inside)
        self._outer.addWidget(page)
        page.controls.pressed.connect(self.deeds.do)
        page.protocol.pressed.connect(self.protocol_do)
        page.protocol.setVisible(self._protocol is not None)
        page.controls.menu.aboutToShow.connect(self.deeds.fill_menu)
        page.freeze_bar.moved.connect(self.deeds.look_back)
        page.end_question.agreed.connect(self.deeds.end)
        page.entry.entered.connect(self.deeds.enter)
        page.eeg.controls.chosen.connect(self.deeds.choose_eeg)
        return page

    def _key(self, sequence: str, what: str) -> QShortcut:
        key = QShortcut(sequence, self)
        key.setAutoRepeat(what in ("scroll", "leap", "scale", "window"))
        key.activated.connect(lambda: self.deeds.do(what, sequence))
        return key

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Let fonts follow, once the size stays."""
        super().resizeEvent(event)
        if hasattr(self, "_rebuild_timer") and theme.scale_for(self.width(), self.height()) != self._scale:
            self._rebuild_timer.start(_REBUILD_MS)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Disconnect from the engine, which continues."""
        self._timer.stop()
        self._rebuild_timer.stop()
        self.page.keep_places()
        if not self._inside:
            self.settings.keep_bytes(_GEOMETRY, self.saveGeometry())
        self.settings.save()
        if self._protocol is not None:
            self._protocol.close()
        if self._commands is not None:
            self._commands.close()
        self._view_model.close()
        super().closeEvent(event)

    def __getattr__(self, name: str) -> QWidget:
        """Return a panel of the page."""
        page = self.__dict__.get("page")
        if page is not None and name in page.parts:
            part: QWidget = page.parts[name]
            return part
        raise AttributeError(name)
