"""A microphone through PortAudio: mono at 16 kHz.

PortAudio's own thread calls back with each block and must never wait, so the callback only copies the block into a
queue; the source's thread empties the queue.
"""

import queue
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, FloatArray, TimeArray
from ...models.streaming.clock import Clock
from ...models.streaming.ingest.sources import Chunk, SourceGoneError, SourceInfo
from .resample import StreamResampler

_BLOCK_S = 0.02
_WAIT_S = 0.05
_JITTER_S = 0.3  # sound servers hand blocks over in bursts; PortAudio says itself when it lost some
_LONGEST_LATENCY_S = 1.0
_GONE_AFTER_S = 1.0
_SLOW_START_S = 4.0  # sound servers take seconds to the first block


@dataclass(frozen=True)
class Block:
    """The samples of one callback, the stamp of the first, and whether some were lost before."""

    samples: FloatArray
    first_s: float
    lost: bool


class Microphone:
    """A PortAudio input device.

    Parameters
    ----------
    microphone : int or str
        Index, name, or "default".
    delay_s : float or None
        Declared delay, taken off the stamps.
    clock : Clock
    key : str
        What the config calls it, for messages.
    alone : bool
        No other input of this process is open through PortAudio. Then the list of devices is read anew while it is
        looked for again, which would end any other stream.
    """

    def __init__(
        self,
        microphone: int | str,
        delay_s: float | None,
        clock: Clock,
        key: str = "speech.microphone",
        alone: bool = True,
    ) -> None:
        self._microphone = microphone
        self._key = key
        self._alone = alone
        self._delay_s = delay_s
        self._clock = clock
        self._blocks: queue.SimpleQueue[Block] = queue.SimpleQueue()
        self._stream: Any = None
        self._rate_hz = float(AUDIO_RATE_HZ)
        self._resampler: StreamResampler | None = None
        self._silent_from_s = 0.0
        self._opened_before = False

    def open(self) -> SourceInfo:
        """Start recording, the first time or again.

        Raises
        ------
        MoodringError
            PortAudio is missing, there is no such device, or it does not open.
        """
        sounddevice = portaudio()
        if self._opened_before and self._alone:
            # PortAudio lists devices once, when it is initialised; no stream of ours is open now.
            sounddevice._terminate()
            sounddevice._initialize()
        self._opened_before = True
        self._blocks = queue.SimpleQueue()
        try:
            name = self._start(sounddevice)
        except (ValueError, sounddevice.PortAudioError) as error:
            raise MoodringError(
                f"microphone {self._microphone!r} does not open ({' '.join(str(error).split())}); connect it or set "
                f"{self._key} to another device ('moodring streams' lists them)"
            ) from error
        return SourceInfo(
            "speech",
            name,
            float(AUDIO_RATE_HZ),
            (1,),
            "<f4",
            ("audio",),
            self._delay_s,
            jitter_s=_JITTER_S,
        )

    def poll(self) -> Chunk | None:
        """Return the blocks that have come.

        Raises
        ------
        SourceGoneError
            The device has stopped.
        """
        if self._stream is None:
            raise SourceGoneError(f"microphone {self._microphone!r} is not open; connect it")
        try:
            blocks = [self._blocks.get(timeout=_WAIT_S)]
        except queue.Empty:
            if not self._stream.active or self._clock.now() > self._silent_from_s:
                self.close()
                raise SourceGoneError(
                    f"microphone {self._microphone!r} gives no more sound; connect it again"
                ) from None
            return None
        received_s = self._clock.now()
        self._silent_from_s = received_s + _GONE_AFTER_S
        # What was lost, was lost before a block: such a block starts the next chunk.
        while not self._blocks.empty() and len(blocks) < 16:
            blocks.append(self._blocks.get())
        samples = np.concatenate([block.samples for block in blocks])
        stamps_s: TimeArray = np.concatenate(
            [block.first_s + np.arange(len(block.samples)) / self._rate_hz for block in blocks]
        )
        stamps_s -= self._delay_s or 0.0
        overflows = sum(block.lost for block in blocks)
        lost = overflows > 0
        if self._resampler is not None:
            samples, stamps_s = self._resampler.step(samples, stamps_s, lost)
        backlog = self._blocks.qsize() * len(blocks[0].samples)
        return Chunk(samples[:, np.newaxis], stamps_s, received_s, lost, backlog=backlog, overflows=overflows)

    def _start(self, sounddevice: Any) -> str:
        """Open the device and begin; return its name."""
        device = None if self._microphone == "default" else self._microphone
        facts = sounddevice.query_devices(device, "input")
        self._rate_hz = _rate_hz(sounddevice, device, float(facts["default_samplerate"]))
        stream = sounddevice.InputStream(
            samplerate=self._rate_hz,
            blocksize=round(_BLOCK_S * self._rate_hz),
            device=device,
            channels=1,
            dtype="float32",
            latency="low",
            callback=self._called_back,
        )
        stream.start()
        self._stream = stream
        self._resampler = StreamResampler(self._rate_hz) if self._rate_hz != AUDIO_RATE_HZ else None
        self._silent_from_s = self._clock.now() + _SLOW_START_S
        return str(facts["name"])

    def close(self) -> None:
        """Stop recording."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _called_back(self, data: FloatArray, frames: int, moments: Any, status: Any) -> None:
        """Queue a block; runs in PortAudio's thread."""
        now_s = self._clock.now()
        latency_s = moments.currentTime - moments.inputBufferAdcTime
        # Some back ends report zeros or another clock: then the block ends now.
        if not 0.0 < latency_s < _LONGEST_LATENCY_S:
            latency_s = frames / self._rate_hz
        self._blocks.put(Block(data[:, 0].copy(), now_s - latency_s, bool(status.input_overflow)))


def portaudio() -> Any:
    """Import `sounddevice`, which needs a system library that its wheel does not bring on Linux.

    Raises
    ------
    MoodringError
        PortAudio is missing.
    """
    try:
        import sounddevice
    except OSError as error:
        raise MoodringError(
            "microphones need the system library PortAudio, which is not installed; on Debian or Ubuntu run "
            "'sudo apt-get install libportaudio2', or leave [speech] out of the config"
        ) from error
    return sounddevice


def _rate_hz(sounddevice: Any, device: int | str | None, default_hz: float) -> float:
    """Return 16 kHz where the device takes it, else its own rate."""
    try:
        sounddevice.check_input_settings(device=device, channels=1, dtype="float32", samplerate=AUDIO_RATE_HZ)
    except sounddevice.PortAudioError:
        return default_hz
    return float(AUDIO_RATE_HZ)
