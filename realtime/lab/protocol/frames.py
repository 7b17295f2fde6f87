"""The pictures of a stimulus, decoded ahead in a thread of its own: one picture, or the frames of a film."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from ....models.contract import Image
from .stimulus_files import Stimulus

_AHEAD = 12
_EARLY_END_S = 0.3


class Frames:
    """Pictures with the times at which they are due, from the stimulus's beginning.

    Parameters
    ----------
    stimulus : Stimulus
        A picture or a film.
    most : (width, height)
        Larger pictures are made to fit, which keeps their shape.

    Attributes
    ----------
    error : str
        Why no more pictures come before the end; empty while they do.
    """

    def __init__(self, stimulus: Stimulus, most: tuple[int, int]) -> None:
        self._stimulus, self._most = stimulus, most
        self._frames: deque[tuple[float, Image]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._shown: Image | None = None
        self.error = ""
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the first picture is there."""
        return bool(self._frames) or self._shown is not None

    def at(self, elapsed_s: float) -> Image | None:
        """Return the picture that is due after so many seconds; those that are late are passed over."""
        with self._changed:
            while self._frames and (self._shown is None or self._frames[0][0] <= elapsed_s):
                self._shown = self._frames.popleft()[1]
            self._changed.notify()
        return self._shown

    def close(self) -> None:
        """Stop decoding."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(2.0)

    def _run(self) -> None:
        reached_s = 0.0
        try:
            source = self._picture() if self._stimulus.kind == "picture" else self._film()
            for at_s, image in source:
                reached_s = at_s
                with self._changed:
                    self._changed.wait_for(lambda: self._closing or len(self._frames) < _AHEAD)
                    if self._closing:
                        return
                    self._frames.append((at_s, image))
        except (av.FFmpegError, OSError, ValueError, MemoryError, SyntaxError) as error:
            beyond = f" beyond {reached_s:.1f} s" if self.ready else ""
            self.error = f"cannot be shown{beyond} ({getattr(error, 'strerror', None) or error})"
            return
        if self._stimulus.kind == "film" and reached_s < self._stimulus.seconds - _EARLY_END_S:
            self.error = f"breaks off after {reached_s:.1f} s of {self._stimulus.seconds:.1f} s"

    def _picture(self) -> Iterator[tuple[float, Image]]:
        """Yield the picture, upright, on black where it is transparent."""
        with Pillow.open(self._stimulus.file) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
        upright.thumbnail(self._most, Pillow.Resampling.LANCZOS)
        under = Pillow.new("RGBA", upright.size, (0, 0, 0, 255))
        shown = np.asarray(Pillow.alpha_composite(under, upright).convert("RGB"))
        yield 0.0, np.ascontiguousarray(shown[:, :, ::-1])

    def _film(self) -> Iterator[tuple[float, Image]]:
        first_s: float | None = None
        with av.open(str(self._stimulus.file), metadata_errors="replace") as container:
            if not container.streams.video:
                raise ValueError("it holds no pictures")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                if frame.time is None:
                    continue
                first_s = frame.time if first_s is None else first_s
                yield frame.time - first_s, self._fitting(frame)

    def _fitting(self, frame: Any) -> Image:
        """Return a frame of a film, upright and no larger than is needed."""
        turns = round(getattr(frame, "rotation", 0) / 90) % 4
        most = self._most if turns % 2 == 0 else self._most[::-1]
        share = min(most[0] / frame.width, most[1] / frame.height, 1.0)
        size = max(2, round(frame.width * share)), max(2, round(frame.height * share))
        image: Image = frame.to_ndarray(format="bgr24", width=size[0], height=size[1])
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


class Sound:
    """The sound of a stimulus as float32, decoded ahead in a thread of its own.

    Parameters
    ----------
    stimulus : Stimulus
        A film with sound, or a sound.
    rate_hz : int
        Of the loudspeaker; two channels.
    ahead_s : float
        How much is decoded ahead.

    Attributes
    ----------
    error : str
        Why no more comes; empty while it does.
    """

    def __init__(self, stimulus: Stimulus, rate_hz: int, ahead_s: float = 1.0) -> None:
        self._stimulus, self._rate_hz = stimulus, rate_hz
        self._most = round(ahead_s * rate_hz)
        self._blocks: deque[Image] = deque()
        # Each is written by one thread alone: a number that both changed would drift, and the sound stop.
        self._decoded_count, self._taken_count = 0, 0
        self._changed = threading.Condition()
        self._closing = False
        self._over = False
        self.error = ""
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether enough is decoded to begin."""
        return self._over or self._held >= self._most // 2

    @property
    def _held(self) -> int:
        """Samples that wait to be taken."""
        return self._decoded_count - self._taken_count

    @property
    def over(self) -> bool:
        """Whether everything has been taken."""
        return self._over and not self._blocks

    def fill(self, out: Any) -> int:
        """Fill the rows of an array with the next samples; return how many there were. Never waits."""
        done = 0
        while done < len(out) and self._blocks:
            block = self._blocks.popleft()
            piece = block[: len(out) - done]
            out[done : done + len(piece)] = piece
            if len(piece) < len(block):
                self._blocks.appendleft(block[len(piece) :])
            done += len(piece)
        self._taken_count += done
        return done

    def close(self) -> None:
        """Stop decoding."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(2.0)

    def _run(self) -> None:
        reached_s = 0.0
        try:
            for block in self._decoded():
                with self._changed:
                    # The loudspeaker's thread notifies nobody: it may not wait for a lock.
                    while not self._closing and self._held > self._most:
                        self._changed.wait(0.02)
                    if self._closing:
                        return
                self._blocks.append(block)
                self._decoded_count += len(block)
                reached_s = self._decoded_count / self._rate_hz
        except (av.FFmpegError, OSError, ValueError) as error:
            beyond = f" beyond {reached_s:.1f} s" if reached_s else ""
            self.error = f"cannot be heard{beyond} ({getattr(error, 'strerror', None) or error})"
        else:
            if self._stimulus.kind == "sound" and reached_s < self._stimulus.seconds - _EARLY_END_S:
                self.error = f"breaks off after {reached_s:.1f} s of {self._stimulus.seconds:.1f} s"
        self._over = True

    def _decoded(self) -> Iterator[Any]:
        resampler = av.AudioResampler(format="flt", layout="stereo", rate=self._rate_hz)
        with av.open(str(self._stimulus.file), metadata_errors="replace") as container:
            if not container.streams.audio:
                raise ValueError("it holds no sound")
            for frame in container.decode(container.streams.audio[0]):
                yield from self._samples(resampler.resample(frame))
            with suppress(av.FFmpegError):
                yield from self._samples(resampler.resample(None))

    @staticmethod
    def _samples(frames: list[Any]) -> Iterator[Any]:
        for frame in frames:
            values = frame.to_ndarray().reshape(-1, 2)
            if len(values):
                yield values.astype(np.float32)
