import numpy as np
import pytest

from moodring.models.streaming.decision_schedule import Plan, next_decision

LATENESS_S = 0.15
PLAN = Plan(100.0, 0.5, 4, 0.0)


def _run(costs_s):
    """Make decisions that take so long; give (data time, published) of each, how many were left out, and the last k."""
    now_s, k, left_out, made = PLAN.time_s(PLAN.first), PLAN.first, 0, []
    for cost_s in costs_s:
        k, more = next_decision(PLAN, k, now_s, LATENESS_S)
        left_out += more
        now_s = max(now_s, PLAN.time_s(k) + 0.02) + cost_s
        made.append((PLAN.time_s(k), now_s))
        k += 1
    return np.array(made), left_out, k - 1


def test_in_time_nothing_is_left_out():
    made, left_out, last = _run(np.full(200, 0.4))
    assert left_out == 0
    assert last == PLAN.first + 199
    assert (made[:, 1] - made[:, 0]).max() < 0.5


@pytest.mark.parametrize("cost_s", [0.55, 0.8, 1.0, 3.7])
def test_an_overloaded_engine_is_never_later_than_one_decision(cost_s):
    made, left_out, last = _run(np.full(400, cost_s))
    lag_s = made[:, 1] - made[:, 0]
    assert lag_s.max() <= cost_s + PLAN.interval_s + LATENESS_S + 1e-9
    assert lag_s[-50:].mean() <= lag_s[50:100].mean() + PLAN.interval_s
    assert left_out > 0
    assert len(made) + left_out == last - PLAN.first + 1, "every decision time is made or counted"


def test_after_a_stall_it_is_in_time_again_with_every_time_counted():
    costs_s = np.full(100, 0.1)
    costs_s[20] = 7.3
    made, left_out, last = _run(costs_s)
    assert left_out == 13
    assert len(made) + left_out == last - PLAN.first + 1
    assert (made[22:, 1] - made[22:, 0]).max() < 0.2
    assert (np.diff(made[:, 0]) > 0).all()
