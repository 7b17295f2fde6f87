"""Play the sound of a recording on this machine's loudspeaker, from a place on."""

import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ....models.contract import FloatArray, TimeArray
from ....models.contract.viewing import SampleWindows

_BLOCK_S = 0.1
_PIECE_S = 2.0


class Output(Protocol):
    """A loudspeaker."""

    def write(self, samples: FloatArray) -> None:
        """Play samples ``(n, 1)``; returns once there is room for them."""
        ...

    def close(self) -> None:
        """Stop."""
        ...


def loudspeaker(rate_hz: float) -> Output:
    """Open the loudspeaker.

    Raises
    ------
    OSError
        There is none, or PortAudio is missing.
    """
    import sounddevice

    try:
        return _Loudspeaker(sounddevice.OutputStream(samplerate=rate_hz, channels=1, dtype="float32", latency="low"))
    except (sounddevice.PortAudioError, ValueError) as error:
        raise OSError(str(error)) from None


class _Loudspeaker:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        stream.start()

    def write(self, samples: FloatArray) -> None:
        """Play samples."""
        self._stream.write(np.ascontiguousarray(samples))

    def close(self) -> None:
        """Stop at once."""
        self._stream.abort()
        self._stream.close()


class SoundOut:
    """Plays a sound in a thread of its own.

    Parameters
    ----------
    source : SampleWindows
        Used by this thread alone.
    open_output : callable
        Opens a loudspeaker of a rate.

    Attributes
    ----------
    failed : str
        Why nothing is heard; empty while it is.
    """

    def __init__(self, source: SampleWindows, open_output: Callable[[float], Output] = loudspeaker) -> None:
        self.failed = ""
        self._source = source
        self._open = open_output
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._thread is not None and self._thread.is_alive()

    def play(self, from_s: float, stop_s: float) -> None:
        """Play from a stamp up to another; what plays before stops."""
        self.stop()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(from_s, stop_s), name="replay-sound", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Be silent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, from_s: float, stop_s: float) -> None:
        try:
            output = self._open(self._source.rate_hz)
        except (OSError, ImportError) as error:
            self.failed = str(error).splitlines()[0] if str(error) else type(error).__name__
            return
        block = max(round(_BLOCK_S * self._source.rate_hz), 1)
        try:
            while from_s < stop_s and not self._stop.is_set():
                piece = even(*self._source.between(from_s, from_s + _PIECE_S), from_s, self._source.rate_hz)
                for start in range(0, len(piece), block):
                    if self._stop.is_set():
                        break
                    output.write(piece[start : start + block])
                from_s += _PIECE_S
        except Exception as error:  # a device that is unplugged, a file that breaks: it goes on in silence, and says so
            self.failed = str(error).splitlines()[0] if str(error) else type(error).__name__
        finally:
            output.close()


def even(stamps_s: TimeArray, samples: FloatArray, from_s: float, rate_hz: float) -> FloatArray:
    """Return two seconds of sound ``(n, 1)`` on even time; what is missing is silence."""
    out = np.zeros((round(_PIECE_S * rate_hz), 1), np.float32)
    places = np.rint((stamps_s - from_s) * rate_hz).astype(np.int64)
    there = (places >= 0) & (places < len(out))
    out[places[there]] = samples[there]
    return out
