"""When a decision says what would be said without a part: only where what is left would be answered from."""

import numpy as np
import pytest

from moodring.models.contract import DomainDistance
from moodring.models.decoders.domain_gate import DomainGate, DomainWatch
from moodring.models.signals.face.tracking import Sighting
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decider import Decider
from moodring.models.streaming.streaming_attention import SETTLE_S
from tests.models.streaming.test_decider import _eeg_input, _face_input, _plan


@pytest.fixture
def made(fakes):
    models = fakes.fake_models()
    return Decider(_plan(), models, VirtualClock(200.0)), fakes.video_eeg_of(models)


def told(decider, inputs, first=4, stop=24):
    """What each decision could go without, by session time."""
    estimates = [decider.decide(100.0 + k / 2, inputs, ()) for k in range(first, stop)]
    return {one.session_time_s: {a.without for a in one.ablations} for one in estimates}, estimates


def test_with_both_each_is_withheld_and_with_one_none(made, fakes):
    decider, _ = made
    both, _ = told(decider, {"eeg": _eeg_input(20), "face": _face_input(12, rate_hz=10.0)})
    assert both[11.0] == {"eeg", "face"}
    for inputs in ({"eeg": _eeg_input(20)}, {"face": _face_input(12, rate_hz=10.0)}):
        alone = Decider(_plan(), fakes.fake_models(), VirtualClock(200.0))
        assert set().union(*told(alone, inputs)[0].values()) == set()


def test_a_face_that_has_gone_can_be_withheld_but_not_be_all_there_is(made):
    decider, _ = made
    after, _ = told(decider, {"eeg": _eeg_input(20), "face": _face_input(8, rate_hz=10.0)})
    assert after[7.5] == {"eeg", "face"}
    assert after[11.0] == {"face"}


def test_while_another_face_settles_only_the_eeg_is_left(made):
    decider, model = made
    real = model.frame

    def frame(time_s, face, short):
        seen = real(time_s, face, short)
        return Sighting("changed", seen.box, 1, 2) if seen is not None and 107.0 <= time_s < 107.1 else seen

    model.frame = frame
    without, estimates = told(decider, {"eeg": _eeg_input(20), "face": _face_input(12, rate_hz=10.0)})
    changed_s = max(look.time_s for one in estimates for look in one.looks if look.face_state == "changed") - 100.0
    settling = {at_s: one for at_s, one in without.items() if changed_s <= at_s < changed_s + SETTLE_S}
    assert settling
    assert all(one == {"face"} for one in settling.values())
    assert without[10.0] == {"eeg", "face"}


def test_eeg_out_of_the_domain_can_be_withheld_and_is_no_rest_to_answer_from(made):
    decider, model = made
    watch = DomainWatch(DomainGate(np.zeros(5), np.eye(5), 2.0, 0.5))
    real = model.tick

    def tick(eeg):
        watch.add(np.full(5, 1.0 if model.ticks < 10 else 3.0))
        real(eeg)

    model.domain, model.tick = watch, tick
    without, estimates = told(decider, {"eeg": _eeg_input(20), "face": _face_input(12, rate_hz=10.0)})
    by_time = {one.session_time_s: one for one in estimates}
    assert without[5.0] == {"eeg", "face"}
    assert without[11.0] == {"eeg"}
    near, far = (by_time[at_s].domain_distances[0] for at_s in (5.0, 11.0))
    assert near == DomainDistance(("valence", "arousal"), pytest.approx(1.0), 2.0)
    assert far.distance == pytest.approx(3.0, abs=0.2)
    assert by_time[11.0].heads[0].abstained is not None


def test_without_eeg_there_is_a_limit_and_no_distance(made):
    decider, model = made
    watch = DomainWatch(DomainGate(np.zeros(5), np.eye(5), 2.0, 0.5))
    real = model.tick

    def tick(eeg):
        if eeg is not None:
            watch.add(np.ones(5))
        real(eeg)

    model.domain, model.tick = watch, tick
    _, estimates = told(decider, {"eeg": _eeg_input(6), "face": _face_input(12, rate_hz=10.0)})
    by_time = {one.session_time_s: one.domain_distances[0] for one in estimates}
    assert (by_time[5.0].distance, by_time[5.0].limit) == (pytest.approx(1.0), 2.0)
    assert (by_time[11.0].distance, by_time[11.0].limit) == (None, 2.0)
