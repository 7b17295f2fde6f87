"""The participant's window: what the presenter says, painted at once; keys and mouse go back to it."""

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import (
    QCloseEvent,
    QColor,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QScreen,
)
from PyQt5.QtWidgets import QWidget

from ...lab.protocol.presenter import Presenter, Scene
from ..painting import qimage
from . import texts
from .scenes import Patch, draw_scene, go_on_box, option_boxes

FORWARDED = {Qt.Key_F5: "begin", Qt.Key_F6: "pause", Qt.Key_F7: "repeat", Qt.Key_F8: "skip", Qt.Key_F9: "abort"}
_SIZE = (1024, 700)


class ParticipantWindow(QWidget):
    """The window.

    Parameters
    ----------
    presenter : Presenter
    now : callable
        The LSL clock.
    patch : Patch
        For a photodiode.
    """

    pressed = pyqtSignal(str)
    """A key of the experimenter that came to this window."""

    def __init__(self, presenter: Presenter, now: Callable[[], float], patch: Patch | None = None) -> None:
        super().__init__()
        self.setWindowTitle(texts.PARTICIPANT_TITLE)
        self.setAttribute(Qt.WA_OpaquePaintEvent)
        self.setMinimumSize(640, 400)
        self.resize(*_SIZE)
        self._presenter, self._now, self._patch = presenter, now, patch or Patch()
        self._scene = Scene("ready")
        self._image: Any = None
        self._wait_s = 0.0
        self._may_close = False
        self._screen_name = ""

    @property
    def scene(self) -> Scene:
        """What is painted."""
        return self._scene

    def tick(self) -> None:
        """Paint what has changed, and let its markers be sent at the time at which it was up."""
        now_s = self._now()
        scene = self._presenter.step(now_s)
        wait_s = self._presenter.wait_s(now_s)
        if scene is not self._scene or round(wait_s) != round(self._wait_s):
            if scene.image is not self._scene.image:
                self._image = None if scene.image is None else qimage(scene.image)
            self._scene, self._wait_s = scene, wait_s
            self.setCursor(Qt.ArrowCursor if self._asks else Qt.BlankCursor)
            self.repaint()
            QGuiApplication.sync()
        self._presenter.shown(self._now())

    def go_to(self, screens: list[QScreen], avoid: str) -> bool:
        """Have a whole screen that the experimenter's window is not on, or be a window; return whether there is one."""
        other = next((one for one in screens if one.name() != avoid), None) if len(screens) > 1 else None
        if other is None:
            self._screen_name = ""
            self.showNormal()
            if screens:
                room = screens[0].availableGeometry()
                self.setGeometry(room.x() + 40, room.y() + 40, *self._size_in(room.width(), room.height()))
            return False
        self._screen_name = other.name()
        self.setGeometry(other.geometry())
        self.showFullScreen()
        return True

    def screen_gone(self, name: str, left: list[QScreen]) -> None:
        """Move to a screen that is left, and pause, where the one that has gone was this window's."""
        if name == self._screen_name:
            self.go_to(left[:1], "")
            self._presenter.pause(self._now(), texts.SCREEN_GONE)

    def end(self) -> None:
        """Close for good."""
        self._may_close = True
        self.close()

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Paint the scene, and the patch over it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        room, scene = QRectF(self.rect()), self._scene
        try:
            draw_scene(painter, room, scene.phase, scene.screen, image=self._image, sheet=self._presenter.sheet,
                       wait_s=self._wait_s)  # fmt: skip
            place = self._patch.place(room)
            if not place.isEmpty():
                painter.fillRect(place, QColor(Qt.white if scene.lit else Qt.black))
        finally:
            painter.end()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Take a key of the participant, or pass on one of the experimenter."""
        if event is None or event.isAutoRepeat():
            return
        key, sheet = event.key(), self._presenter.sheet
        if key in FORWARDED:
            self.pressed.emit(FORWARDED[Qt.Key(key)])
        elif key == Qt.Key_F11:
            self.showNormal() if self.isFullScreen() else self.showFullScreen()
        elif key in (Qt.Key_Space, Qt.Key_Return, Qt.Key_Enter):
            self._presenter.go_on(self._now())
        elif sheet is not None and self._asks:
            if Qt.Key_1 <= key <= Qt.Key_9:
                sheet.choose(key - Qt.Key_1)
            elif key in (Qt.Key_Left, Qt.Key_Right):
                sheet.move(-1 if key == Qt.Key_Left else 1)
            elif key == Qt.Key_Backspace:
                sheet.back()
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Choose what is clicked at, or go on."""
        sheet = self._presenter.sheet
        if event is None or sheet is None or not self._asks:
            return
        room, at = QRectF(self.rect()), QPointF(event.pos())
        if go_on_box(room).contains(at):
            self._presenter.go_on(self._now())
        for number, box in enumerate(option_boxes(room, sheet)):
            if box.contains(at):
                sheet.choose(number)
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Paint anew."""
        super().resizeEvent(event)
        self.update()

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Pause where somebody closes the window before the protocol's end."""
        if event is None or self._may_close:
            return
        event.ignore()
        self._presenter.pause(self._now(), texts.WINDOW_CLOSED)
        self.hide()

    @property
    def _asks(self) -> bool:
        return self._scene.screen is not None and self._scene.screen.kind == "rating"

    @staticmethod
    def _size_in(width: int, height: int) -> tuple[int, int]:
        return min(_SIZE[0], width - 80), min(_SIZE[1], height - 80)
