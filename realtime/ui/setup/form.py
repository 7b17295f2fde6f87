"""The form of a session: who, which sources, which models; it gives the values of a config."""

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ...lab.protocol.job import Corner
from ...lab.survey import Survey
from ...screens.wording import MARKS, Tone
from .. import strings, theme
from ..painting import ChoiceBox
from ..replay.launch import RecordingsButton
from .choices import Choice, cameras, eeg_streams, microphones, nothing
from .path_field import PathField

_LEAST_WIDTH, _BAR_WIDTH = 340, 16


class SessionForm(QTabWidget):
    """Fields in groups; :attr:`changed` tells of any change by the user."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._base: dict[str, Any] = {}
        self._rename: dict[str, str] = {}
        self._consent_at = ""
        self._pages: list[QWidget] = []
        self.participant, self.session, self.task = QLineEdit(), QLineEdit(), QLineEdit()
        self.age, self.sex, self.handedness = QLineEdit(), ChoiceBox(), ChoiceBox()
        self.consent, self.protocol, self.patch = QCheckBox(strings.SETUP_CONSENT), PathField(), ChoiceBox()
        self.session_note, self.take_next = _note(), QPushButton()
        self.take_next.hide()
        self.protocol_note = _note()
        self.age.setPlaceholderText(strings.SETUP_OPTIONAL)
        self.protocol.line.setPlaceholderText(strings.SETUP_NO_PROTOCOL)
        self.sex.addItems(["", "female", "male", "other"])
        self.handedness.addItems(["", "right", "left", "both"])
        self.patch.addItems(get_args(Corner))
        self.rest_s = _spin(0.0, 600.0, strings.SETUP_SECONDS)
        self.record, self.folder = QCheckBox(strings.SETUP_RECORD), QLineEdit()
        self.recordings = RecordingsButton(self.folder)
        self.eeg, self.reference, self.line_hz = ChoiceBox(), QLineEdit(), ChoiceBox()
        self.camera, self.microphone = ChoiceBox(), ChoiceBox()
        self.headphones = QCheckBox(strings.SETUP_HEADPHONES)
        self.delays = {name: QLineEdit() for name in ("eeg", "face", "speech")}
        self.video_eeg, self.face_model, self.speech_model = ChoiceBox(), ChoiceBox(), ChoiceBox()
        self.allow_simulated = QCheckBox(strings.SETUP_ALLOW_SIMULATED)
        self.line_hz.addItems(["50", "60"])
        self.reference.setPlaceholderText(strings.SETUP_AVERAGE)
        for delay in self.delays.values():
            delay.setPlaceholderText(strings.SETUP_UNDECLARED)
        for box, names in (
            (self.video_eeg, ("bundled", "none")),
            (self.face_model, ("face", "none")),
            (self.speech_model, ("emodb", "simulated")),
        ):
            box.setEditable(True)
            box.addItems(names)
        self._compose()
        self._listen()

    def show_survey(self, survey: Survey) -> None:
        """Offer what was found; what is chosen stays, whether it is there or not."""
        for box, found in (
            (self.eeg, None if survey.streams is None else eeg_streams(survey.streams)),
            (self.camera, None if survey.cameras is None else cameras(survey)),
            (self.microphone, None if survey.microphones is None else microphones(survey)),
        ):
            if found is not None:
                _offer(box, found)

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show a config; what the form has no field for is kept as it is."""
        self._base = copy.deepcopy(dict(values))
        session, eeg = values.get("session", {}), values.get("eeg") or {}
        face, speech, models = values.get("face") or {}, values.get("speech") or {}, values.get("models", {})
        self.blockSignals(True)
        self.participant.setText(str(session.get("participant", "")))
        self.session.setText(str(session.get("session", "01")))
        self.task.setText(str(session.get("task", "live")))
        self.age.setText(str(session.get("age", "")))
        self.sex.setCurrentText(str(session.get("sex", "")))
        self.handedness.setCurrentText(str(session.get("handedness", "")))
        self.consent.setChecked(False)  # of every session anew
        protocol = values.get("protocol") or {}
        self.protocol.line.setText(str(protocol.get("file", "")))
        self.patch.setCurrentText(str(protocol.get("patch", "none")))
        self.rest_s.setValue(float(values.get("decisions", {}).get("rest_s", 0.0)))
        reference = eeg.get("reference", "average")
        self.reference.setText("" if reference == "average" else ", ".join(reference))
        self.line_hz.setCurrentText(str(eeg.get("line_hz", 50)))
        for name, section in (("eeg", eeg), ("face", face), ("speech", speech)):
            delay_s = section.get("delay_s")
            self.delays[name].setText("" if delay_s is None else f"{1000 * delay_s:g}")
        self.headphones.setChecked(bool(speech.get("headphones", False)))
        self._rename = dict(eeg.get("rename", {}))
        for box, choice in (
            (self.eeg, Choice.of(eeg, "stream")),
            (self.camera, Choice.of(face, "camera")),
            (self.microphone, Choice.of(speech, "microphone")),
        ):
            _choose(box, choice)
        self.video_eeg.setCurrentText(str(models.get("video_eeg", "bundled")))
        self.face_model.setCurrentText(str(models.get("face", "face")))
        self.speech_model.setCurrentText(str(models.get("speech", "emodb")))
        self.allow_simulated.setChecked(bool(models.get("allow_simulated", False)))
        self.blockSignals(False)
        self.changed.emit()

    def rename(self, channel: str, name: str) -> None:
        """Map a channel of the stream to a 10-20 name; an empty one takes the stream's own."""
        self._rename.pop(channel, None)
        if name and name != channel:
            self._rename[channel] = name
        self.changed.emit()

    @property
    def renamed(self) -> dict[str, str]:
        """The channels that are mapped."""
        return dict(self._rename)

    def values(self) -> dict[str, Any]:
        """Return the values of a config, to be checked by its schema."""
        values = copy.deepcopy(self._base)
        session = {"participant": self.participant.text().strip() or "unknown"}
        session |= {"session": self.session.text().strip() or "01", "task": self.task.text().strip() or "live"}
        session |= {"sex": self.sex.currentText(), "handedness": self.handedness.currentText()}
        kept = {key: value for key, value in values.get("session", {}).items() if key != "age"}
        age = self.age.text().strip()
        values["session"] = {
            **kept,
            **session,
            **self._consented(),
            **({"age": int(age) if age.isdecimal() else age} if age else {}),
        }
        file = self.protocol.text().strip()
        kept = {key: value for key, value in (values.get("protocol") or {}).items() if key != "file"}
        values["protocol"] = {**kept, "patch": self.patch.currentText(), **({"file": file} if file else {})}
        values["decisions"] = {**values.get("decisions", {}), "rest_s": self.rest_s.value()}
        eeg: dict[str, Any] = {"line_hz": int(self.line_hz.currentText()), "rename": self._rename}
        named = [one.strip() for one in self.reference.text().split(",") if one.strip()]
        eeg["reference"] = named or "average"
        self._put(values, "eeg", self.eeg, eeg)
        self._put(values, "face", self.camera, {})
        self._put(values, "speech", self.microphone, {"headphones": self.headphones.isChecked()})
        models: dict[str, Any] = {"video_eeg": self.video_eeg.currentText(), "face": self.face_model.currentText()}
        models |= {"speech": self.speech_model.currentText(), "allow_simulated": self.allow_simulated.isChecked()}
        values["models"] = {**values.get("models", {}), **models}
        return values

    def show_taken(self, participant: str, session: str, runs: int, following: str) -> None:
        """Show that a session is there already, and offer the next one."""
        there = runs > 0
        self.session_note.setText(
            strings.SETUP_EXISTS.format(participant=participant, session=session, count=runs) if there else ""
        )
        self.take_next.setText(strings.SETUP_TAKE_NEXT.format(session=following))
        self.session_note.setVisible(there)
        self.take_next.setVisible(there)

    def show_protocol_note(self, text: str, tone: Tone) -> None:
        """Show what was found about the protocol."""
        self.protocol_note.setText(f"{MARKS[tone]} {text}" if text else "")
        theme.tinted(self.protocol_note, theme.TONES[tone])
        self.protocol_note.setVisible(bool(text))

    def _consented(self) -> dict[str, Any]:
        noted = strings.SETUP_CONSENT_NOTED.format(date=self._consent_at) if self.consent.isChecked() else ""
        return {"consent": noted, "consent_needed": True}

    def _note_consent(self, given: bool) -> None:
        self._consent_at = datetime.now(UTC).isoformat(timespec="seconds") if given else ""

    def _another_person(self) -> None:
        """Forget what was of the person before: nobody consents for another."""
        self.consent.setChecked(False)
        self.age.clear()
        for box in (self.sex, self.handedness):
            box.setCurrentText("")

    def _put(self, values: dict[str, Any], name: str, box: QComboBox, more: dict[str, Any]) -> None:
        """Write the section of a source, or leave it out."""
        choice: Choice = box.currentData() or nothing()
        if not choice.values:
            values.pop(name, None)
            return
        kept = {key: value for key, value in (values.get(name) or {}).items() if key not in Choice.KEYS}
        delay = self.delays[name].text().strip().replace(",", ".")
        kept.pop("delay_s", None)
        if delay:
            # What is no number is said by the schema, with the field's name.
            kept["delay_s"] = float(delay) / 1000 if delay.replace(".", "", 1).isdigit() else delay
        values[name] = {**kept, **choice.values, **more}

    def _compose(self) -> None:
        self.setFont(theme.font(12))
        pages = (
            (
                ("session", (("participant", self.participant), ("session", self.session), ("", self.session_note),
                             ("", self.take_next), ("", self.consent), ("age", self.age), ("sex", self.sex),
                             ("handedness", self.handedness))),
                ("protocol", (("protocol", self.protocol), ("", self.protocol_note), ("patch", self.patch))),
                ("recording", (("task", self.task), ("rest", self.rest_s), ("folder", self.folder),
                               ("", self.record), ("", self.recordings))),
            ),
            (
                ("eeg", (("stream", self.eeg), ("reference", self.reference), ("line", self.line_hz),
                         ("delay", self.delays["eeg"]))),
                ("camera", (("camera", self.camera), ("delay", self.delays["face"]))),
                ("microphone", (("microphone", self.microphone), ("delay", self.delays["speech"]),
                                ("", self.headphones))),
                ("models", (("video_eeg", self.video_eeg), ("face", self.face_model), ("speech", self.speech_model),
                            ("", self.allow_simulated))),
            ),
        )  # fmt: skip
        for title, groups in zip(strings.SETUP_FORM_TABS, pages, strict=True):
            inner = _page(groups)
            for combo in inner.findChildren(QComboBox):
                combo.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
                combo.setMinimumContentsLength(10)
            area = QScrollArea()
            area.setWidget(inner)
            self._pages.append(inner)
            area.setWidgetResizable(True)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
            self.addTab(area, title)
        self.fit_width()

    def fit_width(self) -> None:
        """Be as wide as the fields need at the scale of the moment."""
        needed = max(page.minimumSizeHint().width() for page in self._pages)
        self.setMinimumWidth(max(theme.px(_LEAST_WIDTH), needed + theme.px(_BAR_WIDTH)))

    def _listen(self) -> None:
        self.consent.toggled.connect(self._note_consent)
        self.participant.textEdited.connect(lambda _: self._another_person())
        self.session.textEdited.connect(lambda _: self.consent.setChecked(False))
        self.protocol.chosen.connect(lambda _: self.changed.emit())
        for line in self.findChildren(QLineEdit):
            line.textEdited.connect(lambda _: self.changed.emit())
        for box in self.findChildren(QComboBox):
            box.activated.connect(lambda _: self.changed.emit())
        for check in self.findChildren(QCheckBox):
            check.toggled.connect(lambda _: self.changed.emit())
        self.rest_s.valueChanged.connect(lambda _: self.changed.emit())


