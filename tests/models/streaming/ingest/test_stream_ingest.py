import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.io.ring import Ring, rings_in
from moodring.models.signals.eeg.chain import EegChainSpec
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import ingest_factory

NAMES = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")
EEG = SourceInfo("eeg", "amp", 256.0, (6,), "<f4", NAMES)
SPEECH = SourceInfo("speech", "mic", 16000.0, (1,), "<f4", ("audio",))
FACE = SourceInfo("face", "cam", 25.0, (4, 6, 3), "|u1")


def _feed(ingest, samples, stamps, size):
    for low in range(0, len(stamps), size):
        part = slice(low, low + size)
        ingest.append(Chunk(samples[part], stamps[part], float(stamps[part][-1]) + 0.01))
    return ingest


def _eeg(n):
    return np.random.default_rng(0).normal(0, 10, (n, 6)).astype(np.float32)


def test_eeg_is_filtered_and_settles_again_after_a_gap():
    stamps = np.arange(256 * 6) / 256
    stamps[256 * 3 :] += 1.0
    ingest = _feed(ingest_factory(None, rings_in(None))(EEG), _eeg(len(stamps)), stamps, 8)
    piece = ingest.ring.latest(len(stamps))
    np.testing.assert_allclose(piece.stamps_s, stamps, atol=1e-4)
    assert not piece.valid[:256].any()
    assert piece.valid[256:768].all()
    assert not piece.valid[768:1024].any(), "settling after the gap"
    assert piece.valid[1024:].all()
    assert ingest.figures.lost_samples == 256
    assert ingest.figures.gap_s == pytest.approx(1.0, abs=1e-3)
    assert ingest.figures.observed_rate_hz == pytest.approx(256.0, rel=1e-4)


def test_chunking_changes_nothing():
    stamps = np.arange(256 * 4) / 256
    whole = _feed(ingest_factory(None, rings_in(None))(EEG), _eeg(len(stamps)), stamps, 1024).ring.latest(1024)
    parts = _feed(ingest_factory(None, rings_in(None))(EEG), _eeg(len(stamps)), stamps, 7).ring.latest(1024)
    np.testing.assert_allclose(parts.samples, whole.samples, atol=1e-4)
    np.testing.assert_array_equal(parts.valid, whole.valid)


def test_broken_channels_are_named_and_the_rest_goes_on():
    samples = _eeg(256 * 4)
    samples[:, 1] = np.nan
    samples[:, 3] = 17.0
    ingest = _feed(ingest_factory(None, rings_in(None))(EEG), samples, np.arange(len(samples)) / 256, 16)
    np.testing.assert_array_equal(ingest.eeg.good_channels_at(1000), [True, False, True, False, True, True])
    piece = ingest.ring.latest(256)
    assert piece.valid.all()
    assert np.isfinite(piece.samples).all()


def test_stamps_that_go_back_never_make_the_ring_go_back():
    stamps = np.concatenate((np.arange(512), np.arange(512) + 256)) / 256 + 10
    ingest = _feed(ingest_factory(None, rings_in(None))(EEG), _eeg(1024), stamps, 8)
    piece = ingest.ring.latest(1024)
    assert (np.diff(piece.stamps_s) >= 0).all()
    assert ingest.figures.jump_s == pytest.approx(-1.0, abs=0.01)
    assert ingest.figures.lost_samples == pytest.approx(256, abs=3)


def test_audio_marks_where_it_does_not_continue():
    stamps = np.arange(32000) / 16000
    stamps[16000:] += 0.5
    samples = np.ones((32000, 1), np.float32)
    piece = _feed(ingest_factory(None, rings_in(None))(SPEECH), samples, stamps, 320).ring.latest(32000)
    np.testing.assert_array_equal(np.flatnonzero(~piece.valid), [0, 16000])


