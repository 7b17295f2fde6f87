"""Tracks of a replay: the streams of a recording cut into chunks, each with its due time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import Recording, Signal, TimeArray, Video
from ...models.io.stream_descriptions import (
    STREAM_KINDS,
    TRUTH_RATE_HZ,
    StreamDescription,
    StreamKind,
    describe_eeg,
    describe_face,
    describe_loudspeaker,
    describe_markers,
    describe_signal,
    describe_speech,
    describe_truth,
    session_times,
    truth_samples,
)
from ...models.signals.face.images import scaled_size
from .frame_prefetch import FramePrefetcher
from .playhead import checked_speed

SIGNAL_CHUNK_S = 1 / 32
AUDIO_CHUNK_S = 0.02

Values = NDArray[np.float32] | NDArray[np.int8] | list[str]


@dataclass(frozen=True)
class TrackChunk:
    """Samples that are pushed together, with the recording's own stamps."""

    values: Values
    stamps_s: TimeArray


@dataclass(frozen=True)
class Timetable:
    """The part of a recording that a replay plays.

    Attributes
    ----------
    begin_s, end_s : float
        On the recording's clock; one sample after the last.
    speed : float
        At the start.
    first_s : float
        Stamp of the recording's first sample.
    announced_by : str
        ``source_id`` of the stream that sends t0; "" without one.
    """

    begin_s: float
    end_s: float
    speed: float
    first_s: float
    announced_by: str = ""

    @classmethod
    def of(
        cls, recording: Recording, only: tuple[StreamKind, ...], start_s: float, speed: float, announced_by: str = ""
    ) -> Self:
        """Return the timetable of a recording from ``start_s`` after its t0.

        Raises
        ------
        MoodringError
            Nothing to play, or a start or speed outside the bounds.
        """
        checked_speed(speed)
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
        return cls(begin_s, end_s, speed, first_s, announced_by)


class Lateness:
    """Histogram of the lateness of chunks in steps of 0.1 ms."""

    _STEP_S = 1e-4

    def __init__(self) -> None:
        self._counts = np.zeros(10_001, dtype=np.int64)
        self.worst_s = 0.0

    def add(self, late_s: float) -> None:
        """Add a chunk."""
        late_s = max(late_s, 0.0)
        self._counts[min(int(late_s / self._STEP_S), len(self._counts) - 1)] += 1
        self.worst_s = max(self.worst_s, late_s)

    def percentile_s(self, percent: float) -> float:
        """Return a percentile of the lateness in seconds; 0 without chunks."""
        total = int(self._counts.sum())
        if total == 0:
            return 0.0
        reached = int(np.searchsorted(np.cumsum(self._counts), total * percent / 100.0))
        return min((reached + 1) * self._STEP_S, self.worst_s)


class Track:
    """One stream of a replay and its position."""

    def __init__(
        self,
        kind: StreamKind,
        description: StreamDescription,
        values: "Values | Video",
        stamps_s: TimeArray,
        chunk_samples: int,
    ) -> None:
        self.kind = kind
        self.description = description
        self.pushed = 0
        self.lateness = Lateness()
        self._values = values
        self._stamps_s = stamps_s
        self._stops = chunk_stops(stamps_s, chunk_samples)
        self._at = 0
        self._ahead: FramePrefetcher | None = None

    @property
    def done(self) -> bool:
        """Whether all chunks were sent."""
        return self._at >= len(self._stamps_s)

    @property
    def due_s(self) -> float:
        """Stamp of the next chunk's last sample, on the recording's clock."""
        return float(self._stamps_s[self._stop - 1])

    @property
    def unsent_s(self) -> float:
        """Stamp of the next sample, on the recording's clock; infinity at the end."""
        return np.inf if self.done else float(self._stamps_s[self._at])

    @property
    def _stop(self) -> int:
        return int(self._stops[np.searchsorted(self._stops, self._at, side="right")])

    def seek(self, position_s: float) -> None:
        """Continue with the first sample at or after a time of the recording's clock."""
        at = int(np.searchsorted(self._stamps_s, position_s))
        if isinstance(self._values, Video):
            if self._ahead is not None:
                self._ahead.close()
            self._ahead = FramePrefetcher(self._values, at)
        self._at = at

    def next_chunk(self) -> TrackChunk | None:
        """Return the next chunk; None where its frame is not ready. It stays the next until :meth:`mark_sent`."""
        part = slice(self._at, self._stop)
        if not isinstance(self._values, Video):
            return TrackChunk(self._values[part], self._stamps_s[part])
        frame = self._ahead.get() if self._ahead is not None else None
        return None if frame is None else TrackChunk(frame, self._stamps_s[part])

    def mark_sent(self, samples: int, late_s: float) -> None:
        """Move past the chunk that was sent."""
        self._at += samples
        self.pushed += samples
        self.lateness.add(late_s)

    def close(self) -> None:
        """End the thread that reads frames."""
        if self._ahead is not None:
            self._ahead.close()


def chunk_stops(stamps_s: TimeArray, chunk_samples: int) -> NDArray[np.int64]:
    """Return the stop index of each chunk; chunks end after ``chunk_samples`` and at every gap as long as one."""
    if len(stamps_s) == 0:
        return np.zeros(0, dtype=np.int64)
    steps = np.diff(stamps_s)
    usual_s = float(np.median(steps)) if len(steps) else 0.0
    gaps = np.flatnonzero(steps > chunk_samples * usual_s * 1.5) + 1 if chunk_samples > 1 else np.zeros(0, int)
    edges = np.concatenate(([0], gaps, [len(stamps_s)]))
    pieces = [np.append(np.arange(first + chunk_samples, stop, chunk_samples), stop) for first, stop in pairwise(edges)]
    return np.concatenate(pieces).astype(np.int64)


