"""The gate on the features of the EEG: distances, what a decoder does outside, and gates that are refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import EegWindow
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.decoders.domain_gate import (
    DomainGate,
    DomainWatch,
    Recent,
    agreement,
    correlations,
    gate_of,
    has_gate,
    power_features,
)
from moodring.models.decoders.eeg_state import EegStateDecoder
from moodring.models.io.bundle import Bundle, bundled, load_bundle
from moodring.models.signals.eeg.band_power import log_band_power
from tests.models.decoders.test_attention import NAMES, ScriptedDetector, make_bundle, window

SIZE = 3 * len(NAMES)
HALF_LIFE_S = 2.0


def gated(**parts: torch.Tensor) -> Bundle:
    """Return a bundle that knows windows of noise as in its tests, five microvolts everywhere."""
    known = np.array([log_band_power(window(seed)).ravel() for seed in range(40)])
    gate = DomainGate(known.mean(axis=0), np.eye(SIZE) * 0.05, 2.0, HALF_LIFE_S)
    bundle = make_bundle()
    return replace(bundle, tensors={**bundle.tensors, **gate.tensors(), **parts})


def decoder_of(bundle: Bundle) -> AttentionDecoder:
    return AttentionDecoder(bundle, torch.device("cpu"), face_detector=ScriptedDetector())  # type: ignore[arg-type]


def foreign(seed: int) -> EegWindow:
    """Return a window in which every other channel is four times as large."""
    known = window(seed)
    return replace(
        known, samples_uv=known.samples_uv * np.where(np.arange(len(NAMES)) % 2, 4.0, 1.0).astype(np.float32)
    )


def test_eeg_as_in_training_is_no_matter_and_other_eeg_is_told_with_its_figures() -> None:
    decoder = decoder_of(gated())
    for seed in range(10):
        decoder.tick(window(seed))
        assert decoder.domain.unlike is None
    for seed in range(10):
        decoder.tick(foreign(seed))
    assert decoder.domain.unlike is not None
    assert decoder.domain.unlike.startswith("the EEG is unlike any this model was trained on: distance ")
    assert decoder.domain.unlike.endswith(", limit 2.0")
    assert decoder.band_attention is None  # what is outside does not reach the network


def test_it_comes_back_and_a_new_session_knows_nothing_of_it() -> None:
    decoder = decoder_of(gated())
    for seed in range(10):
        decoder.tick(foreign(seed))
    assert decoder.domain.unlike
    for seed in range(20):
        decoder.tick(window(seed))
    assert decoder.domain.unlike is None
    assert decoder.band_attention is not None
    for seed in range(10):
        decoder.tick(foreign(seed))
    decoder.reset()
    assert decoder.domain.unlike is None
    assert decoder.domain.distance is None


def test_ticks_without_eeg_change_nothing_and_few_windows_are_not_judged() -> None:
    decoder = decoder_of(gated())
    for seed in range(round(HALF_LIFE_S / 0.5) - 1):
        decoder.tick(foreign(seed))
        assert decoder.domain.distance is None
    decoder.tick(foreign(9))
    before = decoder.domain.distance
    assert before is not None
    for _ in range(20):
        decoder.tick(None)
    assert decoder.domain.distance == before


def test_a_bundle_without_a_gate_decodes_as_before() -> None:
    assert gate_of(make_bundle(), SIZE) is None
    decoder = decoder_of(make_bundle())
    for seed in range(10):
        decoder.tick(foreign(seed))
    assert decoder.domain.unlike is None
    assert decoder.band_attention is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", torch.tensor(float("inf"))), ("limit", torch.tensor(0.0)), ("limit", torch.tensor(-3.0)),
        ("limit", torch.tensor(1e9)), ("limit", torch.ones(2)), ("half_life_s", torch.tensor(0.0)),
        ("half_life_s", torch.tensor(1e6)), ("mean", torch.zeros(3)), ("mean", torch.full((SIZE,), float("nan"))),
        ("covariance", torch.zeros(SIZE, SIZE)), ("covariance", -torch.eye(SIZE)), ("covariance", torch.eye(3)),
    ],
)  # fmt: skip
def test_a_gate_that_makes_no_sense_is_refused(name: str, value: torch.Tensor) -> None:
    with pytest.raises(MoodringError, match=r"test\.safetensors': its gate on the EEG cannot be used .*train it again"):
        decoder_of(gated(**{f"gate.eeg.{name}": value}))


def test_a_gate_of_which_a_part_is_missing_is_refused() -> None:
    bundle = gated()
    left = {name: tensor for name, tensor in bundle.tensors.items() if name != "gate.eeg.limit"}
    with pytest.raises(MoodringError, match=r"gate\.eeg\.limit is missing"):
        decoder_of(replace(bundle, tensors=left))


def test_the_correlations_of_a_state_s_gate_are_checked_too() -> None:
    bundle = load_bundle(bundled("workload"))
    for wrong in (torch.zeros(2, 2), bundle.tensors["gate.eeg.pattern"] * 40):
        with pytest.raises(MoodringError, match="its gate on the EEG needs correlations"):
            EegStateDecoder(replace(bundle, tensors={**bundle.tensors, "gate.eeg.pattern": wrong}))


def test_the_shipped_bundles_that_read_eeg_have_a_gate() -> None:
    assert all(has_gate(load_bundle(bundled(name))) for name in ("attention", "workload"))


def test_missing_features_have_the_marginal_distribution() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 6))
    gate = DomainGate(np.zeros(6), mixing @ mixing.T, 3.0, 5.0)
    sample = mixing @ rng.normal(size=6)
    part = np.where(np.arange(6) < 4, sample, np.nan)
    apart = np.linalg.inv((mixing @ mixing.T)[:4, :4])
    assert gate.distance(part) == pytest.approx(np.sqrt(sample[:4] @ apart @ sample[:4] / 4))
    assert gate.distance(np.full(6, np.nan)) is None


def test_recent_means_forget_by_half_in_a_half_life() -> None:
    recent = Recent.empty(2)
    for value in [0.0] * 400 + [1.0] * 10:
        recent = recent.with_window(np.array([value, np.nan]), 5.0)
    assert recent.mean[0] == pytest.approx(0.5, abs=1e-6)
    assert np.isnan(recent.mean[1])
    watch = DomainWatch(None)
    watch.add(np.zeros(2))
    assert watch.unlike is None


def test_power_features_go_by_the_names_of_electrodes() -> None:
    power = np.arange(9, dtype=np.float32).reshape(3, 3)
    found = power_features(power, np.array([True, True, False]), ("T3", "Cz", "Pz"), ("Cz", "Pz", "T7", "Oz"))
    assert found.reshape(4, 3)[[0, 2]].tolist() == [[3, 4, 5], [0, 1, 2]]
    assert np.isnan(found.reshape(4, 3)[[1, 3]]).all()


def test_independent_channels_do_not_agree_with_those_of_a_head() -> None:
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(2, 8, 8))
    head = mixing @ np.swapaxes(mixing, 1, 2)
    there = np.ones(8, np.bool_)
    assert agreement(head, correlations(head), there) == pytest.approx([1.0, 1.0])
    assert agreement(100 * head, correlations(head), there) == pytest.approx([1.0, 1.0])
    assert agreement(np.stack([np.eye(8)] * 2), correlations(head), there) == pytest.approx([0.0, 0.0])
    assert np.isnan(agreement(head, correlations(head), np.arange(8) < 3)).all()
