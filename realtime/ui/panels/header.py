"""The header: session, phase, recording, clocks and figures of the engine, and permanent notices."""

from collections.abc import Callable
from datetime import datetime

from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from ....configs.schema.foreign_text import visible
from ...ipc.snapshot import Snapshot
from ...screens import wording
from .. import strings, theme
from ..live.view import View


class Header(QWidget):
    """Name, phase and recording on the left, clocks on the right; the figures are in a row of their own.

    Parameters
    ----------
    now : callable
        The time of day.
    """

    def __init__(self, now: Callable[[], datetime] = datetime.now) -> None:
        super().__init__()
        self._now = now
        idle = theme.TONES["idle"]
        self.engine = theme.ElidedLabel(12, theme.SOFT)
        self.phase = theme.label(f"{wording.MARKS['idle']} {strings.WAITING}", 14, idle, bold=True)
        self.recording = theme.label("", 12, idle, bold=True)
        self.blind = theme.label("", 12, theme.TONES["warn"], bold=True)
        self.session_clock = theme.label("0:00", 18, bold=True)
        self.wall_clock = theme.label("", 18, theme.SOFT, bold=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(theme.px(12))
        row.addWidget(theme.label(strings.BRAND, 18, bold=True))
        for part in (self.phase, self.recording, self.blind):
            row.addWidget(part)
        row.addWidget(self.engine, 1)
        for title, clock in ((strings.SESSION_CLOCK, self.session_clock), (strings.WALL_CLOCK, self.wall_clock)):
            row.addWidget(theme.label(title, 11, theme.FAINT))
            row.addWidget(clock)

    def show_view(self, view: View) -> None:
        """Show phase and clocks."""
        self.wall_clock.setText(self._now().strftime("%H:%M:%S"))
        self.blind.setText(strings.BLIND if view.choices.blind else "")
        snapshot = view.newest
        if snapshot is None:
            return
        gone = view.attachment == "gone"
        status_text = wording.StatusText(strings.ENGINE_GONE, "bad") if gone else wording.phase(snapshot)
        who = strings.PARTICIPANT.format(name=snapshot.participant) if snapshot.participant else ""
        self.engine.setText(" · ".join(filter(None, (snapshot.engine, who))))
        self.phase.setText(f"{status_text.mark} {status_text.text}")
        theme.tinted(self.phase, theme.TONES[status_text.tone])
        recording = wording.recording(snapshot)
        self.recording.setText("" if recording is None else f"{recording.mark} {recording.text}")
        theme.tinted(self.recording, theme.TONES["idle" if recording is None else recording.tone])
        self.session_clock.setText(wording.clock(snapshot.elapsed_s))


class FigureRow(QWidget):
    """The engine's figures, each behind its name."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: dict[str, QLabel] = {}
        self.titles: dict[str, QLabel] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(4))
        row.addStretch()
        for name, title in strings.FIGURES.items():
            self.titles[name] = theme.label(title, 10, theme.FAINT)
            self.figures[name] = theme.label(strings.NOTHING, 12, bold=True)
            row.addWidget(self.titles[name])
            row.addWidget(self.figures[name])
            row.addSpacing(theme.px(8))

    def show_view(self, view: View) -> None:
        """Show the figures."""
        snapshot = view.newest
        if snapshot is None:
            return
        self.titles["ages"].setText(strings.AGES_OF.format(modalities="/".join(s.modality for s in snapshot.sources)))
        for name, text in _texts(snapshot).items():
            self.figures[name].setText(text)


def _texts(snapshot: Snapshot) -> dict[str, str]:
    latency, glimpsed = snapshot.latency_ms, snapshot.glimpsed_fraction
    return {
        "latency": wording.latency(latency),
        "ages": wording.information_ages(snapshot),
        "decisions": str(snapshot.decisions),
        "skipped": str(snapshot.skipped_decisions),
        "glimpsed": strings.NOTHING if glimpsed is None else f"{glimpsed:.1%}",
        "device": snapshot.device,
    }


class Notices(QFrame):
    """The permanent notices, in one bar that nothing closes; long ones wrap."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notices")
        self.text = theme.label("", 11, theme.TONES["warn"], bold=True)
        self.text.setWordWrap(True)
        self.text.setMinimumWidth(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(10), theme.px(2), theme.px(10), theme.px(3))
        row.addWidget(self.text)
        self.hide()

    def show_view(self, view: View) -> None:
        """Show the notices of snapshot and estimate."""
        snapshot = view.newest
        if snapshot is None:
            return
        own = snapshot.notices + (() if snapshot.estimate is None else snapshot.estimate.notices)
        text = "\n".join(
            (*_failures(snapshot), *(f"{wording.MARKS['warn']} {notice}" for notice in dict.fromkeys(own)))
        )
        if text != self.text.text():
            self.text.setText(text)
        self.setVisible(bool(text))


def _failures(snapshot: Snapshot) -> tuple[str, ...]:
    """Return what is wrong with sources that are lost or have failed."""
    told = ((wording.health(status).tone, status, wording.trouble(status)) for status in snapshot.sources)
    return tuple(
        f"{wording.MARKS['bad']} {wording.source_title(status.modality)}: {visible(why)}"
        for tone, status, why in told
        if status.configured and tone == "bad"
    )
