"""Decoding again and rating on the replay page, and what is on the disk after it."""

import hashlib
import json
import time
from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest

from moodring.configs.schema.session_folder import DECODINGS_FOLDER, RATINGS_FOLDER, REPORT_FILE
from moodring.models.contract import HeadOutput
from moodring.models.io.bundle import bundled
from moodring.models.io.journal import journal_line, read_journal
from moodring.offline.export.export import export_session
from moodring.offline.recordings.ratings import read_ratings
from moodring.offline.report.report import write_report
from moodring.realtime.ui import strings

pytestmark = pytest.mark.qt
PATIENCE_S = 120.0


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def wait(qt, window, until, seconds=PATIENCE_S):
    end_s = time.monotonic() + seconds
    while not until():
        qt.processEvents()
        window.tick()
        assert time.monotonic() < end_s
        time.sleep(0.02)


def press(window, key, modifier=Qt.NoModifier):
    QTest.keyClick(window, key, modifier)
    window.tick()


def click(window, button):
    QTest.mouseClick(button, Qt.LeftButton)
    window.tick()


def test_another_bundle_is_decoded_and_drawn_beside_what_was_recorded(qt, show, session):
    before = digests(session)
    window = show(session)
    window.deeds.decode_with(bundled("attention"))
    shares = set()
    wait(qt, window, lambda: shares.add(window.page.progress.value()) or window.run is None)
    assert len(shares) > 2, "it tells how far it is"
    (made,) = (session / DECODINGS_FOLDER).iterdir()
    again, recorded = read_journal(made), read_journal(session / "decisions.jsonl")
    # The same bundle as was recorded with says the same.
    assert [one.session_time_s for one in again] == [one.session_time_s for one in recorded]
    first, second = window.replay.shown
    assert first.name == "as recorded"
    assert second.name == made.stem
    assert second.name.startswith("attention-")
    lines = window.page.levels[0].decoded
    assert lines[1].yData == pytest.approx(lines[0].yData, abs=1e-5, nan_ok=True)
    assert lines[0].opts["pen"].style() == Qt.SolidLine
    assert lines[1].opts["pen"].style() == Qt.DashLine
    assert lines[0].opts["pen"].color() != lines[1].opts["pen"].color()
    assert [one[0] for one in window.page.legend.entries][:2] == ["as recorded", made.stem]
    after = digests(session)
    assert {name: after[name] for name in before} == before, "the recording stays as it is"


def test_classes_of_another_model_have_rows_beside_those_of_the_first(show, session):
    folder, recorded = session / DECODINGS_FOLDER, read_journal(session / "decisions.jsonl")
    folder.mkdir()
    voice = HeadOutput("speech", "acted", ("anger", "boredom"), (0.25, 0.75))
    again = [replace(one, heads=(*one.heads[:2], voice), ablations=()) for one in recorded]
    (folder / "other-123456.jsonl").write_bytes(b"".join(journal_line(one) + b"\n" for one in again))
    window = show(session)
    ticks = window.page.classes.getAxis("left")._tickLevels[0]
    own = recorded[0].head("speech").classes
    assert [name for _, name in ticks] == [*own, "boredom"]
    image = window.page.classes.picture.image[::-1]
    assert len(image) == 2 * len(ticks)
    strongest = image[:, :, 3].max(axis=1)
    assert strongest[2 * len(own) + 1] == round(255 * 0.75)
    assert strongest[2 * len(own)] == 0, "the first decoding knows no boredom"
    assert strongest[2 * own.index("anger") + 1] == round(255 * 0.25)


