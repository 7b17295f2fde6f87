"""Write pictures and sound into one Matroska file: H.264 nearly without loss, and FLAC."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ...models.contract import Signal, TimeArray, Video

_QUALITY = "12"  # libx264's constant rate factor: below what an eye or a face detector tells from the original
_MILLISECOND = Fraction(1, 1000)
_BLOCK_SAMPLES = 4096


def write_film(path: Path, video: Video | None, speech: Signal | None) -> None:
    """Write frames and sound, in order of time.

    Times in the file are whole milliseconds, for players; exact stamps belong into an index beside it. Sound keeps
    24 bits, so that what came as 16 bits comes back the same.

    Raises
    ------
    OSError
        The disk refuses (FFmpeg's errors are among these).
    """
    starts = [float(one.stamps_s[0]) for one in (video, speech) if one is not None and len(one.stamps_s)]
    start_s = min(starts, default=0.0)
    with av.open(str(path), "w", format="matroska") as container:
        picture = None if video is None else _picture_stream(container, video)
        sound = None if speech is None else _sound_stream(container, speech)
        blocks = _Blocks(speech, start_s)

        def put_sound(until_s: float) -> None:
            if sound is not None:
                for block in blocks.up_to(until_s):
                    container.mux(sound.encode(block))

        if video is not None and picture is not None:
            times_ms = _milliseconds(video.stamps_s, start_s)
            for index, time_ms in enumerate(times_ms):
                # Players want both side by side: sound up to this picture goes first.
                put_sound(float(video.stamps_s[index]))
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(video.frames[index]), format="bgr24")
                frame.pts, frame.time_base = int(time_ms), _MILLISECOND
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        if sound is not None:
            put_sound(np.inf)
            container.mux(sound.encode(None))


class _Blocks:
    """Hands out the sound as encoder frames in order."""

    def __init__(self, speech: Signal | None, start_s: float) -> None:
        self._speech = speech
        self._start_s = start_s
        self._place = 0

    def up_to(self, stamp_s: float) -> list[Any]:
        """Give the blocks that begin by a moment."""
        blocks: list[Any] = []
        speech = self._speech
        if speech is None:
            return blocks
        offset = round((float(speech.stamps_s[0]) - self._start_s) * speech.rate_hz) if len(speech.stamps_s) else 0
        while self._place < len(speech.samples) and float(speech.stamps_s[self._place]) <= stamp_s:
            part = speech.samples[self._place : self._place + _BLOCK_SAMPLES, 0]
            # 24 bits in the upper part of 32, as FLAC's encoder takes them.
            whole = (
                np.clip(np.rint(np.nan_to_num(part.astype(np.float64)) * 2**23), -(2**23), 2**23 - 1).astype(np.int32)
                << 8
            )
            frame = av.AudioFrame.from_ndarray(whole[np.newaxis], format="s32", layout="mono")
            frame.sample_rate = round(speech.rate_hz)
            frame.pts, frame.time_base = offset + self._place, Fraction(1, round(speech.rate_hz))
            blocks.append(frame)
            self._place += len(part)
        return blocks


def _picture_stream(container: Any, video: Video) -> Any:
    stream = container.add_stream("libx264", rate=Fraction(video.rate_hz).limit_denominator(1000))
    stream.width, stream.height = video.width, video.height
    stream.pix_fmt = "yuv444p"  # colour of a lip is lost in halved planes, and odd sizes are allowed
    stream.time_base = _MILLISECOND
    stream.codec_context.time_base = _MILLISECOND
    stream.codec_context.thread_count = 2
    keyframes = max(1, round(2 * video.rate_hz))
    stream.options = {"crf": _QUALITY, "preset": "veryfast", "bf": "0", "g": str(keyframes)}
    return stream


def _sound_stream(container: Any, speech: Signal) -> Any:
    stream = container.add_stream("flac", rate=round(speech.rate_hz))
    stream.layout = "mono"
    stream.format = "s32"
    return stream


def _milliseconds(stamps_s: TimeArray, start_s: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Round stamps to milliseconds so that they still rise."""
    times_ms = np.rint((stamps_s - start_s) * 1000).astype(np.int64)
    steps = np.arange(len(times_ms))
    rising: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = np.maximum.accumulate(times_ms - steps) + steps
    return rising
