"""What a training is given: features of people apart, and what is said of where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from ....configs.schema.train_attention import TrainAttentionConfig
from ....configs.schema.training import StageSection
from ....models.contract import Input
from ....models.decoders.domain_gate import DomainGate
from ....models.networks.attention import AXES, AttentionNet, Backbone, Sizes
from ....models.networks.look_policy import GaussianPolicy, HazardPolicy
from ....models.signals.eeg.normalisation import Normalisation
from ..common.stage_cache import StageCache
from .feature_bank import FeatureBank


class Networks(nn.Module):
    """Everything that a bundle holds: the network and both learned policies."""

    def __init__(self, sizes: Sizes, backbone: Backbone = "compact") -> None:
        super().__init__()
        self.net = AttentionNet(sizes, backbone)
        self.hazard = HazardPolicy(sizes.core)
        self.gaussian = GaussianPolicy(sizes.core)


@dataclass(frozen=True)
class Prepared:
    """Features of the people to train on and of those held out.

    ``weights`` ``(2, 3)`` are those of the levels; ``stopping`` holds the people that stages stop early on, None where
    they run all their batches; ``expressions_known`` says whether the data tell what faces express at each frame.
    """

    training: FeatureBank
    validation: FeatureBank
    calibration: FeatureBank
    weights: Tensor
    normal: Normalisation
    gate: DomainGate | None
    stopping: FeatureBank | None = None
    expressions_known: bool = True


@dataclass(frozen=True)
class Origin:
    """What spec and card say of the data.

    Attributes
    ----------
    inputs : tuple of Input
        Of the bundle: without a face where nobody was filmed.
    axes : tuple of str
        Those with labels: the bundle's heads.
    label_source, domain, protocol, data_hashes
        As :class:`~moodring.models.contract.ModelSpec` has them.
    simulated : bool
    validation, calibration : str
        Who was watched, and whom the probabilities were calibrated on.
    stages : str
        How the face network and the periphery were made.
    stopping : str
        On whom stages stop early, or that they do not.
    limits : tuple of str
    """

    inputs: tuple[Input, ...]
    label_source: str
    domain: tuple[str, ...]
    protocol: str
    data_hashes: tuple[str, ...]
    simulated: bool
    validation: str
    calibration: str
    stages: str
    stopping: str
    limits: tuple[str, ...]
    axes: tuple[str, ...] = AXES


class TrainingData(Protocol):
    """Where the features of a training come from: simulated people, or a corpus."""

    @property
    def config(self) -> TrainAttentionConfig:
        """The config as the data allow it."""
        ...

    @property
    def settings(self) -> Sequence[Any]:
        """Plain values that every stage depends on."""
        ...

    @property
    def origin(self) -> Origin:
        """What is said of the data."""
        ...

    def layers(self, networks: Networks, stages: StageCache) -> Prepared:
        """Train the layers that are then fixed, and compute the features."""
        ...


def stage_settings(section: StageSection, config: TrainAttentionConfig, *names: str) -> dict[str, Any]:
    """Return the settings that begin to matter with a stage."""
    settings: dict[str, Any] = section.model_dump(mode="json")
    return settings | config.model_dump(mode="json", include=set(names))
