from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import welch

from moodring.configs.schema.errors import MoodringError
from moodring.models.signals.eeg.chain import EegChainSpec, EegChunk, delay_s, start, step

RATE = 256
NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4")
SPEC = EegChainSpec(rate_hz=RATE, channel_names=NAMES, line_hz=50.0, reference="average")
Samples = NDArray[np.float64]


def background(seconds: float, n_channels: int = len(NAMES), seed: int = 0) -> Samples:
    """Pink-like noise of about 12 uV on offsets of millivolts, with line noise."""
    rng = np.random.default_rng(seed)
    n_times = int(seconds * RATE)
    white = np.fft.rfft(rng.normal(size=(n_times, n_channels)), axis=0)
    frequency = np.fft.rfftfreq(n_times, 1 / RATE)[:, None]
    pink = np.fft.irfft(white / np.sqrt(np.maximum(frequency, 0.3)), n=n_times, axis=0)
    time_s = np.arange(n_times)[:, None] / RATE
    line_noise = 30 * np.sin(2 * np.pi * 50 * time_s + rng.uniform(0, 6, n_channels))
    return 12 * pink / pink.std() + line_noise + rng.normal(scale=6000, size=n_channels)


def run(samples: Samples, cuts: Sequence[int] = (), gap_at: int | None = None, spec: EegChainSpec = SPEC) -> EegChunk:
    """Run the chain over samples cut at some places, with a gap before one sample."""
    places = sorted({0, len(samples), *cuts, *([gap_at] if gap_at is not None else [])})
    state, chunks = start(spec), []
    for first, stop in pairwise(places):
        chunk, state = step(state, samples[first:stop], gap_before=first == gap_at)
        chunks.append(chunk)
    return EegChunk(
        samples_uv=np.concatenate([chunk.samples_uv for chunk in chunks]),
        valid=np.concatenate([chunk.valid for chunk in chunks]),
        good=chunks[-1].good,
        good_rows=np.concatenate([chunk.good_rows for chunk in chunks]),
    )


def troubled() -> Samples:
    samples = background(5)
    samples[300:310, 1] = np.nan
    samples[500:, 2] = 187_500.0
    samples[600:700, 3] += 80_000.0
    samples[900:, 4] = np.inf
    return samples


TROUBLED = troubled()
WHOLE = run(TROUBLED, gap_at=700)


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, len(TROUBLED) - 1), max_size=60))
def test_cutting_into_chunks_changes_nothing(cuts: list[int]) -> None:
    cut = run(TROUBLED, cuts, gap_at=700)
    np.testing.assert_allclose(cut.samples_uv, WHOLE.samples_uv, atol=1e-6)
    np.testing.assert_array_equal(cut.valid, WHOLE.valid)
    np.testing.assert_array_equal(cut.good_rows, WHOLE.good_rows)
    np.testing.assert_array_equal(cut.good, WHOLE.good)


def test_one_sample_at_a_time_and_empty_chunks() -> None:
    samples = TROUBLED[: 2 * RATE]
    state, rows = start(SPEC), []
    for sample in samples:
        chunk, state = step(state, sample[None], False)
        rows.append(chunk.samples_uv)
        empty, state = step(state, samples[:0], False)
        assert empty.samples_uv.shape == (0, len(NAMES))
        np.testing.assert_array_equal(empty.good, chunk.good)
    np.testing.assert_allclose(np.concatenate(rows), run(samples).samples_uv, atol=1e-6)


def test_state_is_not_changed_in_place() -> None:
    samples = background(3)
    _, state = step(start(SPEC), samples[:300], False)
    once, _ = step(state, samples[300:], False)
    again, _ = step(state, samples[300:], False)
    np.testing.assert_array_equal(once.samples_uv, again.samples_uv)


def test_output_is_causal() -> None:
    samples = background(4)
    other = samples.copy()
    other[700:] = background(4, seed=9)[700:]
    np.testing.assert_array_equal(run(samples).samples_uv[:700], run(other).samples_uv[:700])


