"""The set-up page: the form on the left, what is there on the right, and the button that begins the session."""

import time
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QTimer, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QResizeEvent
from PyQt5.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from ....configs.schema.errors import MoodringError
from ....configs.schema.live import LiveConfig, LslSection
from ....configs.schema.load import check
from ...lab.profiles import LAST, Profiles
from ...screens.wording import MARKS, Tone
from .. import strings, theme
from ..display import first_size
from ..ending.card import EndedCard
from ..ending.ended import Ended
from ..ending.report_run import ReportRun
from ..painting import ChoiceBox
from ..rescale import rescale
from ..settings import Settings
from .form import SessionForm
from .head_map import HeadMap
from .previews import Previews
from .readiness import Readiness
from .tables import ElectrodeTable, FindingTable, StreamTable
from .tools import Checking, Looking, Searching, Session, Tools

RATE_HZ = 10
SMALLEST = (1024, 680)
_BUTTONS = ("save", "search", "check", "start")
_RESCALE_MS = 200
_REST_S = 60.0  # offered where there is no profile yet
_PATIENCE_S = 1.0  # after the last change, before the sources are opened anew


class SetupPage(QWidget):
    """The page; :attr:`started` tells the session that is to begin.

    Parameters
    ----------
    settings : Settings
    profiles : Profiles
    config : LiveConfig or None
        Shown first; else that of the last session.
    tools : Tools or None
    size : (width, height) or None
        None is what fits the screen.
    """

    started = pyqtSignal(object)

    def __init__(
        self,
        settings: Settings,
        profiles: Profiles,
        config: LiveConfig | None = None,
        tools: Tools | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle(f"{strings.BRAND} · {strings.SETUP_TITLE}")
        self.setMinimumSize(*SMALLEST)
        self.resize(*(size or first_size(SMALLEST)))
        self._settings, self._profiles, self._tools = settings, profiles, tools or Tools()
        self._scale = theme.scale_for(self.width(), self.height())
        theme.use(settings.theme, self._scale)
        self.setPalette(theme.palette())
        self.setStyleSheet(theme.style())
        self.setFont(theme.font(12))
        self.form = SessionForm()
        self.readiness = Readiness(self.form, self._tools.protocol)
        self.streams, self.findings, self.electrodes = StreamTable(), FindingTable(), ElectrodeTable()
        self.previews, self.head_map = Previews(), HeadMap()
        self.profile, self.message = ChoiceBox(), theme.label("", 12, theme.SOFT)
        self.buttons = {name: QPushButton(getattr(strings, f"SETUP_{name.upper()}")) for name in _BUTTONS}
        self.tabs = QTabWidget()
        self.ended: EndedCard | None = None
        self._compose()
        self._search: Searching | None = None
        self._probe: Looking | None = None
        self._probed: LiveConfig | None = None
        self._check: Checking | None = None
        self._config: LiveConfig | None = None
        self._changed_s = 0.0
        self._connect()
        self._first(config)
        self.search()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self._timer.start(round(1000 / RATE_HZ))
        self._rescale_timer = QTimer(self)
        self._rescale_timer.setSingleShot(True)
        self._rescale_timer.timeout.connect(self.rescale)

    @property
    def config(self) -> LiveConfig | None:
        """The config as the form has it; None while it is not valid."""
        return self._config

    def search(self) -> None:
        """Look for devices again."""
        if self._search is not None:
            self._search.close()
        self._search = self._tools.search(self._config.lsl if self._config is not None else LslSection())
        self.say(strings.SETUP_SEARCHING, "idle")

    def check(self) -> None:
        """Check whether every source is there and fits; they are let go for it."""
        if self._config is None:
            return
        self._look_at(None)
        if self._check is not None:
            self._check.close()
        self._check = self._tools.check(self._config)
        self.findings.show_findings(())
        self.tabs.setCurrentIndex(2)
        self.say(strings.SETUP_CHECKING, "idle")

    def save(self) -> None:
        """Save the config under the name of the profile."""
        if self._config is None:
            return
        try:
            path = self._profiles.save(self.profile.currentText(), without_consent(self._config))
        except MoodringError as error:
            self.say(str(error), "bad")
            return
        self._list_profiles(self.profile.currentText())
        self.say(strings.SETUP_SAVED.format(path=path), "good")

    def start(self) -> None:
        """Begin the session; the config is kept as the last one."""
        if self._config is None:
            return
        if why := self.readiness.why_not(self._config):
            self.say(why, "bad")
            return
        self._let_go()
        try:
            self._profiles.save(LAST, without_consent(self._config))
        except MoodringError as error:
            self.say(str(error), "warn")
        folder = self.form.folder.text().strip() or str(Path("sessions"))
        self._settings.keep_text("setup/folder", folder)
        self._settings.keep_text("setup/record", "yes" if self.form.record.isChecked() else "no")
        self._settings.save()
        self.setEnabled(False)
        self.say(strings.SETUP_STARTING, "idle")
        self.started.emit(Session(self._config, Path(folder), self.form.record.isChecked()))

    def show_ended(self, ended: Ended, report: ReportRun | None = None) -> None:
        """Show what there is after the session before; ``report`` is for tests."""
        self.ended = EndedCard(ended, report)
        self._outer.insertWidget(1, self.ended)

    def failed(self, line: str) -> None:
        """Show why the session did not begin; everything is as it was."""
        self.setEnabled(True)
        self.say(line, "bad")

    def say(self, text: str, tone: Tone) -> None:
        """Show a sentence."""
        self.message.setText(f"{MARKS[tone]} {text}")
        theme.tinted(self.message, theme.TONES[tone])

    def tick(self) -> None:
        """Show what has been found since."""
        if self._search is not None:
            self._show_survey(self._search)
        if self._check is not None:
            self._show_check(self._check)
        elif self.isEnabled() and self._config != self._probed and time.monotonic() - self._changed_s > _PATIENCE_S:
            self._look_at(self._config)
        self._show_looks()
        self.readiness.look(self._config, time.monotonic() - self._changed_s > _PATIENCE_S)

    def rescale(self) -> None:
        """Let fonts and lengths follow the size of the window; what is in the fields stays."""
        before, self._scale = self._scale, theme.scale_for(self.width(), self.height())
        theme.use(self._settings.theme, self._scale)
        rescale(self, before)
        self.form.fit_width()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Let fonts follow, once the size stays."""
        super().resizeEvent(event)
        if hasattr(self, "_rescale_timer") and theme.scale_for(self.width(), self.height()) != self._scale:
            self._rescale_timer.start(_RESCALE_MS)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Let go of everything."""
        self._timer.stop()
        self._rescale_timer.stop()
        self._let_go()
        if self.ended is not None:
            self.ended.close_run()
        super().closeEvent(event)

    def _let_go(self) -> None:
        self._look_at(None)
        self.readiness.close()
        for run in (self._search, self._check):
            if run is not None:
                run.close()
        self._search, self._check = None, None

    def _look_at(self, config: LiveConfig | None) -> None:
        if self._probe is not None:
            self._probe.close()
        self._probe = None if config is None else self._tools.look(config)
        self._probed = config

    def _show_survey(self, search: Searching) -> None:
        over, survey = search.over, search.survey()
        self.form.show_survey(survey)
        self.streams.show_streams(survey.streams or ())
        if survey.complete or over:
            search.close()
            self._search = None
            counts = {name: len(getattr(survey, name) or ()) for name in ("streams", "cameras", "microphones")}
            trouble = "; ".join(survey.troubles)
            self.say(trouble or strings.SETUP_FOUND.format(**counts), "warn" if trouble else "good")
            self._read_form()

    def _show_check(self, run: Checking) -> None:
        over, findings = run.over, run.findings
        self.findings.show_findings(findings)
        if over:
            run.close()
            self._check = None
            bad = sum(not one.ok for one in findings)
            wrong = strings.SETUP_PROBLEMS.format(count=bad) if bad else self.readiness.error
            self.say(wrong or strings.SETUP_READY, "bad" if wrong else "good")

    def _show_looks(self) -> None:
        looks = {} if self._probe is None else {one.modality: one for one in self._probe.looks()}
        config = self._config
        self.previews.show_looks(
            looks,
            camera=config is not None and config.face is not None,
            microphone=config is not None and config.speech is not None,
        )
        eeg = looks.get("eeg")
        if config is None or config.eeg is None:
            self.head_map.show_electrodes((), strings.SETUP_NO_EEG)
            self.electrodes.show_electrodes((), {})
        elif eeg is not None:
            self.head_map.show_electrodes(eeg.electrodes, eeg.error or strings.SETUP_LOOKING)
            self.electrodes.show_electrodes(eeg.electrodes, self.form.renamed)
        elif not self.head_map.shown:
            self.head_map.show_electrodes((), strings.SETUP_LOOKING)

    def _read_form(self) -> None:
        self._changed_s = time.monotonic()
        try:
            self._config = check(self.form.values(), LiveConfig, strings.SETUP_TITLE)
            if self._search is None and self._check is None:
                self.say(strings.SETUP_CHECK_HINT, "idle")
        except MoodringError as error:
            self._config = None
            self.say(str(error).removeprefix(f"config '{strings.SETUP_TITLE}': "), "warn")
        for name in ("save", "check", "start"):
            self.buttons[name].setEnabled(self._config is not None)

    def _first(self, config: LiveConfig | None) -> None:
        self.form.folder.setText(self._settings.text_of("setup/folder") or "sessions")
        self.form.record.setChecked(self._settings.text_of("setup/record") == "yes")
        self._list_profiles(LAST)
        if config is None and self._profiles.path(LAST).is_file():
            try:
                config = self._profiles.load(LAST)
            except MoodringError as error:
                self.say(str(error), "warn")
        first = {"decisions": {"rest_s": _REST_S}}  # EEG is normalised to a rest
        self._show_config(first if config is None else config.model_dump(mode="json", exclude_none=True))

    def _show_config(self, values: dict[str, Any]) -> None:
        self.form.show_values(values)
        self._read_form()

    def _list_profiles(self, chosen: str) -> None:
        self.profile.blockSignals(True)
        self.profile.clear()
        self.profile.addItems(list(self._profiles.names()))
        self.profile.setCurrentText(chosen)
        self.profile.blockSignals(False)

    def _open_profile(self, name: str) -> None:
        try:
            self._show_config(self._profiles.load(name).model_dump(mode="json", exclude_none=True))
        except MoodringError as error:
            self.say(str(error), "bad")

    def _connect(self) -> None:
        self.form.changed.connect(self._read_form)
        self.electrodes.renamed.connect(self.form.rename)
        self.profile.textActivated.connect(self._open_profile)
        for name, button in self.buttons.items():
            button.clicked.connect(getattr(self, name))

    def _compose(self) -> None:
        outer = self._outer = QVBoxLayout(self)
        space = theme.px(theme.SPACE)
        outer.setContentsMargins(space, space, space, space)
        outer.setSpacing(space)
        head = QHBoxLayout()
        head.setSpacing(theme.px(10))
        head.addWidget(theme.label(strings.BRAND, 18, bold=True))
        head.addWidget(theme.label(strings.SETUP_TITLE, 18, theme.SOFT, bold=True))
        head.addStretch()
        head.addWidget(theme.label(strings.SETUP_PROFILE, 12, theme.SOFT))
        self.profile.setEditable(True)
        self.profile.setMinimumWidth(theme.px(220))
        for part in (self.profile, self.buttons["save"]):
            part.setFont(theme.font(12))
            head.addWidget(part)
        outer.addLayout(head)
        body = QHBoxLayout()
        body.setSpacing(space)
        body.addWidget(self.form, 4)
        body.addWidget(self._found(), 7)
        outer.addLayout(body, 1)
        foot = QHBoxLayout()
        foot.setSpacing(theme.px(10))
        self.message.setWordWrap(True)
        self.message.setMinimumWidth(1)
        foot.addWidget(self.message, 1)
        for name in ("search", "check", "start"):
            self.buttons[name].setFont(theme.font(13, bold=name == "start"))
            foot.addWidget(self.buttons[name])
        self.buttons["start"].setDefault(True)
        outer.addLayout(foot)

    def _found(self) -> QWidget:
        self.tabs.setFont(theme.font(12))
        devices, electrodes = QWidget(), QWidget()
        column = QVBoxLayout(devices)
        column.addWidget(self.streams, 4)
        column.addWidget(self.previews, 5)
        row = QHBoxLayout(electrodes)
        row.addWidget(self.head_map, 4)
        side = QVBoxLayout()
        side.addWidget(self.electrodes, 1)
        note = theme.label(strings.SETUP_RENAME, 11, theme.SOFT)
        note.setWordWrap(True)
        side.addWidget(note)
        row.addLayout(side, 7)
        for title, page in zip(strings.SETUP_TABS, (devices, electrodes, self.findings), strict=True):
            page.setObjectName("page")
            self.tabs.addTab(page, title)
        return self.tabs


def without_consent(config: LiveConfig) -> LiveConfig:
    """Return a config to be kept: consent and what was said of a person are of one session."""
    forgotten = {"consent": "", "age": None, "sex": "", "handedness": ""}
    return config.model_copy(update={"session": config.session.model_copy(update=forgotten)})
