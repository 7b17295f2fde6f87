"""What the last layer of a bundle reads at every decision of a recording, by the code that decodes live."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...models.contract import ModelSpec, Recording
from ...models.decoders.attention import AttentionDecoder
from ...models.decoders.eeg_state import KIND as EEG_STATE
from ...models.decoders.eeg_state import EegStateDecoder
from ...models.decoders.face_backbone import load_backbone
from ...models.decoders.session_models import Models
from ...models.io.bundle import Bundle
from ...models.signals.eeg.band_power import RestBaseline
from ...models.streaming.clock import Clock
from ...models.streaming.decision_schedule import ModalityInput, Plan
from ...models.streaming.decoder import DecoderStep, StreamingDecoder
from ...models.streaming.ingest.sources import SourceInfo
from ...models.streaming.streaming_attention import StreamingAttention
from ...models.streaming.streaming_eeg_state import StreamingEegState
from ...models.streaming.summary import BundleName
from ..decoding.decode import decode

Array = NDArray[np.float64]
ATTENTION = "attention"
KINDS = (ATTENTION, EEG_STATE)


@dataclass(frozen=True)
class Evidence:
    """The decisions of a recording at which a bundle answered.

    Attributes
    ----------
    times_s : (n,) float64
        From t0.
    features : (n, n_features) float64
        What the last layer reads.
    probabilities : (n, n_heads, n_classes) float64
        What the bundle answered.
    rest : RestBaseline or None
        Log band power at rest, of a bundle that keeps one.
    channel_names : tuple of str
        Of ``rest``.
    calibrated : bool
        The rest held enough EEG to normalise to.
    """

    times_s: Array
    features: Array
    probabilities: Array
    rest: RestBaseline | None
    channel_names: tuple[str, ...]
    calibrated: bool


class _Observed:
    """Runs a decoder and keeps what its last layer read wherever every head answered."""

    def __init__(self, inner: StreamingDecoder, read: Callable[[float], Array | None]) -> None:
        self._inner, self._read = inner, read
        self.features: list[Array] = []
        self.probabilities: list[list[tuple[float, ...]]] = []
        self.times_s: list[float] = []
        self.calibrated = False

    @property
    def spec(self) -> ModelSpec:
        """Inputs and heads of the decoder."""
        return self._inner.spec

    def start(self, plan: Plan, clock: Clock) -> None:
        """Begin a session."""
        self._t0_s = plan.t0_s
        self._inner.start(plan, clock)

    def check(self, info: SourceInfo, config: LiveConfig) -> None:
        """Check a stream as the decoder does."""
        self._inner.check(info, config)

    def step(self, time_s: float, inputs: Mapping[str, ModalityInput]) -> DecoderStep:
        """Decode up to a data time, and keep what was read."""
        step = self._inner.step(time_s, inputs)
        self.calibrated = step.calibrated
        answers = [head.probabilities for head in step.heads if head.probabilities is not None]
        features = self._read(time_s)
        if features is not None and len(answers) == len(step.heads):
            self.times_s.append(time_s - self._t0_s)
            self.features.append(features)
            self.probabilities.append(answers)
        return step


def collect(recording: Recording, config: LiveConfig, bundle: Bundle, device: torch.device) -> Evidence:
    """Decode a recording with a bundle and return what its last layer read and answered.

    Parameters
    ----------
    recording : Recording
        With one of the bundle's modalities.
    config : LiveConfig
        How its EEG is treated, its rest, the policy of looks and the region of the face.
    bundle : Bundle
        Of a kind of :data:`KINDS`.
    device : torch.device

    Raises
    ------
    MoodringError
        The recording does not fit the bundle, or the bundle answers nowhere.
    """
    reads = tuple(key for key in bundle.spec.modalities if key in recording.sources)
    observed, decoder = _observed(bundle, config, device)
    name = BundleName(bundle.name, bundle.sha256, bundle.spec.domain)
    models = Models((observed,), None, str(device), (name,), bundle.spec.domain)
    silent = replace(recording, speech=None, loudspeaker=None)
    decoded = decode(silent, config.model_copy(update={"journal": None}), models=models, only=reads)
    if not observed.times_s:
        reasons = Counter(head.abstained for one in decoded.estimates for head in one.heads if head.abstained)
        why = reasons.most_common(1)[0][0] if reasons else "it has no decisions"
        raise MoodringError(
            f"bundle '{bundle.name}' gave no answer on recording '{recording.name}': {why}; calibrate with EEG that it "
            "decodes"
        )
    heads = bundle.spec.outputs
    rest = decoder.rest_baseline if isinstance(decoder, AttentionDecoder) else None
    return Evidence(
        np.array(observed.times_s),
        np.array(observed.features, np.float64).reshape(len(observed.times_s), -1),
        np.array(observed.probabilities, np.float64).reshape(-1, len(heads), len(heads[0].classes)),
        rest,
        decoder.rest_channels if isinstance(decoder, AttentionDecoder) else (),
        observed.calibrated,
    )


def _observed(
    bundle: Bundle, config: LiveConfig, device: torch.device
) -> tuple[_Observed, AttentionDecoder | EegStateDecoder]:
    if bundle.spec.kind == ATTENTION:
        section, region = config.models, None if config.face is None else config.face.region
        backbone = load_backbone(bundle, section.vgg16_weights, device)
        attention = AttentionDecoder(bundle, device, section.policy, section.seed, region=region, backbone=backbone)
        return _Observed(StreamingAttention(attention), lambda _: attention.hidden.astype(np.float64)), attention
    state = EegStateDecoder(bundle)
    return _Observed(StreamingEegState(state), state.evidence), state


def during(evidence: Evidence, spans: Sequence[tuple[float, float]]) -> list[NDArray[np.int64]]:
    """Return the decisions within each span of seconds from t0: after its start, up to its end."""
    return [
        np.flatnonzero((evidence.times_s > start + 1e-6) & (evidence.times_s <= stop + 1e-6)) for start, stop in spans
    ]
