"""The end of a session, without devices."""

from types import SimpleNamespace

import pytest

from moodring.configs.schema.live import EegSection, LiveConfig, OutletSection, StreamQuery
from moodring.models.streaming.clock import VirtualClock
from moodring.realtime.engine.session import Session


@pytest.mark.parametrize("ended", [True, False])
def test_outlet_and_rings_stay_open_while_a_decision_is_under_way(fakes, caplog, ended):
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), outlet=OutletSection(enabled=False))
    clock = VirtualClock()
    session = Session(config, fakes.fake_models(), clock, None, 0.0)
    session._decisions = SimpleNamespace(stop=lambda _: ended, plan=None, error=None)
    session.publisher._outlet = outlet = object()
    session.stop()
    session.release()
    assert (session.publisher._outlet is outlet) == (not ended)
    assert hasattr(session.publisher.rows, "_samples") == (not ended), "the decision writes into it"
    assert ("did not end" in caplog.text) == (not ended)
