"""The header: session, phase and figures of the engine, and permanent notices."""

from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ...ipc.snapshot import Snapshot
from ...screens import wording
from .. import theme
from ..view import View

_AGES = "information age"
_FIGURES = (
    "elapsed", "latency p50 / p99", _AGES, "decisions", "skipped", "frames looked at", "device"
)  # fmt: skip


class Header(QWidget):
    """Name, phase and figures."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = theme.label("", 13, theme.SOFT)
        self.phase = theme.label("○ waiting for an engine", 14, theme.TONES["idle"], bold=True)
        self.recording = theme.label("", 12, theme.TONES["idle"], bold=True)
        self.figures: dict[str, QLabel] = {name: theme.label("–", 14, bold=True) for name in _FIGURES}
        self.titles: dict[str, QLabel] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(14)
        row.addWidget(theme.label("moodring", 20, bold=True))
        row.addWidget(self.engine)
        row.addSpacing(8)
        row.addWidget(self.phase)
        row.addWidget(self.recording)
        row.addStretch()
        for name, value in self.figures.items():
            column = QVBoxLayout()
            column.setSpacing(0)
            self.titles[name] = theme.label(name, 10, theme.FAINT)
            column.addWidget(self.titles[name])
            column.addWidget(value)
            row.addSpacing(6)
            row.addLayout(column)

    def show_view(self, view: View) -> None:
        """Show phase and figures."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        gone = view.attachment == "gone"
        status_text = wording.StatusText("engine gone", "bad") if gone else wording.phase(snapshot)
        self.engine.setText(snapshot.engine if len(snapshot.engine) <= 24 else snapshot.engine[:23] + "…")
        self.phase.setText(f"{status_text.mark} {status_text.text}")
        theme.tinted(self.phase, theme.TONES[status_text.tone])
        recording = wording.recording(snapshot)
        self.recording.setText("" if recording is None else f"{recording.mark} {recording.text}")
        theme.tinted(self.recording, theme.TONES["idle" if recording is None else recording.tone])
        self.titles[_AGES].setText(f"age {' / '.join(status.modality for status in snapshot.sources)}")
        for name, text in zip(_FIGURES, _texts(snapshot), strict=True):
            self.figures[name].setText(text)


def _texts(snapshot: Snapshot) -> tuple[str, ...]:
    latency = snapshot.latency_ms
    glimpsed = snapshot.glimpsed_fraction
    return (
        wording.clock(snapshot.elapsed_s),
        "–" if latency is None else f"{latency.p50:.0f} / {latency.p99:.0f} ms",
        wording.information_ages(snapshot),
        str(snapshot.decisions),
        str(snapshot.skipped_decisions),
        "–" if glimpsed is None else f"{glimpsed:.1%}",
        snapshot.device,
    )


class Notices(QFrame):
    """The permanent notices, in one bar that nothing closes."""

    def __init__(self) -> None:
        super().__init__()
        warn = theme.TONES["warn"]
        tint = theme.colour(warn, 0.13)
        self.setStyleSheet(
            f"Notices {{ background: rgba({tint.red()}, {tint.green()}, {tint.blue()}, {tint.alpha()});"
            f" border: 1px solid rgba({tint.red()}, {tint.green()}, {tint.blue()}, 90); border-radius: 6px; }}"
        )
        self.text = theme.label("", 12, warn, bold=True)
        self.text.setMinimumWidth(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 12, 4)
        row.addWidget(self.text)
        self.hide()

    def show_view(self, view: View) -> None:
        """Show the notices of snapshot and estimate."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        own = snapshot.notices + (() if snapshot.estimate is None else snapshot.estimate.notices)
        lines = [f"▲ {notice}" for notice in dict.fromkeys(own)]
        self.text.setText("\n".join(lines))
        self.setVisible(bool(lines))
