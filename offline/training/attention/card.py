"""The model card of an attention bundle."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path

import numpy as np

from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.contract import EegInput, ModelSpec
from ...evaluation.markdown import markdown_table
from ..common.card import DEMONSTRATION, CardSection, bullets, write_card
from .data import Origin
from .scores import ConditionScores

_NAMES = {
    "full": "EEG and face",
    "no_eeg": "without EEG",
    "no_face": "without face",
    "uncalibrated": "without rest calibration",
}
_POLICIES = {
    "hazard": "decides at each frame of the 8 Hz grid whether to look, from a thumbnail of the face's last known "
    "place, its movement, midline theta, the core's state and the time since the last look",
    "gaussian": "draws the wait until the next look from a Gaussian, as in the paper",
    "uniform": "looks at regular intervals",
    "random": "looks at random moments",
    "every": "looks at every frame",
}
_FINAL = "; the final test is `moodring evaluate` on others"
_NO_FINAL = "; these figures are no final test"


def write_attention_card(
    path: Path,
    spec: ModelSpec,
    sha256: str,
    scores: Mapping[str, ConditionScores],
    config: TrainAttentionConfig,
    origin: Origin,
) -> None:
    """Write the card of an attention bundle; raise MoodringError where the file cannot be written."""
    eeg = spec.input(EegInput)
    rows = [
        (
            _NAMES[name],
            *(_mean(score, axis) for axis in (0, 1)),
            f"{score.looked:.3f}",
            f"{score.hits:.2f} ({score.base:.2f})" if isfinite(score.hits) else "not known",
        )
        for name, score in scores.items()
    ]
    description = (
        "Felt valence and arousal (low, medium, high each) from EEG and face video. Three scalp images (theta, alpha, "
        "beta) under band attention are read every half second; camera frames only where the policy looks. Both go "
        "through one shared LSTM each into a core LSTM. After Liu, Su, Wei and Liu (2020); where it differs is written "
        "in `models/networks/attention.py`.",
        bullets(
            (
                f"the policy ({config.policy}) {_POLICIES[config.policy]}",
                f"sha256 `{sha256}`",
                *_backbone(spec),
                f"needs at least {eeg.min_scalp_channels if eeg else 0} scalp electrodes with 10-20 names; average "
                "reference; a camera that shows one face",
            )
        ),
    )
    training = (
        f'`moodring train` with kind "attention", seed {spec.seed}. {spec.protocol}. Data: '
        f"{', '.join(spec.data_hashes)}. Stages: {origin.stages}; averaged scalp images; a "
        "causal teacher that sees every frame; a student distilled from it on looks of all budgets and patterns; for "
        "the hazard policy the measured gain of looks, then REINFORCE; the core once more on its own looks. "
        f"{origin.stopping}. Temperature and "
        f"conformal thresholds from the {origin.calibration} ({config.coverage:.0%} nominal coverage)."
    )
    figures = (
        f"{origin.validation} that were not trained "
        "on; decisions every half second after rest; unweighted average recall, mean over people. Chance is 0.333. "
        f"These people were watched while the model was made{_FINAL if origin.simulated else _NO_FINAL}.",
        markdown_table(("condition", "UAR valence", "UAR arousal", "looked at", "looks that hit (base rate)"), rows),
    )
    sections = (
        CardSection("", (DEMONSTRATION,) if origin.simulated else ()),
        CardSection("What it is", description),
        CardSection("Training", (training,)),
        CardSection("Figures on validation people", figures),
        CardSection("Limits", (bullets(origin.limits),)),
    )
    write_card(path, f"Model card: `{path.stem}.safetensors`", sections)


def _mean(score: ConditionScores, axis: int) -> str:
    rated = score.recall[np.isfinite(score.recall[:, axis]), axis]
    return f"{rated.mean():.3f}" if len(rated) else "not rated"


def _backbone(spec: ModelSpec) -> tuple[str, ...]:
    """Return what the card says of a frozen backbone, nothing where there is none."""
    backbone = spec.network.get("backbone", "compact")
    if backbone == "compact":
        return ()
    if backbone == "expression":
        return (
            "reads faces by the frozen network of the bundle `face`, whose weights are in this file (docs/faces.md)",
        )
    return (
        "reads 227-pixel faces by a frozen VGG-16 that is not in this file: `[models] vgg16_weights` names its weights,"
        f" sha256 `{spec.network['backbone_sha256']}`",
    )
