"""What the experimenter does in the live window: keys, marks, recording, freeze, blind mode, panels, EEG chart."""

from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from moodring.realtime.ipc.commands import Command, Reply
from moodring.realtime.ipc.snapshot import Mark
from moodring.realtime.ui import strings, theme
from moodring.realtime.ui.live.view_model import ViewModel
from moodring.realtime.ui.live.window import Window
from moodring.realtime.ui.settings import Settings
from tests.realtime.ui.test_window import play, words
from tests.support.labels_cut import cut_labels, outside, small_panels
from tests.support.lsl_stand import wait_for

pytestmark = pytest.mark.qt
NOW_S = 1234.5  # of the window's LSL clock, see conftest.py


@pytest.fixture(autouse=True)
def usual_look(qt):
    yield
    theme.use("dark")


def press(window, key, modifier=Qt.NoModifier):
    window.activateWindow()
    window.setFocus()
    QApplication.processEvents()
    QTest.keyClick(window, key, modifier)
    QApplication.processEvents()


def shown_panels(window):
    return {name for name, dock in window.docks.docks.items() if dock.isVisible()}


# -- marks, notes and the recording


def test_a_mark_is_sent_at_the_key_with_the_time_of_the_key(window, stage, commands):
    play(window, stage, 30, 30)
    press(window, Qt.Key_M)
    press(window, Qt.Key_3)
    assert commands.sent == [Command("mark", "mark", NOW_S), Command("mark", "mark 3", NOW_S)]
    commands.waiting = [Reply(True, "Marked “mark 3”.")]
    window.tick()
    assert window.message.full == "● Marked “mark 3”."
    assert window.message.property("tint") == theme.TONES["good"]


def test_a_note_is_written_in_a_line_that_keys_do_not_disturb(window, stage, commands):
    play(window, stage, 30, 30)
    press(window, Qt.Key_N)
    assert window.entry.isVisible()
    QTest.keyClicks(window.entry, "3 mm left  b?")
    assert commands.sent == [], "what is typed is no mark"
    assert not window.view_model.choices.blind
    QTest.keyClick(window.entry, Qt.Key_Return)
    assert commands.sent == [Command("note", "3 mm left  b?", NOW_S)]
    assert not window.entry.isVisible()
    press(window, Qt.Key_T)
    QTest.keyClicks(window.entry, "film")
    QTest.keyClick(window.entry, Qt.Key_Escape)
    assert not window.entry.isVisible()
    assert len(commands.sent) == 1, "Esc saves nothing"
    press(window, Qt.Key_T)
    QTest.keyClick(window.entry, Qt.Key_Return)
    assert len(commands.sent) == 1, "neither does an empty line"


def test_the_recording_is_started_paused_resumed_and_stopped(window, stage, script, commands):
    play(window, stage, 30, 30)
    press(window, Qt.Key_R, Qt.ControlModifier)
    window.controls.buttons["pause"].click()
    stage.changes = {"recording": script.recording(paused=True)}
    play(window, stage, 30.5, 30.5)
    assert window.controls.buttons["pause"].text() == strings.PAUSED_BUTTON
    assert window.header.recording.text() == "▲ rec 123 MB, paused"
    press(window, Qt.Key_P, Qt.ControlModifier)
    for _ in range(2):
        window.controls.buttons["stop"].click()
    kinds = [command.kind for command in commands.sent]
    assert kinds == ["start_recording", "pause_recording", "resume_recording", "stop_recording", "stop_recording"]
    commands.waiting = [Reply(False, "The recording has already stopped; it is in data/sub-P1.")]
    window.tick()
    assert window.message.full == "▲ The recording has already stopped; it is in data/sub-P1."


def test_a_screen_that_only_watches_sends_nothing_and_says_so(qt, stage, tmp_path):
    window = Window(ViewModel(stage, stage.clock), None, Settings(tmp_path / "monitor.ini"), lambda: NOW_S)
    window._timer.stop()
    window.show()
    play(window, stage, 30, 30)
    assert not window.controls.buttons["record"].isEnabled()
    press(window, Qt.Key_M)
    assert window.message.full == f"▲ {strings.READ_ONLY}"
    press(window, Qt.Key_N)
    assert not window.entry.isVisible()
    window.close()
    window.deleteLater()


