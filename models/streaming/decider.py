"""One decision: from the samples up to a data time to a complete estimate. The same code live and on recordings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...configs.schema.errors import MoodringError
from ..contract import Estimate, Head, HeadOutput, Ledger, SampleRange
from ..contract.specs import NOT_FINITE, ContractError, NotFiniteError
from . import alignment
from .clock import Clock
from .decision_schedule import ModalityInput, Plan
from .decoder import DecoderStep, Fusion, StreamingDecoder

if TYPE_CHECKING:
    from ..decoders.session_models import Models

LOUDSPEAKER = "loudspeaker"
"""Key of the loudspeaker's reference among the inputs."""
SPEAKING = "the participant speaks"


class Decider:
    """Make the decisions of one session, in order. Constructing it resets the decoders to a new person.

    Parameters
    ----------
    plan : Plan
    models : Models
    clock : Clock
    """

    def __init__(self, plan: Plan, models: Models, clock: Clock) -> None:
        self.plan = plan
        self._decoders: Sequence[StreamingDecoder] = models.decoders
        self._fusion: Fusion | None = models.fusion
        self._clock = clock
        self._bundles = tuple(bundle.sha256 for bundle in models.bundles)
        self._stops: dict[str, int] = {}
        self._spoken_s = -math.inf
        for decoder in self._decoders:
            decoder.start(plan, clock)
        if self._fusion is not None:
            self._fusion.start()

    def decide(self, time_s: float, inputs: Mapping[str, ModalityInput], notices: tuple[str, ...]) -> Estimate:
        """Return the estimate of one data time from the samples up to it.

        The estimate counts as published the moment it is made;
        :func:`~moodring.models.contract.at_publication` moves it to a later one.

        Parameters
        ----------
        time_s : float
            Later than the one before.
        inputs : mapping of modality to ModalityInput
            Those that have samples; ``"loudspeaker"`` is what the loudspeaker plays.
        notices : tuple of str

        Raises
        ------
        MoodringError
            A decoder answers against the contract: other heads than its bundle's, or impossible probabilities.
        """
        started_s = self._clock.now()
        stops = {modality: alignment.stop_at(one.ring, time_s) for modality, one in inputs.items()}
        steps = [_checked_step(decoder, time_s, inputs) for decoder in self._decoders]
        used = tuple(modality for modality in inputs if any(modality in step.described_s for step in steps))
        hearing = next((step.hearing for step in steps if step.hearing is not None), None)
        degraded = self._degraded(time_s, steps)
        done_s = self._clock.now()
        heads = tuple(_with_ages(head, step, done_s) for step in steps for head in step.heads)
        if self._fusion is not None:
            heads = (*heads, *_fused(self._fusion, time_s, done_s, heads, degraded is not None))
        received_s = max((_received_s(inputs[modality], stops[modality]) for modality in used), default=-math.inf)
        ring_s = started_s + sum(step.cutting_s for step in steps)
        features_s = ring_s + sum(step.features_s for step in steps)
        return Estimate(
            time_s=time_s,
            session_time_s=time_s - self.plan.t0_s,
            heads=heads,
            used=used,
            looks=tuple(look for step in steps for look in step.looks),
            calibrated=any(step.calibrated for step in steps),
            ranges=self._ranges(steps, stops),
            ledger=Ledger(received_s if math.isfinite(received_s) else started_s, ring_s, features_s, done_s, done_s),
            bundles=self._bundles,
            notices=notices,
            hearing=hearing,
            degraded=degraded,
            glimpsed_fraction=next((s.glimpsed_fraction for s in steps if s.glimpsed_fraction is not None), None),
            band_attention=next((s.band_attention for s in steps if s.band_attention is not None), None),
            periphery=tuple(one for step in steps for one in step.periphery),
            face_readings=tuple(one for step in steps for one in step.face_readings),
            domain_distances=tuple(one for step in steps for one in step.domain_distances),
            ablations=tuple(one for step in steps for one in step.ablations),
            ring_samples={modality: one.ring.count for modality, one in inputs.items()},
        )

    def _degraded(self, time_s: float, steps: Sequence[DecoderStep]) -> str | None:
        """Return why felt answers deserve less trust: the participant spoke while their windows were recorded."""
        if any(step.hearing is not None and step.hearing.speaking for step in steps):
            self._spoken_s = time_s
        disturbed = any(
            step.disturbed_by_speech_s and self._spoken_s > time_s - step.disturbed_by_speech_s for step in steps
        )
        return SPEAKING if disturbed else None

    def _ranges(self, steps: Sequence[DecoderStep], stops: Mapping[str, int]) -> dict[str, SampleRange]:
        """Return the samples of each stream that a decoder reads: from the earliest touched, or the first new one."""
        ranges: dict[str, SampleRange] = {}
        read = {modality for decoder in self._decoders for modality in decoder.spec.modalities}
        for modality, stop in stops.items():
            if modality not in read:
                continue
            firsts = [step.first[modality] for step in steps if modality in step.first]
            before = self._stops.get(modality, min(firsts, default=0))
            found = alignment.sample_range(min([before, stop, *firsts]), stop)
            if found is not None:
                ranges[modality] = found
            self._stops[modality] = stop
        return ranges


def _checked_step(decoder: StreamingDecoder, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
    """Run one decoder; raise MoodringError where its answer misuses the contract.

    Where its answer is no finite number, all its heads abstain.
    """
    spec = decoder.spec
    try:
        step = decoder.step(time_s, inputs)
    except NotFiniteError:
        return DecoderStep(_not_finite(spec.outputs))
    except ContractError as error:
        raise MoodringError(
            f"decoder of bundles of kind '{spec.kind}' answered against the contract: {error}"
        ) from error
    if [(head.name, head.classes) for head in step.heads] != [(head.name, head.classes) for head in spec.outputs]:
        raise MoodringError(
            f"decoder of bundles of kind '{spec.kind}' answered {_listed(step.heads)}; its bundle has "
            f"{_listed(spec.outputs)}: answer each head of the spec, in its order"
        )
    return step


def _fused(
    fusion: Fusion, time_s: float, now_s: float, heads: tuple[HeadOutput, ...], speaking: bool
) -> tuple[HeadOutput, ...]:
    try:
        return fusion.fuse(time_s, now_s, heads, speaking)
    except NotFiniteError:
        return _not_finite(fusion.heads)


def _not_finite(heads: Sequence[Head]) -> tuple[HeadOutput, ...]:
    return tuple(HeadOutput(head.name, head.construct, head.classes, abstained=NOT_FINITE) for head in heads)


def _listed(heads: Sequence[Head | HeadOutput]) -> str:
    return ", ".join(f"{head.name} ({', '.join(head.classes) or 'a value'})" for head in heads) or "no head"


def _with_ages(head: HeadOutput, step: DecoderStep, now_s: float) -> HeadOutput:
    return replace(head, ages_s={modality: now_s - moment_s for modality, moment_s in step.described_s.items()})


def _received_s(modality_input: ModalityInput, stop: int) -> float:
    newest = modality_input.ring.between(stop - 1, stop)
    return float(newest.received_s[-1]) if len(newest) else -math.inf
