"""The loudspeaker of a protocol: open all the time, so that a stimulus's sound begins at a known moment."""

import threading
from typing import Any, Protocol

from ....configs.schema.errors import MoodringError
from ....models.streaming.clock import Clock
from ...sources.microphone import portaudio
from .frames import Sound

_LONGEST_LATENCY_S = 1.0
# Long enough not to underrun while a film is decoded: PortAudio reports the latency, which is accounted for.
_BUFFER_S = 0.1


class SoundOutput(Protocol):
    """Protocol of what plays the sound of a stimulus."""

    rate_hz: int

    def arm(self, sound: Sound) -> None:
        """Play from the next moment that is possible."""
        ...

    @property
    def begins_s(self) -> float | None:
        """When the first sample is heard, on the LSL clock; None until that is known."""
        ...

    def heard_s(self, now_s: float) -> float:
        """Return how much of the sound has been heard at a time."""
        ...

    def silence(self) -> None:
        """Play nothing more."""
        ...

    def close(self) -> None:
        """Close the device."""
        ...


class Loudspeaker:
    """An output of PortAudio; a :class:`SoundOutput`.

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
        self._sound: Sound | None = None
        self._begins_s: float | None = None
        # When the newest block is heard, and how many samples come before it; replaced as a whole.
        self._heard: tuple[float, int] = (0.0, 0)
        self._played = 0
        self._lock = threading.Lock()
        chosen = None if device == "default" else device
        try:
            self.rate_hz = round(float(sounddevice.query_devices(chosen, "output")["default_samplerate"]))
            self._stream = sounddevice.OutputStream(
                samplerate=self.rate_hz, device=chosen, channels=2, dtype="float32", latency=_BUFFER_S,
                callback=self._fill_block,
            )  # fmt: skip
            self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as error:
            raise MoodringError(
                f"loudspeaker {device!r} does not open ({' '.join(str(error).split())}); connect it, name another in "
                'protocol.loudspeaker, or let the protocol be silent: protocol.loudspeaker = "none"'
            ) from error

    def arm(self, sound: Sound) -> None:
        """Play from the next block on."""
        with self._lock:
            self._sound, self._begins_s, self._heard = sound, None, (0.0, 0)

    @property
    def begins_s(self) -> float | None:
        """When the first sample is heard, by what PortAudio says of the device's latency."""
        return self._begins_s

    def heard_s(self, now_s: float) -> float:
        """Return how much has been heard."""
        at_s, before = self._heard
        return before / self.rate_hz + (now_s - at_s) if self._begins_s is not None else 0.0

    def silence(self) -> None:
        """Play nothing more."""
        with self._lock:
            self._sound = None

    def close(self) -> None:
        """Close the device."""
        self._stream.close()

    def _fill_block(self, out: Any, _frames: int, moments: Any, _status: Any) -> None:
        """Fill a block; runs in PortAudio's thread."""
        out.fill(0.0)
        now_s = self._clock.now()
        with self._lock:
            sound = self._sound
            if sound is None:
                return
            ahead_s = moments.outputBufferDacTime - moments.currentTime
            # Some back ends report zeros or another clock; the stream's latency replaces it.
            if not 0.0 < ahead_s < _LONGEST_LATENCY_S:
                ahead_s = self._stream.latency
            played = 0 if self._begins_s is None else self._played
            filled = sound.fill(out)
            if self._begins_s is None and filled:
                self._begins_s = now_s + ahead_s
            self._heard = (now_s + ahead_s, played)
            # Behind its end time goes on, for the pictures of a film; where samples are late it stands still.
            self._played = played + (len(out) if sound.over else filled)
