"""Write pictures and sound into Matroska files that lose no more than their last quarter second with the process.

Camera and microphone have a file each: in one file, packets of one wait for those of the other, and a microphone that
falls silent would hold back pictures. Times in a file are for players; exact stamps lie in the session's XDF.
"""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import av
import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ..contract import FloatArray, TimeArray
from .files import private

Quality = Literal["lossless", "small"]
QUALITIES: tuple[Quality, ...] = ("lossless", "small")

_MILLISECOND = Fraction(1, 1000)
_JUMP_S = 0.5  # a step of the stamps that the arrivals do not share is one of the source's clock
# Matroska is written in clusters; one that is not finished is lost with the process.
_CLUSTERS = {"cluster_time_limit": "250", "flush_packets": "1"}
_CODECS: dict[Quality, tuple[str, str, dict[str, str]]] = {
    # RGB all the way: what is read again is bit for bit what the decoder saw.
    "lossless": ("libx264rgb", "bgr24", {"qp": "0", "preset": "ultrafast"}),
    # Constant rate factor: below what an eye or a face detector tells from the original. Colour is kept whole, since
    # that of a lip is lost in halved planes.
    "small": ("libx264", "yuv444p", {"crf": "12", "preset": "veryfast"}),
}


class _Track:
    """One track in a file of its own; use as a context manager.

    Raises
    ------
    OSError
        From every method: the disk refuses (FFmpeg's errors are among these).
    """

    def __init__(self, path: Path, codec: str, rate: Fraction | int) -> None:
        # FFmpeg would make it readable for all.
        open(path, "wb", opener=private).close()
        self._container = av.open(str(path), "w", format="matroska", container_options=_CLUSTERS)
        self._stream: Any = self._container.add_stream(codec, rate=rate)
        self.count = 0
        """Frames or samples so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file."""
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _mux(self, frame: Any) -> None:
        self._container.mux(self._stream.encode(frame))


class FilmWriter(_Track):
    """Write frames as H.264.

    Parameters
    ----------
    path : Path
    height, width : int
    rate_hz : float or None
        Nominal; None is taken as 25.
    quality : "lossless" or "small"
    """

    def __init__(self, path: Path, height: int, width: int, rate_hz: float | None, quality: Quality) -> None:
        codec, pixels, options = _CODECS[quality]
        rate_hz = rate_hz or 25.0
        super().__init__(path, codec, Fraction(rate_hz).limit_denominator(1000))
        stream = self._stream
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.time_base = stream.codec_context.time_base = _MILLISECOND
        stream.codec_context.thread_count = 1
        # No frame waits in the encoder for others, and a reader finds a whole picture every second.
        stream.options = {**options, "tune": "zerolatency", "bf": "0", "g": str(max(1, round(rate_hz)))}
        self._last: tuple[float, float] | None = None
        self._shown_s = 0.0
        self._shown_ms = -1

    def write(self, images: NDArray[np.uint8], stamps_s: TimeArray, received_s: float) -> int:
        """Append frames and return the number of the first.

        Parameters
        ----------
        images : (n, height, width, 3) uint8
            BGR.
        stamps_s : (n,) float64
            As they came; a jump of the source's clock does not show in the film.
        received_s : float
        """
        first = self.count
        for image, stamp in zip(images, stamps_s, strict=True):
            self._shown_s += self._step_s(float(stamp), received_s)
            self._shown_ms = max(self._shown_ms + 1, round(self._shown_s * 1000))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            frame.pts, frame.time_base = self._shown_ms, _MILLISECOND
            self._mux(frame)
            self.count += 1
        return first

    def _step_s(self, stamp_s: float, received_s: float) -> float:
        last, self._last = self._last, (stamp_s, received_s)
        if last is None:
            return 0.0
        step_s, waited_s = stamp_s - last[0], received_s - last[1]
        return step_s if abs(step_s - waited_s) <= _JUMP_S else max(waited_s, 0.0)


class SoundWriter(_Track):
    """Write one channel of sound as float32, exactly as it is.

    Parameters
    ----------
    path : Path
    rate_hz : float
    """

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._rate = round(rate_hz)
        super().__init__(path, "pcm_f32le", self._rate)
        self._stream.layout = "mono"

    def write(self, samples: FloatArray) -> int:
        """Append samples ``(n,)`` and return the number of the first."""
        first = self.count
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[np.newaxis], np.float32), "flt", "mono")
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self.count, Fraction(1, self._rate)
        self._mux(frame)
        self.count += len(samples)
        return first


def check_encoder(quality: Quality) -> None:
    """Raise MoodringError where this computer's FFmpeg cannot encode a film of a quality."""
    codec = _CODECS[quality][0]
    try:
        av.Codec(codec, "w")
    except (av.FFmpegError, ValueError):
        raise MoodringError(f"FFmpeg has no encoder '{codec}', which films of the quality '{quality}' need") from None
