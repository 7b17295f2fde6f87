"""The set-up page on scripted devices: what is there, what is chosen, what is checked, and the session that begins."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLineEdit

from moodring.configs.schema.live import EegSection, FaceSection, LiveConfig, SessionSection, StreamQuery
from moodring.configs.schema.load import load
from moodring.realtime.lab.discover import CameraDevice, LslStream, MicrophoneDevice
from moodring.realtime.lab.doctor import Finding
from moodring.realtime.lab.probe import SourceLook, _picture, electrodes
from moodring.realtime.lab.profiles import LAST, Profiles
from moodring.realtime.lab.survey import Survey
from moodring.realtime.ui import strings, theme
from moodring.realtime.ui.ending.ended import Ended
from moodring.realtime.ui.settings import Settings
from moodring.realtime.ui.setup.page import SetupPage
from moodring.realtime.ui.setup.tools import Tools
from tests.support.labels_cut import cut_labels, outside, small_panels
from tests.support.lsl_stand import wait_for

pytestmark = pytest.mark.qt

SURVEY = Survey(
    streams=(
        LslStream("amp", "EEG", "amp-1", "lab-pc", 16, 256.0, 255.9),
        LslStream("PsychoPy", "Markers", "psy", "stimuli-pc", 1, 0.0, None),
    ),
    cameras=(CameraDevice(0, 640, 480, 30.0),),
    microphones=(MicrophoneDevice(3, "USB microphone", 1, 48_000.0, True),),
)


class Scripted:
    """All tools of the page at once; remembers what it was asked for."""

    def __init__(self, script):
        self.over, self.error = True, None
        self.found, self.findings = SURVEY, ()
        self.searched, self.looked_at, self.checked, self.closed = [], [], [], 0
        self.protocols, self.protocol = [], SimpleNamespace(over=True, facts="films: 14 stimuli", error="", close=list)
        second = script.eeg(0, 256).astype(float)
        second[:, 7] = 0.0
        self.seen = (
            SourceLook("eeg", "", "amp", 256.0, 256.0, electrodes(second, script.CHANNELS, 256.0, 50)),
            SourceLook("face", "", "camera 0", 29.7, 30.0, **_picture(np.full((120, 160, 3), 15, np.uint8))),
            SourceLook("speech", "", "USB microphone", 16_000.0, 16_000.0, level_db=-1.0),
        )

    @property
    def tools(self):
        def remember(asked):
            return lambda config: asked.append(config) or self

        def begin(*asked):
            self.protocols.append(asked)
            return self.protocol

        return Tools(remember(self.searched), remember(self.looked_at), remember(self.checked), begin)

    def survey(self):
        return self.found

    def looks(self):
        return self.seen

    def close(self):
        self.closed += 1


@pytest.fixture
def lab(script):
    return Scripted(script)


@pytest.fixture
def make(qt, lab, tmp_path):
    made = []

    def page(config=None, size=(1366, 768), name="dark"):
        settings = Settings(tmp_path / "setup.ini")
        settings.theme = name
        one = SetupPage(settings, Profiles(tmp_path / "profiles"), config, lab.tools, size)
        one._timer.stop()
        one.show()
        one.tick()
        made.append(one)
        return one

    yield page
    for one in made:
        one.close()
        one.deleteLater()
    qt.processEvents()
    theme.use("dark")


def pick(box, text):
    place = next(place for place in range(box.count()) if text in box.itemText(place))
    box.setCurrentIndex(place)
    box.activated.emit(place)


def wait_and_tick(page):
    page._changed_s -= 10.0
    page.tick()
    page.tick()
    QApplication.processEvents()


def test_what_is_on_the_network_is_listed(make):
    page = make()
    assert page.streams.rows == (
        ("amp", "EEG", "16", "256", "255.9", "lab-pc"),
        ("PsychoPy", "Markers", "1", "irregular", "nothing came", "stimuli-pc"),
    )
    offered = [page.form.eeg.itemText(place) for place in range(page.form.eeg.count())]
    assert offered == ["none", "stream amp (16 channels)"], "markers are no EEG"
    assert "2 streams, 1 cameras, 1 microphones" in page.message.text() or page.config is None


def test_nothing_chosen_is_said_in_a_sentence_and_cannot_be_started(make):
    page = make()
    assert page.config is None
    assert "name at least one source" in page.message.text()
    assert not page.buttons["start"].isEnabled()


def test_what_is_chosen_becomes_the_config_that_is_started(make, lab, tmp_path):
    page = make()
    started = []
    page.started.connect(started.append)
    pick(page.form.eeg, "amp")
    pick(page.form.camera, "0 (")
    pick(page.form.microphone, "USB")
    for field, text in (
        (page.form.participant, "P07"), (page.form.reference, "M1, M2"), (page.form.delays["eeg"], "31.5"),
        (page.form.folder, str(tmp_path / "data")),
    ):  # fmt: skip
        field.clear()
        QTest.keyClicks(field, text)
    page.form.line_hz.setCurrentText("60")
    page.form.line_hz.activated.emit(1)
    page.form.record.setChecked(True)
    page.form.consent.setChecked(True)
    page.form.rest_s.setValue(60.0)
    page.buttons["start"].click()
    (session,) = started
    config = session.config
    assert config.session.participant == "P07"
    assert config.eeg == EegSection(stream=StreamQuery(name="amp"), reference=["M1", "M2"], line_hz=60, delay_s=0.0315)
    assert config.face.camera == 0
    assert config.speech.microphone == "USB microphone"
    assert config.decisions.rest_s == 60.0
    assert (session.folder, session.record) == (tmp_path / "data", True)
    assert not page.isEnabled()
    assert page.message.text().endswith(strings.SETUP_STARTING)
    page.failed("stream 'amp' has 4 channels; bundle needs 8")
    assert page.isEnabled()
    assert page.message.text() == "■ stream 'amp' has 4 channels; bundle needs 8"


def test_the_last_session_is_remembered(make, tmp_path):
    first = make()
    pick(first.form.eeg, "amp")
    first.form.participant.setText("P08")
    first.form.record.setChecked(True)
    first.form.consent.setChecked(True)
    first._read_form()
    first.buttons["start"].click()
    again = make()
    assert again.form.participant.text() == "P08"
    assert again.form.record.isChecked()
    assert again.config.eeg.stream == StreamQuery(name="amp")
    assert again.profile.currentText() == Profiles(tmp_path).path(LAST).stem


def test_a_profile_is_saved_and_opened_and_live_takes_it(make, tmp_path):
    page = make()
    pick(page.form.eeg, "amp")
    page.profile.setEditText("big amplifier")
    page.buttons["save"].click()
    (path,) = (tmp_path / "profiles").glob("big*.toml")
    assert load(path, LiveConfig).eeg.stream == StreamQuery(name="amp")
    pick(page.form.eeg, "none")
    assert page.config is None
    page.profile.textActivated.emit(path.stem)
    assert page.config.eeg.stream == StreamQuery(name="amp")


def test_what_the_form_has_no_field_for_is_kept(make):
    config = LiveConfig(
        eeg=EegSection(stream=StreamQuery(type="EEG"), least_matched=0.3, units="volts"),
        face=FaceSection(camera="film.avi", region=(0.1, 0.1, 0.5, 0.5)),
        session=SessionSection(markers=[StreamQuery(name="PsychoPy")], video="small"),
    )
    page = make(config)
    assert "film.avi, not there" in page.form.camera.currentText()
    assert page.form.eeg.currentText() == "stream amp (16 channels)", "the one stream of this type"
    page.form.participant.setText("P09")
    page._read_form()
    kept = page.config
    assert (kept.eeg.least_matched, kept.eeg.units, kept.face.region) == (0.3, "volts", (0.1, 0.1, 0.5, 0.5))
    assert (kept.session.markers, kept.session.video) == ([StreamQuery(name="PsychoPy")], "small")


def test_nonsense_in_a_field_is_said_with_the_fields_name(make):
    page = make()
    pick(page.form.eeg, "amp")
    QTest.keyClicks(page.form.delays["eeg"], "soon")
    assert page.config is None
    assert "eeg.delay_s" in page.message.text()
    assert not page.buttons["start"].isEnabled()


def test_electrodes_are_mapped_with_noise_and_contact(make, lab, script):
    page = make()
    pick(page.form.eeg, "amp")
    wait_and_tick(page)
    assert len(page.head_map.shown) == len(script.CHANNELS)
    rows = {row[0]: row for row in page.electrodes.rows}
    assert rows["Cz"][4] == "good"
    assert rows["T7"][4] != "good"
    assert float(rows["Fp1"][2]) > 1.0
    place = script.CHANNELS.index("Fp1")
    page.electrodes.item(place, 1).setText("AF3")
    assert page.config.eeg.rename == {"Fp1": "AF3"}
    page.electrodes.renamed.emit("Fp1", "")
    assert page.config.eeg.rename == {}


def test_camera_and_microphone_have_a_preview_and_warnings(make, lab):
    page = make()
    pick(page.form.camera, "0 (")
    pick(page.form.microphone, "USB")
    wait_and_tick(page)
    assert page.previews.camera.full == "camera 0 · 29.7 fps"
    assert page.previews.exposure.full.startswith("too dark")
    assert page.previews.microphone.full == "USB microphone · -1 dB of full scale"
    assert page.previews.microphone.property("tint") == theme.TONES["warn"]
    assert page.previews.picture._image is not None
    pick(page.form.camera, "none")
    wait_and_tick(page)
    assert page.previews.camera.full == strings.SETUP_NO_CAMERA
    assert page.previews.picture._image is None


def test_sources_are_let_go_before_a_check_and_before_the_start(make, lab):
    page = make()
    pick(page.form.eeg, "amp")
    wait_and_tick(page)
    assert len(lab.looked_at) == 1
    page.tick()
    assert len(lab.looked_at) == 1, "not anew while nothing changes"
    before = lab.closed
    lab.over = False
    page.buttons["check"].click()
    assert lab.closed > before
    page.tick()
    assert len(lab.looked_at) == 1, "nobody else opens them during a check"
    lab.over = True
    lab.findings = (
        Finding("eeg", True, "'amp': 16 channels, 255.9 Hz"),
        Finding("model", True, "attention will not answer: trained on simulated people", note=True),
        Finding("markers", False, "stream PsychoPy was not found; start its sender"),
    )
    page.tick()
    assert [row[0] for row in page.findings.rows] == ["● eeg", "▲ model", "■ markers"]
    assert page.message.text() == "■ " + strings.SETUP_PROBLEMS.format(count=1)
    lab.findings = lab.findings[:1]
    page.buttons["check"].click()
    page.tick()
    assert page.message.text() == "● " + strings.SETUP_READY


def test_what_could_not_be_looked_for_is_told(make, lab):
    lab.found = replace(SURVEY, microphones=(), troubles=("PortAudio is not installed",))
    page = make(LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp"))))
    assert page.form.microphone.count() == 1
    lab.over = True
    page.search()
    page.tick()
    assert page.config is not None


@pytest.mark.parametrize("size", [(1024, 700), (1366, 768), (1920, 1080)])
@pytest.mark.parametrize("name", ["dark", "light"])
def test_nothing_is_cut(make, size, name):
    page = make(LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), face=FaceSection(camera=0)), size, name)
    assert (page.width(), page.height()) == size
    for place in range(3):
        page.tabs.setCurrentIndex(place)
        wait_and_tick(page)
        assert not cut_labels(page)
        assert not small_panels(page)
        assert not [one for one in outside(page) if one[0] not in ("SteadyLabel",)]
    for place in range(page.form.count()):
        page.form.setCurrentIndex(place)
        QApplication.processEvents()
        area = page.form.widget(place)
        assert area.horizontalScrollBarPolicy() == Qt.ScrollBarAlwaysOff
        assert area.widget().minimumSizeHint().width() <= area.viewport().width()
        assert not cut_labels(page)
        assert not [one for one in outside(page) if one[0] not in ("SteadyLabel",)]


def lines_of(page):
    """Every line of the form that can be written in, those inside boxes too."""
    return page.form.findChildren(QLineEdit)


@pytest.mark.parametrize("size", [(1024, 700), (1366, 768), (1920, 1080), (3840, 2160)])
def test_fonts_follow_a_resize_and_nothing_is_cut(make, lab, qt, size):
    """A page that is resized is as one that was opened at that size; what is in its fields stays."""
    page = make(LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), face=FaceSection(camera=0)), (1500, 900))
    page.show_ended(
        Ended("P07", "12:34, 1480 decisions", False, (Path("sessions/sub-P07/run-01"),), ("NOT THERE: eeg",))
    )
    page.form.participant.setText("P0")
    QTest.keyClicks(page.form.participant, "9")
    wait_and_tick(page)
    for one in ((3840, 2160), size):
        page.resize(*one)
        wait_for(lambda one=one: qt.processEvents() or page._scale == theme.scale_for(*one), 10)
    qt.processEvents()
    fresh = make(page.config, size)
    for name in ("form", "message", "profile", "streams", "tabs"):
        there, wanted = getattr(page, name), getattr(fresh, name)
        assert there.font().pixelSize() == pytest.approx(wanted.font().pixelSize(), abs=1), name
    for there, wanted in zip(lines_of(page), lines_of(fresh), strict=True):
        assert there.font().pixelSize() == wanted.font().pixelSize(), there.text()
    rows = [table.rowHeight(0) for table in (page.streams, fresh.streams)]
    assert rows[0] == pytest.approx(rows[1], abs=3)
    assert page.layout().spacing() == fresh.layout().spacing()
    assert page.form.participant.text() == "P09"
    assert (page.width(), page.height()) == size
    for place in range(3):
        page.tabs.setCurrentIndex(place)
        wait_and_tick(page)
        assert not cut_labels(page)
        assert not small_panels(page)
        assert not [found for found in outside(page) if found[0] not in ("SteadyLabel", "ChoiceBox")], (
            "the form scrolls"
        )
    for place in range(page.form.count()):
        page.form.setCurrentIndex(place)
        wait_and_tick(page)
        area = page.form.currentWidget()
        assert area.widget().minimumSizeHint().width() <= area.viewport().width()


def test_no_page_leaves_anything_open_when_it_closes(make, lab):
    page = make()
    pick(page.form.eeg, "amp")
    wait_and_tick(page)
    page.search()
    page.close()
    assert page._probe is None
    assert page._search is None
    assert not page._timer.isActive()
    assert isinstance(Path(page.form.folder.text()), Path)


def test_the_recordings_button_is_on_the_page(make):
    page = make()
    page.show()
    assert page.form.recordings.isVisibleTo(page)
    assert page.form.recordings.window() is page
