"""The bench of a look: both backbones, the VGG-16 a tiny one."""

from dataclasses import replace

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import Recording
from moodring.models.io.bundle import bundled, load_bundle
from moodring.models.networks.attention import Sizes
from moodring.offline.simulate import simulate
from moodring.realtime.bench import decode
from tests.support import tiny_vgg16


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate(7, 12.0)


def test_a_look_is_measured_cold_and_warm_with_each_backbone(
    monkeypatch: pytest.MonkeyPatch, recording: Recording
) -> None:
    tiny_vgg16.shrink(monkeypatch)
    monkeypatch.setattr(decode, "PAPER", Sizes(face_size=64, layer1=12, core=24))
    bundle, said = load_bundle(bundled("attention"), "attention"), list[str]()
    figures = decode.measure(bundle, None, recording, 1.0, ("compact", "vgg16"), said.append)
    rows = {(row["backbone"], row["device"]): row for row in figures["configs"]}
    assert {("compact", "cpu"), ("vgg16", "cpu")} <= set(rows)
    assert len(said) == len(rows)
    for row in rows.values():
        assert 0 < row["cold"]["p50_ms"] <= row["cold"]["p99_ms"]
        assert 0 < row["warm"]["p50_ms"] <= row["warm"]["p99_ms"]
        assert row["periphery_ms"] > 0
        assert row["tick_ms"] > 0
        assert row["train_items_per_s"] > 0
        assert row["embedded_faces_per_s"] > 0
    # In processor time, which other work on the machine hardly changes.
    assert rows["compact", "cpu"]["warm"]["cpu_ms"] < 40


def test_a_recording_without_face_is_refused(recording: Recording) -> None:
    with pytest.raises(MoodringError, match="lacks EEG or face"):
        decode.measure(load_bundle(bundled("attention")), None, replace(recording, face=None), 0.1, ("compact",), print)


def test_reading_a_face_is_measured(recording: Recording) -> None:
    attention, face = load_bundle(bundled("attention")), load_bundle(bundled("face"))
    (row,) = [
        one for one in decode.measure(attention, face, recording, 1.0, (), print)["configs"] if one["device"] == "cpu"
    ]
    assert row["backbone"] == "face"
    assert 0 < row["search_ms"] < row["warm"]["p50_ms"] < row["cold"]["p99_ms"] * 5
    assert row["train_items_per_s"] > 0
    # A frame of a camera at 8 Hz, search and all, must leave a core free; in processor time.
    assert row["warm"]["cpu_ms"] < 40
