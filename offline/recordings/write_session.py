"""Write a recording as a session folder, in the layout of those that are recorded live."""

import json
import platform
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import av
import numpy as np

from ...configs.schema import session_folder as names
from ...configs.schema.errors import MoodringError
from ...configs.schema.load import toml_text
from ...models.contract import Arrivals, Recording, Signal, TimeArray, Video
from ...models.io.files import PRIVATE_FILE, make_private_folder, write_file
from ...models.io.matroska import FilmWriter, Quality, SoundWriter
from ...models.io.source_streams import RecordedSource, SourceChunk, SourceStreams
from ...models.io.stream_descriptions import (
    TRUTH_RATE_HZ,
    SessionTimes,
    describe_markers,
    describe_truth,
    session_times,
    truth_samples,
)
from ...models.io.xdf_writer import StreamData, XdfWriter
from .frames import error_line

_PACKAGES = ("moodring", "numpy", "av", "pylsl", "pyxdf", "torch")
_CHUNK_S = 5.0


def write_session(
    recording: Recording,
    folder: Path,
    *,
    task: str = "",
    protocol: str = "",
    consent: str = "",
    video: Quality = "small",
) -> Path:
    """Write a recording into a new session folder.

    The folder appears under its name when all of it is written; until then it is a neighbour ending in
    ``.partial``, which a failure removes.

    Parameters
    ----------
    recording : Recording
    folder : Path
    task, protocol, consent : str
        Of the session file.
    video : "lossless" or "small"
        With "lossless", decoding the folder gives the same estimates as decoding the recording.

    Raises
    ------
    MoodringError
        The folder exists already (nothing recorded is ever overwritten), or the disk refuses.
    """
    face = recording.face
    if face is not None and len(face.frames) != len(face.stamps_s):
        raise MoodringError(
            f"camera '{face.name}' has {len(face.frames)} frames but {len(face.stamps_s)} stamps; give each one"
        )
    if folder.exists():
        raise MoodringError(f"session folder '{folder}' exists already; give another name or move it away")
    partial = folder.with_name(folder.name + ".partial")
    try:
        make_private_folder(partial)
    except FileExistsError:
        raise MoodringError(f"'{partial}' is left from a writer that broke off; remove it, or choose a name") from None
    except OSError as error:
        raise MoodringError(f"session folder '{folder}' cannot be made: {error_line(error)}") from None
    try:
        _write(recording, partial, task, protocol, consent, video)
        partial.rename(folder)
    except (av.FFmpegError, OSError) as error:
        raise MoodringError(
            f"session folder '{folder}' cannot be written: {error_line(error)}; is the disk full?"
        ) from error
    finally:
        if partial.exists():
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def _write(recording: Recording, folder: Path, task: str, protocol: str, consent: str, quality: Quality) -> None:
    streams, video = folder / names.STREAMS_FOLDER, folder / names.VIDEO_FOLDER
    make_private_folder(streams)
    make_private_folder(video)
    with XdfWriter(streams / names.PART_FILE.format(1)) as writer:
        if recording.eeg is not None:
            _write_signal(writer, recording, "eeg", recording.eeg)
        if recording.face is not None:
            _write_film(writer, recording, recording.face, video / names.CAMERA_FILE, quality)
        for key, sound in (("speech", recording.speech), ("loudspeaker", recording.loudspeaker)):
            if sound is not None:
                _write_sound(writer, recording, key, sound, video / names.MEDIA_FILES[key])
        for key, signal in recording.signals.items():
            _write_signal(writer, recording, key, signal)
        for stream in _other_streams(recording):
            number = writer.stream(stream.description)
            writer.clock_offset(number, _first_s(stream.stamps_s), 0.0)
            writer.samples(number, stream.values, stream.stamps_s)
    versions = {
        "session_folder": names.VERSION,
        "python": platform.python_version(),
        **names.package_versions(*_PACKAGES),
    }
    write_file(folder / names.VERSIONS_FILE, json.dumps(versions, indent=2) + "\n", mode=PRIVATE_FILE)
    (folder / names.NOTES_FILE).touch(PRIVATE_FILE)
    session = names.SessionFile(
        version=names.VERSION,
        name=recording.name,
        participant=recording.participant,
        origin=recording.origin,
        t0_s=recording.t0_s,
        rest_s=recording.rest_s,
        recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        task=task,
        protocol=protocol,
        consent=consent,
    )
    # Last: a folder with this file has everything else.
    write_file(folder / names.SESSION_FILE, toml_text(session), mode=PRIVATE_FILE)


