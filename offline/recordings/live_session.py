"""Read a session folder that was recorded live, however it ended: what is whole is read, the rest is told in the log."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ...configs.schema import session_folder as names
from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig, StreamQuery
from ...configs.schema.load import load
from ...models.contract import Marker, Recording, Signal, TimeArray, Video
from .frames import FileFrames, frame_times
from .live_session_gaps import tell_cut, tell_missing
from .media import read_sound
from .xdf_joining import join_parts
from .xdf_reading import ReadStream, read_streams
from .xdf_recording import eeg_signal, longest, markers_of, speech_of, truth_of

_log = logging.getLogger(__name__)
_SAME_MARKER_S = 0.005
_JITTER_S = 0.02

Found = TypeVar("Found")


def read_live_session(folder: Path, session: names.SessionFile) -> Recording:
    """Read what a live session recorded.

    The EEG, pictures and sound are those that the engine decoded, from its own files; where one is missing, the XDF
    parts stand in. Markers and truth come from the XDF parts. A file that was cut off is read up to there.

    Parameters
    ----------
    folder : Path
    session : SessionFile
        What its ``session.toml`` says.

    Raises
    ------
    MoodringError
        The EEG file belongs to something else.
    """
    config = _salvaged(lambda: load(folder / names.CONFIG_FILE, LiveConfig))
    streams, played = _joined(folder / names.STREAMS_FOLDER, _reference(config))
    samples = folder / names.STREAMS_FOLDER / names.SAMPLES_FILE
    eeg = _salvaged(lambda: read_samples(samples)) if samples.exists() else None
    if eeg is None:
        found = longest(streams, "EEG")
        eeg = None if found is None else eeg_signal(found)
    video = folder / names.VIDEO_FOLDER
    speech = _salvaged(lambda: _sound(video / names.MICROPHONE_FILE, video / names.MICROPHONE_INDEX_FILE))
    if speech is None:
        found = longest(streams, "Audio")
        speech = None if found is None else speech_of(found)
    loudspeaker = _salvaged(lambda: _sound(video / names.LOUDSPEAKER_FILE, video / names.LOUDSPEAKER_INDEX_FILE))
    if loudspeaker is None and played:
        loudspeaker = speech_of(max(played, key=lambda one: len(one.stamps_s)))
    face = _salvaged(lambda: _pictures(video / names.CAMERA_FILE, video / names.CAMERA_INDEX_FILE))
    if config is not None:
        tell_missing(folder, config, {"eeg": eeg, "face": face, "speech": speech, "loudspeaker": loudspeaker})
    first_s = min((float(one.stamps_s[0]) for one in (eeg, face, speech) if one is not None), default=0.0)
    return Recording(
        name=session.name,
        participant=session.participant,
        origin=session.origin,
        t0_s=session.t0_s if session.t0_s is not None else first_s,
        rest_s=session.rest_s,
        eeg=eeg,
        face=face,
        speech=speech,
        truth=truth_of(streams),
        markers=_once(markers_of([one for one in streams if not one.name.endswith(names.HEALTH_SUFFIX)])),
        loudspeaker=loudspeaker,
    )


def read_samples(path: Path) -> Signal | None:
    """Read ``eeg.samples``; None where it has no whole row.

    Raises
    ------
    MoodringError
        It is not there, or does not begin as such a file does.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(1 << 20)
            content = file.read()
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be read: {error.strerror}") from None
    if not line.endswith(b"\n"):
        return None
    try:
        header = names.SamplesHeader.model_validate_json(line)
    except ValidationError:
        raise MoodringError(f"'{path}' does not begin as a file of samples does; use a copy") from None
    layout = np.dtype(names.row_layout(len(header.channel_names)))
    rows = np.frombuffer(content[: len(content) // layout.itemsize * layout.itemsize], layout)
    if len(content) % layout.itemsize:
        _log.warning("'%s' ends within a row: it was cut; read %.1f s of it", path, len(rows) / header.rate_hz)
    kept, stamps_s = _ordered(rows["stamp_s"].astype(np.float64), header.jitter_s)
    if not len(stamps_s):
        return None
    samples = np.ascontiguousarray(rows["values"][kept], np.float32)
    return Signal(samples, stamps_s, header.rate_hz, header.channel_names, header.name, header.jitter_s)


def _joined(folder: Path, reference: StreamQuery | None) -> tuple[list[ReadStream], list[ReadStream]]:
    """Join the XDF parts: all streams but the loudspeaker's reference, and that."""
    parts, played = [], []
    for path in sorted(folder.glob("*.xdf")):
        streams = _salvaged(lambda path=path: read_streams(path)) or []  # type: ignore[misc]
        # It may have the name or the type of the microphone's stream.
        parts.append([one for one in streams if not _fits(one, reference)])
        played.append([one for one in streams if _fits(one, reference) and one.values is not None])
    return join_parts(parts), join_parts(played)


def _reference(config: LiveConfig | None) -> StreamQuery | None:
    """Say which LSL stream was the loudspeaker's reference; None where none was, or nobody can tell any more."""
    section = config.speech.reference if config is not None and config.speech is not None else None
    return None if section is None else section.stream


def _fits(stream: ReadStream, query: StreamQuery | None) -> bool:
    if query is None:
        return False
    asked = ((query.name, stream.name), (query.type, stream.type), (query.source_id, stream.source_id))
    return all(not value or value == came for value, came in asked)


def _salvaged(read: Callable[[], Found]) -> Found | None:
    """Read what can be read; None, and a line in the log, where it is nothing."""
    try:
        return read()
    except (MoodringError, av.FFmpegError, OSError) as error:
        _log.warning("%s", error)
        return None


def _pictures(film: Path, index: Path) -> Video | None:
    if not film.exists() and not index.exists():
        return None
    about, rows = _index(index, 2)
    if not len(rows):
        return None
    times = frame_times(film)
    count = 0 if times is None else min(len(times.pts), len(rows))
    if times is None or not count:
        return None
    frames = FileFrames(film, times, None)
    rate_hz = float(about.get("rate_hz", 25.0))
    tell_cut(film, index, len(times.pts) / rate_hz, len(rows) / rate_hz)
    return Video(frames, rows[:count, 1], rate_hz, *frames.size, str(about.get("name") or film.name))


def _sound(film: Path, index: Path) -> Signal | None:
    if not film.exists() and not index.exists():
        return None
    about, rows = _index(index, 4)
    if not len(rows):
        return None
    sound = read_sound(film)
    if sound is None:
        return None
    pieces = [np.linspace(first, last, int(count)) if count > 1 else [first] for _, count, first, last in rows]
    stamps_s: TimeArray = np.concatenate(pieces)
    tell_cut(film, index, len(sound[0]) / sound[1], len(stamps_s) / sound[1])
    count = min(len(stamps_s), len(sound[0]))
    stamps_s, samples = stamps_s[:count], sound[0][:count, :1]
    jitter_s, name = float(about.get("jitter_s", 0.0)), str(about.get("name") or film.name)
    kept, stamps_s = _ordered(stamps_s, jitter_s)
    return Signal(samples[kept], stamps_s, float(about.get("rate_hz", sound[1])), ("audio",), name, jitter_s)


def _index(path: Path, columns: int) -> tuple[dict[str, str | float], NDArray[np.float64]]:
    """Read an index: what is said of the device, and the whole rows."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be read: {error.strerror}") from None
    about: dict[str, str | float] = {}
    rows: list[list[float]] = []
    for line in lines:
        if line.startswith("# "):
            key, _, value = line[2:].partition(" ")
            if about:
                about[key] = float(value)
            else:
                about["name"] = line[2:]
            continue
        try:
            row = [float(word) for word in line.split(",")]
        except ValueError:
            continue
        if len(row) == columns:
            rows.append(row)
    return about, np.array(rows, dtype=np.float64).reshape(-1, columns)


def _ordered(stamps_s: TimeArray, jitter_s: float) -> tuple[NDArray[np.bool_], TimeArray]:
    """Say which samples to keep, and give their stamps, which never fall.

    A stamp a little behind is jitter, which the engine smooths; one far behind is a clock that jumped, and the engine
    takes nothing until the stamps are ahead again.
    """
    highest = np.maximum.accumulate(stamps_s)
    kept: NDArray[np.bool_] = highest - stamps_s <= max(_JITTER_S, jitter_s)
    return kept, highest[kept]


def _once(markers: tuple[Marker, ...]) -> tuple[Marker, ...]:
    """Leave out what two recorders wrote: the same words at the same time."""
    kept: list[Marker] = []
    for marker in markers:
        near = (one for one in reversed(kept) if marker.stamp_s - one.stamp_s < _SAME_MARKER_S)
        if not any(one.text == marker.text for one in near):
            kept.append(marker)
    return tuple(kept)
