"""Measure devices' delays with the screen and the loudspeaker of this machine."""

from collections.abc import Callable
from contextlib import ExitStack

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ..engine.lsl_clock import LslClock
from ..engine.process_settings import apply_lsl_settings
from ..lab.delays.calibrate import Procedure, calibrate
from ..lab.delays.report import DelayReport
from ..lab.delays.stimuli import BeepOutput, LabStimuli, StimulusScreen
from .display import display_available


def calibrate_here(
    config: LiveConfig, procedure: Procedure, loudspeaker: str, headless: bool, tell: Callable[[str], None]
) -> DelayReport:
    """Open screen and loudspeaker where they are there, and measure the delays.

    Parameters
    ----------
    config : LiveConfig
    procedure : Procedure
    loudspeaker : str
        A PortAudio device's name or index.
    headless : bool
        No flashes, even where there is a display.
    tell : callable
        Prints a line.
    """
    apply_lsl_settings(config.lsl)
    clock = LslClock()
    with ExitStack() as stack:
        screen: StimulusScreen | str = "no flashes were asked for (--headless)"
        flashing = config.face is not None or procedure.photodiode is not None
        if not headless and flashing:
            screen = "no display to flash; run this on the machine with the screen"
            if display_available():
                from .flash import flash_window

                screen = stack.enter_context(flash_window(clock))
        speaker: BeepOutput | str = "not in the config"
        if config.speech is not None:
            device = int(loudspeaker) if loudspeaker.isdigit() else loudspeaker
            try:
                speaker = stack.enter_context(BeepOutput(device, clock))
            except MoodringError as error:
                speaker = str(error)
        return calibrate(config, procedure, LabStimuli(screen, speaker, clock, tell), clock)
