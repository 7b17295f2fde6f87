"""Panels that can be moved, hidden and put beside each other; what a session does not have takes no room."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from PyQt5.QtCore import QByteArray, Qt, pyqtSignal
from PyQt5.QtGui import QShowEvent
from PyQt5.QtWidgets import QDockWidget, QHBoxLayout, QMainWindow, QMenu, QToolButton, QWidget

from .. import strings, theme

_COLUMN = ("valence", "arousal", "expression", "eeg")
_BELOW = ("markers", "heads", "health")


class Docks(QMainWindow):
    """The panels; :attr:`changed` tells that the user has hidden or shown one.

    Parameters
    ----------
    panels : mapping of str to QWidget
        By the names of ``strings.TITLES``.
    closed : iterable of str
        Those that the user has hidden.
    """

    changed = pyqtSignal()

    def __init__(self, panels: Mapping[str, QWidget], closed: Iterable[str] = ()) -> None:
        super().__init__()
        self.setWindowFlags(Qt.Widget)
        self.setObjectName("picture")
        self.setDockNestingEnabled(True)
        self.setContextMenuPolicy(Qt.NoContextMenu)
        self.closed = set(closed)
        self._available = set(panels)
        self.docks = {name: _dock(name, panel) for name, panel in panels.items()}
        for name, dock in self.docks.items():
            title = dock.titleBarWidget()
            if isinstance(title, DockTitle):
                title.hidden.connect(lambda name=name: self.show_panel(name, False))
        self._arrange()
        self._default = self.saveState()
        self._shared_out = False
        self._update()

    def default_layout(self) -> None:
        """Put every panel where it is by default."""
        self.restoreState(self._default)
        self._share_out()
        self._update()

    def restore(self, state: QByteArray) -> None:
        """Put every panel where it was; a state that does not fit is passed over."""
        self._shared_out = self.restoreState(state)
        self._update()

    def _arrange(self) -> None:
        docks = self.docks
        self.addDockWidget(Qt.LeftDockWidgetArea, docks["valence"])
        self.splitDockWidget(docks["valence"], docks["camera"], Qt.Horizontal)
        for above, below in (
            *pairwise(_COLUMN),
            *(("camera", "looks"), ("looks", "speech")),
        ):
            self.splitDockWidget(docks[above], docks[below], Qt.Vertical)
        self.splitDockWidget(docks["camera"], docks["plane"], Qt.Horizontal)
        self.splitDockWidget(docks["looks"], docks["scalp"], Qt.Horizontal)
        self.addDockWidget(Qt.BottomDockWidgetArea, docks["markers"])
        for above, below in pairwise(_BELOW):
            self.splitDockWidget(docks[above], docks[below], Qt.Vertical)

    def show_available(self, names: Iterable[str]) -> None:
        """Show the panels that this session has and the user has not hidden."""
        wanted = set(names)
        if wanted != self._available:
            self._available = wanted
            self._update()

    def show_panel(self, name: str, shown: bool) -> None:
        """Show or hide a panel, as its user wants it."""
        (self.closed.discard if shown else self.closed.add)(name)
        self._update()
        self.changed.emit()

    def name_panel(self, name: str, title: str) -> None:
        """Set the title of a panel."""
        bar = self.docks[name].titleBarWidget()
        if isinstance(bar, DockTitle) and bar.title.text() != title:
            bar.title.setText(title)

    def fill_menu(self, menu: QMenu) -> None:
        """Fill a menu with the panels of this session."""
        menu.clear()
        for name in strings.TITLES:
            if name not in self._available:
                continue
            action = menu.addAction(strings.TITLES[name])
            if action is not None:
                action.setCheckable(True)
                action.setChecked(name not in self.closed)
                action.toggled.connect(lambda on, name=name: self.show_panel(name, on))

    def _update(self) -> None:
        for name, dock in self.docks.items():
            shown = name in self._available and name not in self.closed
            if dock.isHidden() == shown:
                dock.setVisible(shown)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Share out the room when it is known."""
        super().showEvent(event)
        if not self._shared_out:
            self._share_out()

    def _share_out(self) -> None:
        self._shared_out = True
        docks = self.docks
        left, half = round(0.56 * self.width()), round(0.22 * self.width())
        self.resizeDocks([docks["valence"], docks["camera"], docks["plane"]], [left, half, half], Qt.Horizontal)
        self.resizeDocks([docks["looks"], docks["scalp"]], [half, half], Qt.Horizontal)


class DockTitle(QWidget):
    """The title that a panel is moved by, with a × that hides it."""

    hidden = pyqtSignal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("dockTitle")
        self.title = theme.label(title, 11, theme.SOFT, bold=True)
        close = QToolButton()
        close.setObjectName("quiet")
        close.setText("×")
        close.setFont(theme.font(13))
        close.setToolTip(strings.CLOSE_PANEL)
        close.setFocusPolicy(Qt.NoFocus)
        close.clicked.connect(self.hidden)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(4), 0, theme.px(4), 0)
        row.setSpacing(theme.px(4))
        row.addWidget(self.title)
        row.addStretch()
        row.addWidget(close)
        self.setFixedHeight(max(theme.px(18), self.minimumSizeHint().height()))


def _dock(name: str, panel: QWidget) -> QDockWidget:
    dock = QDockWidget(strings.TITLES[name])
    dock.setObjectName(name)
    dock.setFeatures(QDockWidget.DockWidgetMovable | QDockWidget.DockWidgetFloatable | QDockWidget.DockWidgetClosable)
    dock.setTitleBarWidget(DockTitle(strings.TITLES[name]))
    dock.setWidget(panel)
    return dock
