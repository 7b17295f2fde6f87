"""A session read by stretches of time is the session that is read whole."""

import os

import numpy as np
import pytest

from moodring.models.contract.viewing import ContinuousRating
from moodring.models.io.ratings import write_rating
from moodring.offline.recordings.monotonic_time import on_rising_time
from moodring.offline.recordings.ratings import read_ratings
from moodring.offline.recordings.read_session import read_session
from moodring.offline.viewing.open import SELF_RATED, open_for_viewing
from tests.support.session_records import write_record

WINDOWS = [(0.0132, 0.5003), (0.73, 1.91), (3.2, 9.0)]


@pytest.fixture(scope="module")
def folder(fake_recording, tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("viewed") / "run", fake_recording(4.0))


@pytest.fixture(scope="module")
def whole(folder):
    return on_rising_time(read_session(folder))


@pytest.fixture(scope="module")
def opened(folder):
    return open_for_viewing(folder)


@pytest.mark.parametrize("source", ["eeg", "speech"])
@pytest.mark.parametrize("window", WINDOWS)
def test_samples_of_a_stretch_are_those_of_the_whole(opened, whole, source, window):
    signal = getattr(whole, source)
    start_s, stop_s = (whole.t0_s + one for one in window)
    stamps_s, samples = getattr(opened, {"speech": "sound"}.get(source, source)).between(start_s, stop_s)
    inside = (signal.stamps_s >= start_s) & (signal.stamps_s < stop_s)
    assert inside.any()
    assert stamps_s == pytest.approx(signal.stamps_s[inside], abs=1e-6)
    assert np.array_equal(samples, signal.samples[inside])


def test_frames_in_any_order_are_those_of_the_whole(opened, whole):
    assert opened.film.stamps_s == pytest.approx(whole.face.stamps_s)
    count = len(whole.face.stamps_s)
    for number in (0, count - 1, 3, 2, count // 2, count // 2 + 1, 0):
        assert np.array_equal(opened.film.frame(number), whole.face.frames[number])


def test_facts_markers_and_estimates(opened, whole):
    assert opened.eeg.channel_names == whole.eeg.channel_names
    assert opened.t0_s == whole.t0_s
    assert opened.start_s == pytest.approx(min(float(one.stamps_s[0]) for one in whole.sources.values()))
    assert {one.text for one in whole.markers} <= {one.text for one in opened.markers}
    assert "coughs <b>loudly</b>" in {one.text for one in opened.markers}, "notes stand among the markers"
    (recorded,) = opened.decodings()
    assert len(recorded.estimates) == 6
    assert opened.problems == ()


def test_self_ratings_hold_while_their_stimulus_was_shown(opened):
    truth = opened.truth
    assert truth.name == SELF_RATED
    times_s = truth.stamps_s - opened.t0_s
    assert times_s == pytest.approx([1.0, 2.5, 2.5, 3.0, 3.6, 3.6], abs=1e-6)
    assert truth.values[0] == pytest.approx([0.5, -0.5])
    assert truth.values[3] == pytest.approx([-0.75, 0.75])
    assert np.isnan(truth.values[[2, 5]]).all()


def rating(opened, rater="Anna"):
    stamps_s = opened.t0_s + np.arange(20) / 10
    values = np.column_stack([np.linspace(-1, 1, 20), np.zeros(20)]).astype(np.float32)
    return ContinuousRating(rater, "2026-03-02T10:00:00+00:00", 10.0, stamps_s, values)


def test_a_rating_is_read_as_it_was_written(opened, tmp_path):
    made = rating(opened, "Åsa <b>")
    path = write_rating(tmp_path, made)
    (read,) = read_ratings(tmp_path)
    assert path.name == "rating-001.xdf"
    assert (read.rater, read.rated_at, read.rate_hz) == (made.rater, made.rated_at, made.rate_hz)
    assert read.stamps_s == pytest.approx(made.stamps_s)
    assert read.values == pytest.approx(made.values)
    assert path.stat().st_mode & 0o077 == 0


def test_ratings_are_numbered_and_none_is_replaced(opened, tmp_path):
    first = write_rating(tmp_path, rating(opened))
    content = first.read_bytes()
    assert write_rating(tmp_path, rating(opened, "Ben")).name == "rating-002.xdf"
    assert first.read_bytes() == content
    assert sorted(path.name for path in first.parent.iterdir()) == ["rating-001.xdf", "rating-002.xdf"]


def test_a_rating_is_saved_where_a_file_system_has_no_links(opened, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    first = write_rating(tmp_path, rating(opened))
    content = first.read_bytes()
    assert write_rating(tmp_path, rating(opened, "Ben")).name == "rating-002.xdf"
    assert first.read_bytes() == content
    assert [one.rater for one in read_ratings(tmp_path)] == ["Anna", "Ben"]


def test_a_damaged_rating_is_left_out(opened, tmp_path, caplog):
    path = write_rating(tmp_path, rating(opened))
    path.write_bytes(b"nothing of the kind")
    assert read_ratings(tmp_path) == ()
    assert "rating-001.xdf" in caplog.text
