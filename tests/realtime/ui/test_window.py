from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import Qt, qWarning
from PyQt5.QtGui import QFont, QFontInfo, QImage
from PyQt5.QtWidgets import QApplication, QLabel

from moodring.models.contract import Hearing
from moodring.models.signals.speech.microphone_level import check_microphone
from moodring.realtime.ui import theme
from moodring.realtime.ui.panels.levels import with_gaps
from tests.support.heads import with_head, without_answer

pytestmark = pytest.mark.qt


def play(window, stage, start, stop):
    for k in range(int(start * 2), int(stop * 2) + 1):
        stage.to(k / 2)
        window.tick()


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format_RGB888)
    raw = np.frombuffer(image.constBits().asarray(image.sizeInBytes()), np.uint8)
    rows = raw.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    # A copy: Qt frees the memory with the image.
    return rows.reshape(image.height(), image.width(), 3).copy()


def share_of(image, colour, tolerance=6):
    wanted = np.array([theme.colour(colour).red(), theme.colour(colour).green(), theme.colour(colour).blue()])
    return float((np.abs(image.astype(int) - wanted).max(axis=2) <= tolerance).mean())


def words(widget):
    return " ".join(label.text() for label in widget.findChildren(QLabel) if not label.isHidden())


def test_a_qt_warning_is_noticed(qt_application):
    from PyQt5.QtCore import qInstallMessageHandler

    said = []
    before = qInstallMessageHandler(lambda _kind, _context, text: said.append(text))
    qWarning(b"careful")
    qInstallMessageHandler(before)
    assert said == ["careful"]


def test_waiting_says_why_nothing_is_there(window, stage):
    stage.override = lambda: None
    stage.why = "a running engine was expected; running: none"
    window.tick()
    assert window.overlay.isVisible()
    assert window.overlay.text == "○ Waiting for an engine\na running engine was expected; running: none"


def test_connecting_shows_every_source_as_searching(window, stage, script):
    stage.override = lambda: script.silent(3.0)
    window.tick()
    assert not window.overlay.isVisible()
    assert window.header.phase.text() == "○ connecting: 0 of 3 sources found"
    assert [card.state.text() for card in window.health.cards.values()] == ["○ searching"] * 3
    assert window.valence.reason.text() == "no estimate yet"
    assert window.valence.bars.values is None
    assert window.face.caption == "camera searching"
    assert window.speech.answer.text() == "no microphone yet"


def test_resting_counts_down(window, stage):
    play(window, stage, 6, 12)
    assert window.header.phase.text() == "▲ resting: baseline, 8 s left"
    assert window.header.phase.property("tint") == theme.TONES["warn"]


def test_decoding_shows_everything(window, stage, script):
    play(window, stage, 40, 52)
    valence, arousal = script.readout(52.0)
    assert window.header.phase.text() == "● decoding"
    assert window.notices.isVisible()
    assert window.notices.text.text() == "▲ demonstration model, not valid for people"
    assert window.valence.bars.values == pytest.approx(valence.probabilities[::-1], abs=6e-4)
    assert window.arousal.bars.values == pytest.approx(arousal.probabilities[::-1], abs=6e-4)
    assert window.valence.legend.text() == "line: true value"
    assert window.figures.figures["latency"].text() == "143 / 212 ms"
    assert "15 of 16 channels good" in window.eeg.channels.text()
    assert "T7" in window.eeg.channels.text()
    assert sum(window.eeg.bands.values) == pytest.approx(1.0, abs=2e-3)
    assert window.looks.shown > 5
    assert len(window.view.glimpses) == 6
    assert window.health.cards["eeg"].state.text() == "● live"
    assert window.health.cards["face"].used.text() == "used"
    assert window.health.cards["face"].figures.text().endswith("delay undeclared")


def test_the_header_says_how_the_recording_stands(window, stage, script):
    stage.override = lambda: script.snapshot_at(30.0)
    window.tick()
    assert window.header.recording.text() == ""
    error = script.recording(on=False, error="the disk is full")
    stage.override = lambda: script.snapshot_at(31.0, recording=error, notices=("NOT RECORDING: the disk is full",))
    window.tick()
    assert window.header.recording.text() == "■ recording stopped"
    assert "▲ NOT RECORDING: the disk is full" in window.notices.text.text()