def test_marks_and_markers_stand_in_the_lane_at_their_times(window, stage, script):
    marks = (Mark(script.T0 - 30.0, "mark", "long ago"), Mark(script.T0 + 40.0, "mark", "mark 1"))
    marks += (Mark(script.T0 + 55.0, "marker", "film 3"), Mark(script.T0 + 59.0, "note", "sleepy"))
    stage.changes = {"marks": marks}
    play(window, stage, 60, 70)
    assert [mark.text for mark in window.markers.shown] == ["mark 1", "film 3", "sleepy"]
    assert window.markers._x(90.0) == 0.0
    assert window.markers._x(45.0) == pytest.approx(window.markers.width() / 2)


# -- freeze and scroll back


def test_space_freezes_and_the_engine_goes_on(window, stage, script):
    play(window, stage, 40, 60)
    press(window, Qt.Key_Space)
    frozen = window.view
    assert window.freeze_bar.isVisible()
    play(window, stage, 60.5, 64)
    assert window.view.snapshot is frozen.snapshot
    assert window.view.traces is frozen.traces
    assert window.header.session_clock.text() == "1:05", "clock, health and recording are never frozen"
    press(window, Qt.Key_Space)
    assert not window.freeze_bar.isVisible()
    assert window.view.snapshot.now_s == script.T0 + 64


def test_scrolling_back_shows_what_was_there(window, stage, script):
    play(window, stage, 30, 60)
    press(window, Qt.Key_Space)
    press(window, Qt.Key_PageUp)
    press(window, Qt.Key_Left)
    view = window.view
    assert view.frozen.ago_s == pytest.approx(11.0)
    assert view.snapshot.now_s == pytest.approx(script.T0 + 49.0, abs=0.5)
    assert view.history.times_s[-1] <= script.T0 + 49.0
    valence = view.snapshot.estimate.answer("valence")
    assert window.valence.bars.values == tuple(round(one, 3) for one in valence.probabilities[::-1])
    newest = round((view.traces.times_s[-1] + 49.0) * script.EEG_HZ)
    expected = script.eeg(newest - script.EEG_HZ, newest)[:, 0]
    column = view.traces.microvolts[view.traces.times_s > -1.0, 0]
    assert column.max() == pytest.approx(expected.max(), abs=2.0)
    assert column.min() == pytest.approx(expected.min(), abs=2.0)
    assert view.frame is None, "the scripted ring holds 8 s of pictures; a newer one would be another moment's"
    window.choose(ago_s=5.0)
    np.testing.assert_array_equal(window.view.frame, script.frame(55.0))
    window.freeze_bar.slider.setValue(window.freeze_bar.slider.minimum())
    assert window.view.frozen.ago_s == pytest.approx(window.view.frozen.longest_s, abs=0.06)
    for _ in range(3):
        press(window, Qt.Key_PageUp)
    assert window.view.frozen.ago_s == pytest.approx(window.view.frozen.longest_s, abs=0.06), "not further than is held"


# -- blind mode, help, theme


def test_blind_shows_signal_quality_and_nothing_of_an_estimate(window, stage):
    play(window, stage, 50, 56)
    press(window, Qt.Key_B)
    QApplication.processEvents()
    assert shown_panels(window) == {"eeg", "scalp", "camera", "speech", "markers", "health"}
    assert strings.BLIND in words(window)
    assert not window.speech.answer.isVisible()
    assert not window.speech.bars.isVisible()
    assert not window.eeg.bands.isVisible()
    assert window.face._box is None
    assert {card.used.text() for card in window.health.cards.values()} == {""}
    assert window.health.cards["eeg"].state.text() == "● live"
    press(window, Qt.Key_B)
    assert {"valence", "arousal", "plane", "looks"} <= shown_panels(window)
    assert window.speech.answer.isVisible()


def test_every_key_is_on_the_page_of_keys_and_does_something(window, stage, commands):
    play(window, stage, 50, 52)
    press(window, Qt.Key_F1)
    assert window.help.isVisible()
    text = words(window.help)
    for shown, sequences, what, meaning in strings.SHORTCUTS:
        assert shown in text
        assert meaning in text
        for sequence in sequences:
            if what != "full":
                window.deeds.do(what, sequence)
    press(window, Qt.Key_Escape)
    assert not window.help.isVisible()
    with pytest.raises(KeyError):
        window.deeds.do("no such action")


def test_light_and_dark_change_all_colours_and_are_remembered(window, stage, tmp_path):
    play(window, stage, 50, 54)
    dark = window.grab().toImage().pixelColor(3, 3).name()
    press(window, Qt.Key_D)
    QApplication.processEvents()
    assert dark == theme.DARK[theme.BACKGROUND]
    assert window.grab().toImage().pixelColor(3, 3).name() == theme.LIGHT[theme.BACKGROUND]
    image = window.valence.chart.grab().toImage()
    assert image.pixelColor(2, 2).name() == theme.LIGHT[theme.PANEL]
    window.close()
    assert Settings(tmp_path / "window.ini").theme == "light"


