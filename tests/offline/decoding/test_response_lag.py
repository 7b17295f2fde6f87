import numpy as np
import pytest

from moodring.models.contract import Truth
from moodring.offline.decoding.response_lag import Step, cut_steps, expected_level, half_time_s, response_lag

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


def test_the_expected_level_lies_between_the_middles_of_low_and_high():
    assert expected_level(np.eye(3)).tolist() == pytest.approx([-2 / 3, 0.0, 2 / 3])
    assert expected_level(np.array([[0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])).tolist() == pytest.approx([0.0, 1 / 3])


def test_steps_are_cut_where_the_person_changes_and_turned_upwards():
    stamps_s = np.arange(0, 80, 0.125)
    # Valence falls at the second onset and rises at the third; arousal never moves.
    valence = np.select([stamps_s < 20, stamps_s < 40], [0.6, -0.6], 0.6)
    latents = np.stack([valence, np.zeros(len(stamps_s))], axis=1).astype(np.float32)
    truth = Truth(stamps_s, latents, np.zeros((len(stamps_s), 2), np.int64), np.zeros(len(stamps_s), np.int64))
    times_s = np.arange(0, 79, 0.5)
    late = np.interp(times_s - 2.0, stamps_s, valence)
    found = cut_steps("p", truth, [3.0, 20.0, 40.0], times_s, np.stack([late, late], axis=1))
    assert len(found) == 2, "not at the first onset, and not of arousal"
    for step in found:
        assert step.values[0] == pytest.approx(-0.6)
        assert step.values[-1] == pytest.approx(0.6)
        assert half_time_s(step) == pytest.approx(2.0, abs=0.5)
    assert len(cut_steps("p", truth, [3.0, 20.0, 70.0], times_s, np.stack([late, late], axis=1))) == 1, (
        "cut off by the end"
    )
