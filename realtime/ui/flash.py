"""A full-screen window that turns white on request and returns the time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QCloseEvent, QColor, QFont, QGuiApplication, QPainter, QPaintEvent
from PyQt5.QtWidgets import QWidget

from ...configs.schema.errors import MoodringError
from ...models.streaming.clock import Clock
from .application import application_here

_TURN_S = 0.005


class FlashWindow(QWidget):
    """The window; a :class:`~moodring.realtime.lab.delays.stimuli.StimulusScreen`.

    Parameters
    ----------
    clock : Clock
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._white = False
        self._text = ""
        self._closed = False
        self.setWindowTitle("moodring: measuring delays")
        self.setAttribute(Qt.WA_OpaquePaintEvent)
        self.setCursor(Qt.BlankCursor)

    def paint(self, white: bool) -> float:
        """Turn white or black without text; return the LSL time right after painting."""
        self._white, self._text = white, ""
        self.repaint()
        QGuiApplication.sync()
        return self._clock.now()

    def say(self, text: str) -> None:
        """Show a text on black."""
        self._white, self._text = False, text
        self.repaint()

    def idle(self, seconds: float) -> None:
        """Wait and keep the window responsive.

        Raises
        ------
        MoodringError
            Somebody closed the window.
        """
        until_s = time.monotonic() + seconds
        while True:
            QGuiApplication.processEvents()
            if self._closed:
                raise MoodringError("the flashing window was closed before the end; start calibrate-sync again")
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(left_s, _TURN_S))

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Fill the window."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(Qt.white if self._white else Qt.black))
        if self._text:
            painter.setPen(QColor(Qt.white))
            painter.setFont(QFont(self.font().family(), 28))
            painter.drawText(self.rect(), int(Qt.AlignCenter) | int(Qt.TextWordWrap), self._text)
        painter.end()

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Note that the window was closed."""
        self._closed = True
        if event is not None:
            event.accept()


@contextmanager
def flash_window(clock: Clock) -> Iterator[FlashWindow]:
    """Open the window in full screen; close it at the end of the block."""
    application = application_here()
    window = FlashWindow(clock)
    window.showFullScreen()
    application.processEvents()
    try:
        yield window
    finally:
        window.close()
        application.processEvents()