def _page(groups: Sequence[tuple[str, Sequence[tuple[str, QWidget]]]]) -> QWidget:
    """Return a page of groups of fields."""
    inner = QWidget()
    inner.setObjectName("page")
    column = QVBoxLayout(inner)
    column.setContentsMargins(theme.px(4), theme.px(6), theme.px(6), 0)
    column.setSpacing(theme.px(8))
    for title, rows in groups:
        frame, box = theme.panel(strings.SETUP_GROUPS[title])
        form = QFormLayout()
        form.setHorizontalSpacing(theme.px(10))
        form.setVerticalSpacing(theme.px(4))
        for name, field in rows:
            if isinstance(field, QLabel):
                form.addRow(field)
                continue
            field.setFont(theme.font(12))
            form.addRow(theme.label(strings.SETUP_FIELDS[name], 12, theme.SOFT) if name else "", field)
        box.addLayout(form)
        column.addWidget(frame)
    column.addStretch()
    return inner


def _note() -> QLabel:
    """Return a sentence beneath a field, which is there only where there is something to say."""
    made = theme.label("", 12, theme.TONES["warn"])
    made.setWordWrap(True)
    made.setMinimumWidth(1)
    made.hide()
    return made


def _spin(low: float, high: float, suffix: str) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setRange(low, high)
    made.setDecimals(0)
    made.setSingleStep(10.0)
    made.setSuffix(suffix)
    return made


def _offer(box: QComboBox, found: Sequence[Choice]) -> None:
    """Replace what a box offers; what is chosen stays."""
    chosen: Choice = box.currentData() or nothing()
    known = next((one for one in found if chosen.values and one.is_meant_by(chosen)), None)
    offered = [nothing(), *found, *([chosen.missing()] if known is None and chosen.values else [])]
    chosen = known or chosen
    if [box.itemText(place) for place in range(box.count())] == [one.text for one in offered]:
        return
    box.clear()
    for one in offered:
        box.addItem(one.text, one)
    box.setCurrentIndex(next(place for place, one in enumerate(offered) if one.values == chosen.values))


def _choose(box: QComboBox, choice: Choice) -> None:
    for place in range(box.count()):
        if box.itemData(place) is not None and box.itemData(place).values == choice.values:
            box.setCurrentIndex(place)
            return
    box.addItem(choice.text, choice)
    box.setCurrentIndex(box.count() - 1)
