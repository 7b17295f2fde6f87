"""A recording as sources on a clock.

Where it is known how the samples arrived, they come again in the same chunks at the same times, with the same stamps;
otherwise a sample arrives at its stamp. Of the video only the frames' indices go through the ring: a decision looks at
one frame in ten, and only those are read from the recording.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...models.contract import Arrivals, Image, Recording, Signal, TimeArray, Video
from ...models.signals.face.images import scaled
from ...models.streaming.clock import Clock
from ...models.streaming.ingest.sources import Chunk, SourceInfo

_MOST_FRAMES = 32
_MOST_SECONDS = 5.0


class _ArrivedChunk(NamedTuple):
    """The samples of the next chunk, and how they arrived."""

    samples: slice
    received_s: float
    gap: bool = False
    skipped: int = 0


class _Chunks:
    """Cuts a recording into the chunks that have arrived, one at a time."""

    def __init__(self, stamps_s: TimeArray, arrivals: Arrivals | None, most: int, clock: Clock) -> None:
        self._stamps_s = stamps_s
        self._arrivals = arrivals
        self._most = most
        self._clock = clock
        self._chunk = 0
        self._at = 0

    @property
    def next_s(self) -> float | None:
        """Arrival time of the next chunk; None at the end."""
        if self._at >= len(self._stamps_s):
            return None
        if self._arrivals is None:
            return float(self._stamps_s[self._at])
        return float(self._arrivals.received_s[self._chunk]) if self._chunk < len(self._arrivals.stop) else None

    def next(self) -> _ArrivedChunk | None:
        """Return the next chunk that has arrived by now; None where none has."""
        next_s, now_s = self.next_s, self._clock.now()
        if next_s is None or next_s > now_s:
            return None
        first, arrivals = self._at, self._arrivals
        if arrivals is None:
            stop = int(np.searchsorted(self._stamps_s, now_s, side="right"))
            self._at = min(stop, first + self._most)
            return _ArrivedChunk(slice(first, self._at), float(self._stamps_s[self._at - 1]))
        chunk, self._chunk = self._chunk, self._chunk + 1
        self._at = int(arrivals.stop[chunk])
        return _ArrivedChunk(slice(first, self._at), next_s, bool(arrivals.gap[chunk]), int(arrivals.skipped[chunk]))


class RecordedSignal:
    """EEG or speech of a recording.

    Parameters
    ----------
    modality : str
    signal : Signal
    recording : Recording
    clock : Clock
    """

    def __init__(self, modality: str, signal: Signal, recording: Recording, clock: Clock) -> None:
        self._modality = modality
        self._signal = signal
        self._recording = recording
        most = max(1, int(_MOST_SECONDS * signal.rate_hz))
        self._chunks = _Chunks(signal.stamps_s, signal.arrivals, most, clock)

    @property
    def next_s(self) -> float | None:
        """Arrival time of the next chunk; None at the end."""
        return self._chunks.next_s

    def open(self) -> SourceInfo:
        """Describe it as a replayed stream would be described."""
        signal = self._signal
        return SourceInfo(
            self._modality,
            signal.name,
            signal.rate_hz,
            (signal.samples.shape[1],),
            "<f4",
            signal.channel_names,
            None if signal.arrivals is None else signal.arrivals.delay_s,
            self._recording.origin,
            self._recording.participant,
            _first_after_t0_s(signal, self._recording),
            self._recording.rest_s,
            signal.jitter_s,
        )

    def poll(self) -> Chunk | None:
        """Return the next samples that have arrived."""
        part = self._chunks.next()
        if part is None:
            return None
        samples, stamps_s = self._signal.samples[part.samples], self._signal.stamps_s[part.samples]
        return Chunk(samples, stamps_s, part.received_s, part.gap, part.skipped)

    def close(self) -> None:
        """Nothing is held open."""


class RecordedVideo:
    """The camera of a recording.

    Parameters
    ----------
    video : Video
    recording : Recording
    clock : Clock
    """

    def __init__(self, video: Video, recording: Recording, clock: Clock) -> None:
        self._video = video
        self._recording = recording
        self._chunks = _Chunks(video.stamps_s, video.arrivals, _MOST_FRAMES, clock)

    @property
    def next_s(self) -> float | None:
        """Arrival time of the next chunk; None at the end."""
        return self._chunks.next_s

    def open(self) -> SourceInfo:
        """Describe it as a replayed stream would be described; a sample is the index of a frame."""
        arrivals = self._video.arrivals
        return SourceInfo(
            "face",
            self._video.name,
            self._video.rate_hz if arrivals is None else arrivals.rate_hz,
            (1,),
            "<i8",
            delay_s=None if arrivals is None else arrivals.delay_s,
            origin=self._recording.origin,
            participant=self._recording.participant,
            first_sample_after_t0_s=_first_after_t0_s(self._video, self._recording),
            rest_s=self._recording.rest_s,
        )

    def poll(self) -> Chunk | None:
        """Return the indices of the next frames that have arrived."""
        part = self._chunks.next()
        if part is None:
            return None
        indices = np.arange(part.samples.start, part.samples.stop)[:, np.newaxis]
        return Chunk(indices, self._video.stamps_s[part.samples], part.received_s, part.gap, part.skipped)

    def picture(self, sample: NDArray[Any]) -> Image:
        """Read the frame that a sample names, in the size that a live source would give."""
        return scaled(self._video.frames[int(sample[0])])

    def close(self) -> None:
        """Nothing is held open."""


def _first_after_t0_s(one: Signal | Video, recording: Recording) -> float:
    first = int(np.isfinite(one.stamps_s).argmax())
    return float(one.stamps_s[first]) - recording.t0_s
