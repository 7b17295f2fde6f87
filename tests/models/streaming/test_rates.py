"""Amplifiers of other rates than the models were trained at decode the same, or are refused with both values."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import resample_poly

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, LiveConfig, ModelsSection, StreamQuery
from moodring.models.contract import EegWindow
from moodring.models.signals.eeg.band_power import log_band_power
from moodring.models.signals.eeg.chain import EegChainSpec, start, step
from moodring.offline.decoding.decode import decode
from moodring.offline.simulate import simulate

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")), models=ModelsSection(device="cpu"))


@pytest.fixture(scope="module")
def person():
    return simulate(31, 40.0)


def _at(recording, rate_hz):
    """The same person through an amplifier of another rate."""
    eeg = recording.eeg
    ratio = Fraction(rate_hz / eeg.rate_hz).limit_denominator(1000)
    offset = eeg.samples.mean(axis=0)
    samples = resample_poly(eeg.samples - offset, ratio.numerator, ratio.denominator, axis=0) + offset
    stamps_s = eeg.stamps_s[0] + np.arange(len(samples)) / rate_hz
    return replace(recording, eeg=replace(eeg, samples=samples.astype(np.float32), stamps_s=stamps_s, rate_hz=rate_hz))


def _powers(recording):
    """Band power of every half second, ``(n, n_channels, 3)``, through the chain."""
    eeg, rate = recording.eeg, recording.eeg.rate_hz
    chunk, _ = step(start(EegChainSpec(rate, eeg.channel_names, 50.0)), eeg.samples, False)
    second = round(rate)
    ends = [round(rate * moment_s) for moment_s in np.arange(4.0, 39.0, 0.5)]
    return np.stack([
        log_band_power(
            EegWindow(
                chunk.samples_uv[end - second : end], rate, eeg.channel_names, chunk.good_rows[end - 1], end / rate
            )
        )
        for end in ends
    ])  # fmt: skip


@pytest.mark.parametrize("rate_hz", [250.0, 500.0, 512.0, 1000.0, 2048.0])
def test_band_power_is_that_of_the_person_whatever_the_rate(person, rate_hz):
    expected, found = _powers(person), _powers(_at(person, rate_hz))
    both = np.isfinite(expected) & np.isfinite(found)
    assert both.mean() > 0.95 * np.isfinite(expected).mean()
    for band in range(3):
        a, b = expected[..., band][both[..., band]], found[..., band][both[..., band]]
        assert abs(np.mean(a - b)) < 0.05, "log10: a twentieth is 12 %"
        assert np.corrcoef(a, b)[0, 1] > 0.95


@pytest.mark.parametrize("rate_hz", [500.0, 2048.0])
def test_the_bundled_model_says_the_same_at_another_rate(person, rate_hz):
    said, again = (
        {
            round(e.session_time_s, 2): {axis: e.answer(axis) for axis in ("valence", "arousal")}
            for e in decode(one, CONFIG, only=("eeg",)).estimates
            if e.answer("valence")
        }
        for one in (person, _at(person, rate_hz))
    )
    assert set(said) == set(again)
    for axis in ("valence", "arousal"):
        apart = np.array([np.abs(np.subtract(said[k][axis].probabilities, again[k][axis].probabilities)) for k in said])
        # A look may fall elsewhere where the policy was undecided, so single decisions may differ more.
        assert apart.mean() < 0.05
        assert np.median(apart.max(axis=1)) < 0.1


def test_too_slow_an_amplifier_is_refused_with_both_values(person):
    with pytest.raises(MoodringError, match=r"runs at 64 Hz; .* needs at least 100 Hz"):
        decode(_at(person, 64.0), CONFIG, only=("eeg",))


def test_a_stream_far_from_its_announced_rate_is_not_taken_for_eeg(person):
    eeg = person.eeg
    half = replace(person, eeg=replace(eeg, samples=eeg.samples[::2], stamps_s=eeg.stamps_s[::2]))
    decoded = decode(half, CONFIG, only=("eeg",))
    assert not any("eeg" in estimate.used for estimate in decoded.estimates)
    assert decoded.summary["modalities"]["eeg"]["health"] != "live"
