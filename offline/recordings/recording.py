"""Write a recording as a session folder, and read it again.

EEG, truth and markers lie in one XDF file, with an index that gives every frame and every block of sound its exact
stamp; pictures and sound lie in one Matroska file beside it.
"""

import json
import platform
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import av
import numpy as np

from ...configs.schema import session_folder as names
from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.load import load, toml_text
from ...models.contract import AUDIO_RATE_HZ, Recording, Signal, TimeArray, Video
from ...models.io.stream_descriptions import (
    TRUTH_RATE_HZ,
    SessionTimes,
    StreamDescription,
    describe_eeg,
    describe_markers,
    describe_truth,
    session_times,
    truth_samples,
)
from ...models.io.xdf_writer import StreamData, write_xdf
from .film import write_film
from .frames import FileFrames, error_line, frame_times
from .live_session import read_live_session
from .media import read_sound
from .xdf_reading import ReadStream, read_streams
from .xdf_recording import choose, eeg_signal, markers_of, truth_of

_BLOCK_SAMPLES = 320
_PACKAGES = ("moodring", "numpy", "av", "pylsl", "pyxdf", "torch")


def write_session(recording: Recording, folder: Path, *, task: str = "", protocol: str = "", consent: str = "") -> Path:
    """Write a recording into a new session folder.

    The folder appears under its name when all of it is written; until then it is a neighbour ending in
    ``.partial``, which a failure removes.

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
        partial.mkdir(parents=True)
    except FileExistsError:
        raise MoodringError(f"'{partial}' is left from a writer that broke off; remove it, or choose a name") from None
    except OSError as error:
        raise MoodringError(f"session folder '{folder}' cannot be made: {error_line(error)}") from None
    try:
        _write(recording, partial, task, protocol, consent)
        partial.rename(folder)
    except (av.FFmpegError, OSError) as error:
        raise MoodringError(
            f"session folder '{folder}' cannot be written: {error_line(error)}; is the disk full?"
        ) from error
    finally:
        if partial.exists():
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def read_session(folder: Path, missing: Literal["error", "skip"] = "error") -> Recording:
    """Read a session folder; frames are decoded as they are asked for.

    Of a session that was recorded live, everything that is whole is read, however it ended: see
    :func:`~moodring.offline.recordings.live_session.read_live_session`.

    Parameters
    ----------
    folder : Path
    missing : "error" or "skip"
        What to do where the film is missing or shorter than its index: say so, or go on with what is there.

    Raises
    ------
    MoodringError
        Not a session folder, another version of it, or files that are missing or damaged.
    """
    try:
        session = load(folder / names.SESSION_FILE, names.SessionFile)
    except ConfigError as error:
        raise MoodringError(f"'{folder}' is not a session folder of version {names.VERSION}: {error}") from None
    path = folder / names.STREAMS_FOLDER / names.EEG_FILE
    if not path.exists() and (folder / names.CONFIG_FILE).exists():
        return read_live_session(folder, session)
    streams = read_streams(path)
    film = folder / names.VIDEO_FOLDER / names.CAMERA_FILE
    played = folder / names.VIDEO_FOLDER / names.LOUDSPEAKER_FILE
    eeg = choose(streams, "EEG", None, path)
    return Recording(
        name=session.name,
        participant=session.participant,
        origin=session.origin,
        t0_s=session.t0_s or 0.0,
        rest_s=session.rest_s,
        eeg=None if eeg is None else eeg_signal(eeg),
        face=_face(film, _index(streams, names.VIDEO_INDEX_TYPE), missing),
        speech=_speech(film, _index(streams, names.AUDIO_INDEX_TYPE), missing),
        truth=truth_of(streams),
        markers=markers_of(streams),
        loudspeaker=_speech(played, _index(streams, names.LOUDSPEAKER_INDEX_TYPE), missing),
    )


def _write(recording: Recording, folder: Path, task: str, protocol: str, consent: str) -> None:
    (folder / names.STREAMS_FOLDER).mkdir()
    write_xdf(folder / names.STREAMS_FOLDER / names.EEG_FILE, _streams(recording))
    video = folder / names.VIDEO_FOLDER
    if any(one is not None for one in (recording.face, recording.speech, recording.loudspeaker)):
        video.mkdir()
    if recording.face is not None or recording.speech is not None:
        write_film(video / names.CAMERA_FILE, recording.face, recording.speech)
    if recording.loudspeaker is not None:
        write_film(video / names.LOUDSPEAKER_FILE, None, recording.loudspeaker)
    versions = {"session_folder": names.VERSION, "python": platform.python_version(), **_versions()}
    (folder / names.VERSIONS_FILE).write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")
    (folder / names.NOTES_FILE).touch()
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
    (folder / names.SESSION_FILE).write_text(toml_text(session), encoding="utf-8")


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _streams(recording: Recording) -> list[StreamData]:
    streams = []
    if recording.eeg is not None:
        eeg = recording.eeg
        times = session_times(recording, _first_s(eeg.stamps_s))
        description = describe_eeg(eeg, eeg.name, f"eeg-{recording.name}", times)
        streams.append(StreamData(description, np.asarray(eeg.samples, dtype=np.float32), eeg.stamps_s))
    if recording.truth is not None:
        truth = recording.truth
        times = session_times(recording, _first_s(truth.stamps_s))
        description = describe_truth("truth", f"truth-{recording.name}", times, TRUTH_RATE_HZ)
        streams.append(StreamData(description, truth_samples(truth), truth.stamps_s))
    if recording.markers:
        stamps_s = np.array([marker.stamp_s for marker in recording.markers], dtype=np.float64)
        times = session_times(recording, _first_s(stamps_s))
        description = describe_markers("markers", f"markers-{recording.name}", times)
        streams.append(StreamData(description, [marker.text for marker in recording.markers], stamps_s))
    if recording.face is not None:
        streams.append(_video_index(recording, recording.face))
    if recording.speech is not None:
        streams.append(_audio_index(recording, recording.speech, "audio_index", names.AUDIO_INDEX_TYPE))
    if recording.loudspeaker is not None:
        kind = names.LOUDSPEAKER_INDEX_TYPE
        streams.append(_audio_index(recording, recording.loudspeaker, "loudspeaker_index", kind))
    return streams


def _video_index(recording: Recording, video: Video) -> StreamData:
    times = session_times(recording, _first_s(video.stamps_s))
    description = _index_description(
        "video_index", names.VIDEO_INDEX_TYPE, names.VIDEO_INDEX_CHANNELS, video.name, video.rate_hz, times
    )
    return StreamData(description, np.arange(len(video.stamps_s), dtype=np.float64)[:, np.newaxis], video.stamps_s)


def _audio_index(recording: Recording, sound: Signal, name: str, kind: str) -> StreamData:
    times = session_times(recording, _first_s(sound.stamps_s))
    description = _index_description(name, kind, names.AUDIO_INDEX_CHANNELS, sound.name, 0.0, times)
    firsts = block_starts(sound.stamps_s, sound.rate_hz)
    stops = np.append(firsts[1:], len(sound.stamps_s)) if len(firsts) else firsts
    rows = np.column_stack([firsts, stops - firsts, sound.stamps_s[stops - 1]]).astype(np.float64)
    return StreamData(description, rows, sound.stamps_s[firsts])


def block_starts(stamps_s: TimeArray, rate_hz: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Cut sound into blocks of 20 ms whose stamps are even to a microsecond; give where each starts."""
    if len(stamps_s) == 0:
        return np.zeros(0, dtype=np.int64)
    uneven = np.flatnonzero(np.abs(np.diff(stamps_s) - 1.0 / rate_hz) > 1e-6) + 1
    starts = np.union1d(np.arange(0, len(stamps_s), _BLOCK_SAMPLES), uneven)
    return starts.astype(np.int64)


