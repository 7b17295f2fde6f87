import numpy as np
import pytest

from moodring.models.io.ring import Ring
from moodring.realtime.ipc.snapshot import RingPlace
from moodring.realtime.ui.live.decimation import COLUMNS, HeldRing, Scroll, fitting_span, loudness
from moodring.realtime.ui.live.view_model import GLIMPSES, ViewModel


@pytest.fixture
def ring():
    made = Ring.create(1000, (2,), np.float32, 100.0, ("a", "b"))
    yield made
    made.close()


def fill(ring, first, stop, valid=True):
    t = np.arange(first, stop)
    ring.append(np.stack([np.sin(t), t], axis=1).astype(np.float32), t / 100, 0.0, valid)


def test_scrolling_keeps_every_peak_and_only_the_window(ring):
    fill(ring, 0, 950)
    scroll = Scroll(ring, 8.0)
    scroll.advance()
    times_s, values = scroll.columns()
    assert len(times_s) == 2 * COLUMNS
    assert times_s[0] == pytest.approx(-7.99)
    cut = ring.latest(800)
    assert values.max(axis=0).tolist() == cut.samples.max(axis=0).tolist()
    assert values.min(axis=0).tolist() == cut.samples.min(axis=0).tolist()


def test_scrolling_in_steps_draws_what_scrolling_at_once_draws(ring):
    scroll = Scroll(ring, 8.0)
    for start in range(0, 945, 35):
        fill(ring, start, start + 35)
        scroll.advance()
    at_once = Scroll(ring, 8.0)
    at_once.advance()
    for one, other in zip(scroll.columns(), at_once.columns(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_columns_do_not_flicker_as_samples_arrive():
    ring = Ring.create(4000, (1,), np.float32, 400.0, ("a",))
    t = np.arange(3600)
    ring.append(np.sin(t)[:3000, None].astype(np.float32), t[:3000] / 400, 0.0)
    scroll = Scroll(ring, 4.0)
    scroll.advance()
    before = scroll.columns()[1]
    ring.append(np.sin(t)[3000:3003, None].astype(np.float32), t[3000:3003] / 400, 0.0)
    scroll.advance()
    assert np.array_equal(before, scroll.columns()[1]), "less than a stretch changes nothing"
    ring.append(np.sin(t)[3003:3020, None].astype(np.float32), t[3003:3020] / 400, 0.0)
    scroll.advance()
    after = scroll.columns()[1]
    assert np.array_equal(before[10:], after[:-10])
    ring.close()


def test_a_display_filter_in_steps_is_that_of_the_whole(ring):
    scroll = Scroll(ring, 4.0, (8.0, 13.0))
    for start in range(0, 900, 18):
        fill(ring, start, start + 18)
        scroll.advance()
    at_once = Scroll(ring, 4.0, (8.0, 13.0))
    at_once.advance()
    _, stepped = scroll.columns()
    _, whole = at_once.columns()
    # The filter of the second began two seconds before the window, and has settled.
    np.testing.assert_allclose(stepped, whole, atol=0.15)
    assert np.abs(whole[:, 0]).max() < 0.5, "a sine of 16 Hz and more is damped"


def test_a_window_that_was_away_for_long_begins_again(ring):
    fill(ring, 0, 300)
    scroll = Scroll(ring, 2.0)
    scroll.advance()
    fill(ring, 300, 2900)
    scroll.advance()
    _, values = scroll.columns()
    assert values[-1, 1] == 2899.0
    assert np.isfinite(values).all()


def test_unsettled_samples_are_not_drawn(ring):
    fill(ring, 0, 400, valid=False)
    fill(ring, 400, 800)
    scroll = Scroll(ring, 8.0)
    scroll.advance()
    _, values = scroll.columns()
    assert np.isnan(values[:400]).all()
    assert np.isfinite(values[400:]).all()


@pytest.mark.parametrize(("size", "span"), [(2.0, 5.0), (3.0, 10.0), (20.0, 50.0), (200.0, 500.0), (1e6, 5000.0)])
def test_the_scale_that_fits_is_round(size, span):
    assert fitting_span(np.full((100, 2), size, np.float32)) == span
    assert fitting_span(np.full((100, 2), np.nan, np.float32)) is None


def test_a_copy_of_a_ring_reads_as_the_ring_up_to_a_time(ring):
    fill(ring, 0, 1500)
    held = HeldRing(ring.layout, ring.latest(1000))
    fill(ring, 1500, 1700)
    assert (held.count, held.oldest_s) == (1500, 5.0)
    held.show_until(12.0)
    assert held.count == 1201
    cut = held.between(1100, 1400)
    assert (cut.first, cut.stop, cut.samples[0, 1], cut.samples[-1, 1]) == (1100, 1201, 1100.0, 1200.0)
    assert held.start_at(11.0) == 1100
    assert len(held.between(0, 200)) == 0


def test_loudness_is_the_peak_of_each_stretch():
    ring = Ring.create(1000, (1,), np.float32, 100.0)
    samples = np.zeros((300, 1), np.float32)
    samples[105] = -0.5
    ring.append(samples, np.arange(300) / 100, 0.0)
    bars = loudness(ring.latest(300), per_bin=10, bins=50)
    assert bars.shape == (50,)
    assert np.flatnonzero(bars).tolist() == [50 - 30 + 10]
    assert bars.max() == 0.5
    ring.close()


def test_the_view_model_reads_all_rings(stage):
    view_model = ViewModel(stage, stage.clock)
    for k in range(60, 100):
        view = view_model.view() if k > 60 else None
        stage.to(k / 2)
    view = view_model.view()
    assert view.attachment == "attached"
    assert view.traces.microvolts.shape[1] == 16
    assert view.frame.shape == (240, 320, 3)
    assert view.sound.shape == (120,)
    assert len(view.glimpses) == GLIMPSES
    for glimpse in view.glimpses:
        index = round((glimpse.stamp_s - 1000.0) * 8)
        assert np.array_equal(glimpse.image, stage.rings["face"].between(index, index + 1).samples[0])
    view_model.close()
    assert stage.closed


def test_a_late_screen_gets_the_past_from_the_engines_ring(stage, script):
    stage.to(60.0)
    view = ViewModel(stage, stage.clock).view()
    assert len(view.history.times_s) == 60 * 2 - 3
    assert view.history.times_s[0] == script.T0 + 2.0
    assert view.history.valence[10] == pytest.approx(script.readout(7.0)[0].probabilities)


def test_another_session_starts_anew(stage):
    view_model = ViewModel(stage, stage.clock)
    stage.to(60.0)
    assert len(view_model.view().history.times_s) > 100
    stage.changes = {"engine": "next"}
    stage.places = ()
    stage.to(60.5)
    view = view_model.view()
    assert view.history.times_s.tolist() == [1060.5]
    assert view.frame is None
    view_model.close()


def test_a_source_that_returns_brings_another_ring(stage, tmp_path):
    view_model = ViewModel(stage, stage.clock)
    stage.to(50.0)
    assert view_model.view().traces.names == tuple(stage.rings["eeg"].layout.names)
    other = Ring.create(2000, (4,), np.float32, 100.0, ("w", "x", "y", "z"), tmp_path / "other")
    other.append(np.ones((900, 4), np.float32), np.arange(900) / 100, 0.0)
    stage.places = (RingPlace("eeg", str(tmp_path / "other")), *stage.places[1:])
    stage.to(51.0)
    assert view_model.view().traces.names == ("w", "x", "y", "z")
    view_model.close()
    other.close()


def test_a_ring_that_is_not_there_yet_is_no_error(stage, tmp_path):
    stage.places = (RingPlace("eeg", str(tmp_path / "missing")),)
    stage.to(30.0)
    view = ViewModel(stage, stage.clock).view()
    assert view.traces is None


def test_an_engine_is_gone_after_a_second_of_silence(stage):
    view_model = ViewModel(stage, stage.clock)
    assert (stage.to(30.0), view_model.view().attachment)[1] == "attached"
    stage.override = lambda: None
    stage.now += 0.9
    assert view_model.view().attachment == "attached"
    stage.now += 0.2
    gone = view_model.view()
    assert gone.attachment == "gone"
    assert gone.snapshot is not None
    view_model.close()
