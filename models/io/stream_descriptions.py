"""Describe the streams of a recording, in the words that both LSL and XDF use."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from ..contract import FloatArray, Recording, Signal, Truth, Video
from ..signals.eeg.stream_layout import published_units

Tree: TypeAlias = "tuple[tuple[str, str | Tree], ...]"
ChannelFormat = Literal["float32", "double64", "string", "int32", "int16", "int8", "int64"]
StreamKind: TypeAlias = str
"""One of ``STREAM_KINDS``, or the modality of a further signal."""
STREAM_KINDS: tuple[StreamKind, ...] = ("eeg", "face", "speech", "truth", "markers", "loudspeaker")

TRUTH_TYPE = "EmotionTruth"
TRUTH_CHANNELS = ("valence", "arousal", "valence_level", "arousal_level", "stimulus")
TRUTH_RATE_HZ = 8.0
VIDEO_TYPE = "VideoFrames"
LOUDSPEAKER_TYPE = "LoudspeakerAudio"
"""Not ``Audio``: who asks for that wants a microphone."""

TIMELINE_TYPE = "ReplayTimeline"
TIMELINE_CHANNELS = ("speed", "playing")


@dataclass(frozen=True)
class StreamDescription:
    """Description of a stream.

    Attributes
    ----------
    rate_hz : float
        0 where samples come irregularly.
    desc : Tree
        Nested ``(tag, text or tree)`` pairs, in order.
    """

    name: str
    type: str
    channel_count: int
    rate_hz: float
    channel_format: ChannelFormat
    source_id: str
    desc: Tree


@dataclass(frozen=True)
class SessionTimes:
    """Times of a stream in its session, from which a decoder finds the session's t0.

    ``timeline`` is the ``source_id`` of the stream that announces t0 while the session is replayed; "" without.
    """

    origin: str
    participant: str
    rest_s: float
    first_sample_after_t0_s: float
    timeline: str = ""


def session_times(recording: Recording, first_stamp_s: float, speed: float = 1.0, timeline: str = "") -> SessionTimes:
    """Place a stream that starts at ``first_stamp_s`` of a recording that runs at ``speed``."""
    return SessionTimes(
        recording.origin,
        recording.participant,
        recording.rest_s / speed,
        (first_stamp_s - recording.t0_s) / speed,
        timeline,
    )


def describe_eeg(signal: Signal, name: str, source_id: str, times: SessionTimes) -> StreamDescription:
    """Describe an EEG stream in microvolts with its channel names; a unit that is not known is passed on as it came."""
    units = published_units(signal)
    rows = zip(signal.channel_names, units, strict=True)
    channels = ("channels", tuple(("channel", (("label", n), ("unit", u), ("type", "EEG"))) for n, u in rows))
    count = len(signal.channel_names)
    return StreamDescription(name, "EEG", count, signal.rate_hz, "float32", source_id, (channels, _session(times)))


def describe_face(video: Video, name: str, source_id: str, times: SessionTimes) -> StreamDescription:
    """Describe a video stream: one sample is one frame of raw BGR bytes, seen as int8."""
    count = video.height * video.width * 3
    layout = (("width", str(video.width)), ("height", str(video.height)), ("encoding", "bgr24"))
    desc = (_session(times, (("video", layout),)),)
    return StreamDescription(name, VIDEO_TYPE, count, video.rate_hz, "int8", source_id, desc)


def describe_speech(signal: Signal, name: str, source_id: str, times: SessionTimes) -> StreamDescription:
    """Describe an audio stream of one channel in -1..1."""
    desc = (_channels(("audio",), "Audio", "normalised"), _session(times))
    return StreamDescription(name, "Audio", 1, signal.rate_hz, "float32", source_id, desc)


def describe_loudspeaker(signal: Signal, name: str, source_id: str, times: SessionTimes) -> StreamDescription:
    """Describe the audio stream of what a loudspeaker in the room plays."""
    return replace(describe_speech(signal, name, source_id, times), type=LOUDSPEAKER_TYPE)


def describe_signal(signal: Signal, name: str, source_id: str, times: SessionTimes, modality: str) -> StreamDescription:
    """Describe the stream of a further signal; its type is its modality, its unit is not known."""
    desc = (_channels(signal.channel_names, modality, ""), _session(times))
    return StreamDescription(name, modality, len(signal.channel_names), signal.rate_hz, "float32", source_id, desc)


def describe_truth(name: str, source_id: str, times: SessionTimes, rate_hz: float) -> StreamDescription:
    """Describe the stream of what is known of the emotion."""
    desc = (_channels(TRUTH_CHANNELS, "Emotion", "none"), _session(times))
    return StreamDescription(name, TRUTH_TYPE, len(TRUTH_CHANNELS), rate_hz, "float32", source_id, desc)


def describe_markers(name: str, source_id: str, times: SessionTimes) -> StreamDescription:
    """Describe the stream of markers."""
    return StreamDescription(name, "Markers", 1, 0.0, "string", source_id, (_session(times),))


def describe_timeline(name: str, source_id: str) -> StreamDescription:
    """Describe the stream whose samples are stamped with the LSL time of a replay's t0."""
    channels = _channels(TIMELINE_CHANNELS, "Timeline", "none")
    return StreamDescription(name, TIMELINE_TYPE, len(TIMELINE_CHANNELS), 0.0, "float32", source_id, (channels,))


def truth_samples(truth: Truth) -> FloatArray:
    """Lay out the truth as ``(n_times, 5)``: valence, arousal, their levels, and the stimulus."""
    samples: FloatArray = np.column_stack([truth.latents, truth.levels, truth.stimulus]).astype(np.float32)
    return samples


def _channels(names: tuple[str, ...], kind: str, unit: str) -> tuple[str, Tree]:
    return "channels", tuple(("channel", (("label", name), ("unit", unit), ("type", kind))) for name in names)


def _session(times: SessionTimes, more: Tree = ()) -> tuple[str, Tree]:
    fields: Tree = (
        ("origin", times.origin),
        ("participant", times.participant),
        ("first_sample_after_t0_s", repr(float(times.first_sample_after_t0_s))),
        ("rest_s", repr(float(times.rest_s))),
    )
    announced: Tree = (("timeline", times.timeline),) if times.timeline else ()
    return "moodring", fields + announced + more