def test_frames_keep_their_stamps_and_count_losses():
    stamps = np.concatenate((np.arange(50) / 25, 4 + np.arange(50) / 25))
    samples = np.zeros((100, 4, 6, 3), np.uint8)
    ingest = _feed(ingest_factory(None, rings_in(None))(FACE), samples, stamps, 1)
    np.testing.assert_array_equal(ingest.ring.latest(100).stamps_s, stamps)
    assert ingest.figures.lost_samples == pytest.approx(51, abs=1)
    assert ingest.figures.observed_rate_hz == pytest.approx(25.0, rel=0.02)


def test_the_spec_of_the_chain_follows_the_stream():
    ingest = ingest_factory(None, rings_in(None))(EEG)
    assert isinstance(ingest.eeg._state.spec, EegChainSpec)
    assert ingest.eeg._state.spec.channel_names == NAMES


def test_a_flood_of_nan_passes_and_leaves_nothing_behind():
    samples = _eeg(256 * 12)
    samples[256 * 4 : 256 * 7] = np.nan
    stamps = np.arange(len(samples)) / 256
    ingest = _feed(ingest_factory(None, rings_in(None))(EEG), samples, stamps, 16)
    clean = _feed(ingest_factory(None, rings_in(None))(EEG), _eeg(256 * 12), stamps, 16)
    assert not ingest.eeg.good_channels_at(round(256 * 6.5)).any()
    assert ingest.eeg.good_channels_at(256 * 9).all()
    assert np.isfinite(ingest.ring.latest(256 * 12).samples).all()
    piece, same = ingest.ring.latest(512), clean.ring.latest(512)
    assert piece.valid.all()
    np.testing.assert_allclose(piece.samples, same.samples, atol=0.5)


def test_samples_without_a_time_are_left_out_and_counted():
    stamps = np.arange(512) / 256
    stamps[100:110] = np.nan
    ingest = _feed(ingest_factory(None, rings_in(None))(EEG), _eeg(512), stamps, 16)
    assert ingest.figures.skipped_samples == 10
    assert np.isfinite(ingest.ring.latest(512).stamps_s).all()


def test_a_jump_of_the_clock_loses_nothing():
    ingest = ingest_factory(None, rings_in(None))(EEG)
    for low in range(0, 2048, 8):
        true = 50.0 + np.arange(low, low + 8) / 256
        ingest.append(Chunk(_eeg(8), true + (30.0 if low >= 1024 else 0.0), float(true[-1]) + 0.01))
    np.testing.assert_allclose(ingest.ring.latest(2048).stamps_s, 50.0 + np.arange(2048) / 256, atol=1e-4)
    assert (ingest.figures.lost_samples, ingest.figures.gap_s) == (0, None)
    assert ingest.figures.jump_s == pytest.approx(30.0)
    assert ingest.figures.clock_offset_s == pytest.approx(-30.0)


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (
            SourceInfo("eeg", "amp", 200_000.0, (64,), "<f4", ()),
            ("64 channels at 200000 Hz", "60 s of it take 3.28 GB"),
        ),
        (
            SourceInfo("face", "cam", 30.0, (3000, 4000, 3), "|u1"),
            ("4000x3000 pixels", "128 frames of it take 4.61 GB"),
        ),
        (SourceInfo("heart", "belt", 1e6, (1,), "<f8", ()), ("1 channels at 1e+06 Hz", "GB")),
    ],
)
def test_a_ring_beyond_the_budget_is_refused_before_memory_is_taken(tmp_path, monkeypatch, info, words):
    monkeypatch.setattr(Ring, "create", None)
    with pytest.raises(MoodringError) as caught:
        ingest_factory(None, rings_in(tmp_path))(info)
    for word in (*words, info.name, "0.00 of 1 GB are taken", "memory.rings_gb="):
        assert word in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_budget_is_for_all_rings_together_and_can_be_set():
    info = SourceInfo("heart", "belt", 1000.0, (4,), "<f4", ())  # about 2 MB
    make = ingest_factory(None, rings_in(None), 0.004)
    make(info)
    make(info)
    with pytest.raises(MoodringError, match=r"0\.00 of 0\.004 GB are taken"):
        make(info)
    twice = ingest_factory(None, rings_in(None), 0.02)
    assert all(twice(info).ring.layout.capacity == 60_000 for _ in range(3))
