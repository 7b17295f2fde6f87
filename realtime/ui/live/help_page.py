"""The page of keys, over the window."""

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from .. import strings, theme


class HelpPage(QFrame):
    """Every key and what it does; a click or a key closes it.

    Parameters
    ----------
    below : QWidget
        What it lies over.
    shortcuts : as :data:`strings.SHORTCUTS`
    foot : str
        Written below the keys.
    """

    def __init__(
        self,
        below: QWidget,
        shortcuts: tuple[tuple[str, tuple[str, ...], str, str], ...] = strings.SHORTCUTS,
        foot: str = strings.HELP_FOOT,
    ) -> None:
        super().__init__(below)
        self.setObjectName("panel")
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(24), theme.px(16), theme.px(24), theme.px(16))
        column.setSpacing(theme.px(10))
        column.addWidget(theme.label(strings.HELP_TITLE, 18, bold=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.px(16))
        grid.setVerticalSpacing(theme.px(4))
        half = -(-len(shortcuts) // 2)
        for place, (keys, _, _, words) in enumerate(shortcuts):
            left = 2 * (place // half)
            grid.addWidget(_right(theme.label(keys, 12, theme.ACCENT, bold=True)), place % half, left)
            grid.addWidget(theme.label(words, 12), place % half, left + 1)
        column.addLayout(grid)
        if foot:
            column.addWidget(theme.label(foot, 11, theme.SOFT))
        self.hide()

    def toggle(self) -> None:
        """Show it in the middle of the window, or hide it."""
        parent = self.parentWidget()
        self.setVisible(self.isHidden())
        if parent is not None and not self.isHidden():
            self.adjustSize()
            self.move((parent.width() - self.width()) // 2, (parent.height() - self.height()) // 2)
            self.raise_()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Close it."""
        self.hide()
        if event is not None:
            event.accept()


def _right(label: QLabel) -> QLabel:
    label.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
    return label
