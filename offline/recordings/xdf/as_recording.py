"""Return the streams of an XDF file as a recording: EEG in microvolts, video, speech, truth and markers."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....configs.schema.session_folder import LONGEST_REST_S
from ....models.contract import FloatArray, Image, Marker, Recording, Signal, StreamChannels, TimeArray, Truth, Video
from ....models.io.described_values import HIGHEST_RATE_HZ, LARGEST_SIDE, LONGEST_S, number_in, short_text, whole_in
from ....models.io.stream_descriptions import LOUDSPEAKER_TYPE, TIMELINE_TYPE, TRUTH_CHANNELS, TRUTH_TYPE, VIDEO_TYPE
from ....models.signals.eeg.stream_layout import eeg_picks, known_factors
from ..sound import speech_signal
from .reading import ReadStream, read_streams, rising

_log = logging.getLogger(__name__)

_FALLBACK_AUDIO_HZ = 16_000.0
_AUDIO_RATES_HZ = (1_000.0, 768_000.0)


def read_xdf(path: Path, eeg: str | None = None, speech: str | None = None) -> Recording:
    """Read any XDF file that holds EEG or audio.

    Parameters
    ----------
    path : Path
    eeg, speech : str, optional
        Names of the streams to take where there are several of the type EEG or Audio.

    Returns
    -------
    Recording
        Origin, participant, t0 and rest are those that a replay or a session wrote into the streams; of a foreign
        file, the origin is the file's name and t0 its first sample.

    Raises
    ------
    MoodringError
        Not XDF, damaged beyond reading, neither EEG nor audio in it, or several and none named.
    """
    streams = [rising(one, path) for one in read_streams(path)]
    eeg_stream = choose(streams, "EEG", eeg, path)
    speech_stream = choose(streams, "Audio", speech, path)
    if eeg_stream is None and speech_stream is None:
        found = ", ".join(f"'{s.name}' (type {s.type or 'none'}, {len(s.stamps_s)} samples)" for s in streams)
        raise MoodringError(f"XDF file '{path}' holds no stream of type EEG or Audio with samples; it holds {found}")
    main = eeg_stream or speech_stream
    first_s = min(float(s.stamps_s[0]) for s in (eeg_stream, speech_stream) if s is not None)
    if eeg_stream is not None and speech_stream is not None:
        apart_s = float(speech_stream.stamps_s[0] - eeg_stream.stamps_s[0])
        if abs(apart_s) > LONGEST_S:
            raise MoodringError(
                f"XDF file '{path}': stream '{speech_stream.name}' begins {apart_s:.3g} s after '{eeg_stream.name}'; "
                "they share no clock, or the file is damaged"
            )
    return Recording(
        name=path.stem,
        participant=short_text(main.text("moodring", "participant") if main else None) or "unknown",
        origin=short_text(main.text("moodring", "origin") if main else None) or path.name,
        t0_s=_t0_s(main, first_s, streams),
        rest_s=number_in(main.text("moodring", "rest_s") if main else None, 0.0, LONGEST_REST_S) or 0.0,
        eeg=None if eeg_stream is None else eeg_signal(eeg_stream),
        face=video_of(streams),
        speech=None if speech_stream is None else speech_of(speech_stream),
        truth=truth_of(streams),
        markers=markers_of(streams),
        loudspeaker=loudspeaker_of(streams),
    )


def choose(streams: Sequence[ReadStream], kind: str, name: str | None, path: Path) -> ReadStream | None:
    """Return the one stream of a type that has numbers in it; None where there is none and none was asked for."""
    found = [s for s in streams if s.type.lower() == kind.lower() and s.values is not None]
    if name is not None:
        found = [s for s in found if s.name == name]
        if not found:
            names = ", ".join(f"'{s.name}'" for s in streams)
            raise MoodringError(f"XDF file '{path}' has no {kind} stream '{name}'; it has {names}")
    for stream in found:
        if stream.channel_count < 1:
            raise MoodringError(f"{kind} stream '{stream.name}' of '{path}' has zero channels; nothing can be read")
    full = [s for s in found if len(s.stamps_s)]
    if len(full) > 1:
        names = ", ".join(f"'{s.name}' ({s.channel_count} channels)" for s in full)
        raise MoodringError(f"XDF file '{path}' has {len(full)} {kind} streams: {names}; name the one to take")
    return full[0] if full else None


def eeg_signal(
    stream: ReadStream, values: NDArray[np.generic] | None = None, stamps_s: TimeArray | None = None
) -> Signal:
    """Return the EEG channels of a stream, in microvolts; channels said to be something else are left out.

    An unknown unit is left as it is, and refused where the EEG is decoded: a config may say what it is.

    Parameters
    ----------
    stream : ReadStream
    values, stamps_s : array, optional
        Instead of the stream's own, where several files hold it.
    """
    values = np.asarray(stream.values) if values is None else values
    stamps_s = stream.stamps_s if stamps_s is None else stamps_s
    count = stream.channel_count
    labels, types, units = (_filled(stream.channels(tag), count) for tag in ("label", "type", "unit"))
    names = tuple(label or f"EEG {index + 1:03}" for index, label in enumerate(labels))
    source = StreamChannels(names, tuple(types), tuple(units))
    picks = eeg_picks(stream.name, types)
    with np.errstate(over="ignore", invalid="ignore"):  # values that are no numbers stay what they are
        samples: FloatArray = (values[:, picks] * np.array(known_factors(source, picks))).astype(np.float32)
    rate_hz = stream.rate_hz if 0 < stream.rate_hz <= HIGHEST_RATE_HZ else _observed_rate_hz(stream)
    return Signal(samples, stamps_s, rate_hz, tuple(names[index] for index in picks), stream.name, source=source)


class StoredFrames:
    """Raw BGR frames as rows of bytes: ``(n_frames, height * width * 3)``."""

    def __init__(self, rows: NDArray[np.generic], height: int, width: int) -> None:
        self._rows = rows
        self._shape = (height, width, 3)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int, /) -> Image:
        return np.ascontiguousarray(self._rows[index]).view(np.uint8).reshape(self._shape)


def video_of(streams: Sequence[ReadStream]) -> Video | None:
    """Return the first stream of pictures in the layout that a replay publishes; others are named in the log."""
    taken = None
    for stream in (s for s in streams if s.type == VIDEO_TYPE and len(s.stamps_s)):
        width, height = (
            whole_in(stream.text("moodring", "video", side), 1, LARGEST_SIDE) or 0 for side in ("width", "height")
        )
        rows = stream.values
        fits = rows is not None and rows.dtype == np.int8 and rows.shape[1] == width * height * 3 > 0
        if rows is None or not fits or taken is not None:
            _log.warning("video stream '%s' is left out: one stream of raw bgr24 frames is read", stream.name)
            continue
        rate_hz = stream.rate_hz if 0 < stream.rate_hz <= HIGHEST_RATE_HZ else _observed_rate_hz(stream)
        taken = Video(StoredFrames(rows, height, width), stream.stamps_s, rate_hz, height, width, stream.name)
    return taken


def truth_of(streams: Sequence[ReadStream]) -> Truth | None:
    """Return what is known of the emotion, where a simulated session holds it."""
    for stream in streams:
        if stream.type == TRUTH_TYPE and stream.channel_count == len(TRUTH_CHANNELS) and stream.values is not None:
            values = stream.values.astype(np.float32)
            whole = np.rint(np.nan_to_num(values, nan=-1.0, posinf=-1.0, neginf=-1.0)).astype(np.int64)
            return Truth(stream.stamps_s, np.ascontiguousarray(values[:, :2]), whole[:, 2:4], whole[:, 4])
    return None


def markers_of(streams: Sequence[ReadStream]) -> tuple[Marker, ...]:
    """Return every stream of text as markers, in order of time."""
    markers = [
        Marker(float(stamp_s), text)
        for stream in streams
        for stamp_s, text in zip(stream.stamps_s, stream.texts, strict=False)
    ]
    return tuple(sorted(markers, key=lambda marker: marker.stamp_s))


def loudspeaker_of(streams: Sequence[ReadStream]) -> Signal | None:
    """Return what a loudspeaker played, where a stream says by its type that it is that; of several, the longest."""
    found = longest(streams, LOUDSPEAKER_TYPE)
    return None if found is None else speech_of(found)


def longest(streams: Sequence[ReadStream], kind: str) -> ReadStream | None:
    """Return the stream of a type that has most samples; None where none has any."""
    found = [one for one in streams if one.type == kind and one.values is not None and len(one.stamps_s)]
    return max(found, key=lambda one: len(one.stamps_s), default=None)


def speech_of(stream: ReadStream) -> Signal:
    """Return a stream of sound as speech, mono at 16 kHz."""
    rate_hz = stream.rate_hz or _FALLBACK_AUDIO_HZ
    lowest_hz, highest_hz = _AUDIO_RATES_HZ
    if not lowest_hz <= rate_hz <= highest_hz:
        raise MoodringError(
            f"audio stream '{stream.name}' says {rate_hz:g} Hz; {lowest_hz:g} to {highest_hz:g} Hz were expected: "
            "it is no sound, or the file is damaged"
        )
    signal = speech_signal(np.asarray(stream.values), stream.stamps_s, rate_hz, stream.name)
    return replace(signal, name=stream.name)


def _t0_s(stream: ReadStream | None, first_s: float, streams: Sequence[ReadStream]) -> float:
    # Announced by a replay that was recorded: right also where the recording began in its middle.
    announced = next((s for s in streams if s.type == TIMELINE_TYPE and len(s.stamps_s)), None)
    if announced is not None and abs(float(announced.stamps_s[0]) - first_s) <= LONGEST_S:
        return float(announced.stamps_s[0])
    if stream is None or stream.text("moodring", "first_sample_after_t0_s") is None:
        return first_s
    after_s = number_in(stream.text("moodring", "first_sample_after_t0_s"), -LONGEST_S, LONGEST_S)
    return float(stream.stamps_s[0]) - (after_s or 0.0)


def _filled(values: Sequence[str], count: int) -> list[str]:
    return [*values[:count], *[""] * (count - len(values))]


def _observed_rate_hz(stream: ReadStream) -> float:
    if len(stream.stamps_s) < 2:
        return 1.0
    return 1.0 / max(float(np.median(np.diff(stream.stamps_s))), 1e-6)
