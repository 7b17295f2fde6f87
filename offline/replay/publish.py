"""Publish a recording over LSL as if it happened now.

Every sample carries its own stamp: the recording's, moved by one constant. Samples go out in chunks when the last
of a chunk is due on an absolute timetable, so nothing drifts; who is late catches up. A thread decodes frames
ahead, so that no other stream waits for a picture.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pylsl

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LslSection
from ...configs.schema.lsl import liblsl_settings
from ...models.contract import SIMULATED, Recording
from ...models.io.stream_descriptions import STREAM_KINDS, StreamKind
from .outlets import Timeline, outlet_of, wait_for_consumers
from .playhead import Command, Moved, Playhead, Seek, Span, follow, next_lap
from .tracks import Timetable, Track, tracks_of

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
    """What went out: samples of each stream by name, lateness of its chunks, and whether the end was reached."""

    samples: Mapping[str, int]
    worst_late_s: Mapping[str, float]
    late_p99_s: Mapping[str, float]
    complete: bool


def apply_lsl_settings(section: LslSection) -> None:
    """Hand liblsl its settings; call before anything else of pylsl in the process."""
    text = liblsl_settings(section)
    if text is not None:
        pylsl.set_config_content(text)


def stream_names(recording: Recording, options: ReplayOptions) -> dict[StreamKind, str]:
    """Name the streams a recording would be published as."""
    prefix = _prefix(recording, options)
    return {kind: options.names.get(kind, f"{prefix}_{kind}") for kind in STREAM_KINDS}


def _prefix(recording: Recording, options: ReplayOptions) -> str:
    return options.prefix or (SIMULATED if recording.origin == SIMULATED else "replay")


@dataclass(frozen=True)
class Ready:
    """The streams can be found under these names."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Started:
    """All consumers are there; the first moment of the replay is at this LSL time."""

    start_s: float


class Control(Protocol):
    """Whoever steers a replay and hears from it; asked at least every 50 ms, in the replay's own thread."""

    def stopped(self) -> bool:
        """Say whether the replay is to end."""
        ...

    def commands(self) -> Sequence[Command]:
        """Give what was asked for since the last time."""
        ...

    def tell(self, news: Ready | Started | Moved) -> None:
        """Hear how it goes."""
        ...


def publish(recording: Recording, options: ReplayOptions, control: Control) -> Published:
    """Publish a recording, in the calling thread, until its end.

    Raises
    ------
    MoodringError
        Nothing to publish, nobody connects in time, or frames that cannot be read.
    """
    name = f"{_prefix(recording, options)}_timeline"
    announced_by = f"{name}-{recording.name}"
    timetable = Timetable.of(recording, options.only, options.start_s, options.speed, announced_by)
    tracks = tracks_of(recording, options.only, stream_names(recording, options), timetable)
    player = _Player(recording, timetable, tracks, Timeline(name, announced_by), control)
    try:
        player.turn_to(Playhead(timetable.begin_s, 0.0, timetable.speed, playing=False))
        control.tell(Ready(tuple(track.description.name for track in tracks)))
        complete = wait_for_consumers(tracks, player.outlets, options.patience_s, control.stopped)
        if complete:
            start_s = pylsl.local_clock() + options.lead_s
            player.move(Playhead(timetable.begin_s, start_s, timetable.speed))
            control.tell(Started(start_s))
            complete = _run(player, options.loop, control)
        if complete:
            # Closing an outlet throws away what its consumers have not fetched yet.
            _sleep_until(pylsl.local_clock() + options.drain_s, control.stopped)
    finally:
        for track in tracks:
            track.close()
    return Published(
        {track.description.name: track.pushed for track in tracks},
        {track.description.name: track.lateness.worst_s for track in tracks},
        {track.description.name: track.lateness.percentile_s(99.0) for track in tracks},
        complete,
    )


class _Player:
    """The outlets of a replay, and where it stands."""

    def __init__(
        self, recording: Recording, timetable: Timetable, tracks: list[Track], timeline: Timeline, control: Control
    ) -> None:
        self.timetable = timetable
        self.tracks = tracks
        self.outlets = {track.kind: outlet_of(track.description) for track in tracks}
        self.head: Playhead
        self._timeline = timeline
        self._span = Span(recording.t0_s, timetable.first_s, timetable.end_s)
        self._control = control

    def move(self, head: Playhead) -> None:
        """Lay the recording's clock anew onto LSL's; what goes out next stays next."""
        self.head = head
        if head.playing:
            self._timeline.announce(head, self._span.t0_s, pylsl.local_clock())

    def turn_to(self, head: Playhead) -> None:
        """Play from another moment."""
        for track in self.tracks:
            track.seek(head.position_s)
        self.move(head)

    def obey(self, commands: Sequence[Command]) -> None:
        """Follow commands in order, and answer each."""
        for command in commands:
            now_s = pylsl.local_clock()
            unsent_s = min((track.unsent_s for track in self.tracks), default=np.inf)
            refused = None
            try:
                head = follow(self.head, command, self._span, now_s, unsent_s)
            except MoodringError as error:
                refused = str(error)
            else:
                self.turn_to(head) if isinstance(command, Seek) else self.move(head)
            position_s = self.head.position_at(now_s) - self._span.t0_s
            self._control.tell(Moved(position_s, self.head.speed, self.head.playing, refused))

    def announce(self) -> None:
        """Say now and then where t0 lies."""
        now_s = pylsl.local_clock()
        if self._timeline.due(now_s):
            self._timeline.announce(self.head, self._span.t0_s, now_s)

    def due(self, track: Track) -> bool:
        """Say whether a track's next chunk should have gone out."""
        return not track.done and self.head.lsl_time(track.due_s) <= pylsl.local_clock()

    def push(self, track: Track) -> bool:
        """Push a track's next chunk; False where it is not there yet."""
        chunk = track.take()
        if chunk is None:
            return False
        stamps_s = self.head.lsl_times(chunk.stamps_s)
        late_s = pylsl.local_clock() - float(stamps_s[-1])
        self.outlets[track.kind].push_chunk(chunk.values, stamps_s.tolist())
        track.passed(len(stamps_s), late_s)
        return True


def _run(player: _Player, loop: bool, control: Control) -> bool:
    """Push every chunk when it is due and do as told; say whether the end was reached."""
    while not control.stopped():
        player.obey(control.commands())
        player.announce()
        open_tracks = [track for track in player.tracks if not track.done]
        if not player.head.playing:
            time.sleep(_NAP_S)
        elif open_tracks:
            _push_next(player, open_tracks)
        elif loop:
            player.turn_to(next_lap(player.head, player.timetable.begin_s, player.timetable.end_s))
        else:
            return True
    return False


def _push_next(player: _Player, open_tracks: list[Track]) -> None:
    """Push the chunk that is due first, or sleep a little of the time until then."""
    track = min(open_tracks, key=lambda one: one.due_s)
    early_s = player.head.lsl_time(track.due_s) - pylsl.local_clock()
    if early_s > 0:
        time.sleep(min(early_s, _NAP_S))
    elif not player.push(track):
        # Its picture is still being made: let the others pass, and look again soon.
        for other in open_tracks:
            while other is not track and player.due(other) and player.push(other):
                pass
        time.sleep(0.002)


def _sleep_until(moment_s: float, stopped: Callable[[], bool]) -> bool:
    """Sleep until a moment of the LSL clock; False where stopped before."""
    while True:
        if stopped():
            return False
        remaining_s = moment_s - pylsl.local_clock()
        if remaining_s <= 0:
            return True
        time.sleep(min(remaining_s, _NAP_S))
