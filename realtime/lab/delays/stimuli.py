"""Stimuli for the devices: a white screen and a beep at once, each with its LSL time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ....configs.schema.errors import MoodringError
from ....models.contract import FloatArray
from ....models.signals.sync.events import beep
from ....models.streaming.clock import Clock
from ...sources.microphone import portaudio

_LONGEST_LATENCY_S = 1.0
# Long, so that it does not underrun: PortAudio reports the latency, which is accounted for, but not gaps.
_BUFFER_S = 0.2


@dataclass(frozen=True)
class StimulusEvent:
    """LSL times of one flash and beep; None for what could not be presented.

    Attributes
    ----------
    flash_s : float or None
        Right after the window painted white.
    beep_s : float or None
        DAC time of the first sample by PortAudio.
    """

    flash_s: float | None
    beep_s: float | None


class Stimuli(Protocol):
    """Presents flashes and beeps; :class:`LabStimuli` does on a machine with screen and loudspeaker.

    Attributes
    ----------
    no_flash, no_beep : str or None
        Reason why it cannot; None where it can.
    """

    no_flash: str | None
    no_beep: str | None

    def play(self, length_s: float) -> StimulusEvent:
        """Flash for ``length_s`` and beep; return the times when it is over."""
        ...

    def say(self, text: str) -> None:
        """Show a text to the participant."""
        ...

    def idle(self, seconds: float) -> None:
        """Wait and keep windows responsive."""
        ...


class StimulusScreen(Protocol):
    """A window that can turn white."""

    def paint(self, white: bool) -> float:
        """Turn white or black; return the LSL time at which it was painted."""
        ...

    def say(self, text: str) -> None:
        """Show a text."""
        ...

    def idle(self, seconds: float) -> None:
        """Wait and keep the window responsive."""
        ...


class LabStimuli:
    """Screen and loudspeaker of this machine.

    Parameters
    ----------
    screen : StimulusScreen or str
        A text is the reason why there is none.
    speaker : BeepOutput or str
        A text is the reason why there is none.
    clock : Clock
    tell : callable
        Prints a line in the terminal.
    """

    def __init__(
        self, screen: "StimulusScreen | str", speaker: "BeepOutput | str", clock: Clock, tell: Callable[[str], None]
    ) -> None:
        self.no_flash = screen if isinstance(screen, str) else None
        self.no_beep = speaker if isinstance(speaker, str) else None
        self._screen = None if isinstance(screen, str) else screen
        self._speaker = None if isinstance(speaker, str) else speaker
        self._clock = clock
        self._tell = tell

    def play(self, length_s: float) -> StimulusEvent:
        """Flash and beep; see :class:`Stimuli`."""
        if self._speaker is not None:
            self._speaker.start_beep()
        flash_s = self._screen.paint(True) if self._screen is not None else None
        self.idle(length_s)
        if self._screen is not None:
            self._screen.paint(False)
        return StimulusEvent(flash_s, self._speaker.beep_s if self._speaker is not None else None)

    def say(self, text: str) -> None:
        """Show a text on the screen and in the terminal."""
        if self._screen is not None:
            self._screen.say(text)
        self._tell(text)

    def idle(self, seconds: float) -> None:
        """Wait."""
        if self._screen is not None:
            self._screen.idle(seconds)
        else:
            self._clock.sleep(seconds)


class BeepOutput:
    """A PortAudio output that beeps when asked; use as a context manager.

    PortAudio's thread calls back for each block and must not wait: it shares an event and plain attributes, each
    written by one thread, with the others.

    Parameters
    ----------
    device : int or str
        Index, name, or "default".
    clock : Clock

    Raises
    ------
    MoodringError
        PortAudio is missing, there is no such device, or it does not open.
    """

    def __init__(self, device: int | str, clock: Clock) -> None:
        sounddevice = portaudio()
        self._clock = clock
        self._wanted = threading.Event()
        self._at: int | None = None
        self.beep_s: float | None = None
        chosen = None if device == "default" else device
        try:
            self._rate_hz = float(sounddevice.query_devices(chosen, "output")["default_samplerate"])
            self._wave: FloatArray = beep(self._rate_hz)
            self._stream = sounddevice.OutputStream(
                samplerate=self._rate_hz,
                device=chosen,
                channels=1,
                dtype="float32",
                latency=_BUFFER_S,
                callback=self._fill_block,
            )
            self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as error:
            raise MoodringError(
                f"loudspeaker {device!r} does not open ({' '.join(str(error).split())}); connect it or name another "
                "with --loudspeaker"
            ) from error

    def __enter__(self) -> "BeepOutput":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the device."""
        self._stream.close()

    def start_beep(self) -> None:
        """Request a beep with the next block; :attr:`beep_s` then holds its time."""
        self.beep_s = None
        self._wanted.set()

    def _fill_block(self, out: Any, frames: int, moments: Any, status: Any) -> None:
        """Fill a block; runs in PortAudio's thread."""
        out.fill(0.0)
        if self._wanted.is_set():
            self._wanted.clear()
            self._at = 0
            ahead_s = moments.outputBufferDacTime - moments.currentTime
            # Some back ends report zeros or another clock; the stream's latency replaces it.
            if not 0.0 < ahead_s < _LONGEST_LATENCY_S:
                ahead_s = self._stream.latency
            self.beep_s = self._clock.now() + ahead_s
        if self._at is not None:
            piece = self._wave[self._at : self._at + frames]
            out[: len(piece), 0] = piece
            if status.output_underflow:  # the beep came late at an unknown time
                self.beep_s = None
            self._at = self._at + frames if self._at + frames < len(self._wave) else None
