"""Cut a recording into the chunks that a replay pushes, and say when each is due."""

import queue
import threading
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from ..configs.errors import MoodringError
from ..models.contract import Image, Recording, Signal, TimeArray, Video
from .scaling import scaled_size
from .streams import (
    TRUTH_RATE_HZ,
    StreamDescription,
    StreamKind,
    describe_eeg,
    describe_face,
    describe_markers,
    describe_speech,
    describe_truth,
    session_times,
    truth_samples,
)

EEG_CHUNK_S = 1 / 32
AUDIO_CHUNK_S = 0.02
_FRAMES_AHEAD = 8

Values = NDArray[np.float32] | NDArray[np.int8] | list[str]


@dataclass(frozen=True)
class Chunk:
    """Samples that go out together, with the recording's own stamps."""

    values: Values
    stamps_s: TimeArray


@dataclass(frozen=True)
class Timetable:
    """Moves the recording's clock onto LSL's.

    Attributes
    ----------
    begin_s, end_s : float
        The part to publish, on the recording's clock; the end is one sample after the last.
    speed : float
    """

    begin_s: float
    end_s: float
    speed: float

    @classmethod
    def of(cls, recording: Recording, only: tuple[StreamKind, ...], start_s: float, speed: float) -> Self:
        """Lay out the replay of a recording from ``start_s`` after its t0."""
        if not 0.1 <= speed <= 100.0:
            raise MoodringError(f"replay speed {speed:g} is outside 0.1..100; 1 is real time")
        spans = [span for span in _spans(recording, only) if span is not None]
        if not spans:
            raise MoodringError(
                f"recording '{recording.name}' holds none of {', '.join(only)}; choose among what it holds"
            )
        first_s, end_s = min(span[0] for span in spans), max(span[1] for span in spans)
        begin_s = recording.t0_s + start_s if start_s > 0 else first_s
        if begin_s >= end_s:
            raise MoodringError(
                f"replay starts at {start_s:g} s, but recording '{recording.name}' ends at "
                f"{end_s - recording.t0_s:.1f} s; start earlier"
            )
        return cls(begin_s, end_s, speed)

    @property
    def lap_s(self) -> float:
        """How long one pass takes."""
        return (self.end_s - self.begin_s) / self.speed

    def lsl_time(self, stamp_s: float, start_s: float) -> float:
        """Give the LSL time of a moment of the recording when the replay starts at ``start_s``."""
        return float(self.lsl_times(np.array([stamp_s]), start_s)[0])

    def lsl_times(self, stamps_s: TimeArray, start_s: float) -> TimeArray:
        """Give the LSL times of several moments."""
        if self.speed == 1.0:
            # One addition of one constant: distances between stamps stay what they were.
            return stamps_s + (start_s - self.begin_s)
        return (stamps_s - self.begin_s) / self.speed + start_s


class Track:
    """One stream of a replay: hands out its chunks in order."""

    def __init__(
        self,
        kind: StreamKind,
        description: StreamDescription,
        values: "Values | FrameAhead",
        stamps_s: TimeArray,
        chunk_samples: int,
    ) -> None:
        self.kind = kind
        self.description = description
        self.pushed = 0
        self.worst_late_s = 0.0
        self._values = values
        self._stamps_s = stamps_s
        self._stops = chunk_stops(stamps_s, chunk_samples)
        self._next = 0

    @property
    def done(self) -> bool:
        """Whether all chunks of this pass have gone out."""
        return self._next >= len(self._stops)

    @property
    def due_s(self) -> float:
        """When the next chunk's last sample was captured, on the recording's clock."""
        return float(self._stamps_s[self._stops[self._next] - 1])

    def rewind(self) -> None:
        """Begin again."""
        self._next = 0

    def take(self) -> Chunk | None:
        """Give the next chunk; None where its frame is not ready. It stays next until :meth:`passed`."""
        first = int(self._stops[self._next - 1]) if self._next else 0
        stop = int(self._stops[self._next])
        if not isinstance(self._values, FrameAhead):
            return Chunk(self._values[first:stop], self._stamps_s[first:stop])
        frame = self._values.get()
        return None if frame is None else Chunk(frame, self._stamps_s[first:stop])

    def passed(self, samples: int, late_s: float) -> None:
        """Note that the chunk went out."""
        self._next += 1
        self.pushed += samples
        self.worst_late_s = max(self.worst_late_s, late_s)

    def close(self) -> None:
        """End what runs beside."""
        if isinstance(self._values, FrameAhead):
            self._values.close()


