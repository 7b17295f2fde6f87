"""A recording as sources: on a clock, they give what was captured up to now.

Of the video only the frames' indices go through the ring: a decision looks at one frame in ten, and only those are
read from the recording.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.contract import Image, Recording, Signal, Video
from ...models.signals.face.images import scaled
from ...models.streaming.clock import Clock
from ...models.streaming.sources import Chunk, SourceInfo

_MOST_FRAMES = 32
_MOST_SECONDS = 5.0


class RecordedSignal:
    """EEG or speech of a recording."""

    def __init__(self, modality: str, signal: Signal, recording: Recording, clock: Clock) -> None:
        self._modality = modality
        self._signal = signal
        self._recording = recording
        self._clock = clock
        self._at = 0

    def open(self) -> SourceInfo:
        """Describe it as a replayed stream would be described."""
        signal = self._signal
        first_s = float(signal.stamps_s[0]) - self._recording.t0_s
        shape = (signal.samples.shape[1],)
        return SourceInfo(
            self._modality,
            signal.name,
            signal.rate_hz,
            shape,
            "<f4",
            signal.channel_names,
            None,
            self._recording.origin,
            self._recording.participant,
            first_s,
            self._recording.rest_s,
            signal.jitter_s,
        )

    def poll(self) -> Chunk | None:
        """Give the samples that were captured since the last time."""
        stop = int(np.searchsorted(self._signal.stamps_s, self._clock.now(), side="right"))
        first, self._at = self._at, min(stop, self._at + int(_MOST_SECONDS * self._signal.rate_hz))
        if self._at == first:
            return None
        part = slice(first, self._at)
        stamps_s = self._signal.stamps_s[part]
        return Chunk(self._signal.samples[part], stamps_s, float(stamps_s[-1]))

    def close(self) -> None:
        """Nothing is held open."""


class RecordedVideo:
    """The camera of a recording."""

    def __init__(self, video: Video, recording: Recording, clock: Clock) -> None:
        self._video = video
        self._recording = recording
        self._clock = clock
        self._at = 0

    def open(self) -> SourceInfo:
        """Describe it as a replayed stream would be described; a sample is the index of a frame."""
        return SourceInfo(
            "face",
            self._video.name,
            self._video.rate_hz,
            (1,),
            "<i8",
            origin=self._recording.origin,
            participant=self._recording.participant,
            first_sample_after_t0_s=float(self._video.stamps_s[0]) - self._recording.t0_s,
            rest_s=self._recording.rest_s,
        )

    def poll(self) -> Chunk | None:
        """Give the indices of the frames that were captured since the last time."""
        stop = int(np.searchsorted(self._video.stamps_s, self._clock.now(), side="right"))
        first, self._at = self._at, min(stop, self._at + _MOST_FRAMES)
        if self._at == first:
            return None
        stamps_s = self._video.stamps_s[first : self._at]
        return Chunk(np.arange(first, self._at)[:, np.newaxis], stamps_s, float(stamps_s[-1]))

    def picture(self, sample: NDArray[Any]) -> Image:
        """Read the frame that a sample names, in the size that a live source would give."""
        return scaled(self._video.frames[int(sample[0])])

    def close(self) -> None:
        """Nothing is held open."""
