"""Publish a recording over LSL as if it happened now.

Every sample carries its own stamp: the recording's, moved by one constant. Samples go out in chunks when the last
of a chunk is due on an absolute timetable, so nothing drifts; who is late catches up. A thread decodes frames
ahead, so that no other stream waits for a picture.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pylsl

from ..configs.errors import MoodringError
from ..configs.live import LslSection
from ..configs.lsl import liblsl_settings
from ..models.contract import SIMULATED, Recording
from .replay_tracks import Timetable, Track, tracks_of
from .streams import STREAM_KINDS, StreamDescription, StreamKind, Tree

_WAITED_FOR: tuple[StreamKind, ...] = ("eeg", "face", "speech")
_VIDEO_BUFFER_S = 4  # a frame is 230 kB: liblsl's own 360 s would be two gigabytes
_BUFFER_S = 60
_NAP_S = 0.05


@dataclass(frozen=True)
class ReplayOptions:
    """How to publish.

    Attributes
    ----------
    only : tuple of stream kinds
        What to publish of what the recording holds.
    prefix : str or None
        Streams are named ``{prefix}_eeg``, ``{prefix}_face`` and so on; None: "simulated" or "replay" by origin.
    names : mapping of kind to str
        Names that differ from the prefix's.
    speed : float
        Runs the timeline this many times as fast; stamps and nominal rates follow, so frequencies rise with it.
    start_s : float
        Where to begin, from the recording's t0.
    loop : bool
        Start again at the end, until stopped.
    patience_s : float
        How long to wait for a consumer of every EEG, face and speech stream.
    lead_s : float
        From the moment all have connected to the first sample.
    drain_s : float
        How long the outlets stay open after the last sample.
    eeg_stream : str or None
        Which EEG stream of an XDF file with several.
    lsl : LslSection
        liblsl's settings for the process that publishes.
    """

    only: tuple[StreamKind, ...] = STREAM_KINDS
    prefix: str | None = None
    names: Mapping[StreamKind, str] = field(default_factory=dict)
    speed: float = 1.0
    start_s: float = 0.0
    loop: bool = False
    patience_s: float = 60.0
    lead_s: float = 0.1
    drain_s: float = 1.0
    eeg_stream: str | None = None
    lsl: LslSection = field(default_factory=LslSection)


@dataclass(frozen=True)
class Published:
    """What went out: samples and worst lateness of each stream by name, and whether the end was reached."""

    samples: Mapping[str, int]
    worst_late_s: Mapping[str, float]
    complete: bool


def apply_lsl_settings(section: LslSection) -> None:
    """Hand liblsl its settings; call before anything else of pylsl in the process."""
    text = liblsl_settings(section)
    if text is not None:
        pylsl.set_config_content(text)


def stream_names(recording: Recording, options: ReplayOptions) -> dict[StreamKind, str]:
    """Name the streams a recording would be published as."""
    prefix = options.prefix or (SIMULATED if recording.origin == SIMULATED else "replay")
    return {kind: options.names.get(kind, f"{prefix}_{kind}") for kind in STREAM_KINDS}


def publish(
    recording: Recording,
    options: ReplayOptions,
    *,
    stopped: Callable[[], bool] = lambda: False,
    on_ready: Callable[[tuple[str, ...]], None] | None = None,
    on_start: Callable[[float], None] | None = None,
) -> Published:
    """Publish a recording, in the calling thread, until its end.

    Parameters
    ----------
    recording : Recording
    options : ReplayOptions
    stopped : callable
        Asked at least every 50 ms; True ends the replay.
    on_ready : callable
        Told the names of the streams as soon as they can be found.
    on_start : callable
        Told the LSL time of the first moment of the replay.

    Raises
    ------
    MoodringError
        Nothing to publish, nobody connects in time, or frames that cannot be read.
    """
    timetable = Timetable.of(recording, options.only, options.start_s, options.speed)
    tracks = tracks_of(recording, options.only, stream_names(recording, options), timetable, options.loop)
    try:
        outlets = {track.kind: _outlet(track.description) for track in tracks}
        if on_ready is not None:
            on_ready(tuple(track.description.name for track in tracks))
        complete = _wait_for_consumers(tracks, outlets, options.patience_s, stopped)
        if complete:
            start_s = pylsl.local_clock() + options.lead_s
            if on_start is not None:
                on_start(start_s)
            complete = _run(tracks, outlets, timetable, start_s, options.loop, stopped)
        if complete:
            # Closing an outlet throws away what its consumers have not fetched yet.
            _sleep_until(pylsl.local_clock() + options.drain_s, stopped)
    finally:
        for track in tracks:
            track.close()
    return Published(
        {track.description.name: track.pushed for track in tracks},
        {track.description.name: track.worst_late_s for track in tracks},
        complete,
    )


def _run(
    tracks: list[Track],
    outlets: Mapping[StreamKind, pylsl.StreamOutlet],
    timetable: Timetable,
    start_s: float,
    loop: bool,
    stopped: Callable[[], bool],
) -> bool:
    """Push every chunk when it is due; say whether the end was reached."""
    lap_start_s = start_s
    while True:
        for track in tracks:
            track.rewind()
        while open_tracks := [track for track in tracks if not track.done]:
            track = min(open_tracks, key=lambda one: one.due_s)
            if not _sleep_until(timetable.lsl_time(track.due_s, lap_start_s), stopped):
                return False
            if not _push(track, outlets[track.kind], timetable, lap_start_s):
                # Its picture is still being made: let the others pass, and look again soon.
                _push_others(open_tracks, track, outlets, timetable, lap_start_s)
        if not loop:
            return True
        lap_start_s += timetable.lap_s


def _push_others(
    open_tracks: list[Track],
    late: Track,
    outlets: Mapping[StreamKind, pylsl.StreamOutlet],
    timetable: Timetable,
    lap_start_s: float,
) -> None:
    for track in open_tracks:
        while (
            track is not late
            and not track.done
            and timetable.lsl_time(track.due_s, lap_start_s) <= pylsl.local_clock()
            and _push(track, outlets[track.kind], timetable, lap_start_s)
        ):
            pass
    time.sleep(0.002)


def _push(track: Track, outlet: pylsl.StreamOutlet, timetable: Timetable, lap_start_s: float) -> bool:
    """Push the track's next chunk; False where it is not there yet."""
    chunk = track.take()
    if chunk is None:
        return False
    stamps = timetable.lsl_times(chunk.stamps_s, lap_start_s)
    late_s = pylsl.local_clock() - float(stamps[-1])
    outlet.push_chunk(chunk.values, stamps.tolist())
    track.passed(len(stamps), late_s)
    return True