def test_a_decoding_is_there_when_the_session_is_opened_again(qt, show, session):
    folder = session / DECODINGS_FOLDER
    folder.mkdir()
    (folder / "mine-123456.jsonl").write_bytes((session / "decisions.jsonl").read_bytes())
    window = show(session)
    assert [one.name for one in window.replay.decodings] == ["as recorded", "mine-123456"]
    box = window.page.estimates.boxes["second"]
    box.activated.emit(0)
    assert window.replay.shown[1] is None


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_decoding_that_is_broken_off_leaves_nothing(qt, show, session, how):
    before = digests(session)
    window = show(session)
    window.deeds.decode_with(bundled("attention"))
    wait(qt, window, lambda: window.run is None or window.run.share > 0.0)
    run = window.run
    assert run is not None, "it was faster than this test"
    if how == "cancel":
        click(window, window.page.buttons["cancel"])
        assert strings.REPLAY_CANCELLED in window.page.message.text()
        assert not window.page.progress.isVisible()
    else:
        window.close()
    assert run.over
    assert digests(session) == before


def test_a_bundle_that_does_not_fit_is_one_sentence(qt, show, tmp_path):
    from tests.support.viewed_sessions import write_viewed

    window = show(write_viewed(tmp_path / "run", 4.0, journal=False, eeg=None))
    window.deeds.decode_with(bundled("workload"))
    wait(qt, window, lambda: window.run is None)
    said = window.page.message.text()
    assert "eeg" in said
    assert "\n" not in said
    assert not window.replay.decodings
    window.deeds.decode_with(tmp_path / "nowhere.safetensors")
    assert "nowhere.safetensors" in window.page.message.text()


def rate(window, clock, settled, seconds=3.0):
    press(window, Qt.Key_E, Qt.ControlModifier)
    window.page.rating.rater.setText("Anna B")
    window.setFocus()
    press(window, Qt.Key_Space)
    for step in range(int(seconds * 20)):
        clock.now_s += 0.05
        if step == int(seconds * 10):
            press(window, Qt.Key_W)
            press(window, Qt.Key_D)
            press(window, Qt.Key_D)
        window.tick()
    press(window, Qt.Key_Space)
    settled(window)


def test_a_rating_by_keys_is_saved_on_the_sessions_clock(show, session, clock, settled):
    before = digests(session)
    window = show(session)
    press(window, Qt.Key_Right)
    rate(window, clock, settled)
    assert window.page.rating.rated.text() == strings.REPLAY_RATED.format(seconds=3)
    click(window, window.page.rating.save)
    (rating,) = read_ratings(session)
    assert rating.rater == "Anna B"
    assert rating.rate_hz == 10.0
    start_s = window.replay.session.start_s + 1.0
    assert rating.stamps_s[0] == pytest.approx(start_s, abs=0.1)
    assert rating.stamps_s[-1] == pytest.approx(start_s + 3.0, abs=0.15)
    assert rating.values[0] == pytest.approx([0.0, 0.0])
    assert rating.values[-1] == pytest.approx([0.2, 0.1], abs=1e-5)
    assert np.diff(rating.stamps_s) == pytest.approx(0.1)
    after = digests(session)
    assert {name: after[name] for name in before} == before
    assert window.replay.rating is None
    shown = window.page.levels[0].ratings
    assert shown.yData[np.isfinite(shown.yData)] == pytest.approx(rating.values[:, 0])


def test_an_earlier_rating_is_never_replaced(show, session, clock, settled):
    window = show(session)
    for _ in range(2):
        rate(window, clock, settled, 1.0)
        click(window, window.page.rating.save)
    names = sorted(path.name for path in (session / RATINGS_FOLDER).iterdir())
    assert names == ["rating-001.xdf", "rating-002.xdf"]
    again = show(session)
    assert len(again.replay.ratings) == 2
    assert "Anna B" in again.page.legend.entries[-1][0]


