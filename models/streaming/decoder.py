"""Protocols of the decoders that the decider runs over the inputs of a session, and of the fusion of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..contract import (
    Ablation,
    DomainDistance,
    FaceReading,
    FloatArray,
    Head,
    HeadOutput,
    Hearing,
    Look,
    ModelSpec,
    Periphery,
)
from .decision_schedule import ModalityInput, Plan
from .ingest.source_channel import SourceChannel
from .ingest.sources import SourceInfo

if TYPE_CHECKING:
    import torch

    from ...configs.schema.live import LiveConfig
    from ..io.bundle import Bundle
    from .clock import Clock


@dataclass(frozen=True)
class DecoderStep:
    """Contribution of one decoder to one decision.

    Attributes
    ----------
    heads : tuple of HeadOutput
        One per head of the decoder's spec; their ages are filled in by the decider.
    described_s : mapping of modality to float
        For each input that the answers rest on: the moment that its newest information describes.
    first : mapping of modality to int
        The earliest sample touched in this step.
    cutting_s, features_s : float
        Time spent on cutting windows from the rings, and on features.
    looks : tuple of Look
    hearing : Hearing or None
    calibrated : bool
        Whether the signals are normalised to this person.
    disturbed_by_speech_s : float
        For how long after the participant spoke the answers deserve less trust; 0 where speech does not matter.
    glimpsed_fraction : float or None
    band_attention : (3,) float32 or None
    periphery : tuple of Periphery
    face_readings : tuple of FaceReading
    domain_distances : tuple of DomainDistance
    ablations : tuple of Ablation
        Of this decoder's heads.
    """

    heads: tuple[HeadOutput, ...]
    described_s: Mapping[str, float] = field(default_factory=dict)
    first: Mapping[str, int] = field(default_factory=dict)
    cutting_s: float = 0.0
    features_s: float = 0.0
    looks: tuple[Look, ...] = ()
    hearing: Hearing | None = None
    calibrated: bool = False
    disturbed_by_speech_s: float = 0.0
    glimpsed_fraction: float | None = None
    band_attention: FloatArray | None = None
    periphery: tuple[Periphery, ...] = ()
    face_readings: tuple[FaceReading, ...] = ()
    domain_distances: tuple[DomainDistance, ...] = ()
    ablations: tuple[Ablation, ...] = ()


class StreamingDecoder(Protocol):
    """A decoder that reads rings at data times; the same live and on recordings."""

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        ...

    def start(self, plan: Plan, clock: Clock) -> None:
        """Forget the person, and begin a session."""
        ...

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Raise MoodringError, with both values, where a stream does not fit; other modalities are left alone."""
        ...

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Decode up to a data time, later than the one before, from the inputs that have samples."""
        ...


class Fusion(Protocol):
    """Answers from the answers of all decoders."""

    @property
    def heads(self) -> tuple[Head, ...]:
        """Heads of the fusion."""
        ...

    def start(self) -> None:
        """Reset to the start of a session."""
        ...

    def fuse(
        self, time_s: float, now_s: float, heads: tuple[HeadOutput, ...], speaking: bool
    ) -> tuple[HeadOutput, ...]:
        """Return one output per head.

        Parameters
        ----------
        time_s, now_s : float
            Data time, and the moment up to which ages count.
        heads : tuple of HeadOutput
            Of all decoders.
        speaking : bool
            Felt answers are degraded by the participant's speech.
        """
        ...


@dataclass(frozen=True)
class DecoderFactory:
    """Makes the decoder of bundles of one kind: given a bundle and the torch device."""

    kind: str
    make: Callable[[Bundle, torch.device], StreamingDecoder]


@dataclass(frozen=True)
class SourceFactory:
    """Makes the channel of a further modality: given the config and the session's clock."""

    modality: str
    make: Callable[[LiveConfig, Clock], SourceChannel]


@dataclass(frozen=True)
class Extensions:
    """Factories that extend an engine: decoders of further kinds of bundles, and further sources.

    Their ``make`` are functions of modules, so that they can be sent to the engine's process.
    """

    decoders: tuple[DecoderFactory, ...] = ()
    sources: tuple[SourceFactory, ...] = ()