# -- panels


def test_a_panel_is_hidden_by_its_cross_stays_hidden_and_comes_back(window, stage, tmp_path):
    play(window, stage, 50, 52)
    height = window.arousal.height()
    window.docks.docks["valence"].titleBarWidget().hidden.emit()
    QApplication.processEvents()
    play(window, stage, 52.5, 53)
    assert "valence" not in shown_panels(window)
    assert window.arousal.height() > height, "others take its room"
    window.close()
    again = Window(ViewModel(stage, stage.clock), None, Settings(tmp_path / "window.ini"), lambda: NOW_S)
    again._timer.stop()
    again.show()
    play(again, stage, 53.5, 54)
    assert "valence" not in shown_panels(again)
    again.page.docks.fill_menu(again.page.controls.menu)
    action = next(one for one in again.page.controls.menu.actions() if one.text() == strings.TITLES["valence"])
    assert not action.isChecked()
    action.trigger()
    QApplication.processEvents()
    assert "valence" in shown_panels(again)
    again.close()
    again.deleteLater()


def test_a_panel_that_was_moved_is_there_in_the_next_session(window, stage, tmp_path):
    play(window, stage, 50, 51)
    docks = window.docks
    docks.splitDockWidget(docks.docks["speech"], docks.docks["eeg"], Qt.Vertical)
    QApplication.processEvents()
    moved = docks.docks["eeg"].x()
    assert moved > docks.docks["valence"].x() + 100
    window.close()
    again = Window(ViewModel(stage, stage.clock), None, Settings(tmp_path / "window.ini"), lambda: NOW_S)
    again._timer.stop()
    again.show()
    play(again, stage, 51.5, 52)
    QApplication.processEvents()
    assert again.docks.docks["eeg"].x() > again.docks.docks["valence"].x() + 100
    press(again, Qt.Key_0, Qt.ControlModifier)
    QApplication.processEvents()
    assert abs(again.docks.docks["eeg"].x() - again.docks.docks["valence"].x()) < 10, "Ctrl+0 is the default layout"
    again.close()
    again.deleteLater()


def test_settings_that_are_damaged_are_those_of_a_first_start(qt, stage, tmp_path):
    path = tmp_path / "damaged.ini"
    path.write_bytes(b"[panels]\nstate=@ByteArray(nonsense)\nclosed=nobody\n[eeg]\nwindow_s=-7\npassband=99\n\xff\xfe")
    window = Window(ViewModel(stage, stage.clock), None, Settings(path), lambda: NOW_S)
    window._timer.stop()
    window.show()
    play(window, stage, 50, 51)
    assert {"valence", "eeg", "camera"} <= shown_panels(window)
    assert window.view_model.choices.eeg.window_s == 8.0
    window.close()
    window.deleteLater()


def test_what_a_session_does_not_have_takes_no_room(window, stage, script):
    sources = (script.source("eeg"), script.source("face", configured=False), script.source("speech", configured=False))
    stage.changes = {"sources": sources}
    play(window, stage, 50, 52)
    QApplication.processEvents()
    assert not {"camera", "speech", "looks"} & shown_panels(window)
    docks = [dock for name, dock in window.docks.docks.items() if name in shown_panels(window)]
    area = sum(dock.width() * dock.height() for dock in docks)
    assert area > 0.9 * window.docks.width() * window.docks.height(), "no dead space"


# -- sizes


@pytest.mark.parametrize("size", [(1024, 700), (1366, 768), (1920, 1080)])
@pytest.mark.parametrize("name", ["dark", "light"])
def test_nothing_is_cut(window, stage, script, size, name):
    stage.changes = {"recording": script.recording(), "participant": "P07", "pooling": size[0] > 1024}
    window.settings.theme = name
    window.resize(*size)
    window.rebuild()
    play(window, stage, 50, 53)
    for _ in range(3):
        QApplication.processEvents()
    window.tick()
    assert (window.width(), window.height()) == size
    least = window.minimumSizeHint()
    assert (least.width() <= size[0], least.height() <= size[1]) == (True, True), least
    assert not cut_labels(window)
    assert not small_panels(window)
    assert not outside(window)
    window.deeds.do("help")
    QApplication.processEvents()
    assert not cut_labels(window.help)
    assert not outside(window)


