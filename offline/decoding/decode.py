"""Decode a recording as fast as possible: the engine's own ingests and decider on a virtual clock, in one thread."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig, ModelsSection
from ...configs.schema.load import load
from ...models.contract import Estimate, Recording, Signal, Video, at_publication
from ...models.decoders.loading import (
    Models,
    check_fit,
    domain_notices,
    line_noise_notices,
    load_models,
    loudspeaker_notices,
)
from ...models.io.journal import Journal
from ...models.streaming.clock import VirtualClock
from ...models.streaming.decider import Decider
from ...models.streaming.decoder import DecoderFactory
from ...models.streaming.ingest import ingest_factory
from ...models.streaming.schedule import Plan, eeg_delay_ms, make_plan, plan_facts
from ...models.streaming.source_channel import SourceChannel
from ...models.streaming.summary import STAGES, Costs, Tally, summarise
from .recorded_sources import RecordedSignal, RecordedVideo

_STEP_S = 0.5
_DEMO_CONFIG = Path(__file__).parents[2] / "configs" / "demo.toml"


@dataclass(frozen=True)
class Decoded:
    """The result of :func:`decode`.

    Attributes
    ----------
    estimates : tuple of Estimate
        On the recording's own clock.
    glimpsed_fraction : float or None
    summary : dict
        As ``--json`` of a live session; times count from the recording's t0, and costs are not measured.
    plan : Plan
    """

    estimates: tuple[Estimate, ...]
    glimpsed_fraction: float | None
    summary: dict[str, Any]
    plan: Plan


def decode(
    recording: Recording,
    config: LiveConfig,
    *,
    models: Models | None = None,
    only: tuple[str, ...] | None = None,
    factories: Sequence[DecoderFactory] = (),
) -> Decoded:
    """Decode a recording with the code, the decision times and the rules of a live session.

    Parameters
    ----------
    recording : Recording
    config : LiveConfig
        Its models, decisions, journal, and how the EEG is treated; where its sources are does not matter.
    models : Models or None
        Loaded before, to decode many recordings with; they are reset. None loads those of the config.
    only : tuple of modalities or None
        What to use of what the recording holds; None uses all.
    factories : sequence of DecoderFactory
        For bundles of further kinds.

    Raises
    ------
    MoodringError
        The recording holds none of them, or the bundle does not fit it.
    """
    clock = VirtualClock(recording.t0_s)
    source_channels = _source_channels(recording, only, clock)
    reference = _reference(recording, source_channels, clock)
    for source_channel in (*source_channels, reference) if reference is not None else source_channels:
        source_channel.started_s = recording.t0_s
    models = models or load_models(config, tuple(one.modality for one in source_channels), clock, factories)
    make = ingest_factory(config.eeg, None)
    for source_channel in source_channels:
        info = source_channel.source.open() if source_channel.source is not None else None
        if info is not None:
            check_fit(models, info, config)
            source_channel.ingest = make(info)
    if reference is not None and reference.source is not None and (info := reference.source.open()) is not None:
        reference.ingest = make(info)
    try:
        return _decode(recording, config, models, source_channels, reference, clock)
    finally:
        for source_channel in (*source_channels, reference) if reference is not None else source_channels:
            if source_channel.ingest is not None:
                source_channel.ingest.ring.close()


def decode_with(recording: Recording, models: ModelsSection) -> Decoded:
    """Decode a recording with chosen models and the other settings of ``configs/demo.toml``, on one thread of torch.

    A function of the module, so that it can be sent to worker processes.
    """
    import torch

    torch.set_num_threads(1)
    return decode(recording, load(_DEMO_CONFIG, LiveConfig).model_copy(update={"models": models}))


def _decode(
    recording: Recording,
    config: LiveConfig,
    models: Models,
    source_channels: tuple[SourceChannel, ...],
    reference: SourceChannel | None,
    clock: VirtualClock,
) -> Decoded:
    first_s, last_s = _span(recording, source_channels)
    sources = (*source_channels, reference) if reference is not None else source_channels
    _run_to(clock, sources, first_s)
    ingests = [source_channel.ingest for source_channel in source_channels if source_channel.ingest is not None]
    declared = config.speech is not None and config.speech.reference is not None
    referenced = declared or reference is not None
    plan = make_plan(replace(plan_facts(ingests), t0_s=recording.t0_s), config, referenced)
    decider = Decider(plan, models, clock)
    notices = domain_notices(models.domain, tuple(ingest.info.origin for ingest in ingests))
    notices += () if referenced else loudspeaker_notices(config.speech, ingests)
    tally = Tally(models.heads, eeg_filter_delay_ms=eeg_delay_ms(ingests))
    estimates: list[Estimate] = []
    with Journal(config.journal) if config.journal is not None else nullcontext() as journal:
        k = plan.first
        while (time_s := plan.time_s(k)) <= last_s + 1e-6:
            # Samples whose smoothed stamps lie before a decision may come with raw ones behind it, as they do live.
            _run_to(clock, sources, time_s + config.decisions.lateness_s)
            inputs = {
                source_channel.modality: modality_input
                for source_channel in source_channels
                if (modality_input := source_channel.modality_input) is not None
            }
            if reference is not None and reference.modality_input is not None:
                inputs["loudspeaker"] = reference.modality_input
            estimate = decider.decide(time_s, inputs, notices + line_noise_notices(ingests))
            estimate = at_publication(estimate, clock.now())
            estimates.append(estimate)
            tally.add(estimate, recording.t0_s)
            if journal is not None:
                journal.append(estimate)
            k += 1
    statuses = [source_channel.status(clock.now()) for source_channel in _all_source_channels(source_channels)]
    costs, said = Costs(None, None), notices + line_noise_notices(ingests)
    summary = summarise(tally, recording.t0_s, clock.now(), statuses, costs, models.domain, models.bundles, said)
    # On the virtual clock there is nothing to measure.
    summary["latency_ms"] = {"sample_to_estimate": {"p50": None, "p99": None}, "stages": dict.fromkeys(STAGES)}
    return Decoded(tuple(estimates), estimates[-1].glimpsed_fraction if estimates else None, summary, plan)


def _source_channels(
    recording: Recording, only: tuple[str, ...] | None, clock: VirtualClock
) -> tuple[SourceChannel, ...]:
    source_channels = []
    for modality, held in _held(recording).items():
        if not len(held.stamps_s) or (only is not None and modality not in only):
            continue
        if isinstance(held, Video):
            video = RecordedVideo(held, recording, clock)
            source_channels.append(SourceChannel(modality, held.name, video, picture=video.picture))
        else:
            source_channels.append(SourceChannel(modality, held.name, RecordedSignal(modality, held, recording, clock)))
    if not source_channels:
        wanted = ", ".join(("eeg", "face", "speech") if only is None else only)
        raise MoodringError(f"recording '{recording.name}' holds none of {wanted}; choose among what it holds")
    return tuple(source_channels)


def _held(recording: Recording) -> dict[str, Signal | Video]:
    """Return what a recording holds, by modality."""
    own = {"eeg": recording.eeg, "face": recording.face, "speech": recording.speech, **recording.signals}
    return {modality: held for modality, held in own.items() if held is not None}


def _reference(
    recording: Recording, source_channels: tuple[SourceChannel, ...], clock: VirtualClock
) -> SourceChannel | None:
    """Make the source_channel of what the loudspeaker played, where it was recorded and the voice is decoded."""
    played = recording.loudspeaker
    if (
        played is None
        or not len(played.stamps_s)
        or all(source_channel.modality != "speech" for source_channel in source_channels)
    ):
        return None
    return SourceChannel("speech", played.name, RecordedSignal("speech", played, recording, clock))


def _all_source_channels(source_channels: tuple[SourceChannel, ...]) -> tuple[SourceChannel, ...]:
    """Return the standard sources, absent ones too, and then the further ones."""
    known = {source_channel.modality: source_channel for source_channel in source_channels}
    standard = tuple(known.pop(name, SourceChannel(name, "absent", None)) for name in ("eeg", "face", "speech"))
    return (*standard, *known.values())


def _span(recording: Recording, source_channels: tuple[SourceChannel, ...]) -> tuple[float, float]:
    """Return the first and the last stamp of what is decoded."""
    held = _held(recording)
    stamps = [held[source_channel.modality].stamps_s for source_channel in source_channels]
    return min(float(one[0]) for one in stamps), max(float(one[-1]) for one in stamps)


def _run_to(clock: VirtualClock, source_channels: tuple[SourceChannel, ...], time_s: float) -> None:
    """Let time pass in small steps, so that health is judged as it is live."""
    while True:
        clock.advance_to(min(time_s, clock.now() + _STEP_S))
        for source_channel in source_channels:
            while (
                source_channel.source is not None
                and source_channel.ingest is not None
                and (chunk := source_channel.source.poll()) is not None
            ):
                source_channel.ingest.append(chunk)
            source_channel.update_health(clock.now())
        if clock.now() >= time_s:
            return
