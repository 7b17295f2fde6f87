"""A beep goes through PortAudio, a sound server's loudspeaker and microphone, and back."""

import pytest

from moodring.configs.schema.live import LiveConfig
from moodring.realtime.engine.lsl_clock import LslClock

pytestmark = [pytest.mark.audio, pytest.mark.deadline]


def test_beeps_that_are_played_are_heard_at_one_and_the_same_delay(null_sink):
    from moodring.configs.schema.errors import MoodringError
    from moodring.realtime.lab.delays.calibrate import Procedure, calibrate
    from moodring.realtime.lab.delays.stimuli import BeepOutput, LabStimuli

    config = LiveConfig.model_validate({"speech": {"microphone": "pulse", "delay_s": 0.2}})
    clock, said = LslClock(), []
    try:
        speaker = BeepOutput("pulse", clock)
    except MoodringError as error:
        pytest.skip(f"PortAudio does not see PulseAudio: {error}")
    with speaker:
        # On a busy machine the sound server changes its buffers under way; such a round is refused, as it should be.
        for _ in range(3):
            report = calibrate(
                config, Procedure(repeats=7), LabStimuli("no display", speaker, clock, said.append), clock
            )
            (row,) = report.rows
            if row.delay is not None:
                break
    assert row.delay is not None, row.why
    assert row.delay.n >= 5
    # What sound server and PortAudio leave untold of their buffers; a real path would add the air's.
    assert -0.05 < row.delay.delay_s < 0.4
    assert row.delay.iqr_s < 0.02
    assert any("beeps" in line for line in said)
