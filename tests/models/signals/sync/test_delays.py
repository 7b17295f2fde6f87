import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.signals.sync.delays import combine_delays, declared_delay


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        delay = combine_delays(0.08 + rng.uniform(-0.02, 0.02, 20), 20, 0.06, "flashes")
        covered += delay.low_s <= 0.08 <= delay.high_s
        assert delay.low_s < delay.delay_s < delay.high_s
    assert 175 <= covered <= 199


def test_single_events_far_off_do_not_count():
    delays_s = np.concatenate([np.linspace(0.040, 0.050, 15), [0.55, -0.09]])
    delay = combine_delays(delays_s, 20, 0.02, "beeps")
    assert delay.n == 15
    assert delay.delay_s == pytest.approx(0.045)


@pytest.mark.parametrize(
    ("delays_s", "presented", "words"),
    [
        ([0.05] * 4, 4, "4 of 4 beeps were found, at least 5"),
        ([0.05] * 9, 20, "9 of 20 beeps were found, at least 10"),
        ([], 20, "0 of 20 beeps"),
        ([0.05] * 6 + [0.25] * 6, 12, r"scatter by 200 ms \(middle half\), at most 20 ms"),
    ],
)
def test_too_few_events_or_two_delays_are_refused(delays_s, presented, words):
    with pytest.raises(MoodringError, match=words) as caught:
        combine_delays(np.array(delays_s), presented, 0.02, "beeps")
    assert "\n" not in str(caught.value)


def test_delays_add_and_so_do_their_uncertainties():
    camera = combine_delays(np.linspace(0.08, 0.12, 11), 11, 0.06, "flashes")
    blinks = combine_delays(np.linspace(-0.04, 0.0, 11), 11, 0.06, "blinks")
    both = blinks.plus(camera)
    assert both.delay_s == pytest.approx(0.08)
    assert both.high_s - both.delay_s == pytest.approx(np.hypot(camera.high_s - 0.1, blinks.high_s + 0.02))
    assert blinks.plus(declared_delay(0.1)).high_s == pytest.approx(blinks.high_s + 0.1)
