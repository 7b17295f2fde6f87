"""The window of several engines: their tiles, and the live page of the one that was chosen."""

from collections.abc import Callable
from datetime import datetime

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QCloseEvent, QResizeEvent
from PyQt5.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QShortcut, QVBoxLayout, QWidget

from ...ipc.commands import Command
from ...ipc.engine_feeds import Followed, FollowedEngines
from ...ipc.snapshot_feed import SnapshotFeed, SnapshotSource
from .. import strings, theme
from ..display import first_size
from ..ending.question import EndQuestion
from ..live.commander import Commands
from ..live.view_model import ViewModel
from ..live.window import SMALLEST, Window
from ..settings import Settings
from .grid import TILE, columns_for, scale_of
from .tile import Tile
from .tile_model import TileModel

RATE_HZ = 5
_REBUILD_MS = 200
_GEOMETRY = "tiles/geometry"


class TilesWindow(QWidget):
    """Shows every engine that is followed; a click or Enter opens the whole page of one, Escape goes back.

    Parameters
    ----------
    engines : FollowedEngines
        Closed with the window.
    commands : callable or None
        Returns what takes the commands to an engine of a name; None where the window only watches.
    settings : Settings or None
        None are those of the user.
    follow : callable
        Returns the feed of an engine of a name, for its whole page.
    """

    def __init__(
        self,
        engines: FollowedEngines,
        commands: Callable[[str], Commands] | None = None,
        settings: Settings | None = None,
        follow: Callable[[str], SnapshotSource] = SnapshotFeed,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setAttribute(Qt.WA_StyledBackground)
        self.setWindowTitle(strings.BRAND)
        self.setMinimumSize(*SMALLEST)
        self.resize(*first_size(SMALLEST))
        self.settings = settings or Settings()
        geometry = self.settings.bytes_of(_GEOMETRY)
        if geometry is not None:
            self.restoreGeometry(geometry)
        self._engines, self._make_commands, self._follow = engines, commands, follow
        self._ending: dict[str, Commands] = {}
        self._models: dict[str, TileModel] = {}
        self.followed: tuple[Followed, ...] = ()
        self.tiles: dict[str, Tile] = {}
        self.live: Window | None = None
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 0, 0, 0)
        self._page = QWidget(self)
        self._look()
        self.rebuild()
        self._rebuild_timer = QTimer(self)
        self._rebuild_timer.setSingleShot(True)
        self._rebuild_timer.timeout.connect(self.rebuild)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self._timer.start(round(1000 / RATE_HZ))

    def tick(self) -> None:
        """Show the newest of every engine."""
        before = list(self._models)
        self._look()
        if self.live is not None:
            return
        if list(self._models) != before:
            self.rebuild()
        else:
            self._show()

    def open(self, key: str) -> None:
        """Open the whole page of an engine."""
        if self.live is not None:
            return
        self._chosen = key
        name = next(one.name for one in self.followed if one.key == key)
        commands = None if self._make_commands is None else self._make_commands(name)
        self.live = Window(ViewModel(self._follow(name)), commands, self.settings, inside=True)
        self.live.left.connect(self.back)
        self._outer.addWidget(self.live)
        self._page.hide()
        self.live.show()
        self.live.setFocus()

    def back(self) -> None:
        """Go back to the tiles."""
        if self.live is None:
            return
        live, self.live = self.live, None
        live.close()
        self._outer.removeWidget(live)
        live.deleteLater()
        self.rebuild()
        if self._chosen in self.tiles:
            self.tiles[self._chosen].setFocus()

    def end_all(self) -> None:
        """End all sessions; each engine is told once."""
        for one in self.followed:
            if self._make_commands is not None and one.key not in self._ending and not (one.ended or one.gone):
                self._ending[one.key] = self._make_commands(one.name)
                self._ending[one.key].send(Command("stop_session"))

    def rebuild(self) -> None:
        """Build the tiles anew, in the palette and at the scale of the moment."""
        if self.live is not None:
            return
        focused = next((key for key, tile in self.tiles.items() if tile.hasFocus()), None)
        self._scale = scale_of(len(self._models), self.width(), self.height())
        theme.use(self.settings.theme, self._scale)
        self.setPalette(theme.palette())
        self.setStyleSheet(theme.style())
        self.setFont(theme.font(12))
        before, self._page = self._page, self._built()
        self._outer.addWidget(self._page)
        self._outer.removeWidget(before)
        before.hide()
        before.deleteLater()
        self._page.show()
        self._outer.activate()
        self._show()
        first = focused if focused in self.tiles else next(iter(self.tiles), None)
        if first is not None:
            self.tiles[first].setFocus()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Let columns and fonts follow, once the size stays."""
        super().resizeEvent(event)
        if hasattr(self, "_rebuild_timer"):
            self._rebuild_timer.start(_REBUILD_MS)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Disconnect from all engines, which continue."""
        self._timer.stop()
        self._rebuild_timer.stop()
        self.settings.keep_bytes(_GEOMETRY, self.saveGeometry())
        self.settings.save()
        if self.live is not None:
            self.live.close()
        for one in self._ending.values():
            one.close()
        for model in self._models.values():
            model.close()
        self._engines.close()
        super().closeEvent(event)

    def _look(self) -> None:
        """Read what is new, in the order of the engines' starts."""
        self.followed = self._engines.look()
        keys = [one.key for one in self.followed]
        for key in [key for key in self._models if key not in keys]:
            self._models.pop(key).close()
        self._models = {key: self._models.get(key) or TileModel() for key in keys}

    def _show(self) -> None:
        answering = sum(one.snapshot is not None and not (one.gone or one.ended) for one in self.followed)
        self.count.setText(strings.TILES_COUNT.format(answering=answering, count=len(self.followed)))
        self.wall_clock.setText(datetime.now().strftime("%H:%M:%S"))
        self.waiting.setVisible(not self.followed)
        for one in self.followed:
            self.tiles[one.key].show_view(one.name, self._models[one.key].view(one))

    def _built(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        space = theme.px(theme.SPACE)
        column.setContentsMargins(space, theme.px(5), space, theme.px(5))
        column.setSpacing(theme.px(5))
        column.addLayout(self._head(page))
        self.question = EndQuestion()
        self.question.agreed.connect(self.end_all)
        column.addWidget(self.question)
        self.waiting = theme.label(strings.TILES_WAITING, 15, theme.SOFT)
        self.waiting.setAlignment(Qt.AlignCenter)
        column.addWidget(self.waiting, 1)
        column.addWidget(self._tiles_in_rows(), 100)
        return page

    def _head(self, page: QWidget) -> QHBoxLayout:
        self.count, self.wall_clock = theme.label("", 13, theme.SOFT, bold=True), theme.label("", 16, bold=True)
        row = QHBoxLayout()
        row.setSpacing(theme.px(12))
        row.addWidget(theme.label(strings.BRAND, 16, bold=True))
        row.addWidget(self.count)
        hint = theme.ElidedLabel(11, theme.FAINT)
        hint.setText(strings.TILES_HINT)
        row.addWidget(hint, 1)
        if self._make_commands is not None:
            self.end_button = QPushButton(strings.TILES_END)
            self.end_button.setFont(theme.font(12))
            self.end_button.setFocusPolicy(Qt.NoFocus)
            self.end_button.clicked.connect(self._ask_to_end)
            row.addWidget(self.end_button)
        row.addWidget(self.wall_clock)
        for sequence, deed in (
            ("D", self._other_theme), ("F11", self._full), ("Ctrl+E", self._ask_to_end), ("Esc", self._put_away),
        ):  # fmt: skip
            QShortcut(sequence, page).activated.connect(deed)
        return row

    def _tiles_in_rows(self) -> QScrollArea:
        inner, grid = QWidget(), QGridLayout()
        inner.setLayout(grid)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.px(theme.SPACE))
        self.columns = columns_for(len(self._models), self.width(), self.height())
        self.tiles = {}
        for place, key in enumerate(self._models):
            tile = self.tiles[key] = Tile()
            tile.setMinimumSize(theme.px(0.8 * TILE[0]), theme.px(0.86 * TILE[1]))
            tile.opened.connect(lambda key=key: self.open(key))
            tile.moved.connect(lambda right, down, place=place: self._move(place + right + down * self.columns))
            grid.addWidget(tile, place // self.columns, place % self.columns)
        for line in range(self.columns):
            grid.setColumnStretch(line, 1)
        for line in range(-(-len(self._models) // self.columns)):
            grid.setRowStretch(line, 1)
        area = QScrollArea()
        area.setFrameShape(QFrame.NoFrame)
        area.setFocusPolicy(Qt.NoFocus)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        inner.setObjectName("page")
        area.setWidget(inner)
        self._area = area
        return area

    def _move(self, place: int) -> None:
        tiles = list(self.tiles.values())
        if 0 <= place < len(tiles):
            tiles[place].setFocus()
            self._area.ensureWidgetVisible(tiles[place])

    def _ask_to_end(self) -> None:
        there = [one for one in self.followed if not (one.ended or one.gone) and one.key not in self._ending]
        if self._make_commands is not None and there:
            self.question.ask_of_all(len(there))

    def _put_away(self) -> None:
        self.question.hide()

    def _other_theme(self) -> None:
        self.settings.theme = "light" if self.settings.theme == "dark" else "dark"
        self.rebuild()

    def _full(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()
