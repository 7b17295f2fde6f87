"""Somebody who answers a protocol: presses the keys of the participant's window, and notes what was painted when."""

from PyQt5.QtCore import QEvent, QObject, Qt, QTimer
from PyQt5.QtTest import QTest

from moodring.realtime.engine.lsl_clock import LslClock
from moodring.realtime.ui.protocol.show import show_protocol

ANSWERED = (7, 3, 5, 2)
"""Answers to the scales, in turn; the first word is chosen."""


class Answering(QObject):
    """Presses Space where it is asked for, answers every scale, and sends what was painted."""

    def __init__(self, window, parent):
        super().__init__()
        self._window, self._parent = window, parent
        self._painted = 0
        self._clock = LslClock()
        window.installEventFilter(self)
        self._timer = QTimer()
        self._timer.timeout.connect(self.press)
        self._timer.start(120)

    def eventFilter(self, watched, event):  # noqa: N802
        scene = self._window.scene
        if event.type() == QEvent.Paint and scene.number != self._painted and scene.screen is not None:
            self._painted = scene.number
            name = scene.screen.stimulus.name if scene.screen.stimulus is not None else ""
            at_s = self._clock.now()
            self._parent.send({"painted": [scene.screen.kind, name, at_s, scene.screen.eyes]})
        return False

    def press(self):
        screen = self._window.scene.screen
        if screen is None:
            return
        if screen.kind in ("text", "pause"):
            QTest.keyClick(self._window, Qt.Key_Space)
        elif screen.kind == "rating" and self._window._presenter.sheet is not None:
            sheet = self._window._presenter.sheet
            if sheet.question.words:
                QTest.keyClick(self._window, Qt.Key_1)
            else:
                QTest.keyClick(self._window, Qt.Key_0 + ANSWERED[sheet.place])
            QTest.keyClick(self._window, Qt.Key_Space)


def show_answered(parent, job, avoid):
    """Show a protocol to somebody who answers: the target of a child process."""
    show_protocol(parent, job, avoid, lambda window: Answering(window, parent))
