"""What is shown before a recording is open: the recordings that were found, and the way to others."""

from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ....configs.schema.session_folder import SESSION_FILE
from ...screens.wording import MARKS, Tone
from .. import strings, theme
from .bars import button

_DEPTH = ("*", "*/*", "*/*/*")  # a session lies in the folder of its participant and sitting
_MOST = 500


def sessions_in(folder: Path) -> list[Path]:
    """Return the session folders under a folder, the newest first."""
    found = {path.parent for pattern in _DEPTH for path in folder.glob(f"{pattern}/{SESSION_FILE}")}
    return sorted(found, key=lambda path: (path / SESSION_FILE).stat().st_mtime, reverse=True)[:_MOST]


class StartPage(QWidget):
    """A list of sessions, and buttons that open others."""

    pressed = pyqtSignal(str)
    opened = pyqtSignal(object)

    def __init__(self, folder: Path | None) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setFont(theme.font(12))
        self.message = theme.SteadyLabel(3, 13, theme.SOFT)
        self.buttons = {name: button(name) for name in ("open_folder", "open_file")}
        outer = QVBoxLayout(self)
        space = theme.px(24)
        outer.setContentsMargins(space, space, space, space)
        outer.setSpacing(theme.px(12))
        head = QHBoxLayout()
        head.addWidget(theme.label(strings.BRAND, 18, bold=True))
        head.addWidget(theme.label(strings.REPLAY_TITLE, 18, theme.SOFT, bold=True))
        head.addStretch()
        for name, one in self.buttons.items():
            one.clicked.connect(lambda _on=False, name=name: self.pressed.emit(name))
            head.addWidget(one)
        outer.addLayout(head)
        outer.addWidget(self.message)
        found = [] if folder is None else sessions_in(folder)
        for path in found:
            item = QListWidgetItem(path.name)
            item.setData(Qt.UserRole, path)
            item.setToolTip(str(path))
            self.list.addItem(item)
        if found:
            outer.addWidget(theme.label(strings.REPLAY_FOUND.format(folder=folder), 12, theme.SOFT))
            outer.addWidget(self.list, 1)
        else:
            outer.addStretch()
        self.list.itemActivated.connect(lambda item: self.opened.emit(item.data(Qt.UserRole)))
        self.say(strings.REPLAY_NOTHING)

    def say(self, text: str, tone: Tone = "idle") -> None:
        """Show a sentence."""
        self.message.setText(f"{MARKS[tone]} {text}")
        theme.tinted(self.message, theme.TONES[tone])
