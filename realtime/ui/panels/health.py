"""The health panel: state, rate, losses, age and declared delay of each source."""

import html

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ....configs.schema.foreign_text import visible
from ....models.contract import SourceStatus
from ...screens import wording
from .. import strings, theme
from ..live.view import View


class SourceCard(QFrame):
    """One source."""

    def __init__(self, modality: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._modality = modality
        waiting = f"{wording.MARKS['idle']} {strings.SOURCE_WAITING}"
        self.state = theme.label(waiting, 13, theme.TONES["idle"], bold=True)
        self.used = theme.label("", 11, theme.SOFT)
        self.name = theme.ElidedLabel(11, theme.FAINT)
        self.name.setAlignment(Qt.AlignRight)
        self.figures = theme.FittingLabel((11, 10, 9), 2, theme.SOFT)
        head = QHBoxLayout()
        head.setSpacing(theme.px(7))
        head.addWidget(theme.label(wording.source_title(modality), 13, bold=True))
        head.addWidget(self.state)
        head.addWidget(self.used)
        head.addWidget(self.name, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(10), theme.px(3), theme.px(10), theme.px(2))
        column.setSpacing(1)
        column.addLayout(head)
        column.addWidget(self.figures)

    def show_status(self, status: SourceStatus, used: bool, blind: bool = False) -> None:
        """Show one source's status; ``used`` says whether the newest estimate rests on it."""
        status_text = wording.health(status)
        self.state.setText(f"{status_text.mark} {status_text.text}")
        told = strings.IN_ESTIMATE if used else strings.NOT_IN_ESTIMATE
        self.used.setText(told if status.configured and not blind else "")
        theme.tinted(self.state, theme.TONES[status_text.tone])
        self.name.setText(status.name)
        past = [strings.PAST_STATE.format(time=t.time_s, state=t.state, why=t.why) for t in status.transitions[-8:]]
        past.append(strings.PRESENT_STATE.format(why=", ".join((status.why, *wording.more_figures(status)))))
        # Qt takes what looks like markup for markup.
        lines = past if status.error is None else [*past, status.error]
        self.setToolTip("<br>".join(html.escape(visible(line)) for line in lines))
        self.figures.setText(_figures(status))


def _figures(status: SourceStatus) -> str:
    if status.error is not None:
        return status.error
    if not status.configured:
        return strings.LEFT_OUT
    trouble = wording.trouble(status)
    figures = [wording.lost(status), strings.AGE.format(age=wording.age(status.age_s))]
    if trouble:
        return " · ".join([trouble, *wording.worries(status), *figures])
    return " · ".join([*wording.worries(status), wording.rate(status), *figures, wording.delay(status)])


class HealthStrip(QWidget):
    """A card per modality, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[str, SourceCard] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.px(theme.SPACE))

    def show_view(self, view: View) -> None:
        """Show every source of the snapshot."""
        snapshot = view.newest
        if snapshot is None:
            return
        used = () if snapshot.estimate is None else snapshot.estimate.used
        modalities = [status.modality for status in snapshot.sources]
        if modalities != list(self.cards):
            self._build(modalities)
        for status in snapshot.sources:
            self.cards[status.modality].show_status(status, status.modality in used, view.choices.blind)

    def _build(self, modalities: list[str]) -> None:
        """Rebuild the cards: another session may have other sources."""
        for card in self.cards.values():
            self._row.removeWidget(card)
            card.deleteLater()
        self.cards = {modality: SourceCard(modality) for modality in modalities}
        for card in self.cards.values():
            card.setMinimumWidth(1)
            self._row.addWidget(card, 1)
