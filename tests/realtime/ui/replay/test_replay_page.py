"""Every key and click of the replay page, by its effect on what is shown, against what was recorded."""

import time

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest

from moodring.models.io.journal import read_journal
from moodring.offline.recordings.read_session import read_session
from moodring.realtime.ui import strings
from tests.support.viewed_sessions import MARKED_S

pytestmark = pytest.mark.qt


@pytest.fixture(scope="module")
def recording(viewed):
    return read_session(viewed)


@pytest.fixture
def window(show, viewed):
    return show(viewed)


def press(window, key, modifier=Qt.NoModifier):
    QTest.keyClick(window, key, modifier)
    window.tick()


def click(window, button):
    QTest.mouseClick(button, Qt.LeftButton)
    window.tick()


def choose(window, box, index):
    box.setCurrentIndex(index)
    box.activated.emit(index)
    window.tick()


def shown_frame(window):
    image = window.page.film._image
    width, height = image.width(), image.height()
    raw = image.bits().asstring(image.byteCount())
    return np.frombuffer(raw, np.uint8).reshape(height, image.bytesPerLine())[:, : 3 * width].reshape(height, width, 3)


def test_it_opens_with_the_first_frame_the_eeg_and_the_sound(window, recording):
    assert np.array_equal(shown_frame(window), recording.face.frames[0])
    choose(window, window.page.transport.boxes["passband"], 0)
    assert window.page.heading.full.startswith(recording.name)
    assert window.page.message.text() == ""
    assert np.isfinite(window.page.sound.wave.yData).sum() > 100


def test_no_peak_of_the_eeg_is_lost(window, recording, settled):
    choose(window, window.page.transport.boxes["passband"], 0)
    settled(window)
    start_s, stop_s = (one + recording.t0_s for one in window.replay.page)
    inside = (recording.eeg.stamps_s >= start_s) & (recording.eeg.stamps_s < stop_s)
    samples = recording.eeg.samples[inside]
    extremes = window._data.eeg[1]
    spans = np.nanmax(extremes, axis=0) - np.nanmin(extremes, axis=0)
    assert spans == pytest.approx(samples.max(axis=0) - samples.min(axis=0), rel=1e-4)


def test_space_plays_and_stops(window, clock):
    press(window, Qt.Key_Space)
    clock.now_s += 2.5
    window.tick()
    assert window.replay.transport.place_s == pytest.approx(window.replay.transport.start_s + 2.5)
    assert window.page.transport.buttons["play"].text() == strings.REPLAY_PAUSE
    press(window, Qt.Key_Space)
    clock.now_s += 5.0
    window.tick()
    assert window.replay.transport.place_s == pytest.approx(window.replay.transport.start_s + 2.5)


@pytest.mark.parametrize(("index", "speed"), [(0, 0.25), (3, 2.0), (5, 8.0)])
def test_it_plays_at_other_speeds(window, clock, index, speed):
    choose(window, window.page.transport.boxes["speed"], index)
    click(window, window.page.transport.buttons["play"])
    clock.now_s += 1.5
    assert window.replay.transport.place_s == pytest.approx(window.replay.transport.start_s + 1.5 * speed)


def test_plus_and_minus_change_the_speed_where_it_is(window, clock):
    press(window, Qt.Key_Space)
    clock.now_s += 2.0
    press(window, Qt.Key_Plus)
    assert window.replay.transport.place_s == pytest.approx(window.replay.transport.start_s + 2.0)
    clock.now_s += 1.0
    assert window.replay.transport.place_s == pytest.approx(window.replay.transport.start_s + 4.0)
    press(window, Qt.Key_Minus)
    assert window.page.transport.boxes["speed"].currentText() == "1x"


