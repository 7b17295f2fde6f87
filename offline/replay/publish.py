"""Publish a recording over LSL as if it happened now.

Every sample has its own stamp: the recording's plus one constant. Chunks are pushed when their last sample is due on an
absolute timetable, so errors do not add up. A thread decodes frames ahead, so that no other stream waits for one.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pylsl

from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.live import LslSection
from ...models.contract import SIMULATED, Recording
from ...models.io.stream_descriptions import StreamKind
from ..recordings.monotonic_time import on_rising_time
from .outlets import TimelineOutlet, outlet_of, wait_for_consumers
from .playhead import Command, CommandResult, PlayableSpan, Playhead, Seek, apply_command, restarted
from .tracks import Timetable, Track, stream_kinds, tracks_of

_NAP_S = 0.05


@dataclass(frozen=True)
class ReplayOptions:
    """Options of a replay.

    Attributes
    ----------
    only : tuple of stream kinds or None
        Streams to publish of those that the recording holds; None publishes all.
    prefix : str or None
        Streams are named ``{prefix}_eeg``, ``{prefix}_face`` and so on; None: "simulated" or "replay" by origin.
    names : mapping of kind to str
        Names in place of those with the prefix.
    speed : float
        Factor of the timeline; stamps and nominal rates scale with it, and so do frequencies.
    start_s : float
        Start, from the recording's t0.
    loop : bool
        Whether to start again at the end, until stopped.
    patience_s : float
        Longest wait for a consumer of every EEG, face and speech stream.
    lead_s : float
        From the last consumer's connection to the first sample.
    drain_s : float
        Time that the outlets stay open after the last sample.
    eeg_stream : str or None
        Which EEG stream of an XDF file with several.
    lsl : LslSection
        liblsl's settings for the process that publishes.
    """

    only: tuple[StreamKind, ...] | None = None
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
    """Result of a replay: samples of each stream by name, lateness of its chunks, and whether the end was reached."""

    samples: Mapping[str, int]
    worst_late_s: Mapping[str, float]
    late_p99_s: Mapping[str, float]
    complete: bool


def stream_names(recording: Recording, options: ReplayOptions) -> dict[StreamKind, str]:
    """Return the names under which the streams of a recording are published."""
    prefix = _prefix(recording, options)
    return {kind: options.names.get(kind, f"{prefix}_{kind}") for kind in stream_kinds(recording)}


def _chosen(recording: Recording, options: ReplayOptions) -> tuple[StreamKind, ...]:
    """Return the kinds of streams to publish; raise ConfigError for one that this recording cannot have."""
    known = stream_kinds(recording)
    unknown = set(options.only or ()) - set(known)
    if unknown:
        raise ConfigError(
            f"--only: recording '{recording.name}' has no '{', '.join(sorted(unknown))}'; "
            f"choose among {', '.join(known)}"
        )
    return known if options.only is None else options.only


def _prefix(recording: Recording, options: ReplayOptions) -> str:
    return options.prefix or (SIMULATED if recording.origin == SIMULATED else "replay")


@dataclass(frozen=True)
class Ready:
    """Message: the streams can be found under these names."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Started:
    """Message: all consumers are connected; the replay starts at this LSL time."""

    start_s: float


class Control(Protocol):
    """Controller of a replay; called at least every 50 ms in the replay's own thread."""

    def stopped(self) -> bool:
        """Return whether to end the replay."""
        ...

    def commands(self) -> Sequence[Command]:
        """Return the commands since the last call."""
        ...

    def report(self, news: Ready | Started | CommandResult) -> None:
        """Receive a message of the replay."""
        ...