def test_offsets_and_mains_go_and_rhythms_stay() -> None:
    samples = background(12)
    time_s = np.arange(len(samples)) / RATE
    samples[:, 4] += 20 * np.sin(2 * np.pi * 10 * time_s)
    out = run(samples)
    settled = out.samples_uv[RATE:]
    assert np.abs(settled).max() < 100
    frequency, power = welch(settled, RATE, nperseg=2 * RATE, axis=0)
    at = {hz: power[np.argmin(np.abs(frequency - hz))] for hz in (10, 20, 50)}
    assert (at[50] < 0.1 * at[20]).all()
    near_alpha = (frequency >= 9) & (frequency <= 11)
    alpha_rms = np.sqrt(power[near_alpha, 4].sum() * (frequency[1] - frequency[0]))
    assert alpha_rms == pytest.approx(20 / np.sqrt(2) * 7 / 8, rel=0.15)


def test_offsets_do_not_ring() -> None:
    samples = np.tile(np.linspace(-10_000.0, 10_000.0, len(NAMES)), (RATE, 1))
    assert np.abs(run(samples).samples_uv).max() < 1e-2


def test_valid_only_after_settling_and_again_after_a_gap() -> None:
    out = run(background(4), gap_at=600)
    expected = np.ones(4 * RATE, dtype=bool)
    expected[:RATE] = expected[600 : 600 + RATE] = False
    np.testing.assert_array_equal(out.valid, expected)


def test_a_gap_starts_like_a_start() -> None:
    samples = background(4)
    out = run(samples, gap_at=600)
    np.testing.assert_allclose(out.samples_uv[600:], run(samples[600:]).samples_uv, atol=1e-6)


def test_average_reference_over_good_scalp_channels_only() -> None:
    names = (*NAMES, "GSR")
    samples = np.column_stack([background(4), np.full(4 * RATE, 3.0)])
    samples[:, 2] = 5.0
    out = run(samples, spec=EegChainSpec(RATE, names, 50.0, "average"))
    assert out.good.tolist() == [True, True, False, True, True, True, True, True, False]
    np.testing.assert_allclose(out.samples_uv[RATE:, out.good].mean(axis=1), 0, atol=1e-4)


def test_named_reference() -> None:
    names = (*NAMES, "A1", "A2")
    samples = background(4, len(names))
    out = run(samples, spec=EegChainSpec(RATE, names, 50.0, ("A1", "A2")))
    np.testing.assert_allclose(out.samples_uv[:, -2:].mean(axis=1), 0, atol=1e-4)
    assert out.valid[RATE:].all()


def test_a_named_reference_need_not_be_written_as_the_stream_does() -> None:
    samples = background(3, len(NAMES) + 2)
    exact = run(samples, spec=EegChainSpec(RATE, (*NAMES, "A1", "A2"), 50.0, ("A1", "A2")))
    names = (*(f"EEG {name}-REF" for name in NAMES), "EEG A1-REF", "EEG A2-REF")
    tolerant = run(samples, spec=EegChainSpec(RATE, names, 50.0, ("A1", "a2")))
    np.testing.assert_array_equal(tolerant.samples_uv, exact.samples_uv)
    np.testing.assert_array_equal(tolerant.good, exact.good)


def test_without_its_named_reference_nothing_is_valid() -> None:
    names = (*NAMES, "A1")
    samples = background(4, len(names))
    samples[2 * RATE :, -1] = 0.0
    out = run(samples, spec=EegChainSpec(RATE, names, 50.0, "A1"))
    assert out.valid[RATE : 3 * RATE].all()
    assert not out.valid[3 * RATE :].any()
    assert not out.good.any()


def test_bad_channel_is_out_after_its_second_and_back_settled() -> None:
    samples = background(6)
    samples[300:400, 0] += 90_000.0
    out = run(samples)
    expected = np.ones(6 * RATE, dtype=bool)
    expected[2 * RATE : 3 * RATE] = False
    np.testing.assert_array_equal(out.good_rows[:, 0], expected)
    assert np.abs(out.samples_uv[3 * RATE :]).max() < 100
    assert np.abs(out.samples_uv[2 * RATE :, 1:]).max() < 100


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e30])
def test_everything_bad_is_never_valid_and_always_finite(value: float) -> None:
    out = run(np.full((3 * RATE, len(NAMES)), value))
    assert np.isfinite(out.samples_uv).all()
    assert not out.valid.any()
    assert not out.good.any()