def _write_signal(writer: XdfWriter, recording: Recording, key: str, signal: Signal) -> None:
    source = RecordedSource(
        key,
        "signal",
        signal.name,
        signal.rate_hz,
        signal.channel_names,
        jitter_s=signal.jitter_s,
        **_session_facts(recording, signal.stamps_s, signal.arrivals),
    )
    streams = SourceStreams(writer, source)
    samples = np.asarray(signal.samples, dtype=np.float32)
    for part, chunk in _chunks(signal.stamps_s, signal.arrivals, round(_CHUNK_S * signal.rate_hz)):
        streams.append(replace(chunk, values=samples[part]))
        streams.write()
        writer.boundary()


def _write_film(writer: XdfWriter, recording: Recording, video: Video, path: Path, quality: Quality) -> None:
    facts = _session_facts(recording, video.stamps_s, video.arrivals)
    streams = SourceStreams(writer, RecordedSource("face", "film", video.name, video.rate_hz, **facts))
    with FilmWriter(path, video.height, video.width, video.rate_hz, quality) as film:
        for part, chunk in _chunks(video.stamps_s, video.arrivals, 1):
            images = np.stack([video.frames[index] for index in range(part.start, part.stop)])
            first = film.write(images, chunk.stamps_s, chunk.received_s)
            streams.append(replace(chunk, first_in_file=first))
            streams.write()


def _write_sound(writer: XdfWriter, recording: Recording, key: str, sound: Signal, path: Path) -> None:
    facts = _session_facts(recording, sound.stamps_s, sound.arrivals)
    source = RecordedSource(key, "sound", sound.name, sound.rate_hz, jitter_s=sound.jitter_s, **facts)
    streams = SourceStreams(writer, source)
    with SoundWriter(path, sound.rate_hz) as file:
        for part, chunk in _chunks(sound.stamps_s, sound.arrivals, round(_CHUNK_S * sound.rate_hz)):
            streams.append(replace(chunk, first_in_file=file.write(sound.samples[part, 0])))
            streams.write()


class _SessionFacts(TypedDict):
    """Facts of the session in the description of every source."""

    delay_s: float | None
    times: SessionTimes
    arrivals: bool


def _session_facts(recording: Recording, stamps_s: TimeArray, arrivals: Arrivals | None) -> _SessionFacts:
    times = session_times(recording, _first_s(stamps_s))
    delay_s = None if arrivals is None else arrivals.delay_s
    return _SessionFacts(delay_s=delay_s, times=times, arrivals=arrivals is not None)


def _chunks(stamps_s: TimeArray, arrivals: Arrivals | None, most: int) -> Iterator[tuple[slice, SourceChunk]]:
    """Yield which samples each chunk has, and the chunk without its values."""
    if arrivals is None:
        for start in range(0, len(stamps_s), most):
            part = slice(start, min(start + most, len(stamps_s)))
            yield part, SourceChunk(stamps_s[part], float(stamps_s[part.stop - 1]))
        return
    start = 0
    rows = zip(arrivals.stop, arrivals.received_s, arrivals.gap, arrivals.skipped, strict=True)
    for stop, received_s, gap, skipped in rows:
        part = slice(start, int(stop))
        yield part, SourceChunk(stamps_s[part], float(received_s), bool(gap), int(skipped))
        start = int(stop)


def _other_streams(recording: Recording) -> Iterator[StreamData]:
    if recording.truth is not None:
        truth = recording.truth
        times = session_times(recording, _first_s(truth.stamps_s))
        description = describe_truth("truth", f"truth-{recording.name}", times, TRUTH_RATE_HZ)
        yield StreamData(description, truth_samples(truth), truth.stamps_s)
    if recording.markers:
        stamps_s = np.array([marker.stamp_s for marker in recording.markers], dtype=np.float64)
        times = session_times(recording, _first_s(stamps_s))
        description = describe_markers("markers", f"markers-{recording.name}", times)
        yield StreamData(description, [marker.text for marker in recording.markers], stamps_s)


def _first_s(stamps_s: TimeArray) -> float:
    return float(stamps_s[0]) if len(stamps_s) else 0.0