def publish(recording: Recording, options: ReplayOptions, control: Control) -> Published:
    """Publish a recording, in the calling thread, until its end.

    Raises
    ------
    MoodringError
        Nothing to publish, an unknown stream in ``only``, nobody connects in time, or frames that cannot be read.
    """
    recording = on_rising_time(recording)
    only = _chosen(recording, options)
    name = f"{_prefix(recording, options)}_timeline"
    announced_by = f"{name}-{recording.name}"
    timetable = Timetable.of(recording, only, options.start_s, options.speed, announced_by)
    tracks = tracks_of(recording, only, stream_names(recording, options), timetable)
    player = _Player(recording, timetable, tracks, TimelineOutlet(name, announced_by), control)
    try:
        player.jump_to(Playhead(timetable.begin_s, 0.0, timetable.speed, playing=False))
        control.report(Ready(tuple(track.description.name for track in tracks)))
        complete = wait_for_consumers(tracks, player.outlets, options.patience_s, control.stopped)
        if complete:
            start_s = pylsl.local_clock() + options.lead_s
            player.move(Playhead(timetable.begin_s, start_s, timetable.speed))
            control.report(Started(start_s))
            complete = _run(player, options.loop, control)
        if complete:
            # Closing an outlet drops what its consumers have not fetched.
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
    """The outlets of a replay and its playhead."""

    def __init__(
        self,
        recording: Recording,
        timetable: Timetable,
        tracks: list[Track],
        timeline: TimelineOutlet,
        control: Control,
    ) -> None:
        self.timetable = timetable
        self.tracks = tracks
        self.outlets = {track.kind: outlet_of(track.description) for track in tracks}
        self.head: Playhead
        self._timeline = timeline
        self._span = PlayableSpan(recording.t0_s, timetable.first_s, timetable.end_s)
        self._control = control

    def move(self, head: Playhead) -> None:
        """Change the mapping to the LSL clock; the next sample to send stays the same."""
        self.head = head
        if head.playing:
            self._timeline.announce(head, self._span.t0_s, pylsl.local_clock())

    def jump_to(self, head: Playhead) -> None:
        """Change the position."""
        for track in self.tracks:
            track.seek(head.position_s)
        self.move(head)

    def apply_commands(self, commands: Sequence[Command]) -> None:
        """Apply commands in order and report the result of each."""
        for command in commands:
            now_s = pylsl.local_clock()
            unsent_s = min((track.unsent_s for track in self.tracks), default=np.inf)
            refused = None
            try:
                head = apply_command(self.head, command, self._span, now_s, unsent_s)
            except MoodringError as error:
                refused = str(error)
            else:
                self.jump_to(head) if isinstance(command, Seek) else self.move(head)
            position_s = self.head.position_at(now_s) - self._span.t0_s
            self._control.report(CommandResult(position_s, self.head.speed, self.head.playing, refused))

    def announce(self) -> None:
        """Send t0 when it is due."""
        now_s = pylsl.local_clock()
        if self._timeline.due(now_s):
            self._timeline.announce(self.head, self._span.t0_s, now_s)

    def due(self, track: Track) -> bool:
        """Return whether the next chunk of a track is due."""
        return not track.done and self.head.lsl_time(track.due_s) <= pylsl.local_clock()

    def push(self, track: Track) -> bool:
        """Push the next chunk of a track; False where it is not ready."""
        chunk = track.next_chunk()
        if chunk is None:
            return False
        stamps_s = self.head.lsl_times(chunk.stamps_s)
        late_s = pylsl.local_clock() - float(stamps_s[-1])
        self.outlets[track.kind].push_chunk(chunk.values, stamps_s.tolist())
        track.mark_sent(len(stamps_s), late_s)
        return True


def _run(player: _Player, loop: bool, control: Control) -> bool:
    """Push chunks when they are due and apply commands; return whether the end was reached."""
    while not control.stopped():
        player.apply_commands(control.commands())
        player.announce()
        open_tracks = [track for track in player.tracks if not track.done]
        if not player.head.playing:
            time.sleep(_NAP_S)
        elif open_tracks:
            _push_next(player, open_tracks)
        elif loop:
            player.jump_to(restarted(player.head, player.timetable.begin_s, player.timetable.end_s))
        else:
            return True
    return False


def _push_next(player: _Player, open_tracks: list[Track]) -> None:
    """Push the chunk that is due first, or sleep for a part of the time until then."""
    track = min(open_tracks, key=lambda one: one.due_s)
    early_s = player.head.lsl_time(track.due_s) - pylsl.local_clock()
    if early_s > 0:
        time.sleep(min(early_s, _NAP_S))
    elif not player.push(track):
        # Its frame is not decoded yet: send what is due of the others, and try again soon.
        for other in open_tracks:
            while other is not track and player.due(other) and player.push(other):
                pass
        time.sleep(0.002)


def _sleep_until(moment_s: float, stopped: Callable[[], bool]) -> bool:
    """Sleep until a time of the LSL clock; False where stopped before."""
    while True:
        if stopped():
            return False
        remaining_s = moment_s - pylsl.local_clock()
        if remaining_s <= 0:
            return True
        time.sleep(min(remaining_s, _NAP_S))