def test_a_flood_of_nan_passes() -> None:
    samples = background(6)
    samples[RATE : 2 * RATE + 10] = np.nan
    out = run(samples)
    assert np.isfinite(out.samples_uv).all()
    assert not out.valid[2 * RATE : 4 * RATE].any()
    assert out.valid[4 * RATE :].all()
    assert out.good.all()


def test_unknown_names_are_filtered_all_the_same() -> None:
    out = run(background(3), spec=EegChainSpec(RATE, tuple("12345678"), 50.0, "average"))
    assert out.good.all()
    assert out.valid[RATE:].all()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (EegChainSpec(RATE, (), 50.0), "0 channels"),
        (EegChainSpec(64.0, NAMES, 50.0), "64 Hz"),
        (EegChainSpec(float("nan"), NAMES, 50.0), "nan Hz"),
        (EegChainSpec(RATE, NAMES, 50.0, ("A1",)), "'A1' is not in the EEG stream"),
    ],
)
def test_what_cannot_be_filtered_is_refused(spec: EegChainSpec, words: str) -> None:
    with pytest.raises(MoodringError, match=words):
        start(spec)


def test_a_changed_number_of_channels_is_refused() -> None:
    with pytest.raises(MoodringError, match=r"\(4, 5\), expected \(n_times, 8\)"):
        step(start(SPEC), np.zeros((4, 5)), False)


def test_delay_is_the_measured_one() -> None:
    time_s = np.arange(8 * RATE) / RATE
    envelope = np.exp(-(((time_s - 4) / 0.4) ** 2))
    samples = np.zeros((len(time_s), len(NAMES)))
    samples[:, 0] = 100 * envelope * np.sin(2 * np.pi * 10 * time_s)
    samples[:, 1] = -samples[:, 0]
    from scipy.signal import hilbert

    heard = np.abs(hilbert(run(samples).samples_uv[:, 0]))
    measured = np.average(time_s, weights=heard**2) - 4
    assert delay_s(SPEC) == pytest.approx(measured, abs=1e-3)
    assert 0.005 < delay_s(SPEC) < 0.03


@pytest.mark.parametrize("rate", [100.0, 128.0, 250.0, 500.0, 512.0, 1000.0, 2048.0])
@pytest.mark.parametrize("line_hz", [None, 50.0, 60.0])
def test_usual_rates(rate: float, line_hz: float | None) -> None:
    spec = EegChainSpec(rate, NAMES, line_hz)
    samples = np.random.default_rng(3).normal(scale=20, size=(int(2.5 * rate), len(NAMES))) + 4000
    out = run(samples, spec=spec)
    assert out.good.all()
    assert out.valid[round(rate) :].all()
    assert 1 < out.samples_uv[round(rate) :].std() < 25
    assert 0.004 < delay_s(spec) < 0.03


@pytest.mark.data
def test_a_real_amplifier_with_offsets_and_strong_mains(data_dir: Path) -> None:
    import pyxdf

    streams, _ = pyxdf.load_xdf(str(data_dir / "xdf" / "switch_example.xdf"))
    eeg = next(stream for stream in streams if stream["info"]["type"] == ["EEG"])
    labels = eeg["info"]["desc"][0]["channels"][0]["channel"]
    names = tuple(channel["label"][0] for channel in labels)
    out = run(np.asarray(eeg["time_series"], np.float64), spec=EegChainSpec(RATE, names, 60.0, "average"))
    assert out.valid[RATE:].all()
    # FC3 carries more line noise than all others together and is rightly out most of the time.
    others = [index for index, name in enumerate(names) if name != "FC3"]
    assert out.good_rows[:, others].mean() > 0.99
    settled = out.samples_uv[RATE:, others]
    assert (settled.std(axis=0) < 12).all()
    assert (settled.std(axis=0) > 2).all()
    frequency, power = welch(settled, RATE, nperseg=2 * RATE, axis=0)
    median = {hz: float(np.median(power[np.argmin(np.abs(frequency - hz))])) for hz in (6, 10, 20, 60)}
    assert 0.3 < median[6] < 30
    assert median[20] < median[6]
    assert median[60] < median[20]
