"""The window: all panels, one timer, one view per tick."""

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QCloseEvent
from PyQt5.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ..ipc.snapshot import Snapshot
from ..screens import wording
from . import theme
from .disconnected_overlay import DisconnectedOverlay
from .panels.eeg import EegPanel
from .panels.face import FaceView
from .panels.face_expression import FaceExpressionLine, FaceExpressionPanel
from .panels.header import Header, Notices
from .panels.heads import HeadsStrip
from .panels.health import HealthStrip
from .panels.levels import LevelPanel
from .panels.looks import Glimpses, LookStrip, PolicyLine
from .panels.plane import Plane
from .panels.speech import SpeechPanel
from .view import View
from .view_model import GLIMPSES, ViewModel

RATE_HZ = 20
SIZE = (1366, 768)


class Window(QWidget):
    """Shows what a :class:`ViewModel` sees, twenty times a second.

    Parameters
    ----------
    view_model : ViewModel
        Closed with the window.
    """

    def __init__(self, view_model: ViewModel) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setAttribute(Qt.WA_StyledBackground)
        self.setStyleSheet(theme.STYLE)
        self.setFont(theme.font(12))
        self.setWindowTitle("moodring")
        self.setMinimumSize(1100, 640)
        self.resize(*SIZE)
        self._view_model = view_model
        self.header, self.notices, self.health = Header(), Notices(), HealthStrip()
        self.valence, self.arousal = LevelPanel("Valence, felt", 0), LevelPanel("Arousal, felt", 1)
        self.eeg, self.speech = EegPanel(), SpeechPanel()
        self.face, self.plane = FaceView(), Plane()
        self.glimpses, self.looks, self.policy = Glimpses(GLIMPSES), LookStrip(), PolicyLine()
        self.heads = HeadsStrip()
        self.expression, self.expression_line = FaceExpressionPanel(), FaceExpressionLine()
        self.picture = QWidget()
        self.picture.setObjectName("picture")
        self._left = QVBoxLayout()
        self.looked = self._looked()
        self._compose()
        self.overlay = DisconnectedOverlay(self.picture)
        self._parts = (
            *(self.header, self.notices, self.health, self.valence, self.arousal, self.eeg),
            *(self.speech, self.face, self.plane, self.glimpses, self.looks, self.policy, self.heads),
            *(self.expression, self.expression_line, self.overlay),
        )
        self.view: View | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(round(1000 / RATE_HZ))

    def tick(self) -> None:
        """Show the newest view in all panels."""
        self.view = self._view_model.view()
        for part in self._parts:
            part.show_view(self.view)
        if self.view.snapshot is not None:
            self._give_room(self.view.snapshot)

    def _give_room(self, snapshot: Snapshot) -> None:
        """Hide what the session does not have; further heads take their room from the EEG."""
        felt = bool(snapshot.classes("valence")) or not snapshot.heads
        eeg = next((one.configured for one in snapshot.sources if one.modality == "eeg"), True)
        face = bool(snapshot.classes(wording.FACE))
        for part, there in (
            *((self.valence, felt), (self.arousal, felt), (self.eeg, eeg), (self.looked, felt)),
            *((self.expression, face and not felt), (self.expression_line, face and felt)),
        ):
            part.setVisible(there)
        for column, share in enumerate((62, 38) if felt else (42, 58)):
            self._grid.setColumnStretch(column, share)
        self._left.setStretch(2, 10 if self.heads.panels else 13)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Disconnect from the engine, which continues."""
        self._timer.stop()
        self._view_model.close()
        super().closeEvent(event)

    def _compose(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, 8, theme.SPACE, theme.SPACE)
        outer.setSpacing(8)
        outer.addWidget(self.header)
        outer.addWidget(self.notices)
        outer.addWidget(self.picture, 1)
        self._grid = grid = QGridLayout(self.picture)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.SPACE)
        left, right = self._left, QVBoxLayout()
        for column, parts in (
            (left, ((self.valence, 10), (self.arousal, 10), (self.eeg, 13), (self.expression, 8))),
            (right, ((self._seen(), 13), (self.expression_line, 0), (self.looked, 9), (self.speech, 9))),
        ):
            column.setSpacing(theme.SPACE)
            for part, stretch in parts:
                column.addWidget(theme.elastic(part) if stretch else part, stretch)
        for levels in (self.valence, self.arousal):
            levels.setMinimumHeight(levels.least_height)
        grid.addLayout(left, 0, 0)
        grid.addLayout(right, 0, 1)
        grid.addWidget(self.heads, 1, 0, 1, 2)
        grid.addWidget(self.health, 2, 0, 1, 2)
        grid.setRowStretch(0, 1)

    def _seen(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        for title, part, stretch in (("Camera", self.face, 14), ("Valence and arousal", self.plane, 11)):
            frame, column = theme.panel(title)
            column.addWidget(part, 1)
            row.addWidget(theme.elastic(frame), stretch)
        return box

    def _looked(self) -> QWidget:
        frame, column = theme.panel("Looks: the frames that the model took, and when")
        column.addWidget(self.glimpses, 1)
        column.addWidget(self.looks)
        column.addWidget(self.policy)
        return frame
