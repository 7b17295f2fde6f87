"""Bundles trained on photographs of people: they read no drawn face of the simulation."""

from __future__ import annotations

from collections.abc import Mapping
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


class PeopleOnly:
    """Runs a decoder unless an input says that it is simulated; abstains with the reason otherwise.

    Parameters
    ----------
    decoder : StreamingDecoder
    bundle : BundleName
    """

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

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Check a stream as the decoder does; simulated ones do not reach it."""
        if info.origin != SIMULATED:
            self._decoder.check(info, config)

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Decode up to a data time, or abstain."""
        if not self.withheld({modality: one.ingest.info.origin for modality, one in inputs.items()}):
            return self._decoder.step(time_s, inputs)
        return DecoderStep(
            tuple(
                HeadOutput(head.name, head.construct, head.classes, abstained=NOT_A_PHOTOGRAPH)
                for head in self.spec.outputs
            )
        )

    def withheld(self, origins: Mapping[str, str | None]) -> bool:
        """Return whether an input is simulated.

        Parameters
        ----------
        origins : mapping of modality to str or None
            Of the session's sources.
        """
        return any(origins[name] == SIMULATED for name in self.spec.modalities if name in origins)
