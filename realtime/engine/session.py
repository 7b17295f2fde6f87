"""A live session: owns the sources, the decoder and the order in which they start and stop.

Threads: one per source polls its device and writes its ring; one makes the decisions; the caller's updates the health
(:meth:`Session.step`); screens ask for snapshots from threads of their own. Only the sources' threads may block on a
device, and nothing waits for a screen.
"""

import logging
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...models.contract import SIMULATED, Estimate, RingWriter
from ...models.decoders.session_models import Models, check_fit, origins_of
from ...models.io.ring import rings_in
from ...models.streaming.clock import Clock
from ...models.streaming.decider import LOUDSPEAKER, Decider
from ...models.streaming.decision_schedule import Plan, eeg_delay_ms, make_plan, plan_facts
from ...models.streaming.decoder import SourceFactory
from ...models.streaming.ingest.source_channel import SourceChannel
from ...models.streaming.ingest.sources import SourceInfo
from ...models.streaming.ingest.stream_ingest import StreamIngest, ingest_factory
from ...models.streaming.tally import Tally
from ..ipc.commands import Reply
from ..ipc.snapshot import Mark, RingPlace, Snapshot
from ..recorder.notes import Note
from ..sources.lsl import on_the_network
from ..sources.marker_watch import MarkerWatch
from ..sources.timeline import announced_t0_s
from ..sources.truth_stream import TruthWatch
from .build import build_reference, build_source_channels
from .decision_thread import DecisionThread
from .marks import Marks
from .notices import recording_notices, rest_notices, session_notices
from .process_settings import collect_garbage
from .publisher import Publisher
from .source_thread import SourceThread

if TYPE_CHECKING:
    from ..recorder.recordings import Recordings

_log = logging.getLogger(__name__)
_FIRST_DATA_S = 3.0
_JOIN_S = 3.0
_NAP_S = 0.02
_HEALTH_EVERY_S = 5.0
_COLLECT_S = 10.0

Phase = Literal["connecting", "resting", "decoding", "ending", "ended"]


