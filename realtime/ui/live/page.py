"""The live page: header, buttons, notices and the docks with all panels."""

from PyQt5.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ...ipc.snapshot import Snapshot
from ...screens import wording
from .. import strings, theme
from ..ending.question import EndQuestion
from ..panels.eeg import EegPanel
from ..panels.face import FaceView
from ..panels.face_expression import FaceExpressionLine, FaceExpressionPanel
from ..panels.header import FigureRow, Header, Notices
from ..panels.heads import HeadsStrip
from ..panels.health import HealthStrip
from ..panels.levels import LevelPanel
from ..panels.looks import Glimpses, LookStrip, PolicyLine
from ..panels.markers import MarkerLane
from ..panels.plane import Plane
from ..panels.scalp import ScalpPanel
from ..panels.speech import SpeechPanel
from ..protocol.row import ProtocolRow
from ..settings import Settings
from .control_row import ControlRow, EntryLine, MessageLine
from .disconnected_overlay import DisconnectedOverlay
from .docks import Docks
from .freeze_bar import FreezeBar
from .help_page import HelpPage
from .readers import GLIMPSES
from .view import View

_STATE = "panels/state"
_FAST = ("eeg", "face", "speech")


class LivePage(QWidget):
    """Everything in the window; built anew where palette or scale change.

    Parameters
    ----------
    settings : Settings
        Holds the panels' places.
    read_only : bool
        Whether this screen only watches.
    inside : bool
        Whether there is something to go back to.
    """

    def __init__(self, settings: Settings, read_only: bool, inside: bool = False) -> None:
        super().__init__()
        self._settings = settings
        self.header, self.figures, self.notices = Header(), FigureRow(), Notices()
        self.controls, self.freeze_bar = ControlRow(read_only, inside), FreezeBar()
        self.end_question = EndQuestion()
        self.entry, self.message, self.protocol = EntryLine(), MessageLine(), ProtocolRow()
        self.protocol.hide()
        self.valence, self.arousal = LevelPanel(0), LevelPanel(1)
        self.eeg, self.scalp, self.speech, self.markers = EegPanel(), ScalpPanel(), SpeechPanel(), MarkerLane()
        self.face, self.plane = FaceView(), Plane()
        self.glimpses, self.looks, self.policy = Glimpses(GLIMPSES), LookStrip(), PolicyLine()
        self.heads, self.health = HeadsStrip(), HealthStrip()
        self.expression, self.expression_line = FaceExpressionPanel(), FaceExpressionLine()
        self.docks = Docks(self._panels(), settings.closed)
        self.docks.changed.connect(self.keep_places)
        state = settings.bytes_of(_STATE)
        if state is not None:
            self.docks.restore(state)
        self.picture: QWidget = self.docks
        self._compose()
        self.overlay = DisconnectedOverlay(self.docks)
        self.help = HelpPage(self)
        self.parts = {name: part for name, part in vars(self).items() if isinstance(part, QWidget)}
        self._slow = [part for name, part in self.parts.items() if hasattr(part, "show_view") and name not in _FAST]
        self._fast = [self.parts[name] for name in _FAST]
        self._shown: View | None = None

    def show_view(self, view: View) -> None:
        """Show a view: what scrolls every time, the rest where something of it has changed."""
        for part in self._fast:
            part.show_view(view)
        before, self._shown = self._shown, view
        if before is not None and _same(view, before):
            return
        for part in self._slow:
            part.show_view(view)
        if view.newest is not None:
            self.docks.show_available(available(view.newest, view.choices.blind))
            self.docks.name_panel("speech", strings.SPEECH_BLIND if view.choices.blind else strings.TITLES["speech"])
            self.expression_line.setVisible(self._line_is_due(view.newest) and not view.choices.blind)

    def keep_places(self) -> None:
        """Keep where the panels are, and which are hidden."""
        self._settings.closed = frozenset(self.docks.closed)
        self._settings.keep_bytes(_STATE, self.docks.saveState())

    def reset_places(self) -> None:
        """Put every panel where it is by default, hidden ones too."""
        self.docks.closed.clear()
        self.docks.default_layout()
        self.keep_places()

    def _panels(self) -> dict[str, QWidget]:
        camera, column = theme.panel()
        column.addWidget(theme.elastic(self.face), 1)
        column.addWidget(self.expression_line)
        plane, column = theme.panel()
        column.addWidget(theme.elastic(self.plane), 1)
        looks, column = theme.panel()
        column.setSpacing(theme.px(3))
        column.addWidget(theme.elastic(self.glimpses), 1)
        self.glimpses.setMinimumSize(theme.px(120), theme.px(28))
        column.addWidget(self.looks)
        column.addWidget(self.policy)
        scalp, column = theme.panel()
        column.addWidget(self.scalp, 1)
        lane, column = theme.panel()
        column.setContentsMargins(theme.px(10), theme.px(2), theme.px(10), theme.px(2))
        column.addWidget(self.markers)
        lane.setMaximumHeight(theme.px(48))
        self.health.setMaximumHeight(theme.px(64))
        return {
            "valence": self.valence, "arousal": self.arousal, "expression": self.expression, "eeg": self.eeg,
            "camera": camera, "plane": plane, "looks": looks, "scalp": scalp, "speech": self.speech,
            "markers": lane, "heads": self.heads, "health": self.health,
        }  # fmt: skip

    def _compose(self) -> None:
        outer = QVBoxLayout(self)
        space = theme.px(theme.SPACE)
        outer.setContentsMargins(space, theme.px(5), space, theme.px(5))
        outer.setSpacing(theme.px(5))
        row = QHBoxLayout()
        row.setSpacing(theme.px(10))
        row.addWidget(self.controls)
        row.addWidget(self.message, 1)
        outer.addWidget(self.header)
        outer.addLayout(row)
        for part in (self.protocol, self.entry, self.end_question, self.freeze_bar, self.notices):
            outer.addWidget(part)
        outer.addWidget(self.docks, 1)
        outer.addWidget(self.figures)

    @staticmethod
    def _line_is_due(snapshot: Snapshot) -> bool:
        """Return whether the face's expression has one line, because what is felt has the room."""
        return bool(snapshot.classes(wording.FACE)) and bool(snapshot.classes("valence"))


def _same(view: View, before: View) -> bool:
    """Return whether nothing but what scrolls differs; snapshots are compared by identity, as they are large."""
    kept = ("snapshot", "newest", "glimpses")
    return all(getattr(view, name) is getattr(before, name) for name in kept) and (
        (view.attachment, round(view.silent_s), view.why, view.frozen, view.choices)
        == (before.attachment, round(before.silent_s), before.why, before.frozen, before.choices)
    )


def available(snapshot: Snapshot, blind: bool) -> set[str]:
    """Return the panels that have something to show in a session; blind, only those of signal quality."""
    configured = {one.modality for one in snapshot.sources if one.configured}
    felt = bool(snapshot.classes("valence")) or not snapshot.heads
    face = bool(snapshot.classes(wording.FACE))
    others = {head.name for head, _ in wording.further_heads(snapshot)} - {wording.FACE, *wording.FACE_PLACE}
    there = {
        "eeg": "eeg" in configured,
        "scalp": "eeg" in configured,
        "camera": "face" in configured,
        "speech": "speech" in configured,
        "markers": True,
        "health": True,
    }
    if not blind:
        there |= {
            "valence": felt,
            "arousal": felt,
            "plane": felt or face or "speech" in configured,
            "looks": felt and "face" in configured,
            "expression": face and not felt,
            "heads": bool(others),
        }
    return {name for name, known in there.items() if known}
