"""A tile: one participant at a glance, and the way to the whole page."""

from PyQt5.QtCore import QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter
from PyQt5.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout

from ....configs.schema.foreign_text import visible
from ....models.contract import SourceStatus
from ...ipc.snapshot import Snapshot
from ...screens import wording
from .. import strings, theme
from ..live.view import View
from ..painting import Canvas
from ..panels.face import FaceView
from ..panels.plane import Plane

_OPENS = (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space)
_MOVES = {Qt.Key_Left: (-1, 0), Qt.Key_Right: (1, 0), Qt.Key_Up: (0, -1), Qt.Key_Down: (0, 1)}
_AXES = ("valence", "arousal")
_WORST: tuple[wording.Tone, ...] = ("bad", "warn", "idle", "good")


class Tile(QFrame):
    """Participant, phase, recording; plane and face; the answers; the health of every source.

    :attr:`opened` tells that its whole page is wanted, :attr:`moved` which neighbour is to have the keys.
    """

    opened = pyqtSignal()
    moved = pyqtSignal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("tile")
        self.setFocusPolicy(Qt.StrongFocus)
        self.setCursor(Qt.PointingHandCursor)
        idle = theme.TONES["idle"]
        self.who = theme.ElidedLabel(14, bold=True)
        self.clock = theme.label("", 13, theme.SOFT, bold=True)
        self.phase = theme.ElidedLabel(12, idle, bold=True)
        self.recording = theme.label("", 12, idle, bold=True)
        self.plane, self.face = Plane(legend=False), FaceView()
        self.answers, self.notice = theme.ElidedLabel(12, bold=True), theme.ElidedLabel(11, theme.TONES["warn"])
        self.trouble = theme.ElidedLabel(11, idle)
        self.sources: dict[str, QLabel] = {}
        self.veil = Veil()
        self._compose()

    def show_view(self, name: str, view: View) -> None:
        """Show an engine by its name."""
        snapshot = view.newest
        self.who.setText(visible(_who(name, snapshot)))
        self.veil.say(_veil(view))
        status = _phase(view)
        self.phase.setText(f"{status.mark} {status.text}")
        theme.tinted(self.phase, theme.TONES[status.tone])
        self.setToolTip(strings.TILE_TIP)
        if snapshot is None:
            return
        there = view.attachment == "attached"
        self.clock.setText(wording.clock(snapshot.elapsed_s))
        recording = wording.recording(snapshot) if view.attachment != "gone" else None
        self.recording.setText("" if recording is None else f"{recording.mark} {recording.text}")
        theme.tinted(self.recording, theme.TONES["idle" if recording is None else recording.tone])
        self.plane.show_view(view)
        self.face.show_view(view)
        self.answers.setText(visible(answers(snapshot)))
        theme.tinted(self.answers, theme.TEXT if there else theme.FAINT)
        self.notice.setText(_notices(snapshot))
        self.notice.setVisible(bool(self.notice.full))
        self._show_sources(snapshot, there)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Open the whole page."""
        if event is not None and event.button() == Qt.LeftButton:
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Open the whole page, or go to a neighbour."""
        if event is not None and event.key() in _OPENS:
            self.opened.emit()
        elif event is not None and event.key() in _MOVES:
            self.moved.emit(*_MOVES[event.key()])
        else:
            super().keyPressEvent(event)

    def _compose(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(8), theme.px(4), theme.px(8), theme.px(5))
        column.setSpacing(theme.px(2))
        for parts in ((self.who, self.clock), (self.phase, self.recording)):
            row = QHBoxLayout()
            row.setSpacing(theme.px(8))
            row.addWidget(parts[0], 1)
            row.addWidget(parts[1])
            column.addLayout(row)
        pictures = QGridLayout()
        pictures.setHorizontalSpacing(theme.px(6))
        for place, picture in enumerate((self.plane, self.face)):
            pictures.addWidget(theme.elastic(picture), 0, place)
            pictures.setColumnStretch(place, 1)
        pictures.addWidget(self.veil, 0, 0, 1, 2)
        column.addLayout(pictures, 1)
        column.addWidget(self.answers)
        column.addWidget(self.notice)
        self._row = QHBoxLayout()
        self._row.setSpacing(theme.px(8))
        self._row.addWidget(self.trouble, 1)
        column.addLayout(self._row)

    def _show_sources(self, snapshot: Snapshot, there: bool) -> None:
        statuses = [status for status in snapshot.sources if status.configured]
        names = [status.modality for status in statuses]
        if names != list(self.sources):
            for label in self.sources.values():
                self._row.removeWidget(label)
                label.deleteLater()
            self.sources = {name: theme.label("", 12, bold=True) for name in names}
            for place, label in enumerate(self.sources.values()):
                self._row.insertWidget(place, label)
        for status in statuses:
            told = wording.health(status) if there else wording.StatusText("", "idle")
            label = self.sources[status.modality]
            label.setText(f"{told.mark} {wording.source_title(status.modality)}")
            theme.tinted(label, theme.TONES[told.tone])
        text, tone = trouble(statuses) if there else ("", "idle")
        self.trouble.setText(visible(text))
        theme.tinted(self.trouble, theme.TONES[tone])