def test_the_mouse_in_the_plane_and_the_sliders_rate(show, session, clock):
    window = show(session)
    press(window, Qt.Key_E, Qt.ControlModifier)
    plane = window.page.plane
    at = plane.point(0.5, -0.25).toPoint()
    QTest.mousePress(plane, Qt.LeftButton, pos=at)
    assert window.replay.rating.value == pytest.approx((0.5, -0.25), abs=0.02)
    QTest.mouseMove(plane, plane.point(-1.0, 1.0).toPoint() - QPoint(40, 40))
    QTest.mouseRelease(plane, Qt.LeftButton, pos=at)
    window.page.rating.valence.setValue(-70)
    assert window.replay.rating.value[0] == pytest.approx(-0.7)
    window.tick()
    assert window.page.plane.marks.rating[0] == pytest.approx(-0.7)


def test_what_is_skipped_is_not_rated_and_what_is_played_again_is_rated_again(show, session, clock):
    window = show(session)
    press(window, Qt.Key_E, Qt.ControlModifier)
    press(window, Qt.Key_Space)
    window.tick()
    clock.now_s += 1.0
    window.tick()
    window.deeds.seek(window.replay.transport.start_s + 5.0)
    window.tick()
    clock.now_s += 1.0
    window.tick()
    rated = np.isfinite(window.replay.rating.values[:, 0])
    times_s = window.replay.rating.times_s - window.replay.transport.start_s
    assert not rated[(times_s > 1.05) & (times_s < 4.95)].any()
    assert rated[(times_s > 5.05) & (times_s < 5.95)].all()
    window.deeds.set_value(0.8, 0.0)
    window.deeds.seek(window.replay.transport.start_s)
    window.tick()
    clock.now_s += 0.5
    window.tick()
    values = window.replay.rating.values[:, 0]
    assert values[(times_s > 0.05) & (times_s < 0.45)] == pytest.approx(0.8)
    assert values[(times_s > 0.55) & (times_s < 0.95)] == pytest.approx(0.0)


def test_a_rating_needs_a_name_and_is_not_lost_by_accident(show, session, clock, settled):
    window = show(session)
    rate(window, clock, settled, 1.0)
    window.page.rating.rater.clear()
    click(window, window.page.rating.save)
    assert strings.REPLAY_RATER_MISSING in window.page.message.text()
    assert not (session / RATINGS_FOLDER).exists()
    window.close()
    assert window.isVisible()
    assert strings.REPLAY_UNSAVED in window.page.message.text()
    click(window, window.page.rating.discard)
    assert window.replay.rating is None
    assert window.close()


def test_a_rating_stands_in_the_report_and_goes_out_with_the_export(show, session, clock, settled, tmp_path):
    window = show(session)
    window.deeds.seek(window.replay.transport.start_s + 6.0)
    rate(window, clock, settled, 6.0)
    click(window, window.page.rating.save)
    write_report(session, None, pictures=False)
    text = (session / REPORT_FILE).read_text(encoding="utf-8")
    assert "Rated along the recording" in text
    assert "Anna B" in text
    told: list[str] = []
    export_session(session, tmp_path / "bids", pictures=False, tell=told.append)
    (table,) = (tmp_path / "bids").rglob("*recording-rating01_physio.tsv.gz")
    facts = json.loads(table.with_name(table.name.replace(".tsv.gz", ".json")).read_text())
    values = np.loadtxt(table, delimiter="\t")
    (rating,) = read_ratings(session)
    assert facts["Columns"] == ["valence", "arousal"]
    assert facts["SamplingFrequency"] == 10.0
    assert facts["Rater"] == "Anna B"
    assert values == pytest.approx(rating.values, abs=1e-6)
    first_eeg_s = window.replay.session.eeg.between(0.0, np.inf)[0][0]
    assert facts["StartTime"] == pytest.approx(rating.stamps_s[0] - first_eeg_s, abs=0.01)


def test_a_file_takes_no_ratings(show, session):
    window = show(session / "video" / "camera.mkv")
    press(window, Qt.Key_E, Qt.ControlModifier)
    assert window.replay.rating is None
    assert strings.REPLAY_RATE_NOWHERE in window.page.message.text()
