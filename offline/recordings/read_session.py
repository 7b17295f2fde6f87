"""Read a session folder, recorded live or simulated.

A folder of a live session may end anywhere: what is whole is read, and what is missing is named in the log. A simulated
one appears in one move, so that anything missing from it is an error.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import av
import numpy as np

from ...configs.schema import session_folder as names
from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.live import LiveConfig
from ...configs.schema.load import check, read
from ...configs.schema.regular_files import check_regular
from ...models.contract import AUDIO_RATE_HZ, Frames, Recording, Signal, Video
from ...models.io.described_values import LONGEST_S
from ...models.signals.eeg.stream_layout import settings_of
from .frames import FileFrames, SomeFrames, error_line, frame_times
from .noted_marks import with_noted_marks
from .session_streams import SourceSamples, read_parts
from .sound import read_sound
from .xdf.as_recording import eeg_signal, markers_of, truth_of

_log = logging.getLogger(__name__)
_EVEN_S = 0.05  # less is no cut: the newest frame or block may be in one of both files alone

Report = Callable[[str], None]


def read_session(folder: Path, missing: Literal["error", "skip"] = "error") -> Recording:
    """Read a session folder; frames are decoded on access.

    Parameters
    ----------
    folder : Path
    missing : "error" or "skip"
        What to do where a Matroska file of a simulated session is missing or shorter than its stamps: raise, or go on
        with what is there, which is all that a live session promises.

    Raises
    ------
    MoodringError
        Not a session folder, another version of it, or files that are missing or damaged.
    """
    session = session_file(folder)
    config = recorded_config(folder)
    streams = folder / names.STREAMS_FOLDER
    lenient = (folder / names.CONFIG_FILE).exists() or missing == "skip"
    if not lenient and not any(streams.glob("*.xdf")):
        raise MoodringError(f"session folder '{folder}' has no XDF file in {names.STREAMS_FOLDER}/; use a copy")
    report = _log.warning if lenient else _raise
    sources, others = read_parts(streams, report)
    eeg = sources.get("eeg")
    face = _video(folder, sources.get("face"), report)
    speech = _sound(folder, "speech", sources.get("speech"), report)
    loudspeaker = _sound(folder, "loudspeaker", sources.get("loudspeaker"), report)
    if config is not None:
        _report_missing(folder, config, {"eeg": eeg, "face": face, "speech": speech, "loudspeaker": loudspeaker})
    further = {key: _signal(one) for key, one in sources.items() if key != "eeg" and key not in names.MEDIA_FILES}
    held: dict[str, Signal | Video | None] = {
        **{"eeg": None if eeg is None else _eeg(eeg), "face": face, "speech": speech, "loudspeaker": loudspeaker},
        **further,
    }
    t0_s, held = _on_one_clock(folder, session, held, report)
    first_s = min((_first_s(one) for one in held.values() if one is not None), default=t0_s)
    streamed = markers_of([one for one in others if not one.name.endswith(names.HEALTH_SUFFIX)])
    return Recording(
        name=session.name,
        participant=session.participant,
        origin=session.origin,
        t0_s=t0_s,
        rest_s=session.rest_s,
        eeg=_signal_of(held["eeg"]),
        face=_video_of(held["face"]),
        speech=_signal_of(held["speech"]),
        truth=truth_of(others),
        markers=with_noted_marks(folder, streamed, first_s),
        loudspeaker=_signal_of(held["loudspeaker"]),
        signals={key: one for key in further if (one := _signal_of(held[key])) is not None},
        eeg_settings=None if config is None else settings_of(config.eeg),
    )


def _signal_of(one: Signal | Video | None) -> Signal | None:
    return one if isinstance(one, Signal) else None


def _video_of(one: Signal | Video | None) -> Video | None:
    return one if isinstance(one, Video) else None


def _on_one_clock(
    folder: Path, session: names.SessionFile, held: Mapping[str, Signal | Video | None], report: Report
) -> tuple[float, dict[str, Signal | Video | None]]:
    """Return t0 and the sources that share a clock with it.

    Stamps may be on any clock where it is known how they arrived, as live; others must lie near the session.

    Raises
    ------
    MoodringError
        t0 lies days from the samples.
    """
    firsts_s = {key: _first_s(one) for key, one in held.items() if one is not None}
    arrived_s = [firsts_s[key] for key in firsts_s if (one := held[key]) is not None and one.arrivals is not None]
    first_s = min(arrived_s or list(firsts_s.values()), default=0.0)
    t0_s = first_s if session.t0_s is None else session.t0_s
    if firsts_s and abs(t0_s - first_s) > LONGEST_S:
        raise MoodringError(
            f"'{folder / names.SESSION_FILE}': t0_s = {t0_s:.6g} lies days from the first sample (at {first_s:.6g} s); "
            "correct it, or take it out to begin with the first sample"
        )
    near = dict(held)
    for key, at_s in firsts_s.items():
        if abs(at_s - t0_s) > LONGEST_S:
            report(f"'{folder}': {key} is on a clock of its own, and it is not known how it arrived; read without it")
            near[key] = None
    return t0_s, near


def _first_s(one: Signal | Video) -> float:
    """Return when the first sample arrived; where that is not known, its stamp."""
    if one.arrivals is not None:
        return float(one.arrivals.received_s[0])
    return float(one.stamps_s[np.isfinite(one.stamps_s).argmax()])


def session_file(folder: Path) -> names.SessionFile:
    """Return what ``session.toml`` says; raise MoodringError where it is no session folder of this version."""
    path = folder / names.SESSION_FILE
    try:
        values = read(path, folder)
        version = values.get("version", names.VERSION)
        if version != names.VERSION:
            raise MoodringError(
                f"'{folder}' is a session folder of version {version!r}, and this version of moodring reads "
                f"{names.VERSION}: all streams in {names.STREAMS_FOLDER}/part-*.xdf, with how they arrived. Open it "
                "with the moodring that recorded it"
            )
        return check(values, names.SessionFile, str(path))
    except ConfigError as error:
        raise MoodringError(f"'{folder}' is not a session folder: {error}") from None


def recorded_config(folder: Path) -> LiveConfig | None:
    """Return the config that a session ran with; None, with a line in the log, where there is none that can be read."""
    path = folder / names.CONFIG_FILE
    try:
        return check(read(path, folder), LiveConfig, str(path)) if path.exists() else None
    except ConfigError as error:
        _log.warning("%s", error)
        return None


def _raise(line: str) -> None:
    raise MoodringError(line)


def _eeg(samples: SourceSamples) -> Signal:
    signal = eeg_signal(samples.about, samples.values, samples.stamps_s)
    return Signal(
        signal.samples,
        samples.stamps_s,
        signal.rate_hz,
        signal.channel_names,
        samples.name,
        samples.jitter_s,
        samples.arrivals,
    )  # in microvolts and under the config's names since it was recorded: no description of a foreign stream


def _signal(samples: SourceSamples) -> Signal:
    return Signal(
        samples.values.astype(np.float32),
        samples.stamps_s,
        samples.rate_hz or 1.0,
        tuple(samples.about.channels("label")),
        samples.name,
        samples.jitter_s,
        samples.arrivals,
    )


def _video(folder: Path, index: SourceSamples | None, report: Report) -> Video | None:
    if index is None:
        return None
    path = folder / names.VIDEO_FOLDER / names.CAMERA_FILE
    try:
        check_regular(path, folder)
        times = frame_times(path)
    except OSError as error:
        report(f"video '{path}' cannot be read: {error_line(error)}; use a copy")
        return None
    except MoodringError as error:
        report(str(error))
        return None
    count = 0 if times is None else len(times.pts)
    index, whole = _held(index, count), len(index.stamps_s)
    rate_hz = index.rate_hz or 25.0
    if count < whole and (whole - count) / rate_hz > _EVEN_S:
        report(f"'{path}' was cut: read {count / rate_hz:.1f} s of {whole / rate_hz:.1f} s")
    if times is None or not len(index.stamps_s):
        return None
    file = FileFrames(path, times, None)
    numbers = np.nan_to_num(index.values[:, 0]).astype(np.int64)
    frames: Frames = file if np.array_equal(numbers, np.arange(len(file))) else SomeFrames(file, numbers)
    return Video(frames, index.stamps_s, rate_hz, *file.size, index.name or path.name, index.arrivals)


def _sound(folder: Path, key: str, index: SourceSamples | None, report: Report) -> Signal | None:
    if index is None:
        return None
    path = folder / names.VIDEO_FOLDER / names.MEDIA_FILES[key]
    try:
        check_regular(path, folder)
        sound = read_sound(path)
    except (av.FFmpegError, OSError) as error:
        report(f"sound file '{path}' cannot be read: {error_line(error)}; use a copy")
        return None
    count = 0 if sound is None else len(sound[0])
    index, whole = _held(index, count), len(index.stamps_s)
    rate_hz = index.rate_hz or float(AUDIO_RATE_HZ)
    if count < whole and (whole - count) / rate_hz > _EVEN_S:
        report(f"'{path}' was cut: read {count / rate_hz:.1f} s of {whole / rate_hz:.1f} s")
    if sound is None or not len(index.stamps_s):
        return None
    samples = sound[0][np.nan_to_num(index.values[:, 0]).astype(np.int64), :1]
    jitter_s = index.jitter_s
    return Signal(samples, index.stamps_s, rate_hz, ("audio",), index.name or path.name, jitter_s, index.arrivals)


def _held(index: SourceSamples, count: int) -> SourceSamples:
    """Return the samples up to the first that its Matroska file does not hold."""
    numbers = index.values[:, 0].astype(np.float64)  # NaN where the row was damaged: a frame without a stamp
    beyond = np.flatnonzero((numbers >= count) | (numbers < 0))
    return index.first(int(beyond[0])) if len(beyond) else index


def _report_missing(folder: Path, config: LiveConfig, came: Mapping[str, object]) -> None:
    """Warn of every recording that the session's config lets expect and the folder does not have."""
    speech = config.speech
    expected = (
        ("eeg", "[eeg]", config.eeg),
        ("face", "[face]", config.face),
        ("speech", "[speech]", speech),
        ("loudspeaker", "[speech.reference]", speech.reference if speech is not None else None),
    )
    for key, section, configured in expected:
        if configured is not None and came[key] is None:
            file = names.MEDIA_FILES.get(key)
            path = folder / names.VIDEO_FOLDER / file if file is not None else None
            lacks = f"{names.VIDEO_FOLDER}/{file}" if path is not None and not path.exists() else "samples of it"
            _log.warning("'%s' recorded %s, but has no %s; read without it", folder, section, lacks)
    if not any((folder / names.STREAMS_FOLDER).glob("*.xdf")):
        _log.warning("'%s' has no XDF part in %s/; read without its streams", folder, names.STREAMS_FOLDER)
