"""The health panel: state, rate, losses, age and declared delay of each source."""

import html

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ....configs.schema.foreign_text import visible
from ....models.contract import SourceStatus
from ...screens import wording
from .. import theme
from ..view import View


class SourceCard(QFrame):
    """One source."""

    def __init__(self, modality: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._modality = modality
        self.state = theme.label("○ waiting", 13, theme.TONES["idle"], bold=True)
        self.used = theme.label("", 11, theme.SOFT)
        self.name = theme.label("", 11, theme.FAINT)
        self.figures = theme.label("", 11, theme.SOFT)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(theme.label(wording.source_title(modality), 13, bold=True))
        head.addWidget(self.state)
        head.addWidget(self.used)
        head.addStretch()
        head.addWidget(self.name)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.figures)

    def show_status(self, status: SourceStatus, used: bool) -> None:
        """Show one source's status; ``used`` says whether the newest estimate rests on it."""
        status_text = wording.health(status)
        self.state.setText(f"{status_text.mark} {status_text.text}")
        self.used.setText(("in the estimate" if used else "not in the estimate") if status.configured else "")
        theme.tinted(self.state, theme.TONES[status_text.tone])
        self.name.setText(status.name if len(status.name) <= 26 else status.name[:25] + "…")
        past = [f"{t.time_s:.1f} s: {t.state}, {t.why}" for t in status.transitions[-8:]]
        past.append("now: " + ", ".join((status.why, *wording.more_figures(status))))
        # Qt takes what looks like markup for markup.
        lines = past if status.error is None else [*past, status.error]
        self.setToolTip("<br>".join(html.escape(visible(line)) for line in lines))
        room = self.width() - 26
        if status.error is not None:
            self.figures.setText(self.figures.fontMetrics().elidedText(status.error, Qt.ElideRight, room))
        elif not status.configured:
            self.figures.setText("left out of the config")
        else:
            trouble = wording.trouble(status)
            parts = [trouble] if trouble else []
            parts += [wording.rate(status), wording.lost(status), f"age {wording.age(status.age_s)}"]
            text = " · ".join([*parts, wording.delay(status), *wording.more_figures(status)])
            self.figures.setText(self.figures.fontMetrics().elidedText(text, Qt.ElideRight, room))


class HealthStrip(QWidget):
    """A card per modality, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[str, SourceCard] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.SPACE)

    def show_view(self, view: View) -> None:
        """Show every source of the snapshot."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        used = () if snapshot.estimate is None else snapshot.estimate.used
        modalities = [status.modality for status in snapshot.sources]
        if modalities != list(self.cards):
            self._build(modalities)
        for status in snapshot.sources:
            self.cards[status.modality].show_status(status, status.modality in used)

    def _build(self, modalities: list[str]) -> None:
        """Rebuild the cards: another session may have other sources."""
        for card in self.cards.values():
            self._row.removeWidget(card)
            card.deleteLater()
        self.cards = {modality: SourceCard(modality) for modality in modalities}
        for card in self.cards.values():
            card.setMinimumWidth(1)
            self._row.addWidget(card, 1)