class Session:
    """A live session; use as a context manager.

    Parameters
    ----------
    config : LiveConfig
    models : Models
    clock : Clock
    folder : Path or None
        Where the rings go for screens to map; None keeps them to this process.
    started_s : float
        When the command started, on the clock.
    recorder : Recordings or None
        Records the session; stopped with it.
    sources : sequence of SourceFactory
        Sources besides those that the config names.
    """

    def __init__(
        self,
        config: LiveConfig,
        models: Models,
        clock: Clock,
        folder: Path | None,
        started_s: float,
        recorder: "Recordings | None" = None,
        sources: Sequence[SourceFactory] = (),
    ) -> None:
        self._config = config
        self._models = models
        self._clock = clock
        self._folder = folder
        self.started_s = started_s
        self.source_channels = build_source_channels(config, clock, sources)
        self.reference = build_reference(config, clock)
        for channel in self._channels.values():
            channel.started_s = started_s
        self._arrived = threading.Condition()
        self._make_ingest = ingest_factory(config.eeg, rings_in(folder), config.memory.rings_gb)
        self._recorder = recorder
        record = recorder.take if recorder is not None else None
        played = recorder.take_loudspeaker if recorder is not None else None
        self._threads = [
            SourceThread(
                channel,
                self._fitting,
                self._arrived,
                played if channel is self.reference else record,
                lambda: self._phase in ("resting", "decoding"),
            )
            for channel in self._channels.values()
        ]
        self._decisions: DecisionThread | None = None
        self._truth: TruthWatch | None = None
        self._phase: Phase = "connecting"
        self._undecided = False
        self._health_sent_s = -math.inf
        self._collected_s = started_s
        journal = recorder.journal if recorder is not None else None
        self.publisher = Publisher(config, models.heads, clock, folder, started_s, journal)
        self._marks = Marks(config)
        self._marker_watch = MarkerWatch(config.session.markers, self._marks.see)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def plan(self) -> Plan | None:
        """Times of decisions; None until the sources are there."""
        return self._decisions.plan if self._decisions is not None else None

    @property
    def models(self) -> Models:
        """The models, with those bundles that decode whoever the sources come from."""
        return self._models.of_people(origins_of(one.ingest for one in self.source_channels if one.ingest is not None))

    @property
    def recordings(self) -> "Recordings":
        """What records the session.

        Raises
        ------
        MoodringError
            Nothing can: the session was made without.
        """
        if self._recorder is None:
            raise MoodringError("this session was started without a recorder; start it with 'moodring live'")
        return self._recorder

    @property
    def error(self) -> str | None:
        """Why no more decisions are made; None while they are."""
        return self._decisions.error if self._decisions is not None else None

    @property
    def tally(self) -> Tally:
        """Counts so far."""
        return self.publisher.tally

    @property
    def _channels(self) -> dict[str, SourceChannel]:
        """Every channel with a source by its modality, the loudspeaker's reference last."""
        known = {channel.modality: channel for channel in self.source_channels}
        if self.reference is not None:
            known[LOUDSPEAKER] = self.reference
        return {key: channel for key, channel in known.items() if channel.source is not None}

    def connect(self, asked_to_stop: threading.Event) -> None:
        """Start the sources and wait until all are there or the time-out is over.

        Raises
        ------
        MoodringError
            None is there, or one cannot be used.
        """
        for thread in self._threads:
            thread.start()
        give_up_s = self._clock.now() + self._config.lsl.resolve_timeout_s
        while not asked_to_stop.is_set():
            self.step()
            self._raise_failures()
            wanted = tuple(self._channels.values())
            there = [channel for channel in wanted if channel.ingest is not None]
            if len(there) == len(wanted) or (self._clock.now() > give_up_s and there):
                break
            if self._clock.now() > give_up_s:
                listed = ", ".join(f"{channel.modality} ({channel.title})" for channel in wanted)
                raise MoodringError(
                    f"no source was found within {self._config.lsl.resolve_timeout_s:g} s; expected {listed}; on the "
                    f"network: {on_the_network()}. Start the devices, or correct the config"
                )
            self._clock.sleep(_NAP_S)
        self._await_data(asked_to_stop)

    def start(self) -> None:
        """Fix t0 and begin to decide.

        Raises
        ------
        MoodringError
            Nothing has come from any source.
        """
        facts = [channel.ingest for channel in self.source_channels if channel.ingest is not None]
        t0_s = announced_t0_s(ingest.info.timeline for ingest in facts if ingest.info.timeline)
        plan = make_plan(plan_facts(facts, t0_s), self._config, self.reference is not None)
        self._decisions = DecisionThread(
            Decider(plan, self.models, self._clock),
            self._channels,
            self._clock,
            self._arrived,
            self._config.decisions.lateness_s,
            lambda: self.notices,
            self._publish,
        )
        self.tally.eeg_filter_delay_ms = eeg_delay_ms(facts)
        read = (modality for decoder in self._models.decoders for modality in decoder.spec.modalities)
        self.publisher.open_outlet(self._meanings(), tuple(dict.fromkeys(read)))
        self._marks.open_outlet()
        self._marker_watch.start()
        if any(ingest.info.origin == SIMULATED for ingest in facts):
            self._truth = TruthWatch()
            self._truth.start()
        if self._recorder is not None:
            self._recorder.begin(plan, [ingest.info for ingest in facts])
        self._phase = "resting" if plan.rest_s > 0 else "decoding"
        self._decisions.start()

    def step(self) -> None:
        """Update the health; call about twenty times a second.

        Raises
        ------
        MoodringError
            The decoder's thread has failed.
        """
        now_s = self._clock.now()
        if now_s > self._collected_s + _COLLECT_S:
            self._collected_s = now_s
            collect_garbage()
        for channel in self.source_channels:
            change = channel.update_health(now_s) if channel.source is not None else None
            if change is not None:
                self.publisher.push_health(channel.modality, change)
                if self._recorder is not None:
                    self._recorder.changed(channel.modality, change)
        if self.reference is not None:
            change = self.reference.update_health(now_s)
            if change is not None and self._recorder is not None:
                self._recorder.changed(LOUDSPEAKER, change)
        if self._decisions is not None and now_s >= self._health_sent_s + _HEALTH_EVERY_S:
            # A listener that connects late has missed the changes before.
            self._health_sent_s = now_s
            for channel in self.source_channels:
                if channel.source is not None:
                    self.publisher.push_health(channel.modality, channel.current_health(now_s))
        for line in self._recorder.step() if self._recorder is not None else ():
            self.publisher.push_recording(line)
        plan = self.plan
        if plan is not None and self._phase == "resting" and now_s > plan.t0_s + plan.rest_s:
            self._phase = "decoding"
        if self.error is not None:
            raise MoodringError(self.error)

    def mark(self, mark: Mark, at: str) -> Reply:
        """Show a mark or a note of the experimenter, send it on LSL and save it; ``at`` is the time of day."""
        plan = self.plan
        if not self._marks.add(mark, send=True):  # it came again because its reply was lost
            return Reply(True, f"“{mark.text}” is marked already.")
        session_time_s = None if plan is None else mark.time_s - plan.t0_s
        kind: Literal["mark", "note"] = "note" if mark.kind == "note" else "mark"
        return self.recordings.note(Note(mark.time_s, session_time_s, at, kind, mark.text))

    def stop(self) -> None:
        """Stop the decoder, then the sources, then the outlets; later calls do nothing."""
        if self._phase in ("ending", "ended"):
            return
        self._phase = "ending"
        self._undecided = self._decisions is not None and not self._decisions.stop(_JOIN_S)
        if self._undecided:
            _log.warning("the decision under way did not end within %g s; its outlet and rings are left open", _JOIN_S)
        for thread in self._threads:
            thread.ask_to_stop()
        if self._truth is not None:
            self._truth.stop()
        self._marker_watch.stop()
        for thread, channel in zip(self._threads, self._channels.values(), strict=True):
            channel.released = not thread.started or thread.join(_JOIN_S)
            if not channel.released:
                _log.warning("%s does not let go of its device", channel.title)
        if self._recorder is not None:
            # Before the outlets go: a recorder takes what is still on its way.
            self._recorder.stop()
        self._phase = "ended"
        self._marks.close()
        if not self._undecided:
            self.publisher.close()

    def release(self) -> None:
        """Release the rings' memory; call after :meth:`stop`, when no screen reads them.

        A decision that is still under way reads rings and writes to the outlet: then they go with the process.
        """
        if self._undecided:
            return
        for channel in self._channels.values():
            if channel.ingest is not None and channel.released:
                channel.ingest.ring.close()
        self.publisher.rows.close()

    def snapshot(self) -> Snapshot:
        """Return the engine at this moment; from any thread."""
        now_s = self._clock.now()
        plan = self.plan
        tally = self.tally
        status = self._recorder.status if self._recorder is not None else None
        left_s = plan.t0_s + plan.rest_s - now_s if plan is not None and self._phase == "resting" else None
        return Snapshot(
            engine=self._config.name,
            elapsed_s=now_s - self.started_s,
            phase=self._phase,
            t0_s=plan.t0_s if plan is not None else None,
            now_s=now_s,
            device=self._models.device,
            estimate=self.publisher.take(now_s),
            band_attention=self.publisher.attention,
            look=self.publisher.look,
            truth=self._truth.newest if self._truth is not None else None,
            decisions=tally.decisions,
            dropped_decisions=tally.dropped,
            skipped_decisions=tally.skipped,
            glimpsed_fraction=tally.glimpsed_fraction,
            latency_ms=tally.latency,
            sources=tuple(channel.status(now_s) for channel in self.source_channels),
            rings=self._places(),
            heads=self._models.heads,
            notices=self.notices + recording_notices(status),
            rest_left_s=left_s,
            recording=status,
            information_age_ms=tuple(tally.ages.items()),
            eeg_filter_delay_ms=tally.eeg_filter_delay_ms,
            marks=self._marks.newest,
            participant=self._config.session.participant,
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """Permanent notices."""
        over = self.publisher.estimate if self._phase == "decoding" and self._config.eeg is not None else None
        rest = rest_notices(self._models, self.plan, over)
        return session_notices(self._config, self._models, self._channels, rest, self._phase != "connecting")

    def _publish(self, estimate: Estimate, left_out: int) -> None:
        self.tally.skipped += left_out
        self.publisher.publish(estimate)

    def _fitting(self, info: SourceInfo) -> StreamIngest:
        check_fit(self._models, info, self._config)
        return self._make_ingest(info)

    def _raise_failures(self) -> None:
        errors = [channel.error for channel in self._channels.values() if channel.error is not None]
        if errors:
            raise MoodringError("; ".join(errors))

    def _await_data(self, asked_to_stop: threading.Event) -> None:
        """Wait for the first samples, which t0 follows from."""
        ingests = [(channel, channel.ingest) for channel in self.source_channels if channel.ingest is not None]
        begin_s = self._clock.now()
        while not asked_to_stop.is_set():
            self.step()
            self._raise_failures()
            silent = [channel for channel, ingest in ingests if ingest.figures.first_s is None]
            waited_s = self._clock.now() - begin_s
            if not silent or (waited_s > _FIRST_DATA_S and len(silent) < len(ingests)):
                return
            if waited_s > max(_FIRST_DATA_S, self._config.lsl.resolve_timeout_s):
                raise MoodringError(
                    f"{', '.join(channel.title for channel in silent)}: connected, and no sample came within "
                    f"{waited_s:.0f} s; start the device's stream"
                )
            self._clock.sleep(_NAP_S)

    def _meanings(self) -> tuple[tuple[str, str], ...]:
        models = self.models
        return (
            ("target", models.target),
            ("domain", ", ".join(models.domain)),
            *(("bundle_sha256", bundle.sha256) for bundle in models.bundles),
            *(("notice", notice) for notice in self.notices),
        )

    def _places(self) -> tuple[RingPlace, ...]:
        if self._folder is None:
            return ()
        rings: list[tuple[str, RingWriter]] = [
            (channel.modality, channel.ingest.ring) for channel in self.source_channels if channel.ingest is not None
        ]
        rings.append(("estimates", self.publisher.rows))
        return tuple(RingPlace(name, str(ring.path)) for name, ring in rings)