def _index_description(
    name: str, kind: str, channels: Sequence[str], device: str, rate_hz: float, times: SessionTimes
) -> StreamDescription:
    session = (
        ("origin", times.origin),
        ("participant", times.participant),
        ("first_sample_after_t0_s", repr(float(times.first_sample_after_t0_s))),
        ("rest_s", repr(float(times.rest_s))),
        ("device", device),
        ("rate_hz", repr(float(rate_hz))),
    )
    labels = tuple(("channel", (("label", label),)) for label in channels)
    desc = (("channels", labels), ("moodring", session))
    return StreamDescription(name, kind, len(channels), 0.0, "double64", name, desc)


def _first_s(stamps_s: TimeArray) -> float:
    return float(stamps_s[0]) if len(stamps_s) else 0.0


def _index(streams: Sequence[ReadStream], kind: str) -> ReadStream | None:
    return next((stream for stream in streams if stream.type == kind and stream.values is not None), None)


def _face(film: Path, index: ReadStream | None, missing: Literal["error", "skip"]) -> Video | None:
    if index is None or not len(index.stamps_s):
        return None
    try:
        times = frame_times(film)
    except MoodringError:
        if missing == "error":
            raise
        times = None
    count = 0 if times is None else len(times.pts)
    if count < len(index.stamps_s) and missing == "error":
        raise MoodringError(f"film '{film}' holds {count} frames of the {len(index.stamps_s)} in its index; it was cut")
    if times is None or not count:
        return None
    count = min(count, len(index.stamps_s))
    stamps_s = index.stamps_s[:count]
    rate_hz = float(index.text("moodring", "rate_hz") or 0.0) or 25.0
    frames = FileFrames(film, times, None)
    return Video(frames, stamps_s, rate_hz, *frames.size, index.text("moodring", "device") or film.name)


def _speech(film: Path, index: ReadStream | None, missing: Literal["error", "skip"]) -> Signal | None:
    if index is None or index.values is None or not len(index.stamps_s):
        return None
    try:
        sound = _sound(film)
    except MoodringError:
        if missing == "error":
            raise
        sound = None
    rows = index.values
    expected = int(rows[-1, 0] + rows[-1, 1])
    came = 0 if sound is None else len(sound)
    if came < expected and missing == "error":
        raise MoodringError(f"film '{film}' holds {came} sound samples of the {expected} in its index; it was cut")
    if sound is None:
        return None
    pieces = [
        np.linspace(first_s, last_s, int(count)) if count > 1 else np.array([first_s])
        for first_s, (_, count, last_s) in zip(index.stamps_s, rows, strict=True)
    ]
    stamps_s = np.concatenate(pieces)[:came]
    name = index.text("moodring", "device") or film.name
    return Signal(sound[: len(stamps_s)], stamps_s, float(AUDIO_RATE_HZ), ("audio",), name)


def _sound(film: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None:
    try:
        sound = read_sound(film)
    except (av.FFmpegError, OSError) as error:
        raise MoodringError(f"film '{film}' cannot be read: {error_line(error)}; use a copy") from None
    return None if sound is None else sound[0][:, :1]
