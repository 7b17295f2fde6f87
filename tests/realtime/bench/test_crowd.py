"""Several participants at once: what is counted, and one small run of the whole bench."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import AUDIO_RATE_HZ, Signal, Video
from moodring.offline.simulate import simulate
from moodring.realtime.bench import crowd
from moodring.realtime.bench.participant import VIDEO_HZ, keep_sight_and_sound


def decisions(*latencies_ms):
    return [SimpleNamespace(time_s=10.0, ledger=SimpleNamespace(published_s=10.0 + ms / 1e3)) for ms in latencies_ms]


def test_latencies_are_over_the_decisions_of_all_and_of_each():
    found = crowd._latencies([decisions(*[100.0] * 99, 200.0), decisions(*[300.0] * 100)])
    assert found["sample_to_estimate_ms"] == {"p50": 250.0, "p99": 300.0}
    assert found["p99_of_each_ms"] == [pytest.approx(101.0), 300.0]


def test_an_engine_without_decisions_is_no_latency_of_zero():
    with pytest.raises(MoodringError, match="1 of 2 engines made no decision"):
        crowd._latencies([decisions(100.0), []])


def test_participants_send_the_recording_s_pictures_and_sound(tmp_path):
    n = round(VIDEO_HZ * 5)
    frames = np.arange(n * 4 * 6 * 3, dtype=np.uint32).reshape(n, 4, 6, 3).astype(np.uint8)
    sound = np.random.default_rng(1).normal(0, 0.1, (AUDIO_RATE_HZ + 100, 1)).astype(np.float32)
    person = replace(
        simulate(7, 12.0),
        face=Video(frames, np.arange(n) / VIDEO_HZ, VIDEO_HZ, 4, 6, "face"),
        speech=Signal(sound, np.arange(len(sound)) / AUDIO_RATE_HZ, float(AUDIO_RATE_HZ), ("audio",), "speech"),
    )
    keep_sight_and_sound(person, tmp_path)
    assert np.array_equal(np.load(tmp_path / "frames.npy"), frames[: round(VIDEO_HZ * 4)])
    assert np.array_equal(np.load(tmp_path / "sound.npy"), sound[:AUDIO_RATE_HZ])
    with pytest.raises(ValueError, match="video and speech"):
        keep_sight_and_sound(replace(person, face=None), tmp_path)


@pytest.mark.lsl
@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_participants_lose_nothing():
    figures = crowd.measure(simulate(7, 20.0), 2, 10.0)
    assert figures["participants"] == 2
    assert figures["lost_samples"] == figures["reordered_samples"] == 0
    assert figures["decisions"] > 0
    assert len(figures["added_mb_each"]) == len(figures["cpu_s_per_s_each"]) == 2
    assert max(figures["added_mb_each"]) < min(figures["rss_mb_each"])
