"""The row of buttons, the line for marks and notes, and what the engine replied."""

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QToolButton, QWidget

from ...ipc.commands import LONGEST_TEXT, CommandKind, Reply
from ...screens import wording
from .. import strings, theme
from .view import View

_SHOWN_S = 8.0


class ControlRow(QWidget):
    """Buttons, each of which tells its name by :attr:`pressed`."""

    pressed = pyqtSignal(str)

    def __init__(self, read_only: bool, inside: bool = False) -> None:
        super().__init__()
        self.buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(5))
        for name, (text, tip) in strings.BUTTONS.items():
            button = QToolButton()
            button.setText(text)
            button.setFont(theme.font(12))
            keys = next((shown for shown, _, what, _ in strings.SHORTCUTS if what == name), "")
            button.setToolTip(f"{tip} ({keys})" if keys else tip)
            button.setFocusPolicy(Qt.NoFocus)
            button.clicked.connect(lambda _on=False, name=name: self.pressed.emit(name))
            self.buttons[name] = button
            if name in ("freeze", "end"):
                row.addSpacing(theme.px(10))
            row.addWidget(button)
        self.buttons["back"].setVisible(inside)
        self.menu = QMenu(self)
        self.buttons["panels"].setMenu(self.menu)
        self.buttons["panels"].setPopupMode(QToolButton.InstantPopup)
        for name in ("freeze", "blind"):
            self.buttons[name].setCheckable(True)
        if read_only:
            for name in ("record", "pause", "stop", "mark", "note", "end"):
                self.buttons[name].setEnabled(False)
                self.buttons[name].setToolTip(strings.READ_ONLY)

    def show_view(self, view: View) -> None:
        """Show what is on."""
        self.buttons["freeze"].setChecked(view.frozen is not None)
        self.buttons["blind"].setChecked(view.choices.blind)
        status = None if view.newest is None else view.newest.recording
        paused = status is not None and status.paused
        text = strings.PAUSED_BUTTON if paused else strings.BUTTONS["pause"][0]
        if self.buttons["pause"].text() != text:
            self.buttons["pause"].setText(text)


class EntryLine(QLineEdit):
    """The line that marks and notes are written in; it is there only while something is written."""

    entered = pyqtSignal(str, str, float)

    def __init__(self) -> None:
        super().__init__()
        self.setFont(theme.font(13))
        self.setMaxLength(LONGEST_TEXT)
        self._kind: CommandKind = "note"
        self._time_s = 0.0
        self.returnPressed.connect(self._enter)
        self.hide()

    def begin(self, kind: CommandKind, time_s: float) -> None:
        """Begin a mark or a note, of the moment of the key."""
        self._kind, self._time_s = kind, time_s
        self.setPlaceholderText(strings.MARK_HINT if kind == "mark" else strings.NOTE_HINT)
        self.clear()
        self.show()
        self.setFocus()

    def leave(self) -> None:
        """Leave without saving."""
        self.clear()
        self.hide()

    def _enter(self) -> None:
        text = self.text()
        if text.strip():
            self.entered.emit(self._kind, text, self._time_s)
        self.leave()


class MessageLine(theme.ElidedLabel):
    """What the engine replied last, for a while."""

    def __init__(self) -> None:
        super().__init__(12, theme.SOFT)
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._until_s = 0.0

    def show_reply(self, reply: Reply, now_s: float) -> None:
        """Show a reply."""
        tone: wording.Tone = "good" if reply.done else "warn"
        self.setText(f"{wording.MARKS[tone]} {reply.text}")
        theme.tinted(self, theme.TONES[tone])
        self._until_s = now_s + _SHOWN_S

    def age(self, now_s: float) -> None:
        """Forget what was said long enough."""
        if self.full and now_s > self._until_s:
            self.setText("")