def test_the_bars_of_the_levels_are_whole_in_the_smallest_picture(window, stage, script):
    """Two lines of notices, the true values, and the health of every source take their room, but not from the bars."""
    stage.changes = {"pooling": True, "notices": (script.NOTICE, "another notice of a length that takes a line " * 5)}
    play(window, stage, 40, 41)
    window.resize(1366, 768)
    QApplication.processEvents()
    for panel in (window.valence, window.arousal):
        bottom = panel.bars.mapTo(panel, panel.bars.rect().bottomLeft()).y()
        assert panel.bars.height() == panel.bars.sizeHint().height()
        assert bottom <= panel.height() - 8, (bottom, panel.height())


def test_the_picture_holds_its_colours(window, stage):
    play(window, stage, 40, 60)
    image = pixels(window)
    assert image.shape == (768, 1366, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 1000
    chart = pixels(window.valence.chart)
    assert sum(share_of(chart, colour) for colour in theme.LEVEL_COLOURS) > 0.15
    assert share_of(pixels(window.notices), theme.TONES["warn"], 40) > 0.003


def test_panels_keep_their_shares_of_the_window(window, stage, qt):
    play(window, stage, 40, 44)
    qt.processEvents()
    assert abs(window.valence.height() - window.arousal.height()) <= 2
    assert min(window.valence.height(), window.eeg.height(), window.speech.height()) > 120
    before = window.valence.height()
    window.valence.reason.setText("a very long reason " * 20)
    qt.processEvents()
    assert window.valence.height() == before
    window.resize(1024, 700)
    qt.processEvents()
    assert (window.width(), window.height()) == (1024, 700)


def test_undecided_gives_its_reason(window, stage, script):
    snapshot = script.snapshot_at(50.0)
    estimate = with_head(snapshot.estimate, "valence", kept=(0, 1, 2), abstained="no face for 12 s")
    estimate = with_head(estimate, "arousal", kept=(1, 2), abstained=None)
    stage.override = lambda: replace(snapshot, estimate=estimate)
    window.tick()
    assert (window.valence.answer.text(), window.valence.reason.text()) == ("undecided", "no face for 12 s")
    assert (window.arousal.answer.text(), window.arousal.reason.text()) == ("medium or high", "")
    assert window.view.history.undecided.tolist() == [[True, False]]


def test_no_speech_is_an_answer(window, stage, script):
    stage.to(54.0)
    window.tick()
    assert script.speaking(54.0)
    assert window.speech.answer.text() in script.SPEECH
    assert window.speech.bars.values is not None
    stage.to(59.0)
    window.tick()
    assert window.speech.answer.text() == "no speech"
    assert window.speech.bars.values is None
    assert "no voice" in window.speech.level.text()


def test_lost_absent_and_failed_sources(window, stage, script):
    play(window, stage, 40, 44)
    colourful = pixels(window.eeg.chart).astype(int)
    stage.changes = {
        "sources": (
            script.source("eeg", health="lost", lost_samples=2304),
            script.source("face", configured=False),
            script.source("speech", health="lost", error="microphone 'USB' gave 0 channels; choose another"),
        )
    }
    play(window, stage, 44.5, 45)
    cards = window.health.cards
    assert cards["eeg"].state.text() == "■ lost"
    assert cards["eeg"].state.property("tint") == theme.TONES["bad"]
    assert "2 304 lost" in cards["eeg"].figures.text()
    assert (cards["face"].state.text(), cards["face"].figures.text()) == ("○ not used", "left out of the config")
    assert cards["speech"].state.text() == "■ failed"
    assert cards["speech"].figures.text().startswith("microphone 'USB'")
    assert window.eeg.channels.text() == "EEG lost"
    assert window.face.caption == "camera not used"
    assert window.speech.answer.text() == "microphone failed"
    grey = pixels(window.eeg.chart).astype(int)
    assert np.ptp(grey, axis=2).max() < np.ptp(colourful, axis=2).max()


def test_no_baseline_is_said(window, stage, script):
    snapshot = script.snapshot_at(50.0)
    stage.override = lambda: replace(snapshot, estimate=replace(snapshot.estimate, calibrated=False))
    window.tick()
    assert window.header.phase.text() == "▲ decoding, no rest baseline"


def test_an_engine_that_goes_leaves_its_last_picture_grey_and_may_return(window, stage):
    play(window, stage, 40, 44)
    figures = window.valence.bars.values
    stage.override = lambda: None
    stage.now += 7.0
    window.tick()
    assert window.overlay.isVisible()
    assert "'demo' has not answered for 7 s" in window.overlay.text
    assert window.header.phase.text() == "■ engine gone"
    assert window.valence.bars.values == figures
    grey = pixels(window.valence).astype(int)
    assert share_of(grey, theme.LEVEL_COLOURS[2]) > 0
    covered = pixels(window)[window.picture.y() + 20 : window.picture.y() + 200, 30:600].astype(int)
    assert np.ptp(covered, axis=2).max() < 40
    stage.override = None
    stage.to(44.5)
    window.tick()
    assert not window.overlay.isVisible()
    assert window.header.phase.text() == "● decoding"


def test_an_ended_session_says_so(window, stage):
    play(window, stage, 40, 42)
    stage.changes = {"phase": "ended"}
    window.tick()
    stage.now += 30.0
    window.tick()
    assert window.header.phase.text() == "○ session ended"
    assert not window.overlay.isVisible()


def test_closing_lets_go_of_the_engine(window, stage):
    window.close()
    assert stage.closed
    assert not window._timer.isActive()


def test_text_is_drawn_with_a_font_that_exists(qt):
    label = theme.label("moodring", 20)
    assert QFontInfo(label.font()).pixelSize() == 20
    label.setStyleSheet("color: white; background: black;")
    label.resize(label.sizeHint())
    ink = (np.ptp(pixels(label).astype(int).reshape(-1, 3), axis=0) > 100).any()
    assert ink
    assert isinstance(theme.font(12), QFont)


def test_holes_in_the_past_stay_holes():
    times, columns = with_gaps(np.array([-9.0, -8.5, -2.0, -1.5]), np.ones((4, 2)), 0.0)
    assert times.tolist() == [-9.0, -8.5, -8.49, -2.01, -2.0, -1.5]
    assert columns[:, 1].tolist() == [1, 1, 0, 0, 1, 1]


def test_a_voice_has_its_place_on_the_plane_and_a_silence_none(window, stage, script):
    snapshot = script.snapshot_at(54.0)
    silent = without_answer(snapshot.estimate, "speech")
    shouting = with_head(snapshot.estimate, "speech", probabilities=(1.0, 0.0, 0.0, 0.0))
    play(window, stage, 53, 54)
    shown = []
    for estimate in (silent, shouting):
        stage.override = lambda estimate=estimate: replace(snapshot, estimate=estimate)
        window.tick()
        shown.append(pixels(window.plane).astype(int))
    plane = window.plane
    point = plane._at(-2 / 3, 2 / 3)
    moved = np.argwhere(np.abs(shown[1] - shown[0]).max(axis=2) > 40)
    assert len(moved) > 30
    scale = shown[0].shape[0] / plane.height()
    assert moved.mean(axis=0) / scale == pytest.approx((point.y(), point.x()), abs=4)


def test_a_speaking_participant_a_withheld_voice_and_a_clipped_one_are_told(window, stage, script):
    snapshot = script.snapshot_at(59.0)
    clipped = check_microphone(np.clip(np.random.default_rng(0).normal(0, 0.5, 48_000), -1, 1).astype(np.float32))
    hearing = Hearing(False, "the loudspeaker is playing", "clipping", "clipping", 0.1, -8.0)
    estimate = replace(snapshot.estimate, hearing=hearing, degraded="the participant speaks")
    estimate = with_head(estimate, "valence", kept=(1,))
    sources = (*snapshot.sources[:2], replace(snapshot.sources[2], sound=clipped))
    stage.override = lambda: replace(snapshot, estimate=estimate, sources=sources)
    play(window, stage, 58, 59)
    assert window.speech.answer.text() == "the loudspeaker is playing"
    assert window.speech.level.text().startswith("clipping (4.")
    assert window.speech.level.property("tint") == theme.TONES["warn"]
    assert window.health.cards["speech"].state.text() == "▲ clipping"
    assert window.valence.reason.text() == "less sure: the participant speaks"


def test_pooling_is_beside_what_is_felt_and_says_whose_weight_it_was(window, stage):
    play(window, stage, 88.0, 90.0)
    before = pixels(window.plane)
    assert share_of(before, theme.POOLED) == 0.0
    assert window.valence.pooled.isHidden()
    height = window.valence.chart.height()
    stage.changes = {"pooling": True}
    play(window, stage, 90.5, 95.5)
    estimate = window.view.snapshot.estimate
    for panel, share in (
        (window.valence, estimate.answer("pooled_valence").shares["voice"]),
        (window.arousal, estimate.answer("pooled_arousal").shares["voice"]),
    ):
        assert not panel.pooled.isHidden()
        voice = round(100 * share)
        assert 0 < voice < 100
        assert panel.pooled.weight == f"{100 - voice}% face and EEG, {voice}% voice"
    # The felt answer stands as it was.
    assert window.valence.bars.values == tuple(
        round(float(x), 3) for x in estimate.answer("valence").probabilities[::-1]
    )
    assert window.valence.chart.height() < height
    assert share_of(pixels(window.plane), theme.POOLED) > 0.0005
    bar = pixels(window.valence.pooled)[-10:, 130:]  # below the words, right of the answer
    white, accent = share_of(bar, theme.TEXT), share_of(bar, theme.ACCENT)
    share = estimate.answer("pooled_valence").shares["voice"]
    assert accent / (white + accent) == pytest.approx(share, abs=0.05)


def test_where_nothing_is_pooled_for_a_while_the_row_stays_empty(window, stage, script):
    stage.changes = {"pooling": True}
    play(window, stage, 88.0, 90.0)
    stage.changes = {"estimate": script.estimate_at(90.5)}
    play(window, stage, 90.5, 90.5)
    row = window.valence.pooled
    assert not row.isHidden()
    assert (row.answer, row.weight) == ("–", "")
    assert share_of(pixels(window.plane), theme.POOLED) == 0.0


def test_a_narrow_window_says_the_weight_in_short(window, stage):
    stage.changes = {"pooling": True}
    window.resize(1024, 700)
    play(window, stage, 94.0, 95.5)
    assert window.valence.pooled.width() < 480
    assert share_of(pixels(window.valence.pooled), theme.SOFT, 40) > 0.003


def test_each_frame_that_was_looked_at_has_the_box_that_was_found_in_it(window, stage, script):
    play(window, stage, 0, 30)
    looks = script.looks(30.0)[-6:]
    assert [one.face for one in window.view.glimpses] == [look.face for look in looks]
    for one, look in zip(window.view.glimpses, looks, strict=True):
        np.testing.assert_array_equal(one.image, script.frame(look.frame_stamp_s - script.T0))
    assert share_of(pixels(window.glimpses), theme.ACCENT, 30) > 0.005


def test_the_camera_is_live_and_says_how_old_the_face_is_that_it_shows(window, stage, script):
    play(window, stage, 20, 30)
    look = script.looks(30.0)[-1]
    for t in (30.0, 30.25, 30.5):
        stage.to(t)
        window.tick()
        np.testing.assert_array_equal(window.face._frame, script.frame(t))
    if look.face is not None and look is script.looks(30.5)[-1]:
        assert window.face._box == look.face
        assert window.face.caption == f"face of {30.5 - (look.time_s - script.T0):.1f} s ago"


def test_a_missing_model_says_what_is_missing_and_how_to_train_it(window, stage, script, felt_model_missing):
    snapshot = script.snapshot_at(50.0)
    missing = {"probabilities": None, "kept": (), "abstained": felt_model_missing}
    estimate = with_head(with_head(snapshot.estimate, "valence", **missing), "arousal", **missing)
    stage.override = lambda: replace(snapshot, estimate=estimate)
    window.tick()
    QApplication.processEvents()
    for panel in (window.valence, window.arousal):
        assert panel.answer.text() == "–"
        assert "moodring train" in panel.reason.text()
        label = panel.reason
        needed = label.fontMetrics().boundingRect(0, 0, label.width(), 1000, Qt.TextWordWrap, label.text()).height()
        assert needed <= label.height(), "every word of it is seen"
        assert not panel.bars.isVisible()
        assert label.fontMetrics().height() >= 9, "and large enough to be read"
