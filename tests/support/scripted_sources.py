"""Sources on the virtual clock that misbehave when told to, and a session of them without threads.

The session is the live one in small: each source is polled into its own ingest, health is judged, and a decision is
made as soon as every source that delivers has passed its time, or the lateness bound is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
from moodring.models.contract import Estimate, at_publication
from moodring.models.decoders.session_models import Models
from moodring.models.io.ring import rings_in
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decider import Decider
from moodring.models.streaming.decision_schedule import Plan, make_plan, plan_facts
from moodring.models.streaming.ingest.source_channel import SourceChannel
from moodring.models.streaming.ingest.source_connection import SourceConnection
from moodring.models.streaming.ingest.sources import Chunk, SourceGoneError, SourceInfo, SourceUnfitError
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.models.streaming.tally import Tally

BEGIN_S = 1000.0
STEP_S = 0.02
LATENCY_S = 0.02
EEG_NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
INFOS = {
    "eeg": SourceInfo("eeg", "amplifier", 256.0, (10,), "<f4", EEG_NAMES, origin="simulated"),
    "face": SourceInfo("face", "camera", 25.0, (24, 32, 3), "|u1", origin="simulated"),
    "speech": SourceInfo("speech", "microphone", 16000.0, (1,), "<f4", ("audio",), origin="simulated"),
}
CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amplifier")))


class ScriptedSource:
    """A device on a virtual clock: sample n is a function of n, and its methods are what goes wrong.

    Parameters
    ----------
    modality : str
    clock : VirtualClock

    Attributes
    ----------
    withheld : int
        Samples that were due and never came.
    """

    def __init__(self, modality: str, clock: VirtualClock) -> None:
        self.info = INFOS[modality]
        self.withheld = 0
        self._clock = clock
        self._sent = 0
        # Sample `first` is taken at `begin_s`; the device runs `speed` times as fast as the virtual clock.
        self._begin_s, self._first, self._speed = clock.now(), 0, 1.0
        self._jump_s = 0.0
        self._gone, self._paused = False, False
        self._channels: int | None = None
        self._twins = 0
        self._halve_until_s = self._flood_until_s = 0.0

    def open(self) -> SourceInfo | None:
        """Return what it is now; None while it is gone.

        Raises
        ------
        SourceUnfitError
            Two of its name are there.
        """
        if self._gone and self._twins > 1:
            raise SourceUnfitError(
                "audio stream matches 2 streams: 'voice' (source_id twin-1), 'voice' (source_id twin-2)"
            )
        if self._gone:
            return None
        if self._channels is not None:
            names = self.info.channel_names[: self._channels]
            return replace(self.info, shape=(self._channels,), channel_names=names)
        return self.info

    def close(self) -> None:
        """Hold nothing."""

    def poll(self) -> Chunk | None:
        """Return what has come.

        Raises
        ------
        SourceGoneError
            It is gone, or came back as something else.
        """
        if self._gone or self._channels is not None:
            raise SourceGoneError(f"{self.info.name} is gone")
        if self._paused or (due := self._due()) <= self._sent:
            return None
        now_s = self._clock.now()
        numbers = np.arange(self._sent, due)
        self._sent = due
        if now_s < self._halve_until_s:
            self.withheld += int((numbers % 2).sum())
            numbers = numbers[numbers % 2 == 0]
        if not len(numbers):
            return None
        stamps_s = self._begin_s + (numbers - self._first) / (self.info.rate_hz * self._speed) + self._jump_s
        samples = self._samples(numbers)
        if now_s < self._flood_until_s:
            samples[:] = np.nan
        return Chunk(samples, stamps_s, now_s)

    def kill(self) -> None:
        """Be gone; where twins of its name are there, the name is ambiguous."""
        self._lose_what_is_due()
        self._gone, self._channels = True, None

    def start(self, channels: int | None = None) -> None:
        """Come back, with another number of channels where one is given."""
        self._lose_what_is_due()
        self._gone, self._channels = False, channels

    def pause(self) -> None:
        """Send nothing until :meth:`resume`; samples wait, pictures are dropped."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        if self.info.modality == "face":
            self._lose_what_is_due()

    def double(self) -> None:
        """Let two others come under its name."""
        self._twins = 2

    def end_twin(self) -> None:
        """Leave one of them, which is taken for it."""
        self._twins = 1
        self.start()

    def halve(self, for_s: float) -> None:
        """Send every other sample only, for a while."""
        self._halve_until_s = self._clock.now() + for_s

    def flood(self, for_s: float) -> None:
        """Send NaN for a while."""
        self._flood_until_s = self._clock.now() + for_s

    def jump(self, by_s: float) -> None:
        """Set the device's clock anew."""
        self._jump_s += by_s

    def drift(self, ppm: float) -> None:
        """Let the device's clock run fast from now on."""
        self._begin_s += (self._sent - self._first) / (self.info.rate_hz * self._speed)
        self._first, self._speed = self._sent, 1.0 + ppm * 1e-6

    def _due(self) -> int:
        taken_s = self._clock.now() - LATENCY_S - self._begin_s
        return self._first + int(np.floor(taken_s * self.info.rate_hz * self._speed + 1e-6)) + 1 if taken_s >= 0 else 0

    def _lose_what_is_due(self) -> None:
        due = max(self._due(), self._sent)
        self.withheld += due - self._sent
        self._sent = due

    def _samples(self, numbers: np.ndarray) -> np.ndarray:
        moments_s = numbers[:, None] / self.info.rate_hz
        if self.info.modality == "eeg":
            phases = np.arange(10)[None, :]
            noise = 7.0 * np.sin(numbers[:, None] * (1.7 + phases) ** 2)
            return (15.0 * np.sin(2 * np.pi * 10.0 * moments_s + phases) + noise).astype(np.float32)
        if self.info.modality == "speech":
            loud = 0.3 * (moments_s % 6.0 < 3.0) + 0.01
            return (loud * np.sin(2 * np.pi * 200.0 * moments_s)).astype(np.float32)
        grey = (numbers % 251).astype(np.uint8)
        return np.broadcast_to(grey[:, None, None, None], (len(numbers), *self.info.shape)).copy()


