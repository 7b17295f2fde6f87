"""The benches run, and what they say is right; how good the figures are is for a quiet machine."""

from uuid import uuid4

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.bench import ingest
from moodring.realtime.bench.soak import memory_slope_mb_per_h, settled_slope, soak
from moodring.realtime.bench.workload import Load

pytestmark = pytest.mark.lsl
READER = {"p50_ms", "p99_ms", "cpu_s_per_s"}


@pytest.mark.parametrize(
    ("stream", "index_channel", "losses"),
    [
        ({"rate": 500.0, "count": 8}, 0, 0),
        ({"rate": 250.0, "count": 2, "type": "Whatever", "channels": [("x", "lumen", "misc")] * 2}, 1, None),
    ],
    ids=["index, not described", "described as something else"],
)
def test_any_stream_is_measured_and_its_index_read_where_there_is_one(
    stand, lsl_session, stream, index_channel, losses
):
    name = f"amp-{uuid4().hex}"
    with stand({"name": name, **stream}):
        figures = ingest.stream(name, 1.0, lsl_session, index_channel)
    assert set(figures) == READER | {"lost_samples", "reordered_samples"}
    assert (figures["lost_samples"], figures["reordered_samples"]) == (losses, losses)
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert 0 < figures["cpu_s_per_s"] < 2


def test_a_channel_that_is_not_there_is_one_line(stand, lsl_session):
    name = f"amp-{uuid4().hex}"
    with stand({"name": name, "count": 4}), pytest.raises(MoodringError, match=r"channel 4 .* 4 channels"):
        ingest.stream(name, 1.0, lsl_session, 4)


def test_the_readers_are_compared_on_one_load():
    (row,) = ingest.compare(1.0, (Load(8, 256.0, 8),))["load"]
    assert (row["channels"], row["rate_hz"]) == (8, 256.0)
    for reader in ("floor", "moodring"):
        assert set(row[reader]) == READER
        assert 0 < row[reader]["p50_ms"] <= row[reader]["p99_ms"]
    assert row["mne_lsl"] is None or set(row["mne_lsl"]) == READER


def test_a_soak_counts_and_leaves_nothing():
    figures = soak(4.0)
    assert figures["duration_s"] >= 4.0
    assert figures["samples"] > 2000
    assert figures["decisions"] > 0
    for key in ("lost_samples", "reordered_samples", "threads_left", "processes_left"):
        assert figures[key] == 0, key
    assert figures["rss_slope_mb_per_h"] is None
    assert figures["rss_slope_why"].startswith("4 s are too short")


def test_the_slope_is_told_from_five_minutes_on_and_leaves_the_warm_up_out():
    times_s = np.arange(0, 300.0)
    rss_mb = np.where(times_s < 90, 300 + times_s, 400 + 2.0 * times_s / 3600)
    slope, why = settled_slope(300.0, times_s.tolist(), rss_mb.tolist())
    assert slope == pytest.approx(2.0, abs=0.01)
    assert why is None
    assert settled_slope(299.0, times_s.tolist(), rss_mb.tolist())[0] is None


def test_the_slope_of_memory_is_that_of_most_points():
    times_s = np.arange(0, 600.0)
    rss_mb = 400 + 2.0 * times_s / 3600
    rss_mb[200:210] += 50.0
    assert memory_slope_mb_per_h(times_s.tolist(), rss_mb.tolist()) == pytest.approx(2.0, abs=0.1)