def test_it_stops_at_the_end_and_begins_anew(window, clock):
    press(window, Qt.Key_End)
    press(window, Qt.Key_Space)
    clock.now_s += 0.5
    assert window.replay.transport.place_s == pytest.approx(window.replay.transport.start_s + 0.5)
    clock.now_s += 1000.0
    window.tick()
    assert window.replay.transport.place_s == window.replay.transport.stop_s
    assert not window.replay.transport.playing


def test_keys_seek(window):
    start_s = window.replay.transport.start_s
    press(window, Qt.Key_Right)
    press(window, Qt.Key_Right)
    press(window, Qt.Key_PageDown)
    press(window, Qt.Key_Left)
    assert window.replay.transport.place_s == pytest.approx(start_s + 11.0)
    press(window, Qt.Key_PageUp)
    press(window, Qt.Key_PageUp)
    assert window.replay.transport.place_s == start_s


@pytest.mark.parametrize("share", [0.3, 0.81])
def test_a_click_on_the_timeline_shows_that_frame(window, recording, settled, share):
    timeline = window.page.timeline
    x = round(timeline.x_of(window.replay.transport.start_s + share * 15.0))
    QTest.mouseClick(timeline, Qt.LeftButton, pos=QPoint(x, 10))
    settled(window)
    place_s = window.replay.transport.place_s
    assert place_s == pytest.approx(window.replay.transport.start_s + share * 15.0, abs=0.05)
    number = np.searchsorted(recording.face.stamps_s - recording.t0_s, place_s + 1e-6, "right") - 1
    assert np.array_equal(shown_frame(window), recording.face.frames[int(number)])


