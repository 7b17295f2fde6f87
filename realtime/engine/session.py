"""A live session: owns the sources, the decoder and the order in which they start and stop.

Threads: one per source polls its device and writes its ring; one makes the decisions; the caller's keeps the health
(:meth:`Session.step`); screens ask for snapshots from threads of their own. Only the sources' threads may block on a
device, and nobody waits for a screen.
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
from ...models.contract import SIMULATED
from ...models.decoders.loading import Models, check_fit, domain_notices, line_noise_notices, loudspeaker_notices
from ...models.io.ring import Ring
from ...models.streaming.clock import Clock
from ...models.streaming.decider import LOUDSPEAKER, Decider
from ...models.streaming.decoder import SourceFactory
from ...models.streaming.ingest import StreamIngest, ingest_factory
from ...models.streaming.schedule import ModalityInput, Plan, eeg_delay_ms, make_plan, next_decision, plan_facts
from ...models.streaming.source_channel import SourceChannel
from ...models.streaming.sources import SourceInfo
from ...models.streaming.summary import Tally
from ..ipc.snapshot import RingPlace, Snapshot
from ..sources.lsl import on_the_network
from ..sources.timeline import announced_t0_s
from ..sources.truth import TruthWatch
from .build import build_reference, build_source_channels
from .process_settings import collect_garbage
from .publisher import Publisher
from .source_thread import SourceThread

if TYPE_CHECKING:
    from ..recorder.recorder import Recorder

_log = logging.getLogger(__name__)
_FIRST_DATA_S = 3.0
_JOIN_S = 3.0
_NAP_S = 0.02
_HEALTH_EVERY_S = 5.0
_TIDY_S = 10.0

Phase = Literal["connecting", "resting", "decoding", "ended"]


class Session:
    """See the module's text.

    Parameters
    ----------
    config : LiveConfig
    models : Models
    clock : Clock
    folder : Path or None
        Where the rings go for screens to map; None keeps them to this process.
    started_s : float
        When the command started, on the clock.
    recorder : Recorder or None
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
        recorder: "Recorder | None" = None,
        sources: Sequence[SourceFactory] = (),
    ) -> None:
        self._config = config
        self._models = models
        self._clock = clock
        self._folder = folder
        self.started_s = started_s
        self.source_channels = build_source_channels(config, clock, sources)
        self.reference = build_reference(config, clock)
        for channel in self._sourced:
            channel.started_s = started_s
        self.error: str | None = None
        self._arrived = threading.Condition()
        self._stopping = threading.Event()
        self._make_ingest = ingest_factory(config.eeg, folder)
        self._recorder = recorder
        record = recorder.take if recorder is not None else None
        played = recorder.take_loudspeaker if recorder is not None else None
        self._threads = [
            SourceThread(
                source_channel, self._fitting, self._arrived, played if source_channel is self.reference else record
            )
            for source_channel in self._sourced
        ]
        self._decider: Decider | None = None
        self._decoding = threading.Thread(target=self._decode, name="decoder", daemon=True)
        self._truth: TruthWatch | None = None
        self._phase: Phase = "connecting"
        self._health_told_s = -math.inf
        self._tidied_s = started_s
        journal = recorder.journal if recorder is not None else None
        self.publisher = Publisher(config, models.heads, clock, folder, started_s, journal)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def plan(self) -> Plan | None:
        """Times of decisions; None until the sources are there."""
        return self._decider.plan if self._decider is not None else None

    @property
    def tally(self) -> Tally:
        """Counts so far."""
        return self.publisher.tally

    @property
    def _sourced(self) -> tuple[SourceChannel, ...]:
        """Every source_channel with a source, the loudspeaker's reference last."""
        known = (*self.source_channels, self.reference) if self.reference is not None else self.source_channels
        return tuple(source_channel for source_channel in known if source_channel.source is not None)

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
            wanted = self._sourced
            there = [source_channel for source_channel in wanted if source_channel.ingest is not None]
            if len(there) == len(wanted) or (self._clock.now() > give_up_s and there):
                break
            if self._clock.now() > give_up_s:
                raise MoodringError(
                    f"no source was found within {self._config.lsl.resolve_timeout_s:g} s; expected "
                    f"{', '.join(f'{channel.modality} ({channel.title})' for channel in wanted)}; on the network: "
                    f"{on_the_network()}. Start the devices, or correct the config"
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
        facts = [source_channel.ingest for source_channel in self.source_channels if source_channel.ingest is not None]
        t0_s = announced_t0_s(ingest.info.timeline for ingest in facts if ingest.info.timeline)
        plan = make_plan(plan_facts(facts, t0_s), self._config, self.reference is not None)
        self._decider = Decider(plan, self._models, self._clock)
        self.tally.eeg_filter_delay_ms = eeg_delay_ms(facts)
        self.publisher.open_outlet(self._meanings())
        if any(ingest.info.origin == SIMULATED for ingest in facts):
            self._truth = TruthWatch()
            self._truth.start()
        if self._recorder is not None:
            self._recorder.begin(plan, [ingest.info for ingest in facts])
        self._phase = "resting" if plan.rest_s > 0 else "decoding"
        self._decoding.start()

    def step(self) -> None:
        """Update the health; call about twenty times a second.

        Raises
        ------
        MoodringError
            The decoder's thread has failed.
        """
        now_s = self._clock.now()
        if now_s > self._tidied_s + _TIDY_S:
            self._tidied_s = now_s
            collect_garbage()
        for source_channel in self.source_channels:
            change = source_channel.update_health(now_s) if source_channel.source is not None else None
            if change is not None:
                self.publisher.push_health(source_channel.modality, change)
                if self._recorder is not None:
                    self._recorder.changed(source_channel.modality, change)
        if self.reference is not None:
            change = self.reference.update_health(now_s)
            if change is not None and self._recorder is not None:
                self._recorder.changed("loudspeaker", change)
        if self._decider is not None and now_s >= self._health_told_s + _HEALTH_EVERY_S:
            # Who connects late hears nothing of what was said before.
            self._health_told_s = now_s
            for source_channel in self.source_channels:
                if source_channel.source is not None:
                    self.publisher.push_health(source_channel.modality, source_channel.current_health(now_s))
        for line in self._recorder.step() if self._recorder is not None else ():
            self.publisher.push_recording(line)
        plan = self.plan
        if plan is not None and self._phase == "resting" and now_s > plan.t0_s + plan.rest_s:
            self._phase = "decoding"
        if self.error is not None:
            raise MoodringError(self.error)

    def stop(self) -> None:
        """Stop the decoder, then the sources, then the outlets; later calls do nothing."""
        if self._phase == "ended":
            return
        self._phase = "ended"
        self._stopping.set()
        with self._arrived:
            self._arrived.notify_all()
        if self._decoding.ident is not None:
            self._decoding.join(_JOIN_S)
        for thread in self._threads:
            thread.ask_to_stop()
        if self._truth is not None:
            self._truth.stop()
        for thread, source_channel in zip(self._threads, self._sourced, strict=True):
            source_channel.released = not thread.started or thread.join(_JOIN_S)
            if not source_channel.released:
                _log.warning("%s does not let go of its device", source_channel.title)
        if self._recorder is not None:
            # Before the outlets go: a recorder takes what is still on its way.
            self._recorder.stop()
        self.publisher.close()

    def release(self) -> None:
        """Release the rings' memory; call after :meth:`stop`, when no screen reads them."""
        for source_channel in self._sourced:
            if source_channel.ingest is not None and source_channel.released:
                source_channel.ingest.ring.close()
        self.publisher.rows.close()

    def snapshot(self) -> Snapshot:
        """Return the state of the session; callable from any thread."""
        now_s = self._clock.now()
        plan = self.plan
        tally = self.tally
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
            truth=self._truth.newest if self._truth is not None else None,
            decisions=tally.decisions,
            dropped_decisions=tally.dropped,
            skipped_decisions=tally.skipped,
            glimpsed_fraction=tally.glimpsed_fraction,
            latency_ms=tally.latency,
            sources=tuple(source_channel.status(now_s) for source_channel in self.source_channels),
            rings=self._places(),
            heads=self._models.heads,
            notices=self.notices + self._recording_notices(),
            rest_left_s=left_s,
            recording=self._recorder.status if self._recorder is not None else None,
            information_age_ms=tuple(tally.ages.items()),
            eeg_filter_delay_ms=tally.eeg_filter_delay_ms,
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """Permanent notices."""
        ingests = [
            source_channel.ingest for source_channel in self.source_channels if source_channel.ingest is not None
        ]
        missing = tuple(
            f"no {'loudspeaker' if source_channel is self.reference else source_channel.modality}: "
            f"{source_channel.error or f'{source_channel.title} was not found yet'}"
            for source_channel in self._sourced
            if source_channel.ingest is None and self._phase != "connecting"
        )
        return (
            domain_notices(self._models.domain, tuple(ingest.info.origin for ingest in ingests))
            + line_noise_notices(ingests)
            + self._rest_notices()
            + loudspeaker_notices(self._config.speech, ingests)
            + missing
        )

    def _rest_notices(self) -> tuple[str, ...]:
        """Return a notice where the rest is over and was too short."""
        estimate, plan = self.publisher.estimate, self.plan
        rested = plan is not None and plan.rest_s > 0 and self._config.eeg is not None
        if self._phase != "decoding" or not rested or estimate is None or estimate.calibrated:
            return ()
        return (
            "the rest held too little clean EEG to normalise to: uncalibrated; for a calibrated session start again",
        )

    def _recording_notices(self) -> tuple[str, ...]:
        """Return notices for the screens on what is no longer recorded."""
        status = self._recorder.status if self._recorder is not None else None
        if status is None:
            return ()
        stopped = () if status.error is None else (f"NOT RECORDING: {status.error}",)
        return stopped if status.news is None else (*stopped, f"recording: {status.news}")

    def _fitting(self, info: SourceInfo) -> StreamIngest:
        check_fit(self._models, info, self._config)
        return self._make_ingest(info)

    def _raise_failures(self) -> None:
        errors = [source_channel.error for source_channel in self._sourced if source_channel.error is not None]
        if errors:
            raise MoodringError("; ".join(errors))

    def _await_data(self, asked_to_stop: threading.Event) -> None:
        """Wait for the first samples, which determine t0."""
        ingests = [
            (source_channel, source_channel.ingest)
            for source_channel in self.source_channels
            if source_channel.ingest is not None
        ]
        begin_s = self._clock.now()
        while not asked_to_stop.is_set():
            self.step()
            self._raise_failures()
            silent = [source_channel for source_channel, ingest in ingests if ingest.figures.first_s is None]
            waited_s = self._clock.now() - begin_s
            if not silent or (waited_s > _FIRST_DATA_S and len(silent) < len(ingests)):
                return
            if waited_s > max(_FIRST_DATA_S, self._config.lsl.resolve_timeout_s):
                raise MoodringError(
                    f"{', '.join(channel.title for channel in silent)}: connected, and no sample came within "
                    f"{waited_s:.0f} s; "
                    "start the device's stream"
                )
            self._clock.sleep(_NAP_S)

    def _meanings(self) -> tuple[tuple[str, str], ...]:
        models = self._models
        return (
            ("target", models.target),
            ("domain", ", ".join(models.domain)),
            *(("bundle_sha256", bundle.sha256) for bundle in models.bundles),
            *(("notice", notice) for notice in self.notices),
        )

    def _places(self) -> tuple[RingPlace, ...]:
        if self._folder is None:
            return ()
        rings: list[tuple[str, Ring]] = [
            (source_channel.modality, source_channel.ingest.ring)
            for source_channel in self.source_channels
            if source_channel.ingest is not None
        ]
        rings.append(("estimates", self.publisher.rows))
        return tuple(RingPlace(name, str(ring.path)) for name, ring in rings)

    def _decode(self) -> None:
        decider = self._decider
        if decider is None:
            return
        try:
            self._decide_all(decider)
        except MoodringError as error:
            self.error = str(error)
        except Exception as error:
            # Whatever it was ends the session with one line; the journal holds every decision made before.
            _log.exception("decoder")
            self.error = f"the decoder failed: {type(error).__name__}: {error}"

    def _decide_all(self, decider: Decider) -> None:
        plan = decider.plan
        lateness_s = self._config.decisions.lateness_s
        k = max(plan.first, math.ceil((self._clock.now() - plan.t0_s) / plan.interval_s))
        while not self._stopping.is_set():
            k, left_out = next_decision(plan, k, self._clock.now(), lateness_s)
            self.tally.skipped += left_out
            time_s = plan.time_s(k)
            if not self._await(time_s, lateness_s):
                return
            self.publisher.publish(decider.decide(time_s, self._inputs(), self.notices))
            k += 1

    def _inputs(self) -> dict[str, ModalityInput]:
        inputs = {source_channel.modality: source_channel.modality_input for source_channel in self.source_channels}
        if self.reference is not None:
            inputs[LOUDSPEAKER] = self.reference.modality_input
        return {modality: modality_input for modality, modality_input in inputs.items() if modality_input is not None}

    def _await(self, time_s: float, lateness_s: float) -> bool:
        """Wait until all flowing sources passed a time, or for the lateness bound; False when stopping."""
        while (early_s := time_s - self._clock.now()) > 0:
            if self._stopping.wait(min(early_s, 0.5)):
                return False
        flowing = [channel for channel in self._sourced if not channel.has_passed(time_s)]
        with self._arrived:
            while not self._stopping.is_set():
                left_s = time_s + lateness_s - self._clock.now()
                if left_s <= 0 or all(channel.has_passed(time_s) for channel in flowing):
                    return True
                self._arrived.wait(left_s)
        return False
