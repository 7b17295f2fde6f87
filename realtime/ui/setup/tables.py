"""Tables of the set-up page: streams, findings, channels."""

from collections.abc import Sequence

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from ....configs.schema.foreign_text import visible
from ...lab.discover import LslStream
from ...lab.doctor import Finding
from ...lab.probe import Electrode
from ...screens.wording import MARKS, Tone
from .. import strings, theme


class Table(QTableWidget):
    """A table whose rows are texts with a tone each.

    Parameters
    ----------
    headings : sequence of str
    stretch : int
        The column that takes what is left.
    """

    def __init__(self, headings: Sequence[str], stretch: int) -> None:
        super().__init__(0, len(headings))
        self.setHorizontalHeaderLabels(list(headings))
        self.setFont(theme.font(12))
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setFocusPolicy(Qt.NoFocus)
        self.setSelectionMode(QAbstractItemView.NoSelection)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        header, numbers = QHeaderView(Qt.Horizontal, self), QHeaderView(Qt.Vertical, self)
        self.setHorizontalHeader(header)
        self.setVerticalHeader(numbers)
        header.setFont(theme.font(11))
        for column in range(len(headings)):
            mode = QHeaderView.Stretch if column == stretch else QHeaderView.ResizeToContents
            header.setSectionResizeMode(column, mode)
        numbers.setSectionResizeMode(QHeaderView.ResizeToContents)
        numbers.hide()
        self._rows: list[tuple[tuple[str, ...], Tone | None]] = []

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The texts."""
        return tuple(row for row, _ in self._rows)

    def show_rows(self, rows: Sequence[tuple[tuple[str, ...], Tone | None]]) -> None:
        """Set the rows; cells that stay the same are not touched."""
        if list(rows) == self._rows:
            return
        self._rows = list(rows)
        self.setRowCount(len(rows))
        for place, (cells, tone) in enumerate(rows):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(visible(text))
                item.setToolTip(visible(text))
                item.setForeground(theme.colour(theme.TEXT if tone is None or column else theme.TONES[tone]))
                self.setItem(place, column, item)


class StreamTable(Table):
    """The streams of the network."""

    def __init__(self) -> None:
        super().__init__(strings.SETUP_STREAM_HEADINGS, 0)

    def show_streams(self, streams: Sequence[LslStream]) -> None:
        """Show what was found."""
        self.show_rows([(_stream_cells(one), None) for one in streams])


def _stream_cells(one: LslStream) -> tuple[str, ...]:
    nominal = strings.SETUP_IRREGULAR if one.nominal_rate_hz == 0 else f"{one.nominal_rate_hz:g}"
    silent = strings.SETUP_REPLAY if one.replay else strings.SETUP_SILENT
    observed = silent if one.observed_rate_hz is None else f"{one.observed_rate_hz:.1f}"
    return one.name, one.type, str(one.channels), nominal, observed, one.host


class FindingTable(Table):
    """What each source and bundle has, beside what is needed: green or red, with the reason."""

    def __init__(self) -> None:
        super().__init__(strings.SETUP_FINDING_HEADINGS, 1)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show the findings."""
        self.show_rows([((f"{MARKS[_tone(one)]} {one.what}", one.text), _tone(one)) for one in findings])


def _tone(finding: Finding) -> Tone:
    return "bad" if not finding.ok else "warn" if finding.note else "good"


class ElectrodeTable(Table):
    """The channels: name in the stream, 10-20 name, amplitude, line noise, contact; names can be changed.

    :attr:`renamed` tells the stream's name and the new one.
    """

    renamed = pyqtSignal(str, str)

    def __init__(self) -> None:
        super().__init__(strings.SETUP_ELECTRODE_HEADINGS, 4)
        self.setEditTriggers(QAbstractItemView.DoubleClicked)
        self.itemChanged.connect(self._changed)
        self._channels: tuple[str, ...] = ()

    def show_electrodes(self, electrodes: Sequence[Electrode], renamed: dict[str, str]) -> None:
        """Show the channels, unless one is being edited."""
        if self.state() == QAbstractItemView.EditingState:
            return
        back = {name: channel for channel, name in renamed.items()}
        self._channels = tuple(back.get(one.channel, one.channel) for one in electrodes)
        self.blockSignals(True)
        self.show_rows(
            [
                (_electrode_cells(channel, one), electrode_tone(one))
                for channel, one in zip(self._channels, electrodes, strict=True)
            ]
        )
        for row in range(self.rowCount()):
            for column in range(self.columnCount()):
                item = self.item(row, column)
                if item is not None and column != 1:
                    item.setFlags(item.flags() & ~Qt.ItemIsEditable)
        self.blockSignals(False)

    def _changed(self, item: QTableWidgetItem) -> None:
        if item.column() == 1 and item.row() < len(self._channels):
            self.renamed.emit(self._channels[item.row()], item.text().strip())


def electrode_tone(one: Electrode) -> Tone:
    """Return how an electrode does."""
    return "idle" if one.name is None else "bad" if one.fault else "good"


def _electrode_cells(channel: str, one: Electrode) -> tuple[str, ...]:
    contact = strings.SETUP_GOOD if not one.fault else one.fault
    return (
        channel,
        one.name or strings.NOTHING,
        f"{one.microvolts:.1f}",
        f"{one.line_microvolts:.1f}",
        strings.SETUP_NO_ELECTRODE if one.name is None else contact,
    )
