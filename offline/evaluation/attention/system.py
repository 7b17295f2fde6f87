"""An attention bundle made ready for rollouts over prepared people, and its decisions scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....configs.schema.errors import MoodringError
from ....configs.schema.evaluate import EvaluateBandsConfig, EvaluateForwardConfig
from ....models.contract import LEVELS, SIMULATED, EegInput
from ....models.decoders.attention import artifact_of, networks_of
from ....models.decoders.bundle_parts import checked_heads, normalisation_of
from ....models.decoders.face_backbone import backbone_of
from ....models.decoders.looking import Policy, policy_of
from ....models.io.bundle import bundled, load_bundle
from ....models.networks.attention import AXES, Sizes
from ....models.signals.eeg.band_power import Artifact
from ....models.signals.eeg.normalisation import Normalisation
from ...simulate.difficulty import Difficulty
from ...training.attention.data import Networks
from ...training.attention.feature_bank import Clips, FeatureBank, draw_images, extract_features
from ...training.attention.prepare import PreparedSession, prepare_people
from ...training.attention.roll_out import LookRule, hidden_states, periphery_of, rule_of
from ...training.attention.scores import Decisions, recall_of_decisions
from ...training.common.optimization import Report
from ..intervals import Interval, mean_over_people, paired_difference

Array = NDArray[np.float64]
BOTH = "mean"
"""The axis of the mean of both axes."""


@dataclass(frozen=True)
class AttentionSystem:
    """What a bundle decodes with.

    Attributes
    ----------
    networks : Networks
    policy : Policy
    budget : float
    normal : Normalisation
    temperatures : (2, 1) Tensor
        Of valence and arousal.
    artifact : "clip" or "soft"
        How artifacts of the EEG are taken out.
    electrodes : tuple of str
        That alone are read; empty for all.
    sha256 : str
        Of the bundle.
    """

    networks: Networks
    policy: Policy
    budget: float
    normal: Normalisation
    temperatures: Tensor
    artifact: Artifact
    electrodes: tuple[str, ...]
    sha256: str

    def prepare(
        self, seeds: Sequence[int], difficulty: Difficulty, config: EvaluateForwardConfig | EvaluateBandsConfig,
        report: Report,
    ) -> list[Path]:  # fmt: skip
        """Simulate and prepare people as the bundle reads them; return one file a person."""
        cache = config.cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "training"
        return prepare_people(
            seeds, config.seconds, difficulty, cache, config.workers, report, self.artifact, self.electrodes
        )

    def images(self, people: Sequence[PreparedSession]) -> NDArray[np.float16]:
        """Return the scalp images of people, calibrated and complete, ``(people, 1, ticks, 3, size, size)``."""
        return draw_images(people, self.normal, self.networks.net.sizes.image_size, 1, 0)

    def features(self, paths: Sequence[Path], images: NDArray[np.float16]) -> FeatureBank:
        """Return the features of prepared people."""
        return extract_features(paths, images, self.networks.net)

    def periphery(self, bank: FeatureBank) -> Tensor | None:
        """Return the hidden states of the policy's periphery, ``(frames, people, units)``; None where it has none."""
        if self.policy != "hazard":
            return None
        hazard = self.networks.hazard
        return hidden_states(hazard, periphery_of(hazard, bank, torch.arange(bank.people), bank.face.shape[1]))

    def rule(self, bank: FeatureBank, clips: Clips, hidden: Tensor | None) -> LookRule:
        """Return the rule by which the bundle looks at clips."""
        return rule_of(self.policy, self.budget, self.networks, bank, clips, 0, hidden)

    def probabilities(self, logits: Tensor) -> NDArray[np.float32]:
        """Return calibrated probabilities of logits ``(…, 2, 3)``."""
        found: NDArray[np.float32] = torch.softmax(logits / self.temperatures, dim=-1).numpy()
        return found


def load_system(path: Path | None) -> AttentionSystem:
    """Load a bundle of simulated people; the shipped one where no path is given.

    Raises
    ------
    MoodringError
        The bundle is missing, is no attention bundle, is of real people, or reads faces by VGG-16.
    """
    bundle = load_bundle(bundled("attention") if path is None else path, "attention")
    if SIMULATED not in bundle.spec.domain:
        raise MoodringError(
            f"bundle '{bundle.name}' is of {', '.join(bundle.spec.domain)}; it is taken apart on simulated people: "
            "give one that was trained on them"
        )
    if backbone_of(bundle) != "compact":
        raise MoodringError(
            f"bundle '{bundle.name}' reads faces by {backbone_of(bundle)}; give one with the backbone 'compact'"
        )
    eeg = bundle.spec.input(EegInput)
    heads = checked_heads(bundle, {axis: len(LEVELS) for axis in AXES})
    networks = Networks(Sizes.of(bundle.spec.network))
    networks.net, networks.hazard, networks.gaussian = networks_of(bundle)
    return AttentionSystem(
        networks,
        policy_of(bundle),
        float(bundle.spec.network["budget"]),
        normalisation_of(bundle),
        torch.tensor([[head.temperature] for head in heads]),
        artifact_of(bundle),
        () if eeg is None else eeg.electrodes,
        bundle.sha256,
    )


def recall_of(logits: Tensor, bank: FeatureBank) -> Array:
    """Return each person's UAR of decisions from the second tick on, ``(people, 3)``: valence, arousal, their mean."""
    levels, stimulus = bank.levels[:, 1:].transpose(0, 1), bank.stimulus[:, 1:].transpose(0, 1)
    recall = recall_of_decisions(Decisions(logits, levels, stimulus, torch.zeros(0)))
    return np.concatenate([recall, recall.mean(axis=1, keepdims=True)], axis=1)


def decision_count(bank: FeatureBank) -> int:
    """Return how many decisions of all people have a truth."""
    return int((bank.levels[:, 1:] >= 0).all(dim=-1).sum())


def uar_rows(name: str, recall: Array, **more: Any) -> list[dict[str, Any]]:
    """Return one row for each axis and for the mean of both."""
    return [
        {"name": name, "axis": axis, **plain(mean_over_people(column), "uar"), **more}
        for axis, column in zip((*AXES, BOTH), recall.T, strict=True)
    ]


def paired_rows(a: str, b: str, first: Array, second: Array, **more: Any) -> list[dict[str, Any]]:
    """Return the differences person by person for each axis and for the mean of both."""
    return [
        {"a": a, "b": b, "axis": axis, **plain(paired_difference(one, other), "difference"), **more}
        for axis, one, other in zip((*AXES, BOTH), first.T, second.T, strict=True)
    ]


def plain(interval: Interval, key: str) -> dict[str, float]:
    """Return an interval as values for JSON."""
    return {key: interval.value, "low": interval.low, "high": interval.high}


def written(row: dict[str, Any], key: str = "uar") -> str:
    """Return a figure with its interval as a cell of a table."""
    sign = "+" if key == "difference" else ""
    return f"{row[key]:{sign}.3f} [{row['low']:{sign}.3f}, {row['high']:{sign}.3f}]"
