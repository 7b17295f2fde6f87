from dataclasses import replace

import pytest

from moodring.models.contract import Figures, Transition
from moodring.models.streaming.ingest.health import SEARCHING, is_flowing, next_health

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
