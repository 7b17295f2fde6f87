"""What the devices are to notice: a white screen and a beep at the same moment, each with its time on the LSL clock."""

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
# Long, so that it never runs dry: the wait is told by PortAudio and taken into account, a gap is not.
_BUFFER_S = 0.2


@dataclass(frozen=True)
class Moment:
    """When one event happened; None for what could not be presented.

    Attributes
    ----------
    flash_s : float or None
        Right after the window had painted the white and handed it over.
    beep_s : float or None
        When PortAudio says that the first sample leaves the converter.
    """

    flash_s: float | None
    beep_s: float | None


class Stimuli(Protocol):
    """Whatever presents events; :class:`LabStimuli` on a machine with screen and loudspeaker.

    Attributes
    ----------
    no_flash, no_beep : str or None
        Why it cannot; None where it can.
    """

    no_flash: str | None
    no_beep: str | None

    def play(self, length_s: float) -> Moment:
        """Flash and beep now; white for so long; return when it is over."""
        ...

    def say(self, text: str) -> None:
        """Tell the participant."""
        ...

    def idle(self, seconds: float) -> None:
        """Let time pass and keep what is open alive."""
        ...


class Screen(Protocol):
    """A window that can turn white."""

    def paint(self, white: bool) -> float:
        """Turn white or black; give the LSL time when it was handed over to the display."""
        ...

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    def idle(self, seconds: float) -> None:
        """Let time pass and keep the window alive."""
        ...


class LabStimuli:
    """The screen and the loudspeaker of this machine, as far as there are any.

    Parameters
    ----------
    screen : Screen or str
        Or why there is none.
    speaker : Speaker or str
        Or why there is none.
    clock : Clock
    tell : callable
        Prints a line for whoever sits at the terminal.
    """

    def __init__(
        self, screen: "Screen | str", speaker: "Speaker | str", clock: Clock, tell: Callable[[str], None]
    ) -> None:
        self.no_flash = screen if isinstance(screen, str) else None
        self.no_beep = speaker if isinstance(speaker, str) else None
        self._screen = None if isinstance(screen, str) else screen
        self._speaker = None if isinstance(speaker, str) else speaker
        self._clock = clock
        self._tell = tell

    def play(self, length_s: float) -> Moment:
        """Flash and beep; see :class:`Stimuli`."""
        if self._speaker is not None:
            self._speaker.start_beep()
        flash_s = self._screen.paint(True) if self._screen is not None else None
        self.idle(length_s)
        if self._screen is not None:
            self._screen.paint(False)
        return Moment(flash_s, self._speaker.beep_s if self._speaker is not None else None)

    def say(self, text: str) -> None:
        """Show a line on the screen and in the terminal."""
        if self._screen is not None:
            self._screen.say(text)
        self._tell(text)

    def idle(self, seconds: float) -> None:
        """Let time pass."""
        if self._screen is not None:
            self._screen.idle(seconds)
        else:
            self._clock.sleep(seconds)


class Speaker:
    """A PortAudio output that beeps when asked; use as a context manager.

    PortAudio's thread calls back for each block and must never wait: the request and the beep's time are plain
    attributes, written by one thread each, and an event.

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
                callback=self._called_back,
            )
            self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as error:
            raise MoodringError(
                f"loudspeaker {device!r} does not open ({' '.join(str(error).split())}); connect it or name another "
                "with --loudspeaker"
            ) from error

    def __enter__(self) -> "Speaker":
        """Give itself; it is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the device."""
        self._stream.close()

    def start_beep(self) -> None:
        """Ask for a beep with the next block; :attr:`beep_s` then holds its time."""
        self.beep_s = None
        self._wanted.set()

    def _called_back(self, out: Any, frames: int, moments: Any, status: Any) -> None:
        """Fill a block; runs in PortAudio's thread."""
        out.fill(0.0)
        if self._wanted.is_set():
            self._wanted.clear()
            self._at = 0
            ahead_s = moments.outputBufferDacTime - moments.currentTime
            # Some back ends report zeros or another clock: then the stream's own latency is the best there is.
            if not 0.0 < ahead_s < _LONGEST_LATENCY_S:
                ahead_s = self._stream.latency
            self.beep_s = self._clock.now() + ahead_s
        if self._at is not None:
            piece = self._wave[self._at : self._at + frames]
            out[: len(piece), 0] = piece
            if status.output_underflow:  # what was to be heard came late: this beep tells nothing
                self.beep_s = None
            self._at = self._at + frames if self._at + frames < len(self._wave) else None
