import time
from uuid import uuid4

import numpy as np
import pytest

from moodring.configs.schema.live import EegSection, StreamQuery
from moodring.realtime.sources.backlog import BacklogState, behind


def _surplus(backlogs, rate_hz=256.0, step_s=0.05):
    state, thrown = BacklogState(), []
    for number, backlog in enumerate(backlogs):
        state, surplus = behind(state, backlog, rate_hz, 10.0 + number * step_s)
        thrown.append(surplus)
    return thrown


def test_what_comes_at_once_is_read_and_not_thrown_away():
    assert not any(_surplus([0, 2000, 1400, 800, 200, 0] * 5))


def test_a_reader_that_stays_behind_skips_the_oldest():
    thrown = _surplus([600] * 30)
    assert thrown[:20] == [0] * 20
    assert thrown[20] == 600 - 26, "all but the newest tenth of a second"
    assert sum(1 for n in thrown if n) == 1, "and then it is given time again"


def test_without_a_rate_nothing_is_thrown_away():
    assert not any(_surplus([10_000] * 60, rate_hz=0.0))


@pytest.mark.lsl
@pytest.mark.deadline
def test_an_inlet_that_is_read_too_slowly_skips_counts_and_says_that_samples_are_missing(stand):
    from moodring.realtime.sources.lsl_eeg import LslEeg

    name = f"amp-{uuid4().hex}"
    with stand({"name": name, "count": 4, "rate": 1000.0}):
        source = LslEeg(EegSection(stream=StreamQuery(name=name)))
        source._inlet._pull_samples = 16  # a hundredth of what it takes to keep up, at the pace below
        while source.open() is None:
            pass
        chunks, until = [], time.monotonic() + 6.0
        while time.monotonic() < until and not any(chunk.skipped for chunk in chunks):
            time.sleep(0.05)
            if (chunk := source.poll()) is not None:
                chunks.append(chunk)
        source.close()
    last = chunks[-1]
    assert last.skipped > 400
    assert last.gap
    assert max(chunk.backlog for chunk in chunks) >= 500
    assert last.received_s - last.stamps_s[-1] < 0.4, "the newest samples, not the oldest"
    counts = np.concatenate([chunk.samples[:, 0] for chunk in chunks])
    steps = np.diff(counts)
    assert sorted(set(steps.tolist())) == [1.0, float(last.skipped + 1)], "nothing else is missing"
