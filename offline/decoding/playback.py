"""Bring the sources of a recording to the moment of a decision, on the virtual clock.

A session that was recorded with its journal is followed exactly: each decision is made after just those samples that
were in the rings when it was made live. Any other decision is made as live: as soon as every source that delivers has
passed its time, or the lateness bound is over.
"""

import logging
import math
from collections.abc import Mapping, Sequence

from ...models.contract import Recording, Signal, Video
from ...models.streaming.clock import VirtualClock
from ...models.streaming.decider import LOUDSPEAKER
from ...models.streaming.decision_schedule import ModalityInput
from ...models.streaming.ingest.source_channel import SourceChannel
from .recorded_sources import RecordedSignal, RecordedVideo

_log = logging.getLogger(__name__)
_STEP_S = 0.5
_QUIET_S = 10.0  # after which nothing changes until something comes
_ARRIVING_STEP_S = 0.05  # as a live session looks after its sources' health


class Playback:
    """The sources of a recording, and the samples that have arrived.

    Parameters
    ----------
    recording : Recording
    only : sequence of modalities or None
        Which of them to play; None plays all.
    clock : VirtualClock

    Attributes
    ----------
    channels : dict of str to SourceChannel
        By modality, and ``"loudspeaker"`` for the reference of the voice.
    arrivals_known : bool
        Whether it was recorded how the samples of every source arrived.
    first_s, last_s : float
        When the first and the last samples arrived, or were captured where that is all that is known.
    """

    def __init__(self, recording: Recording, only: Sequence[str] | None, clock: VirtualClock) -> None:
        self._clock = clock
        self._sources: dict[str, RecordedSignal | RecordedVideo] = {}
        self._reported_short: set[str] = set()
        held = recording.sources
        wanted = tuple(held) if only is None else only
        played = [one for key, one in held.items() if key in wanted]
        self.channels: dict[str, SourceChannel] = {
            key: self._channel(key, one, recording) for key, one in held.items() if key in wanted
        }
        reference = recording.loudspeaker
        if "speech" in self.channels and reference is not None and len(reference.stamps_s):
            self.channels[LOUDSPEAKER] = self._channel(LOUDSPEAKER, reference, recording)
        self.arrivals_known = bool(played) and all(one.arrivals is not None for one in played)
        times_s = [one.stamps_s if one.arrivals is None else one.arrivals.received_s for one in played]
        self.first_s = min((float(one[0]) for one in times_s), default=recording.t0_s)
        self.last_s = max((float(one[-1]) for one in times_s), default=recording.t0_s)

    def _channel(self, key: str, one: Signal | Video, recording: Recording) -> SourceChannel:
        t0_s = recording.t0_s
        if isinstance(one, Video):
            video = RecordedVideo(one, recording, self._clock)
            self._sources[key] = video
            return SourceChannel("face", one.name, video, picture=video.picture, started_s=t0_s)
        modality = "speech" if key == LOUDSPEAKER else key
        signal = RecordedSignal(modality, one, recording, self._clock)
        self._sources[key] = signal
        return SourceChannel(modality, one.name, signal, started_s=t0_s)

    def run_to(self, time_s: float) -> None:
        """Advance the clock in small steps, so that health is updated as live; over a long silence, in one."""
        step_s = _ARRIVING_STEP_S if self.arrivals_known else _STEP_S
        quiet_since_s = self._clock.now()
        while True:
            now_s, next_s = self._clock.now(), self.next_s
            if next_s is not None and next_s <= now_s + step_s:
                quiet_since_s = now_s
            quiet = now_s - quiet_since_s > _QUIET_S
            self._clock.advance_to(
                min(time_s, math.inf if next_s is None else next_s) if quiet else min(time_s, now_s + step_s)
            )
            for key in self.channels:
                self._ingest(key)
            if self._clock.now() >= time_s:
                return

    @property
    def next_s(self) -> float | None:
        """When the next samples of any source arrive; None at the end."""
        return min((at_s for source in self._sources.values() if (at_s := source.next_s) is not None), default=None)

    def silence_s(self, time_s: float) -> float:
        """Return for how long nothing comes from a moment on that has been reached; 0 at the end."""
        return 0.0 if self.next_s is None else max(0.0, self.next_s - time_s)

    def wait_for(self, time_s: float, lateness_s: float) -> None:
        """Advance the clock to the moment at which a decision at a data time would be made live."""
        if not self.arrivals_known:
            # Samples whose smoothed stamps lie before a decision may come with raw ones behind it.
            self.run_to(time_s + lateness_s)
            return
        self.run_to(time_s)
        while not all(channel.has_passed(time_s) for channel in self.channels.values()):
            due_s = [next_s for source in self._sources.values() if (next_s := source.next_s) is not None]
            if self._clock.now() >= time_s + lateness_s:
                return
            self.run_to(min([time_s + lateness_s, *due_s]))

    def ingest_counts(self, time_s: float, counts: Mapping[str, int]) -> None:
        """Ingest chunks until every ring holds as many samples as it held at a decision."""
        for key in self.channels:
            self._ingest_until(key, counts.get(key, 0))
        self._clock.advance_to(time_s)
        for channel in self.channels.values():
            channel.update_health(self._clock.now())

    def inputs(self, counts: Mapping[str, int] | None = None) -> dict[str, ModalityInput]:
        """Return what a decision sees of each source: all that has arrived, or the counted samples of it."""
        found = {}
        for key, channel in self.channels.items():
            ingest = channel.ingest
            count = 0 if ingest is None else ingest.ring.count
            if counts is not None:
                count = min(count, counts.get(key, 0))
            if ingest is not None and count:
                found[key] = ModalityInput(ingest, ingest.ring.view(count), channel.picture)
        return found

    def close(self) -> None:
        """Release the rings."""
        for channel in self.channels.values():
            if channel.ingest is not None:
                channel.ingest.ring.close()

    def _ingest(self, key: str) -> None:
        channel = self.channels[key]
        while channel.ingest is not None and (chunk := self._sources[key].poll()) is not None:
            channel.ingest.append(chunk)
        channel.update_health(self._clock.now())

    def _ingest_until(self, key: str, count: int) -> None:
        channel, source = self.channels[key], self._sources[key]
        while channel.ingest is not None and channel.ingest.ring.count < count:
            next_s = source.next_s
            if next_s is None:
                if key not in self._reported_short:
                    self._reported_short.add(key)
                    _log.warning(
                        "%s: %d samples were recorded and the journal used %d; what follows is decoded without them",
                        *(key, channel.ingest.ring.count, count),
                    )
                return
            self._clock.advance_to(next_s)
            channel.update_health(self._clock.now())
            if (chunk := source.poll()) is not None:
                channel.ingest.append(chunk)
                channel.update_health(self._clock.now())
