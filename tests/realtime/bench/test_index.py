import numpy as np
import pytest

from moodring.realtime.bench.index import IndexCount


def _seen(index, cuts=(), stamps=None, reconnected_at=None, channel=0):
    index = np.asarray(index, np.float64)
    stamps = np.arange(len(index)) / 100 if stamps is None else np.asarray(stamps, np.float64)
    counter = IndexCount(channel)
    samples = np.zeros((len(index), channel + 2))
    samples[:, channel] = index
    for part in np.split(np.arange(len(index)), list(cuts)):
        if len(part):
            counter.see(samples[part], stamps[part], reconnected_at in part)
    return counter


@pytest.mark.parametrize("cuts", [(), (50,), (1, 2, 3), range(1, 100)])
@pytest.mark.parametrize(
    ("index", "lost", "reordered"),
    [
        (range(100), 0, 0),
        (range(700, 800), 0, 0),
        ([*range(40), *range(45, 100)], 5, 0),
        ([*range(40), 41, 40, *range(42, 100)], 0, 1),
        ([*range(40), 44, 42, *range(45, 100)], 3, 1),  # 40, 41 and 43 never came
        ([*range(40), 39, *range(40, 100)], 0, 1),  # twice
    ],
)
def test_losses_and_order_are_exact_however_it_is_cut(index, lost, reordered, cuts):
    counter = _seen(index, [cut for cut in cuts if cut < len(index)])
    assert (counter.lost_samples, counter.reordered_samples) == (lost, reordered)


def test_samples_that_never_came_while_the_stream_was_silent_are_lost():
    index = [*range(100), *range(400, 500)]
    counter = _seen(index, (100,), np.asarray(index) / 100)
    assert (counter.lost_samples, counter.reordered_samples) == (300, 0)


@pytest.mark.parametrize("reconnected", [True, False])
def test_a_sender_that_was_started_again_counts_anew(reconnected):
    index = [*range(200), *range(3, 100), *range(102, 110)]
    stamps = np.arange(len(index)) / 100 + (0.0 if reconnected else 2.0) * (np.arange(len(index)) >= 200)
    counter = _seen(index, (200,), stamps, 200 if reconnected else None)
    assert (counter.lost_samples, counter.reordered_samples) == (2, 0)


@pytest.mark.parametrize(
    "values",
    [np.random.default_rng(0).normal(size=100), np.full(100, np.nan), np.full(100, 17.0), np.arange(100) * 2, [5.0]],
    ids=["noise", "nan", "constant", "other steps", "one"],
)
def test_a_channel_without_an_index_says_nothing(values):
    counter = _seen(values)
    assert counter.lost_samples is None
    assert counter.reordered_samples is None


def test_the_index_may_be_in_any_channel_and_of_any_type():
    counter = _seen(range(100), channel=3)
    assert counter.lost_samples == 0
    integers = IndexCount()
    integers.see(np.arange(2**31 - 60, 2**31 - 10, dtype=np.int32)[:, np.newaxis], np.arange(50) / 100, False)
    assert integers.lost_samples == 0
