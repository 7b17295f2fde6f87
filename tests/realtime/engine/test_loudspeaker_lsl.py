"""A loudspeaker reference from LSL in a running session."""

import threading
from uuid import uuid4

import pytest

from moodring.configs.schema.live import LiveConfig, OutletSection, ReferenceSection, SpeechSection, StreamQuery

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]


def _sound(name):
    # The stand's first channel counts up: louder than any threshold from the first samples on.
    return {"name": name, "type": "Audio", "count": 1, "rate": 16000.0}


def test_a_session_withholds_speech_while_its_reference_plays_and_when_it_is_lost(
    lsl_session, fakes, stand, stepping, tmp_path
):
    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.session import Session

    microphone, monitor = f"mic-{uuid4().hex}", f"monitor-{uuid4().hex}"
    reference = ReferenceSection(stream=StreamQuery(name=monitor))
    config = LiveConfig(
        speech=SpeechSection(stream=StreamQuery(name=microphone), reference=reference),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 20.0}),
        outlet=OutletSection(enabled=False),
    )
    clock = LslClock()
    with stand(_sound(microphone)):
        player = stand(_sound(monitor))
        with Session(config, fakes.fake_models(), clock, tmp_path, clock.now()) as session:
            session.connect(threading.Event())
            session.start()
            wait = stepping(session)

            def withheld():
                estimate = session.snapshot().estimate
                return estimate is not None and estimate.hearing is not None and estimate.hearing.withheld

            wait(lambda: withheld() == "the loudspeaker is playing", 10)
            assert session.snapshot().estimate.answer("speech") is None
            assert session.snapshot().estimate.used == ("speech",)
            player.kill()
            wait(lambda: withheld() == "nothing comes from the loudspeaker reference", 6)
            assert not [notice for notice in session.notices if "not declared" in notice]
            assert session.error is None