class Veil(Canvas):
    """Dims the pictures of an engine that does not answer, and says so over them."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, text: str) -> None:
        """Show why nothing comes; an empty text where something does."""
        if text == self.text:
            return
        self.text = text
        self.setVisible(bool(text))
        self.raise_()
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw it."""
        painter.fillRect(self.rect(), theme.colour(theme.PANEL, 0.78))
        painter.setFont(theme.font(13, bold=True))
        painter.setPen(theme.colour(theme.TEXT))
        painter.drawText(QRectF(self.rect()).adjusted(4, 2, -4, -2), Qt.AlignCenter | Qt.TextWordWrap, self.text)


def answers(snapshot: Snapshot) -> str:
    """Return the newest answers on a line: what is felt, else what face and voice express; or why nothing is said."""
    estimate = snapshot.estimate
    if not snapshot.classes("valence"):
        parts = [strings.TILE_VOICE.format(answer=wording.speech(snapshot).text)] if snapshot.classes("speech") else []
        if snapshot.classes(wording.FACE):
            parts.insert(0, strings.TILE_FACE.format(answer=wording.face_expression(snapshot).text))
        return " · ".join(parts) or strings.NO_ESTIMATE
    heads = [head for axis in _AXES if estimate is not None and (head := estimate.answer(axis)) is not None]
    if len(heads) < len(_AXES):
        first = None if estimate is None else estimate.head(_AXES[0])
        return (None if first is None else first.abstained) or strings.NO_ESTIMATE
    said = ((wording.answer(head.kept) or str(head.best)).replace(" or ", "/") for head in heads)
    return " · ".join(f"{axis} {words}" for axis, words in zip(_AXES, said, strict=True))


def trouble(statuses: list[SourceStatus]) -> tuple[str, wording.Tone]:
    """Return what is wrong with the source that is worst, and how bad it is; empty where all are live."""
    told = [(wording.health(status), status) for status in statuses]
    worst = min(told, key=lambda one: _WORST.index(one[0].tone), default=None)
    if worst is None or worst[0].tone == "good":
        return "", "good"
    status_text, status = worst
    return f"{wording.source_title(status.modality)}: {wording.trouble(status) or status_text.text}", status_text.tone


def _who(name: str, snapshot: Snapshot | None) -> str:
    participant = "" if snapshot is None else snapshot.participant
    return name if participant in ("", "unknown", name) else f"{participant} ({name})"


def _phase(view: View) -> wording.StatusText:
    if view.newest is None:
        return wording.StatusText(strings.TILE_WAITING, "idle")
    return wording.StatusText(strings.ENGINE_GONE, "bad") if view.attachment == "gone" else wording.phase(view.newest)


def _veil(view: View) -> str:
    if view.attachment == "gone":
        return strings.TILE_GONE.format(silent=view.silent_s, why=view.why).strip()
    if view.attachment == "ended":
        return strings.TILE_ENDED
    return visible(view.why) if view.attachment == "waiting" else ""


def _notices(snapshot: Snapshot) -> str:
    own = snapshot.notices + (() if snapshot.estimate is None else snapshot.estimate.notices)
    told = list(dict.fromkeys(own))
    more = strings.TILE_MORE.format(count=len(told) - 1) if len(told) > 1 else ""
    return f"{wording.MARKS['warn']} {more}{visible(told[0])}" if told else ""
