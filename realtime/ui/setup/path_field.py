"""A field for a file's path, with a button that looks for one."""

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QToolButton, QWidget

from .. import strings, theme


class PathField(QWidget):
    """The field; :attr:`chosen` tells of a file that was looked for."""

    chosen = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.line, self.button = QLineEdit(), QToolButton()
        self.button.setText(strings.SETUP_BROWSE)
        self.button.setToolTip(strings.SETUP_BROWSE_TIP)
        self.button.clicked.connect(self._browse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(4))
        row.addWidget(self.line, 1)
        row.addWidget(self.button)

    def text(self) -> str:
        """Return the path."""
        return self.line.text()

    def setFont(self, font: QFont) -> None:  # noqa: N802
        """Set the font of both."""
        for part in (self.line, self.button):
            part.setFont(font)

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, strings.SETUP_BROWSE_TIP, self.text(), strings.SETUP_TOML_FILES)
        if name:
            self.line.setText(name)
            self.chosen.emit(name)
