"""The question before a session ends, in a bar of the live page; nothing waits for its answer."""

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QPushButton

from .. import strings, theme
from ..live.view import View


class EndQuestion(QFrame):
    """There only while it is asked; :attr:`agreed` tells that the session is to end."""

    agreed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notices")
        self.text = theme.label("", 13, theme.TONES["warn"], bold=True)
        self.text.setWordWrap(True)
        self.text.setMinimumWidth(1)
        self.yes, self.no = QPushButton(strings.END_YES), QPushButton(strings.END_NO)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(10), theme.px(4), theme.px(10), theme.px(4))
        row.setSpacing(theme.px(10))
        row.addWidget(self.text, 1)
        for button in (self.yes, self.no):
            button.setFont(theme.font(13, bold=button is self.yes))
            button.setAutoDefault(True)  # Enter presses the one that has the focus
            row.addWidget(button)
        self.yes.clicked.connect(self._agree)
        self.no.clicked.connect(self.hide)
        self.hide()

    def ask(self, view: View | None) -> None:
        """Put the question, unless the session is ending already."""
        newest = None if view is None else view.newest
        if newest is not None and newest.phase in ("ending", "ended"):
            return
        status = None if newest is None else newest.recording
        recording = strings.END_NO_RECORDING
        if status is not None and status.on:
            recording = strings.END_RECORDING.format(folder=status.folder)
        self.text.setText(strings.END_QUESTION.format(recording=recording))
        self.show()
        self.yes.setFocus()

    def ask_of_all(self, count: int) -> None:
        """Put the question for all sessions at once."""
        self.text.setText(strings.TILES_END_QUESTION.format(count=count))
        self.show()
        self.yes.setFocus()

    def _agree(self) -> None:
        self.hide()
        self.agreed.emit()
