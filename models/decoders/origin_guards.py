"""Bundles kept from those they do not know: of simulated people from others, of photographed faces from drawn ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..contract import SIMULATED, HeadOutput, ModelSpec
from ..streaming.decoder import DecoderStep, StreamingDecoder

if TYPE_CHECKING:
    from ...configs.schema.live import LiveConfig
    from ..streaming.clock import Clock
    from ..streaming.decision_schedule import ModalityInput, Plan
    from ..streaming.ingest.sources import SourceInfo
    from ..streaming.summary import BundleName

NOT_A_PHOTOGRAPH = "it reads photographed faces; this one is drawn by the simulation"


class _Guard:
    """A decoder whose inputs are looked at before it runs."""

    def __init__(self, decoder: StreamingDecoder, bundle: BundleName) -> None:
        self._decoder = decoder
        self.bundle = bundle

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        return self._decoder.spec

    def start(self, plan: Plan, clock: Clock) -> None:
        """Forget the person, and begin a session."""
        self._decoder.start(plan, clock)

    def _abstained(self, why: str) -> tuple[HeadOutput, ...]:
        return tuple(HeadOutput(head.name, head.construct, head.classes, abstained=why) for head in self.spec.outputs)


class SimulatedOnly(_Guard):
    """Runs a decoder while all its inputs say that they are simulated; abstains with the reason otherwise.

    The state of the microphone is told in any case.

    Parameters
    ----------
    decoder : StreamingDecoder
    bundle : BundleName
    key : str
        Of ``[models]``, where the bundle is named.
    """

    def __init__(self, decoder: StreamingDecoder, bundle: BundleName, key: str) -> None:
        super().__init__(decoder, bundle)
        self.why = missing_model(bundle.file, decoder.spec, key)

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Check a simulated stream as the decoder does; others do not reach it."""
        if info.origin == SIMULATED:
            self._decoder.check(info, config)

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Decode up to a data time, or abstain."""
        if not self.withheld({modality: one.ingest.info.origin for modality, one in inputs.items()}):
            return self._decoder.step(time_s, inputs)
        abstained = self._abstained(self.why)
        if "speech" not in self.spec.modalities:
            return DecoderStep(abstained)
        return replace(self._decoder.step(time_s, inputs), heads=abstained, described_s={}, calibrated=False)

    def withheld(self, origins: Mapping[str, str | None]) -> bool:
        """Return whether an input comes from somebody who is not simulated.

        Parameters
        ----------
        origins : mapping of modality to str or None
            Of the session's sources.
        """
        return any(origins[name] != SIMULATED for name in self.spec.modalities if name in origins)


class PeopleOnly(_Guard):
    """Runs a decoder unless an input says that it is simulated; abstains with the reason otherwise.

    Parameters
    ----------
    decoder : StreamingDecoder
    bundle : BundleName
    """

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Check a stream as the decoder does; simulated ones do not reach it."""
        if info.origin != SIMULATED:
            self._decoder.check(info, config)

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Decode up to a data time, or abstain."""
        if not self.withheld({modality: one.ingest.info.origin for modality, one in inputs.items()}):
            return self._decoder.step(time_s, inputs)
        return DecoderStep(self._abstained(NOT_A_PHOTOGRAPH))

    def withheld(self, origins: Mapping[str, str | None]) -> bool:
        """Return whether an input is simulated.

        Parameters
        ----------
        origins : mapping of modality to str or None
            Of the session's sources.
        """
        return any(origins[name] == SIMULATED for name in self.spec.modalities if name in origins)


def missing_model(file: str, spec: ModelSpec, key: str) -> str:
    """Return what is missing, and the key of ``[models]`` to name it by, where one of simulated people is not used."""
    construct = spec.outputs[0].construct
    return (
        f"no model of {construct} emotion in people: '{file}' knows simulated ones only; train one ('moodring train "
        f"…', docs/training.md) for models.{key}"
    )