def _outlet(description: StreamDescription) -> pylsl.StreamOutlet:
    info = pylsl.StreamInfo(
        description.name,
        description.type,
        description.channel_count,
        description.rate_hz,
        description.channel_format,
        description.source_id,
    )
    _append(info.desc(), description.desc)
    video = description.channel_format == "int8"
    return pylsl.StreamOutlet(info, 0, _VIDEO_BUFFER_S if video else _BUFFER_S)


def _append(node: pylsl.info.XMLElement, tree: Tree) -> None:
    for tag, content in tree:
        if isinstance(content, str):
            node.append_child_value(tag, content)
        else:
            _append(node.append_child(tag), content)


def _wait_for_consumers(
    tracks: list[Track],
    outlets: Mapping[StreamKind, pylsl.StreamOutlet],
    patience_s: float,
    stopped: Callable[[], bool],
) -> bool:
    waited_for = [track for track in tracks if track.kind in _WAITED_FOR] or tracks
    deadline_s = pylsl.local_clock() + patience_s
    for track in waited_for:
        while not outlets[track.kind].wait_for_consumers(_NAP_S):
            if stopped():
                return False
            if pylsl.local_clock() > deadline_s:
                names = ", ".join(one.description.name for one in waited_for if not outlets[one.kind].have_consumers())
                raise MoodringError(
                    f"nobody connected to {names} within {patience_s:g} s; start a session that reads these streams, "
                    "or publish fewer (--only)"
                )
    return True


def _sleep_until(moment_s: float, stopped: Callable[[], bool]) -> bool:
    """Sleep until a moment of the LSL clock; False where stopped before."""
    while True:
        if stopped():
            return False
        remaining_s = moment_s - pylsl.local_clock()
        if remaining_s <= 0:
            return True
        time.sleep(min(remaining_s, _NAP_S))
