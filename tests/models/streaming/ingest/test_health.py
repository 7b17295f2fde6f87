from dataclasses import replace

import numpy as np
import pytest

from moodring.models.contract import Figures, Transition
from moodring.models.io.ring import rings_in
from moodring.models.streaming.alignment import is_fresh
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.ingest.health import SEARCHING, is_flowing, next_health
from moodring.models.streaming.ingest.source_channel import SourceChannel
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import ingest_factory

GOOD = Figures(nominal_rate_hz=256.0, observed_rate_hz=256.1, silence_s=0.02, age_s=0.03)
LIVE = Transition(5.0, "live", "")


@pytest.mark.parametrize(
    ("change", "state", "figure"),
    [
        ({}, "live", ""),
        ({"silence_s": 0.5, "age_s": 0.5}, "stale", "0.50 s"),
        ({"silence_s": 0.9, "age_s": 0.9}, "lost", "0.90 s"),
        ({"observed_rate_hz": 200.0}, "rate_off", "200.0 Hz"),
        ({"observed_rate_hz": 240.0}, "live", ""),
        ({"gap_s": 0.25, "gap_at_s": 9.7}, "gap", "250 ms"),
        ({"gap_s": 0.25, "gap_at_s": 8.0}, "live", ""),
        ({"jump_s": -5.0, "jump_at_s": 9.9}, "clock_jump", "back by 5.000 s"),
        ({"jump_s": 5.0, "jump_at_s": 9.9}, "clock_jump", "ahead by 5.000 s"),
        ({"good_channels": 1, "channels": 8}, "gap", "7 of 8 channels"),
        ({"good_channels": 5, "channels": 8}, "live", ""),
        ({"age_s": 2.05, "delay_s": 2.0}, "live", ""),
        ({"observed_rate_hz": 128.0, "gap_s": 0.004, "gap_at_s": 9.99}, "rate_off", "128.0 Hz came, 256 Hz"),
        ({"age_s": -30.0}, "clock_jump", "-30000 ms"),
        ({"age_s": 4.0}, "stale", "4000 ms"),
        ({"silence_s": None, "age_s": None}, "searching", ""),
    ],
)
def test_each_state_and_its_figure(change, state, figure):
    after = next_health(LIVE, replace(GOOD, **change), 10.0)
    assert after.state == state
    assert figure in after.why


def test_a_loss_is_noticed_within_a_second_and_overcome():
    health = next_health(SEARCHING, GOOD, 1.0)
    states = [(1.0, health.state)]
    for step in range(1, 120):
        now_s = 1.0 + step * 0.05
        silent_s = now_s - 2.0 if 2.0 < now_s < 4.0 else 0.02
        after = next_health(health, replace(GOOD, silence_s=silent_s, age_s=silent_s), now_s)
        if after is not health:
            states.append((now_s, after.state))
        health = after
    assert [state for _, state in states] == ["live", "stale", "lost", "recovered", "live"]
    times = {state: moment for moment, state in states[1:]}
    assert times["lost"] <= 3.0
    assert times["recovered"] == pytest.approx(4.0, abs=0.06)
    assert times["live"] <= 7.0


def test_decisions_wait_for_what_flows():
    assert not is_flowing(SEARCHING)
    assert not is_flowing(Transition(0.0, "lost", ""))
    assert all(
        is_flowing(Transition(0.0, state, ""))
        for state in ("live", "stale", "gap", "rate_off", "recovered", "clock_jump")
    )


@pytest.mark.parametrize(("rate_hz", "stale_s", "lost_s"), [(256.0, 0.35, 0.8), (2.0, 0.75, 1.25), (0.5, 3.0, 5.0)])
def test_a_slow_source_is_stale_and_lost_by_its_period(rate_hz, stale_s, lost_s):
    def state(silence_s):
        figures = Figures(nominal_rate_hz=rate_hz, silence_s=silence_s, age_s=min(silence_s, 0.9))
        return next_health(LIVE, figures, 10.0).state

    assert [state(stale_s - 0.01), state(stale_s + 0.01)] == ["live", "stale"]
    assert [state(lost_s - 0.01), state(lost_s + 0.01)] == ["stale", "lost"]


def test_a_sample_every_two_seconds_is_live_and_fresh_until_it_stops():
    clock = VirtualClock(100.0)
    info = SourceInfo("temperature", "probe", 0.5, (1,), "<f4", ("forehead",))
    channel = SourceChannel("temperature", "probe", None, started_s=100.0)
    channel.ingest = ingest_factory(None, rings_in(None))(info)
    states, fresh = [], []
    for step in range(30 * 20):
        now_s = 100.0 + step * 0.05
        clock.advance_to(now_s)
        if step % 40 == 0 and now_s <= 120.0:
            chunk = Chunk(np.full((1, 1), 36.5, np.float32), np.array([now_s - 0.02]), now_s)
            channel.ingest.append(chunk)
        channel.update_health(now_s)
        states.append((round(now_s, 2), channel.health.state))
        fresh.append((round(now_s, 2), is_fresh(channel.ingest.ring.view(), now_s)))
    channel.ingest.ring.close()
    assert {state for now_s, state in states if now_s <= 122.0} == {"live"}
    assert all(good for now_s, good in fresh if now_s <= 122.0)
    assert {state for now_s, state in states if now_s > 125.1} == {"lost"}
    assert not any(good for now_s, good in fresh if now_s > 123.1)
    assert channel.status(clock.now()).lost_samples == 0