def test_a_click_into_a_chart_seeks(window):
    chart = window.page.levels[0]
    view = chart.getPlotItem().vb
    at = chart.mapFromScene(view.mapViewToScene(view.mapToView(view.mapFromView(QPoint(4, 0)))))
    QTest.mouseClick(chart.viewport(), Qt.LeftButton, pos=QPoint(at.x(), chart.height() // 2))
    window.tick()
    assert window.replay.transport.place_s == pytest.approx(4.0, abs=0.1)


def test_single_frames(window, recording, settled):
    times_s = recording.face.stamps_s - recording.t0_s
    press(window, Qt.Key_Right)
    for _ in range(3):
        press(window, Qt.Key_Period)
    settled(window)
    number = int(np.searchsorted(times_s, times_s[0] + 1.0 + 1e-6, "right")) + 2
    assert window.replay.transport.place_s == pytest.approx(times_s[number])
    assert np.array_equal(shown_frame(window), recording.face.frames[number])
    click(window, window.page.transport.buttons["frame_back"])
    settled(window)
    assert np.array_equal(shown_frame(window), recording.face.frames[number - 1])


def test_markers_one_after_the_other(window):
    for at_s in MARKED_S:
        press(window, Qt.Key_N)
        assert window.replay.transport.place_s == pytest.approx(at_s, abs=1e-6)
    press(window, Qt.Key_N)
    assert strings.REPLAY_NO_MARKER in window.page.message.text()
    click(window, window.page.transport.buttons["marker_back"])
    assert window.replay.transport.place_s == pytest.approx(MARKED_S[1], abs=1e-6)
    assert [one.text for one in window.page.markers.shown] == ["film 1", "film 2", "film 3"]


def test_estimates_are_drawn_as_recorded_beside_the_truth(window, viewed, recording):
    estimates = read_journal(viewed / "decisions.jsonl")
    answered = [one for one in estimates if one.answer("arousal") is not None]
    expected = [np.dot(one.answer("arousal").probabilities, (-2 / 3, 0, 2 / 3)) for one in answered]
    drawn = window.page.levels[1].decoded[0]
    y = drawn.yData[np.isfinite(drawn.yData)]
    assert len(expected) > 10
    assert y == pytest.approx(expected, abs=1e-5)
    truth = window.page.levels[1].truth
    shown = np.isfinite(truth.yData)
    assert truth.yData[shown] == pytest.approx(recording.truth.latents[shown, 1])
    assert (recording.truth.stimulus[~shown] < 0).all()


def test_classes_of_the_voice_and_of_what_is_felt(window, viewed):
    box = window.page.estimates.boxes["head"]
    titles = [box.itemText(index) for index in range(box.count())]
    assert set(titles) >= {"valence", "arousal", "voice"}
    choose(window, box, titles.index("valence"))
    estimates = read_journal(viewed / "decisions.jsonl")
    shares = window.page.classes.shown[0]
    assert shares.classes == ("low", "medium", "high")
    rows = [one.answer("valence").probabilities for one in estimates if one.answer("valence") is not None]
    assert shares.shares[np.isfinite(shares.shares[:, 0])] == pytest.approx(np.array(rows), abs=1e-6)


def test_brackets_and_scale(window, settled):
    assert window.replay.span_s == 30.0
    press(window, Qt.Key_BracketLeft)
    press(window, Qt.Key_BracketLeft)
    settled(window)
    assert window.replay.span_s == 5.0
    assert window.page.eeg.viewRange()[0] == pytest.approx(list(window.replay.page))
    before = window.replay.span_uv
    press(window, Qt.Key_Minus, Qt.ControlModifier)
    assert window.replay.span_uv > before
    press(window, Qt.Key_F)
    settled(window)
    assert window.replay.span_uv == before


def test_the_charts_turn_the_page_while_it_plays(window, clock, settled):
    press(window, Qt.Key_BracketLeft)
    press(window, Qt.Key_BracketLeft)
    press(window, Qt.Key_Space)
    clock.now_s += 7.0
    settled(window)
    start_s, stop_s = window.replay.page
    assert start_s <= window.replay.transport.place_s < stop_s
    assert window._data.page == window.replay.page


def test_sound_is_heard_at_its_own_speed_alone(window, loudspeaker, recording):
    press(window, Qt.Key_Space)
    until_s = time.monotonic() + 10
    while len(loudspeaker.blocks) < 5 and time.monotonic() < until_s:
        time.sleep(0.02)
    press(window, Qt.Key_Space)
    assert not loudspeaker.open
    heard = np.concatenate(loudspeaker.blocks)[:, 0]
    first = np.searchsorted(recording.speech.stamps_s, window.replay.session.start_s - 1e-4)
    assert heard[: len(heard) // 2] == pytest.approx(recording.speech.samples[first : first + len(heard) // 2, 0])
    count = len(loudspeaker.rates)
    press(window, Qt.Key_Plus)
    press(window, Qt.Key_Space)
    assert len(loudspeaker.rates) == count
    assert window.page.transport.sound.full == strings.REPLAY_SILENT_SPEED


def test_without_a_loudspeaker_it_plays_silently_and_says_so(show, viewed, clock, settled):
    def missing(_rate_hz):
        raise OSError("no output device")

    window = show(viewed, open_output=missing)
    press(window, Qt.Key_Space)
    window.sound._thread.join(5.0)
    clock.now_s += 1.0
    settled(window)
    assert "no output device" in window.page.transport.sound.full
    assert window.replay.transport.place_s == pytest.approx(window.replay.transport.start_s + 1.0)


def test_theme_and_help(window):
    press(window, Qt.Key_T, Qt.ControlModifier)
    assert window.settings.theme == "light"
    assert np.isfinite(window.page.sound.wave.yData).any()
    assert window.page.film._image is not None
    press(window, Qt.Key_F1)
    assert window.page.help.isVisible()
    press(window, Qt.Key_Escape)
    assert not window.page.help.isVisible()


def test_every_button_and_key_has_an_action(window):
    names = {what for _, _, what, _ in strings.REPLAY_SHORTCUTS}
    buttons = {name.removesuffix("_back").removesuffix("_on") for name in strings.REPLAY_BUTTONS}
    assert (names | buttons) - {"nudge"} <= set(window.deeds._deeds)
