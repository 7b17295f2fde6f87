"""First stage: the face network learns what faces express, in place of VGG-16's fine-tuning; then it is frozen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.contract import FloatArray, Image
from ....models.networks.attention import FaceNet
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from ..common.stages import Stage
from .prepare import PREPARED, read_prepared

EXPRESSIONS = Stage("expressed faces", 1, (PREPARED,))
"""Raise its version whenever this stage or its network gives other weights."""
VISIBLE = 0.3
_BATCH = 128
_PER_PERSON = 160


def draw_faces(paths: Sequence[Path], seed: int) -> tuple[Image, FloatArray]:
    """Draw faces of prepared people, half of them expressive.

    Returns
    -------
    crops : (n, size, size) uint8
    expressed : (n, 3) float32
        Intensity, valence and arousal.
    """
    crops, expressed = [], []
    for number, path in enumerate(paths):
        person = read_prepared(path)
        rng = np.random.default_rng((seed, 48, number))
        visible = person.expressed[:, 0] >= VISIBLE
        for which in (visible, ~visible):
            frames = np.flatnonzero(which & person.face_there)
            chosen = rng.permutation(frames)[: _PER_PERSON // 2]
            crops.append(person.crops[chosen])
            expressed.append(person.expressed[chosen])
    return np.concatenate(crops), np.concatenate(expressed)


def train_face(net: FaceNet, paths: Sequence[Path], config: TrainAttentionConfig, report: Report) -> None:
    """Train the face network on faces of these people, in place; every tenth is held out for the report."""
    held_out = max(1, len(paths) // 10)
    watched, training = draw_faces(paths[:held_out], config.seed), draw_faces(paths[held_out:], config.seed + 1)
    crops, expressed = torch.from_numpy(training[0]), torch.from_numpy(training[1])
    report(f"expressions: {len(crops)} faces of {len(paths) - held_out} people, {len(watched[0])} held out")
    rng = generator_for(config.seed, 1)
    torch.manual_seed(config.seed + 1)
    stage = config.expression
    optimizer = AveragedAdamW(net.parameters(), stage.learning_rate, stage.batches, config.weight_decay)
    net.train()
    mean_loss = None
    for _ in range(stage.batches):
        chosen = integers(rng, 0, len(crops), _BATCH)
        features = functional.dropout(net(augment(crops[chosen], rng)), 0.1)
        loss = expression_loss(net.expressed(features), expressed[chosen])
        optimizer.step(loss)
        mean_loss = smoothed(mean_loss, float(loss.detach()))
    optimizer.use_average()
    net.eval()
    if mean_loss is not None:
        report(f"expressions: batch {stage.batches}/{stage.batches}, loss {mean_loss:.3f}")
    report(f"expressions of held-out people: {describe(net, *watched)}")


def expression_loss(predicted: Tensor, expressed: Tensor) -> Tensor:
    """Return the loss of the presence of an expression and, where it is visible, of its valence and arousal.

    Parameters
    ----------
    predicted : (n, 3) Tensor
        Logit of its presence, valence, arousal.
    expressed : (n, 3) Tensor
        Intensity, valence, arousal.
    """
    visible = (expressed[:, 0] >= VISIBLE).float()
    presence = functional.binary_cross_entropy_with_logits(predicted[:, 0], visible)
    errors = ((predicted[:, 1:] - expressed[:, 1:]) ** 2).mean(dim=1)
    return presence + 4.0 * (errors * visible).sum() / visible.sum().clamp(min=1.0)


def describe(net: FaceNet, crops: Image, expressed: NDArray[np.float32]) -> str:
    """Return how well presence, valence and arousal are read, in words."""
    with torch.no_grad():
        predicted = torch.cat([net.expressed(net(torch.from_numpy(part))) for part in np.array_split(crops, 8)]).numpy()
    visible = expressed[:, 0] >= VISIBLE
    presence = float(np.mean((predicted[:, 0] > 0) == visible))
    r = [float(np.corrcoef(predicted[visible, i], expressed[visible, i])[0, 1]) for i in (1, 2)]
    return f"presence {presence:.3f} right, correlation of valence {r[0]:.3f}, of arousal {r[1]:.3f}"


def augment(crops: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror, shift and scale crops at random, as the boxes of detectors vary, and add noise."""
    n = len(crops)
    noise = torch.rand(n, 4, generator=rng) * 2.0 - 1.0
    mirror = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    affine = torch.zeros(n, 2, 3)
    affine[:, 0, 0] = mirror * (1.0 + 0.05 * noise[:, 0])
    affine[:, 1, 1] = 1.0 + 0.05 * noise[:, 1]
    affine[:, :, 2] = 0.05 * noise[:, 2:]
    grid = functional.affine_grid(affine, [n, 1, *crops.shape[1:]], align_corners=False)
    sampled = functional.grid_sample(crops[:, None].float(), grid, padding_mode="border", align_corners=False)
    return sampled[:, 0] + 4.0 * torch.randn(sampled[:, 0].shape, generator=rng)
