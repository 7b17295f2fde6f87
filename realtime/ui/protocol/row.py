"""The experimenter's row: where the protocol is, and its buttons."""

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QToolButton

from ...lab.protocol.desk import DeskState
from ...lab.protocol.presenter import Progress
from ...screens.wording import MARKS, Tone
from .. import theme
from . import texts

_TONES: dict[str, Tone] = {"running": "good", "paused": "warn", "aborted": "bad"}
_SHORT = 80


class ProtocolRow(QFrame):
    """The row; :attr:`pressed` tells the name of a button."""

    pressed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(10), theme.px(3), theme.px(8), theme.px(3))
        row.setSpacing(theme.px(6))
        self.text = theme.FittingLabel((12, 11, 10, 9), 2)
        self.text.setAlignment(Qt.AlignVCenter | Qt.AlignLeft)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(theme.px(70), theme.px(6))
        row.addWidget(self.text, 1)
        row.addWidget(self.bar)
        self.buttons: dict[str, QToolButton] = {}
        for name, (text, tip, key) in texts.BUTTONS.items():
            button = QToolButton()
            button.setText(text)
            button.setFont(theme.font(12))
            button.setToolTip(f"{tip} ({key})" if key else tip)
            button.setFocusPolicy(Qt.NoFocus)
            button.clicked.connect(lambda _on=False, name=name: self.pressed.emit(name))
            self.buttons[name] = button
            row.addWidget(button)

    def show_state(self, state: DeskState, adapting_s: float | None = None, adapted: str = "") -> None:
        """Show where the protocol is."""
        progress = state.progress
        phase = "" if progress is None else progress.phase
        self._show_buttons(state, adapting_s is not None)
        steps = 0 if progress is None else progress.steps
        if adapting_s is not None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, max(steps, 1))
            self.bar.setValue(steps if phase == "finished" else 0 if progress is None else max(progress.step - 1, 0))
        text, said_tone = said(state, adapting_s, adapted)
        place, tone = where(state), _TONES.get(phase, "idle")
        if text:
            # A long sentence has the whole room.
            place = f"{place}\n{MARKS[said_tone]} {text}" if len(text) <= _SHORT else f"{MARKS[said_tone]} {text}"
            tone = said_tone
        else:
            place = f"{MARKS[tone]} {place}"
        self.text.setText(place)
        theme.tinted(self.text, theme.TONES[tone])

    def _show_buttons(self, state: DeskState, adapting: bool) -> None:
        paused = state.progress is not None and state.progress.phase == "paused"
        over = state.progress is not None and state.progress.phase in ("finished", "aborted")
        for name, button in self.buttons.items():
            button.setEnabled(name in state.can)
            button.setVisible((name == "adapt") == over)
        for name, text in (
            ("pause", texts.GO_ON_BUTTON if paused else texts.BUTTONS["pause"][0]),
            ("abort", texts.ABORT_BUTTON if state.confirm else texts.BUTTONS["abort"][0]),
            ("adapt", texts.CANCEL_BUTTON if adapting else texts.BUTTONS["adapt"][0]),
        ):
            if self.buttons[name].text() != text:
                self.buttons[name].setText(text)


def where(state: DeskState) -> str:
    """Put into words where the protocol is."""
    progress = state.progress
    title = texts.ROW_TITLE.format(name=state.name).strip()
    if progress is None:
        return title
    parts = [texts.PHASES[progress.phase]]
    if progress.phase in ("running", "paused"):
        parts.append(texts.STEP.format(step=progress.step, steps=progress.steps))
    if progress.phase == "running":
        parts += _now(progress)
    return " · ".join([*parts, title])


def said(state: DeskState, adapting_s: float | None, adapted: str) -> tuple[str, Tone]:
    """Return the sentence under it, and its tone."""
    progress = state.progress
    if state.said:
        return state.said, "bad" if state.bad else "warn"
    if progress is None:
        return texts.OPENING, "idle"
    if adapting_s is not None:
        return texts.ADAPTING.format(seconds=adapting_s), "idle"
    if adapted:
        return adapted, "idle"
    if progress.phase == "running" and not state.keys:
        return texts.NO_KEYS, "warn"
    if progress.phase == "running" and state.alone:
        return texts.ONE_SCREEN, "idle"
    if progress.phase == "finished" and "adapt" not in state.can:
        return texts.FINISHED_RECORDED, "idle"
    return "", "idle"


def _now(progress: Progress) -> list[str]:
    parts = [texts.TRIAL.format(trial=progress.trial, trials=progress.trials)] if progress.trial else []
    parts.append(texts.KINDS.get(progress.kind, progress.kind).format(stimulus=progress.stimulus))
    if progress.left_s is not None:
        parts.append(texts.LEFT.format(left=progress.left_s))
    elif progress.kind in ("text", "rating", "pause"):
        parts.append(texts.ASKED)
    return parts