def stream_kinds(recording: Recording) -> tuple[StreamKind, ...]:
    """Return the kinds of streams that may be asked for of a recording: the common ones and its further signals."""
    return (*STREAM_KINDS, *recording.signals)


def tracks_of(
    recording: Recording,
    only: tuple[StreamKind, ...],
    names: Mapping[StreamKind, str],
    timetable: Timetable,
) -> list[Track]:
    """Return the tracks of a recording's streams; frames are read from :meth:`Track.seek` on."""
    tracks: list[Track] = []
    for kind in only:
        source_id = f"{names[kind]}-{recording.name}"
        if kind == "face":
            track = _face_track(recording, names[kind], source_id, timetable)
        elif kind == "truth":
            track = _truth_track(recording, names[kind], source_id, timetable)
        elif kind == "markers":
            track = _marker_track(recording, names[kind], source_id, timetable)
        else:
            track = _signal_track(recording, kind, names[kind], source_id, timetable)
        if track is not None:
            tracks.append(track)
    return tracks


def _signals(recording: Recording) -> dict[StreamKind, Signal | None]:
    own = {"eeg": recording.eeg, "speech": recording.speech, "loudspeaker": recording.loudspeaker}
    return {**own, **recording.signals}


def _signal_track(
    recording: Recording, kind: StreamKind, name: str, source_id: str, timetable: Timetable
) -> Track | None:
    signal = _signals(recording).get(kind)
    describe, chunk_s = {
        "eeg": (describe_eeg, SIGNAL_CHUNK_S),
        "speech": (describe_speech, AUDIO_CHUNK_S),
        "loudspeaker": (describe_loudspeaker, AUDIO_CHUNK_S),
    }.get(kind, (partial(describe_signal, modality=kind), SIGNAL_CHUNK_S))
    first = _first(signal.stamps_s, timetable) if signal is not None else None
    if signal is None or first is None:
        return None
    times = session_times(recording, float(signal.stamps_s[first]), timetable.speed, timetable.announced_by)
    published = _sped_up(signal, timetable.speed)
    chunk = max(1, int(signal.rate_hz * chunk_s))
    values = np.ascontiguousarray(signal.samples, dtype=np.float32)
    return Track(kind, describe(published, name, source_id, times), values, signal.stamps_s, chunk)


def _face_track(recording: Recording, name: str, source_id: str, timetable: Timetable) -> Track | None:
    video = recording.face
    first = _first(video.stamps_s, timetable) if video is not None else None
    if video is None or first is None:
        return None
    height, width = scaled_size(video.height, video.width)
    published = Video(video.frames, video.stamps_s, video.rate_hz * timetable.speed, height, width, video.name)
    times = session_times(recording, float(video.stamps_s[first]), timetable.speed, timetable.announced_by)
    description = describe_face(published, name, source_id, times)
    return Track("face", description, video, video.stamps_s, 1)


def _truth_track(recording: Recording, name: str, source_id: str, timetable: Timetable) -> Track | None:
    truth = recording.truth
    first = _first(truth.stamps_s, timetable) if truth is not None else None
    if truth is None or first is None:
        return None
    times = session_times(recording, float(truth.stamps_s[first]), timetable.speed, timetable.announced_by)
    description = describe_truth(name, source_id, times, TRUTH_RATE_HZ * timetable.speed)
    return Track("truth", description, truth_samples(truth), truth.stamps_s, 1)


def _marker_track(recording: Recording, name: str, source_id: str, timetable: Timetable) -> Track | None:
    stamps_s = np.array([marker.stamp_s for marker in recording.markers], dtype=np.float64)
    first = _first(stamps_s, timetable)
    if first is None:
        return None
    texts = [marker.text for marker in recording.markers]
    times = session_times(recording, float(stamps_s[first]), timetable.speed, timetable.announced_by)
    return Track("markers", describe_markers(name, source_id, times), texts, stamps_s, 1)


def _sped_up(signal: Signal, speed: float) -> Signal:
    return Signal(signal.samples, signal.stamps_s, signal.rate_hz * speed, signal.channel_names, signal.name)


def _first(stamps_s: TimeArray, timetable: Timetable) -> int | None:
    first = int(np.searchsorted(stamps_s, timetable.begin_s))
    return first if first < len(stamps_s) else None


def _spans(recording: Recording, only: tuple[StreamKind, ...]) -> list[tuple[float, float] | None]:
    """Return the first stamp and the end (one sample after the last) of each stream to publish."""
    spans: list[tuple[float, float] | None] = []
    sampled: dict[StreamKind, Signal | Video | None] = {**_signals(recording), "face": recording.face}
    for kind in only:
        if (one := sampled.get(kind)) is not None:
            spans.append(_span(one.stamps_s, one.rate_hz))
        elif kind == "truth" and recording.truth is not None:
            spans.append(_span(recording.truth.stamps_s, TRUTH_RATE_HZ))
        elif kind == "markers" and recording.markers:
            spans.append((recording.markers[0].stamp_s, recording.markers[-1].stamp_s + 1e-3))
    return spans


def _span(stamps_s: TimeArray, rate_hz: float) -> tuple[float, float] | None:
    return (float(stamps_s[0]), float(stamps_s[-1]) + 1 / rate_hz) if len(stamps_s) else None