class FrameAhead:
    """Reads a few frames ahead in a thread of its own, from ``first`` on; over and over again where it loops.

    The thread alone touches the frames; the queue hands over arrays that nobody writes any more.
    """

    def __init__(self, video: Video, first: int, loop: bool) -> None:
        self._video = video
        self._first = first
        self._loop = loop
        self._queue: queue.Queue[NDArray[np.int8] | MoodringError] = queue.Queue(_FRAMES_AHEAD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="replay-frames", daemon=True)
        self._thread.start()

    def get(self) -> NDArray[np.int8] | None:
        """Give the next frame as ``(1, height * width * 3)``; None where it is not ready."""
        try:
            frame = self._queue.get_nowait()
        except queue.Empty:
            if not self._thread.is_alive() and self._queue.empty():
                raise MoodringError(f"frames of '{self._video.name}' ended early; the reader stopped") from None
            return None
        if isinstance(frame, MoodringError):
            raise frame
        return frame

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join(timeout=5.0)

    def _read(self) -> None:
        order = range(self._first, len(self._video.stamps_s))
        for index in cycle(order) if self._loop else order:
            try:
                frame = self._flat(self._video.frames[index])
            except MoodringError as error:
                self._put(error)
                return
            if not self._put(frame):
                return

    def _flat(self, image: Image) -> NDArray[np.int8]:
        height, width = scaled_size(self._video.height, self._video.width)
        if image.shape != (height, width, 3):
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(image).reshape(1, -1).view(np.int8)

    def _put(self, item: NDArray[np.int8] | MoodringError) -> bool:
        while not self._closing.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


def chunk_stops(stamps_s: TimeArray, chunk_samples: int) -> NDArray[np.int64]:
    """Cut stamps into chunks of a size, and at every gap as long as a chunk; give where each chunk stops."""
    if len(stamps_s) == 0:
        return np.zeros(0, dtype=np.int64)
    steps = np.diff(stamps_s)
    usual_s = float(np.median(steps)) if len(steps) else 0.0
    gaps = np.flatnonzero(steps > chunk_samples * usual_s * 1.5) + 1 if chunk_samples > 1 else np.zeros(0, int)
    edges = np.concatenate(([0], gaps, [len(stamps_s)]))
    pieces = [np.append(np.arange(first + chunk_samples, stop, chunk_samples), stop) for first, stop in pairwise(edges)]
    return np.concatenate(pieces).astype(np.int64)


def tracks_of(
    recording: Recording,
    only: tuple[StreamKind, ...],
    names: dict[StreamKind, str],
    timetable: Timetable,
    loop: bool,
) -> list[Track]:
    """Make the tracks of what is to be published of a recording, and start reading its frames."""
    tracks: list[Track] = []
    for kind in only:
        source_id = f"{names[kind]}-{recording.name}"
        if kind in ("eeg", "speech"):
            track = _signal_track(recording, kind, names[kind], source_id, timetable)
        elif kind == "face":
            track = _face_track(recording, names[kind], source_id, timetable, loop)
        elif kind == "truth":
            track = _truth_track(recording, names[kind], source_id, timetable)
        else:
            track = _marker_track(recording, names[kind], source_id, timetable)
        if track is not None:
            tracks.append(track)
    return tracks


