"""Decode a recording as fast as possible: the engine's own ingest and decider on a virtual clock, in one thread."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig, ModelsSection
from ...configs.schema.load import load
from ...models.contract import SIMULATED, STANDARD_MODALITIES, Estimate, Recording, at_publication
from ...models.decoders.calibrated import calibration_notices
from ...models.decoders.session_models import (
    Models,
    check_fit,
    domain_notices,
    enrolment_notices,
    line_noise_notices,
    load_models,
    loudspeaker_notices,
    montage_notices,
    needed_rest_notices,
    origins_of,
)
from ...models.io.journal import Journal
from ...models.io.ring import rings_in
from ...models.signals.eeg.stream_layout import with_settings
from ...models.streaming.clock import VirtualClock
from ...models.streaming.decider import LOUDSPEAKER, Decider
from ...models.streaming.decision_schedule import ModalityInput, Plan, eeg_delay_ms, make_plan, plan_facts
from ...models.streaming.decoder import DecoderFactory
from ...models.streaming.ingest.source_channel import SourceChannel
from ...models.streaming.ingest.stream_ingest import ingest_factory
from ...models.streaming.summary import Costs, summarise
from ...models.streaming.tally import STAGES, Tally
from .playback import Playback

_log = logging.getLogger(__name__)
_SAME_TIME_S = 1e-3
_JOURNAL_CUT_S = 2.0  # a live session ends within a decision or two of its last samples
_LONGEST_SILENCE_S = 300.0  # a live session makes decisions through any silence, but somebody would be there
_CONFIGS = Path(__file__).parents[2] / "configs"


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
    held_s : float
        From the first sample to the last.
    """

    estimates: tuple[Estimate, ...]
    glimpsed_fraction: float | None
    summary: dict[str, Any]
    plan: Plan
    held_s: float

    @property
    def too_short(self) -> str:
        """Return why a recording without decisions has none, for the user."""
        return (
            f"the recording holds {self.held_s:.1f} s, and the first decision is made after the warm-up; record "
            "longer, or shorten it: --set decisions.warmup_s=1"
        )