def test_a_page_that_is_built_anew_is_seen_at_once(window, stage):
    play(window, stage, 50, 51)
    window.rebuild()
    picture = window.grab().toImage()
    colours = {picture.pixelColor(x, y).name() for x in range(0, 1366, 5) for y in range(0, 768, 5)}
    assert len(colours) > 50
    assert window.page.isVisible()
    assert (window.page.width(), window.page.height()) == (window.width(), window.height())


def test_fonts_follow_the_window(window, stage, qt):
    play(window, stage, 50, 51)
    small = window.valence.answer.font().pixelSize()
    window.resize(2732, 1536)
    wait_for(lambda: QApplication.processEvents() or theme.scale() == 2.0, 30)
    play(window, stage, 51.5, 52)
    assert window.valence.answer.font().pixelSize() == 2 * small


# -- the EEG chart


def test_the_scale_of_the_eeg_is_fitted_once_and_then_the_users(window, stage, script):
    play(window, stage, 30, 40)
    first = window.view.traces.span_uv
    original = script.eeg
    try:
        script.eeg = lambda a, b: 20.0 * original(a, b)
        play(window, stage, 40.5, 52)
    finally:
        script.eeg = original
    assert window.view.traces.span_uv == first, "no scale jumps by itself"
    press(window, Qt.Key_Minus)
    assert window.view.traces.span_uv > first
    press(window, Qt.Key_Plus)
    assert window.view.traces.span_uv == first
    press(window, Qt.Key_F)
    assert window.view.traces.span_uv > 4 * first, "F fits it"


def test_time_filter_channels_and_order_are_the_users(window, stage, script, tmp_path):
    play(window, stage, 30, 40)
    press(window, Qt.Key_BracketLeft)
    assert window.view.traces.window_s == 4.0
    assert window.view.traces.times_s[0] == pytest.approx(-4.0, abs=0.1)
    controls = window.eeg.controls
    controls.passband.setCurrentIndex(4)
    controls.passband.activated.emit(4)
    values = window.view.traces.microvolts[:, script.CHANNELS.index("T7")]
    assert np.nanmax(np.abs(values)) < 30.0, "8-13 Hz has none of the 50 Hz of a bad channel (120 µV)"
    controls.fill_menu()
    cz = next(action for action in controls.menu.actions() if action.text() == "Cz")
    cz.trigger()
    assert "Cz" not in window.view.traces.names
    assert len(window.view.traces.names) == len(script.CHANNELS) - 1
    controls.fill_menu()
    next(one for one in controls.menu.actions() if one.text() == strings.EEG_BY_PLACE).trigger()
    names = window.view.traces.names
    assert names[0] in ("Fp1", "Fp2")
    assert names[-1] == "Oz"
    controls.fill_menu()
    next(one for one in controls.menu.actions() if one.text() == strings.EEG_GOOD_ONLY).trigger()
    assert set(script.CHANNELS) - set(window.view.traces.names) == {"T7"}
    window.close()
    kept = Settings(tmp_path / "window.ini").eeg
    assert (kept.window_s, kept.passband, kept.by_place, kept.hidden) == (4.0, (8.0, 13.0), True, ())


def test_the_scalp_shows_where_a_band_is_strong_and_its_weight(window, stage, script):
    play(window, stage, 40, 44)
    scalp = window.view.scalp
    rows, columns = np.nonzero(scalp.mask)
    alpha = scalp.decibels[1]
    assert scalp.decibels.shape == (3, 40, 40)
    # The scripted alpha grows with the channel's number, from front to back.
    front, back = rows < 16, rows > 24
    assert alpha[rows[back], columns[back]].mean() > alpha[rows[front], columns[front]].mean() + 2.0
    weights = window.view.snapshot.band_attention
    expected = tuple(f"{band} {share:.0%}" for band, share in zip(("theta", "alpha", "beta"), weights, strict=True))
    assert window.scalp.words == expected


def test_the_plane_is_hollow_with_a_reason_while_the_model_abstains(window, stage, script):
    snapshot = script.snapshot_at(50.0)
    felt = [replace(head, kept=(0, 1, 2), abstained="no face for 12 s") for head in snapshot.estimate.heads[:2]]
    sure = [replace(head, kept=(1,), abstained=None) for head in snapshot.estimate.heads[:2]]
    for heads, why in ((felt, "no face for 12 s"), (sure, "")):
        estimate = replace(snapshot.estimate, heads=(*heads, *snapshot.estimate.heads[2:]))
        stage.override = lambda estimate=estimate: replace(snapshot, estimate=estimate)
        window.tick()
        assert window.plane.open == why
    assert window.plane.legend == ("estimate", "open", "voice", "truth")
    assert "undecided" in strings.LEGEND["open"]
