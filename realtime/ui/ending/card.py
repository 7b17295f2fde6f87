"""What there is after a session: a panel above the set-up page, until it is put away or the next session begins."""

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout

from ....configs.schema.foreign_text import visible
from ...screens import wording
from .. import strings, theme
from ..painting import ChoiceBox
from ..replay.launch import launch_replay
from .ended import Ended
from .report_run import ReportRun


class EndedCard(QFrame):
    """Who it was, what was decoded, what was recorded and where; and what can be done with it.

    Parameters
    ----------
    ended : Ended
    report : ReportRun or None
        None makes and opens real reports. Closed with :meth:`close_run`.
    replay : callable
        Opens the replay page of a recording.

    Attributes
    ----------
    buttons : dict of str to QPushButton
        By their texts.
    """

    def __init__(
        self, ended: Ended, report: ReportRun | None = None, replay: Callable[[Path], object] = launch_replay
    ) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.buttons: dict[str, QPushButton] = {}
        tone: wording.Tone = "bad" if ended.failed else "warn" if ended.problems else "good"
        heading = (strings.ENDED_BADLY if ended.failed else strings.ENDED).format(participant=ended.participant)
        self.title = theme.label(f"{wording.MARKS[tone]} {visible(heading)}", 14, theme.TONES[tone], bold=True)
        self.line = theme.ElidedLabel(12)
        self.line.setText(visible(ended.line))
        self.folder = ChoiceBox()
        self.folder.setFont(theme.font(12))
        for path in ended.recordings:
            self.folder.addItem(strings.ENDED_FOLDER.format(name=path.name, parent=path.parent), path)
        self.folder.setMinimumContentsLength(20)
        self.folder.setSizeAdjustPolicy(ChoiceBox.AdjustToMinimumContentsLengthWithIcon)
        self.problems = [theme.ElidedLabel(12, theme.TONES["warn"]) for _ in ended.problems]
        for label, text in zip(self.problems, ended.problems, strict=True):
            label.setText(f"{wording.MARKS['warn']} {visible(text)}")
        self.said = theme.ElidedLabel(12, theme.SOFT)
        self.close_button = QToolButton()
        self._compose(bool(ended.recordings))
        self.report = report or ReportRun()
        self.report.told.connect(self.say)
        self._open_replay = replay
        if ended.recordings:
            self.offer(strings.REPORT_BUTTON, strings.REPORT_TIP, self.report.make)
            self.offer(strings.ENDED_REPLAY, strings.ENDED_REPLAY_TIP, self._replay)

    def offer(self, text: str, tip: str, deed: Callable[[Path], None]) -> None:
        """Add a button that does something with the recording that is chosen."""
        button = QPushButton(text)
        button.setFont(theme.font(12))
        button.setToolTip(tip)
        button.clicked.connect(lambda: deed(self.folder.currentData()))
        self.buttons[text] = button
        self._offers.addWidget(button)

    def say(self, text: str, good: bool) -> None:
        """Show a sentence on what was asked for."""
        tone: wording.Tone = "good" if good else "bad"
        self.said.setText(f"{wording.MARKS[tone]} {visible(text)}")
        theme.tinted(self.said, theme.TONES[tone])
        self.said.show()

    def close_run(self) -> None:
        """End what is being made."""
        self.report.close()

    def _replay(self, folder: Path) -> None:
        try:
            self._open_replay(folder)
        except OSError as error:
            self.say(strings.SETUP_NO_REPLAY.format(why=error.strerror or error), good=False)

    def _compose(self, recorded: bool) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(12), theme.px(6), theme.px(12), theme.px(6))
        column.setSpacing(theme.px(3))
        head = QHBoxLayout()
        head.setSpacing(theme.px(12))
        head.addWidget(self.title)
        head.addWidget(self.line, 1)
        self.close_button.setObjectName("quiet")
        self.close_button.setText("×")
        self.close_button.setFont(theme.font(14))
        self.close_button.setToolTip(strings.ENDED_CLOSE)
        self.close_button.clicked.connect(self.hide)
        head.addWidget(self.close_button)
        column.addLayout(head)
        self._offers = QHBoxLayout()
        self._offers.setSpacing(theme.px(8))
        self._offers.addWidget(theme.label(strings.ENDED_RECORDED if recorded else strings.ENDED_NOTHING, 12))
        if recorded:
            self._offers.addWidget(self.folder, 1)
        else:
            self._offers.addStretch()
        column.addLayout(self._offers)
        for part in (*self.problems, self.said):
            column.addWidget(part)
        self.said.hide()