def decode(
    recording: Recording,
    config: LiveConfig,
    *,
    models: Models | None = None,
    only: tuple[str, ...] | None = None,
    factories: Sequence[DecoderFactory] = (),
    journal: Sequence[Estimate] = (),
    progress: Callable[[float], None] = lambda _: None,
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
    journal : sequence of Estimate
        The decisions of the session that was recorded, to follow: each is made again from just the samples that it was
        made from. Without them, and where the recording does not know how its samples arrived, decisions are made when
        a live session would make them.
    progress : callable
        Told after each decision how much of the recording is decoded, 0 to 1; what it raises ends the decoding.

    Raises
    ------
    MoodringError
        The recording holds none of them, the bundle does not fit it, or the journal belongs to another session.
    """
    if recording.eeg is not None and (only is None or "eeg" in only):
        eeg = with_settings(recording.eeg, config.eeg, recording.eeg_settings)
        recording = replace(recording, eeg=eeg)
    clock = VirtualClock(recording.t0_s)
    playback = Playback(recording, only, clock)
    modalities = tuple(key for key in playback.channels if key != LOUDSPEAKER)
    if not modalities:
        wanted = ", ".join(only or STANDARD_MODALITIES)
        raise MoodringError(f"recording '{recording.name}' holds none of {wanted}; choose among what it holds")
    models = models or load_models(config, modalities, factories)
    make = ingest_factory(config.eeg, rings_in(None), config.memory.rings_gb)
    try:
        for key, channel in playback.channels.items():
            info = channel.source.open() if channel.source is not None else None
            if info is not None:
                if key != LOUDSPEAKER:
                    check_fit(models, info, config)
                channel.ingest = make(info)
        followed = journal if playback.arrivals_known else ()
        return _decode(recording, config, models, playback, clock, followed, progress)
    finally:
        playback.close()


def decode_with(recording: Recording, models: ModelsSection) -> Decoded:
    """Decode a recording with chosen models and the other settings of :func:`default_config`, on one thread of torch.

    A function of the module, so that it can be sent to worker processes.
    """
    import torch

    torch.set_num_threads(1)
    return decode(recording, default_config(recording).model_copy(update={"models": models}))


def default_config(recording: Recording, overrides: Sequence[str] = ()) -> LiveConfig:
    """Return the settings of a recording that came with none and that nobody gave any for.

    Those of ``configs/replay.toml``; of ``configs/demo.toml`` where the recording says that it is simulated. There is a
    rest only where the recording or an override says so.

    Parameters
    ----------
    recording : Recording
    overrides : sequence of str
        ``KEY=VALUE`` as of ``--set``.
    """
    name = "demo.toml" if recording.origin == SIMULATED else "replay.toml"
    return load(_CONFIGS / name, LiveConfig, overrides, defaults=("decisions.rest_s=0",))


def _decode(
    recording: Recording,
    config: LiveConfig,
    models: Models,
    playback: Playback,
    clock: VirtualClock,
    journal: Sequence[Estimate],
    progress: Callable[[float], None],
) -> Decoded:
    if journal:
        playback.ingest_counts(recording.t0_s, journal[0].ring_samples)
    else:
        playback.run_to(playback.first_s)
    ingests = [
        channel.ingest
        for key, channel in playback.channels.items()
        if key != LOUDSPEAKER and channel.ingest is not None
    ]
    declared = config.speech is not None and config.speech.reference is not None
    referenced = declared or LOUDSPEAKER in playback.channels
    plan = make_plan(replace(plan_facts(ingests), t0_s=recording.t0_s), config, referenced)
    if journal and not _has_its_interval(journal, plan, recording):
        _log.warning("the journal has decisions at other times than every %g s; it is not followed", plan.interval_s)
        journal = ()
    origins = origins_of(ingests)
    notices = domain_notices(models, origins) + calibration_notices(models.decoders, recording.participant)
    notices += montage_notices(ingests)
    models = models.of_people(origins)
    # As live: estimates name the bundles that decode whoever was recorded.
    decider = Decider(plan, models, clock)
    notices += () if referenced else loudspeaker_notices(config.speech, ingests)
    notices += needed_rest_notices(models.decoders, plan.rest_s)
    notices += enrolment_notices(config.speech) if "speech" in playback.channels else ()
    tally = Tally(models.heads, eeg_filter_delay_ms=eeg_delay_ms(ingests))
    estimates: list[Estimate] = []
    with Journal(config.journal) if config.journal is not None else nullcontext() as written:
        for time_s, inputs in _decisions(plan, config, playback, journal):
            estimate = decider.decide(time_s, inputs, notices + line_noise_notices(ingests))
            estimate = at_publication(estimate, clock.now())
            estimates.append(estimate)
            tally.add(estimate, recording.t0_s)
            progress(min(max(time_s - recording.t0_s, 0.0) / max(playback.last_s - recording.t0_s, 1e-6), 1.0))
            if written is not None:
                written.append(estimate)
    absent = {modality: SourceChannel(modality, "absent", None) for modality in STANDARD_MODALITIES}
    channels = {key: channel for key, channel in playback.channels.items() if key != LOUDSPEAKER}
    statuses = [channel.status(clock.now()) for channel in {**absent, **channels}.values()]
    costs, final_notices = Costs(None, None), notices + line_noise_notices(ingests)
    summary = summarise(
        tally,
        recording.t0_s,
        clock.now(),
        statuses,
        costs,
        models.domain,
        models.bundles,
        final_notices,
        None,
        plan.rest_s,
    )
    # On the virtual clock there is nothing to measure.
    summary["latency_ms"] = {"sample_to_estimate": {"p50": None, "p99": None}, "stages": dict.fromkeys(STAGES)}
    held_s = playback.last_s - playback.first_s
    return Decoded(tuple(estimates), tally.glimpsed_fraction, summary, plan, held_s)


def _decisions(
    plan: Plan, config: LiveConfig, playback: Playback, journal: Sequence[Estimate]
) -> Iterator[tuple[float, dict[str, ModalityInput]]]:
    """Yield the data time of each decision and what it sees: those of a journal, or those that live would make.

    Where a journal was cut, decisions go on as they would be made live.
    """
    for entry in journal:
        time_s = plan.time_s(round(entry.session_time_s / plan.interval_s))
        playback.ingest_counts(time_s, entry.ring_samples)
        yield time_s, playback.inputs(entry.ring_samples)
    k = plan.first
    if journal:
        k = round(journal[-1].session_time_s / plan.interval_s) + 1
        missing_s = playback.last_s - plan.time_s(k - 1)
        if missing_s < _JOURNAL_CUT_S:
            return
        _log.warning("the journal ends %.1f s before the recording; the rest is decoded as it would be live", missing_s)
    while (time_s := plan.time_s(k)) <= playback.last_s + 1e-6:
        silent_s = playback.silence_s(time_s)
        if silent_s > _LONGEST_SILENCE_S:
            # A damaged stamp may lie days behind all others: work follows the samples, not what they claim.
            _log.warning("nothing came for %.0f s of the recording; no decision is made in it", silent_s)
            k += math.floor(silent_s / plan.interval_s)
            continue
        playback.wait_for(time_s, config.decisions.lateness_s)
        yield time_s, playback.inputs()
        k += 1


def _has_its_interval(journal: Sequence[Estimate], plan: Plan, recording: Recording) -> bool:
    """Return whether a journal's decisions are those of the plan; raise MoodringError where its t0 is another."""
    t0_s = journal[0].time_s - journal[0].session_time_s
    if abs(t0_s - plan.t0_s) > _SAME_TIME_S:
        raise MoodringError(
            f"the journal has its t0 at {t0_s:.3f} s and recording '{recording.name}' at {plan.t0_s:.3f} s; it belongs "
            "to another session: leave it out, or give its own"
        )
    counts = np.array([entry.session_time_s for entry in journal]) / plan.interval_s
    on_grid = bool(np.abs(counts - np.rint(counts)).max() * plan.interval_s <= _SAME_TIME_S)
    # Decisions may have been left out, but hardly every other one.
    return on_grid and (len(counts) < 2 or bool(np.diff(counts).min() < 1.5))
