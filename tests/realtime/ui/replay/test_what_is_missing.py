"""What the replay page says of sessions that lack something, are damaged, or are none."""

import os
import threading
import time

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from moodring.offline.viewing.part_index import PartIndex
from moodring.realtime.ui import strings
from tests.support.viewed_sessions import write_viewed

pytestmark = pytest.mark.qt


def said(window):
    part = window.page or window.start
    return part.message.text()


def eeg_stream(session):
    """Return where the chunks of EEG are."""
    index = PartIndex(session / "streams" / "part-001.xdf", session)
    return next(one for one in index.streams.values() if one.fact("source") == "eeg")


@pytest.mark.parametrize("missing", ["eeg", "face", "speech"])
def test_a_session_without_one_source_shows_the_others(show, tmp_path, missing):
    window = show(write_viewed(tmp_path / "run", 4.0, journal=False, **{missing: None}))
    page = window.page
    assert page.eeg.isHidden() == (missing == "eeg")
    assert page.sound.isHidden() == (missing == "speech")
    assert (page.film._image is None) == (missing == "face")
    assert page.film.why == (strings.REPLAY_NO_FILM if missing == "face" else "")
    assert page.transport.sound.full == (strings.REPLAY_NO_SOUND if missing == "speech" else "")
    assert strings.REPLAY_NO_ESTIMATES in said(window)
    QTest.keyClick(window, Qt.Key_Period)
    QTest.keyClick(window, Qt.Key_N)
    window.tick()
    assert window.replay.transport.place_s == pytest.approx(2.0, abs=1e-6)


def test_estimates_that_end_before_the_recording(show, session):
    lines = (session / "decisions.jsonl").read_bytes().splitlines(keepends=True)
    (session / "decisions.jsonl").write_bytes(b"".join(lines[:8]))
    window = show(session)
    QTest.keyClick(window, Qt.Key_End)
    window.tick()
    assert window.page.plane.marks.decoded[0] is None
    assert window.page.film._image is not None


def test_an_empty_folder_is_one_sentence(show, tmp_path):
    (tmp_path / "nothing").mkdir()
    window = show(tmp_path / "nothing")
    assert window.page is None
    assert "empty" in said(window)
    assert "\n" not in said(window)


def test_a_folder_that_is_no_session_and_a_file_that_is_no_recording(show, tmp_path, settled):
    (tmp_path / "notes.txt").write_text("hello")
    window = show(tmp_path)
    assert "session.toml" in said(window)
    window.open(tmp_path / "notes.txt")
    settled(window)
    assert ".txt" in said(window)


def test_what_was_open_stays_where_another_cannot_be_opened(show, session, tmp_path, settled):
    window = show(session)
    window.open(tmp_path / "nowhere")
    settled(window)
    assert "nowhere" in said(window)
    assert window.replay.session.folder == session


def test_a_session_that_is_still_recorded(show, session):
    text = (session / "session.toml").read_text()
    (session / "session.toml").write_text("\n".join(one for one in text.split("\n") if not one.startswith("ended_at")))
    (session / "config.toml").write_text("[eeg]\nstream = { name = 'amplifier' }\n")
    part = session / "streams" / "part-001.xdf"
    os.utime(part)
    assert "still being recorded" in said(show(session))
    os.utime(part, (time.time() - 60, time.time() - 60))
    assert "did not end in order" in said(show(session))


def test_streams_that_were_cut_off_are_shown_up_to_there(show, session):
    eeg = eeg_stream(session)
    os.truncate(session / "streams" / "part-001.xdf", int(eeg.ends[1]) + 500)
    window = show(session)
    assert "cut" in said(window)
    assert 4.0 < window.replay.transport.stop_s < 12.0
    assert window.page.film.why == strings.REPLAY_NO_FILM
    assert np.isfinite(window._data.eeg[1]).any()


def test_a_film_that_was_cut_off_says_so_in_place_of_the_frame(show, session, settled):
    film = session / "video" / "camera.mkv"
    os.truncate(film, film.stat().st_size // 3)
    window = show(session)
    assert window.page.film._image is not None
    QTest.keyClick(window, Qt.Key_End)
    settled(window)
    assert window.page.film._image is None
    assert "cut short" in window.page.film.why


def test_damage_in_the_middle_leaves_a_hole(show, session):
    part = session / "streams" / "part-001.xdf"
    raw, eeg = bytearray(part.read_bytes()), eeg_stream(session)
    middle = int(eeg.begins[1] + eeg.ends[1]) // 2
    raw[middle : middle + 64] = bytes(64)
    part.write_bytes(raw)
    window = show(session)
    columns = np.isfinite(window._data.eeg[1][:, 0])
    assert 0.5 < columns[: int(16 / 30 * len(columns))].mean() < 1.0


def test_the_list_of_sessions_opens_one(show, session, settled, tmp_path):
    window = show(None, folder=tmp_path)
    assert window.start.list.count() == 1
    window.start.list.itemActivated.emit(window.start.list.item(0))
    settled(window)
    assert window.replay.session.folder == session


def test_a_film_alone_is_replayed(show, session):
    window = show(session / "video" / "camera.mkv")
    assert window.page.film._image is not None
    assert window.page.eeg.isHidden()
    assert window.replay.transport.stop_s > 10.0


def test_what_is_read_of_a_session_never_shows_in_the_next_one(show, session, tmp_path, settled):
    bare = write_viewed(tmp_path / "bare", 4.0, journal=False)
    window = show(bare)
    slow = threading.Event()
    late = window.tools.open(session)
    kept = late.decodings
    object.__setattr__(late, "decodings", lambda: (slow.wait(20.0), kept())[1])
    window._show_session(late)
    window.tick()
    window.open(bare)
    while window.replay.session.path != bare:
        window.tick()
        time.sleep(0.01)
    slow.set()
    settled(window)
    assert window.replay.decodings == []
    assert strings.REPLAY_NO_ESTIMATES in said(window)