def _signal_track(
    recording: Recording, kind: StreamKind, name: str, source_id: str, timetable: Timetable
) -> Track | None:
    signal = recording.eeg if kind == "eeg" else recording.speech
    first = _first(signal.stamps_s, timetable) if signal is not None else None
    if signal is None or first is None:
        return None
    times = session_times(recording, float(signal.stamps_s[first]), timetable.speed)
    published = _sped_up(signal, timetable.speed)
    describe, chunk_s = (describe_eeg, EEG_CHUNK_S) if kind == "eeg" else (describe_speech, AUDIO_CHUNK_S)
    chunk = max(1, int(signal.rate_hz * chunk_s))
    values = np.ascontiguousarray(signal.samples[first:], dtype=np.float32)
    return Track(kind, describe(published, name, source_id, times), values, signal.stamps_s[first:], chunk)


def _face_track(recording: Recording, name: str, source_id: str, timetable: Timetable, loop: bool) -> Track | None:
    video = recording.face
    first = _first(video.stamps_s, timetable) if video is not None else None
    if video is None or first is None:
        return None
    height, width = scaled_size(video.height, video.width)
    published = Video(video.frames, video.stamps_s, video.rate_hz * timetable.speed, height, width, video.name)
    times = session_times(recording, float(video.stamps_s[first]), timetable.speed)
    description = describe_face(published, name, source_id, times)
    return Track("face", description, FrameAhead(video, first, loop), video.stamps_s[first:], 1)


def _truth_track(recording: Recording, name: str, source_id: str, timetable: Timetable) -> Track | None:
    truth = recording.truth
    first = _first(truth.stamps_s, timetable) if truth is not None else None
    if truth is None or first is None:
        return None
    times = session_times(recording, float(truth.stamps_s[first]), timetable.speed)
    description = describe_truth(name, source_id, times, TRUTH_RATE_HZ * timetable.speed)
    return Track("truth", description, truth_samples(truth)[first:], truth.stamps_s[first:], 1)


def _marker_track(recording: Recording, name: str, source_id: str, timetable: Timetable) -> Track | None:
    stamps_s = np.array([marker.stamp_s for marker in recording.markers], dtype=np.float64)
    first = _first(stamps_s, timetable)
    if first is None:
        return None
    texts = [marker.text for marker in recording.markers[first:]]
    times = session_times(recording, float(stamps_s[first]), timetable.speed)
    return Track("markers", describe_markers(name, source_id, times), texts, stamps_s[first:], 1)


def _sped_up(signal: Signal, speed: float) -> Signal:
    return Signal(signal.samples, signal.stamps_s, signal.rate_hz * speed, signal.channel_names, signal.name)


def _first(stamps_s: TimeArray, timetable: Timetable) -> int | None:
    first = int(np.searchsorted(stamps_s, timetable.begin_s))
    return first if first < len(stamps_s) else None


def _spans(recording: Recording, only: tuple[StreamKind, ...]) -> list[tuple[float, float] | None]:
    """Give first stamp and end (one sample after the last) of each signal to publish."""
    spans: list[tuple[float, float] | None] = []
    for kind in only:
        if kind == "eeg" and recording.eeg is not None:
            spans.append(_span(recording.eeg.stamps_s, recording.eeg.rate_hz))
        elif kind == "face" and recording.face is not None:
            spans.append(_span(recording.face.stamps_s, recording.face.rate_hz))
        elif kind == "speech" and recording.speech is not None:
            spans.append(_span(recording.speech.stamps_s, recording.speech.rate_hz))
        elif kind == "truth" and recording.truth is not None:
            spans.append(_span(recording.truth.stamps_s, TRUTH_RATE_HZ))
        elif kind == "markers" and recording.markers:
            spans.append((recording.markers[0].stamp_s, recording.markers[-1].stamp_s + 1e-3))
    return spans


def _span(stamps_s: TimeArray, rate_hz: float) -> tuple[float, float] | None:
    return (float(stamps_s[0]), float(stamps_s[-1]) + 1 / rate_hz) if len(stamps_s) else None
