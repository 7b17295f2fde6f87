import numpy as np
import pytest

from moodring.models.io.ring import Ring
from moodring.realtime.ipc.snapshot import RingPlace
from moodring.realtime.ui.live.decimation import calm_span, loudness, thinned, traces
from moodring.realtime.ui.live.view_model import GLIMPSES, ViewModel


@pytest.fixture
def ring():
    made = Ring.create(1000, (2,), np.float32, 100.0, ("a", "b"))
    yield made
    made.close()


def fill(ring, first, stop, valid=True):
    t = np.arange(first, stop)
    ring.append(np.stack([np.sin(t), t], axis=1).astype(np.float32), t / 100, 0.0, valid)


def test_thinning_keeps_every_peak(ring):
    fill(ring, 0, 800)
    cut = ring.latest(800)
    _, values = thinned(cut, columns=80)
    assert values.shape == (160, 2)
    assert values.max(axis=0).tolist() == cut.samples.max(axis=0).tolist()
    assert values.min(axis=0).tolist() == cut.samples.min(axis=0).tolist()


def test_thinning_does_not_flicker_as_samples_arrive(ring):
    fill(ring, 0, 803)
    before = thinned(ring.latest(800), columns=80)[1]
    fill(ring, 803, 805)
    after = thinned(ring.latest(800), columns=80)[1]
    assert np.array_equal(before[:150], after[:150])
    fill(ring, 805, 817)
    later = thinned(ring.latest(800), columns=80)[1]
    shared = {tuple(row) for row in before.tolist()} & {tuple(row) for row in later.tolist()}
    assert len(shared) > 150


def test_unsettled_samples_are_not_drawn(ring):
    fill(ring, 0, 400, valid=False)
    fill(ring, 400, 800)
    _, values = thinned(ring.latest(800), columns=80)
    assert np.isnan(values[:80]).all()
    assert np.isfinite(values[80:]).all()
    assert traces(ring.latest(800), ("a", "b"), (True, True), 50.0) is not None


def test_too_few_samples_are_no_picture(ring):
    assert traces(ring.latest(800), ("a", "b"), (True, True), 50.0) is None


@pytest.mark.parametrize(("size", "span"), [(3.0, 10.0), (20.0, 50.0), (200.0, 500.0), (1e6, 5000.0), (np.nan, 50.0)])
def test_the_scale_is_round(size, span):
    assert calm_span(np.full((100, 2), size, np.float32), 50.0) == span


def test_the_scale_stays_while_the_signal_fits():
    assert calm_span(np.full((100, 2), 12.0, np.float32), 50.0) == 50.0


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