@dataclass(frozen=True)
class Decision:
    """A decision, and when it was made."""

    k: int
    at_s: float
    estimate: Estimate


class ScriptedSession:
    """A live session of scripted sources, in one thread on the virtual clock.

    Parameters
    ----------
    models : Models
    clock : VirtualClock
        At :data:`BEGIN_S`.
    sources : sequence of ScriptedSource
    config : LiveConfig

    Attributes
    ----------
    decisions : list of Decision
    chunks : dict of modality to list of Chunk
        As they came, what a recorder would be given.
    """

    def __init__(
        self, models: Models, clock: VirtualClock, sources: Sequence[ScriptedSource], config: LiveConfig = CONFIG
    ) -> None:
        self.clock = clock
        self.sources = {source.info.modality: source for source in sources}
        self.decisions: list[Decision] = []
        self.tally = Tally(models.heads)
        self._models, self._config = models, config
        make = ingest_factory(config.eeg, rings_in(None))
        self.channels = tuple(
            SourceChannel(modality, modality, self.sources.get(modality), started_s=BEGIN_S) for modality in INFOS
        )
        self.chunks: dict[str, list[Chunk]] = {modality: [] for modality in self.sources}
        self._connections = {
            modality: SourceConnection(channel, self.sources[modality], make)
            for channel in self.channels
            if (modality := channel.modality) in self.sources
        }
        self._decider: Decider | None = None
        self._k = 0

    def run_for(self, seconds: float, look: Any = lambda: None) -> None:
        """Let time pass; ``look`` is called after each step."""
        end_s = self.clock.now() + seconds
        while self.clock.now() < end_s - 1e-9:
            self.clock.sleep(STEP_S)
            for channel in self.channels:
                if channel.source is not None:
                    self._poll(channel)
                    channel.update_health(self.clock.now())
            self._decide()
            look()

    def close(self) -> None:
        for channel in self._connected:
            channel.ingest.ring.close()

    @property
    def plan(self) -> Plan | None:
        """The session's times; None before its first decision was planned."""
        return None if self._decider is None else self._decider.plan

    @property
    def _connected(self) -> list[SourceChannel]:
        return [channel for channel in self.channels if channel.ingest is not None]

    def _poll(self, channel: SourceChannel) -> None:
        try:
            chunk = self._connections[channel.modality].poll()
        except SourceUnfitError as error:
            channel.error = str(error)
            return
        if chunk is not None:
            self.chunks[channel.modality].append(chunk)

    def _decide(self) -> None:
        if self._decider is None:
            ingests = [channel.ingest for channel in self.channels if channel.source is not None]
            if any(ingest is None or ingest.figures.first_s is None for ingest in ingests):
                return
            plan = make_plan(plan_facts(ingests), self._config, loudspeaker=False)
            self._decider = Decider(plan, self._models, self.clock)
            self._k = plan.first
        time_s, now_s = self._decider.plan.time_s(self._k), self.clock.now()
        passed = all(channel.has_passed(time_s) for channel in self._connected)
        if now_s < time_s or not (passed or now_s >= time_s + self._config.decisions.lateness_s - 1e-9):
            return
        inputs = {channel.modality: channel.modality_input for channel in self._connected}
        inputs = {modality: given for modality, given in inputs.items() if given is not None}
        estimate = at_publication(self._decider.decide(time_s, inputs, ()), now_s)
        self.tally.add(estimate, self._decider.plan.t0_s)
        self.decisions.append(Decision(self._k, now_s, estimate))
        self._k += 1
