import numpy as np
import pytest

from moodring.offline.decoding.response_lag import Step, half_time_s, response_lag

TIMES_S = np.arange(-4, 13.1, 0.5)


def _step(tau_s, delay_s, height=1.0, noise=0.0, seed=0, person="a"):
    since_s = np.maximum(TIMES_S - delay_s, 0.0)
    values = height * (1 - np.exp(-since_s / tau_s)) - height / 2
    return Step(person, TIMES_S, values + np.random.default_rng(seed).normal(0, noise, len(TIMES_S)))


@pytest.mark.parametrize(("tau_s", "delay_s"), [(0.5, 1.0), (1.0, 2.0), (0.1, 0.0)])
def test_the_half_time_is_that_of_the_rise(tau_s, delay_s):
    expected_s = delay_s + tau_s * np.log(2)
    found_s = half_time_s(_step(tau_s, delay_s))
    assert expected_s <= found_s <= expected_s + 0.5, "seen at the next decision"
    figures = response_lag([_step(tau_s, delay_s)] * 5)
    assert figures["median_s"] == found_s
    assert figures["mean_curve_s"]["value_s"] == pytest.approx(expected_s, abs=0.26)


def test_estimates_that_do_not_follow_are_counted_and_have_no_lag():
    figures = response_lag([_step(0.5, 1.0), _step(0.5, 1.0, height=-1.0), _step(0.5, 1.0, height=0.0)])
    assert (figures["steps"], figures["followed"]) == (3, 1)
    assert response_lag([_step(0.5, 1.0, height=0.0)])["median_s"] is None


def test_the_interval_is_over_people_and_holds_the_lag():
    expected_s = 1.5 + 0.7 * np.log(2)

    def figures(people, slower=0.0, each=6):
        delays_s = 1.5 + slower * np.linspace(-1.0, 1.0, people)
        return response_lag(
            [
                _step(0.7, delay_s, noise=0.1, seed=100 * person + n, person=str(person))
                for person, delay_s in enumerate(delays_s)
                for n in range(each)
            ]
        )

    def width(part):
        return part["high_s"] - part["low_s"]

    for found in (figures(8), figures(8, slower=0.8)):
        for part, value in ((found, "median_s"), (found["mean_curve_s"], "value_s")):
            assert part["low_s"] < part[value] < part["high_s"]
            assert part["low_s"] <= expected_s + 0.5
            assert part["high_s"] >= expected_s - 0.25
    alike, unlike, more_steps = figures(8), figures(8, slower=0.8), figures(8, slower=0.8, each=24)
    for part in (lambda one: one, lambda one: one["mean_curve_s"]):
        assert width(part(unlike)) > 2 * width(part(alike)), "people who differ leave it wide"
        assert width(part(more_steps)) > 0.6 * width(part(unlike)), "however many steps each of them has"
        assert width(part(figures(32, slower=0.8))) < 0.7 * width(part(unlike))


def test_the_interval_of_one_person_is_unknown():
    found = response_lag([_step(0.5, 1.0)] * 4)
    assert found["median_s"] is not None
    assert found["low_s"] is None
    assert found["mean_curve_s"]["high_s"] is None
