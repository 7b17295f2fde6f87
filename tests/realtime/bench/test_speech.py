"""The speech bench runs, and what it says is right; how good the figures are is for a quiet machine."""

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.io.bundle import bundled
from moodring.offline.simulate.voice import simulate_voice
from moodring.realtime.bench.speech import measure


@pytest.mark.deadline
def test_cost_delay_and_memory_of_a_voice():
    figures = measure(bundled("speech"), simulate_voice(7, 6.0), 6.0)
    assert {"real_time_factor", "latency_ms", "rss_slope_mb_per_h"} <= set(figures)
    assert 0 < figures["real_time_factor"] < 1
    # A second is complete with its last sample, and voice activity waits for a window of 32 ms.
    assert 0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["p99"] < 500
    # A phrase has ended when the pause of half a second is over.
    assert 500 <= figures["utterance_end_ms"]["p50"] <= figures["utterance_end_ms"]["p99"]
    assert 0.2 < figures["speech_fraction"] < 0.9
    assert figures["estimates"] >= 2
    assert np.isfinite(figures["rss_slope_mb_per_h"])


def test_a_sound_without_a_voice_is_one_line():
    with pytest.raises(MoodringError, match="no whole second of speech was heard in 1 s; give a sound"):
        measure(bundled("speech"), np.zeros(16_000, np.float32), 1.0)
