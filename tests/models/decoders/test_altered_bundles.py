"""Attention and EEG-state bundles whose spec or weights were altered are refused in one line."""

from dataclasses import replace

import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.decoders.eeg_state import EegStateDecoder
from moodring.models.io.bundle import bundled, load_bundle


def altered(name, network):
    bundle = load_bundle(bundled(name))
    kept = {key: value for key, value in {**bundle.spec.network, **network}.items() if value is not None}
    return replace(bundle, spec=replace(bundle.spec, network=kept))


@pytest.mark.parametrize(
    "network",
    [
        {"core": "wide"},
        {"core": 1e9},
        {"layer1": 7},
        {"image_size": 0},
        {"budget": None},
        {"budget": -1.0},
        {"policy": None},
        {"prior_channels": "Cz"},
    ],
)
def test_an_altered_attention_bundle_is_refused_in_one_line(network):
    with pytest.raises(MoodringError, match=r"^[^\n]+$"):
        AttentionDecoder(altered("attention", network), torch.device("cpu"))


@pytest.mark.parametrize(
    "network",
    [
        {"bands_hz": "4-6,low"},
        {"bands_hz": None},
        {"bands_hz": "6-4"},
        {"electrodes": "Fp1,nose"},
        {"electrodes": None},
        {"memory_s": -1.0},
        {"memory_s": "long"},
        {"reference": "moon"},
        {"measure": None},
    ],
)
def test_an_altered_bundle_of_a_state_is_refused_in_one_line(network):
    with pytest.raises(MoodringError, match=r"^[^\n]+$"):
        EegStateDecoder(altered("workload", network))


def test_missing_weights_and_heads_are_refused_in_one_line():
    workload = load_bundle(bundled("workload"))
    with pytest.raises(MoodringError, match="weights have shape"):
        EegStateDecoder(replace(workload, tensors={"bias": workload.tensors["bias"]}))
    attention = load_bundle(bundled("attention"))
    lacking = {key: value for key, value in attention.tensors.items() if key != "net.gate"}
    with pytest.raises(MoodringError, match="do not fit its sizes"):
        AttentionDecoder(replace(attention, tensors=lacking), torch.device("cpu"))
    outputs = tuple(replace(head, name=f"other {head.name}") for head in attention.spec.outputs)
    with pytest.raises(MoodringError, match="heads"):
        AttentionDecoder(replace(attention, spec=replace(attention.spec, outputs=outputs)), torch.device("cpu"))
