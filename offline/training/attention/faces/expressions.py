"""First stage: the face network learns what faces express, in place of VGG-16's fine-tuning; then it is frozen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .....configs.schema.train_attention import TrainAttentionConfig
from .....models.contract import FloatArray
from .....models.networks.face_nets import ExpressionFaceNet, FaceNet, FrozenFaceNet
from ...common.optimization import AveragedAdamW, generator_for, integers
from ...common.stage_run import StageRun
from ...common.stages import Stage
from ..prepare import PREPARED, read_prepared
from .under_cap import under_cap

EXPRESSIONS = Stage("expressed faces", 1, (PREPARED,))
"""Raise its version whenever this stage or its network gives other weights."""
VISIBLE = 0.3
_BATCH = 128
_PER_PERSON = 160


def draw_faces(
    paths: Sequence[Path], seed: int, embedded: Sequence[Path] | None = None
) -> tuple[NDArray[np.generic], FloatArray]:
    """Draw faces of prepared people, half of them expressive.

    Parameters
    ----------
    paths : sequence of Path
    seed : int
    embedded : sequence of Path, optional
        Of a frozen backbone, for the same people: what is drawn in the place of crops.

    Returns
    -------
    faces : (n, size, size) uint8 or (n, 4096) float16
    expressed : (n, 3) float32
        Intensity, valence and arousal.
    """
    drawn, expressed = [], []
    for number, path in enumerate(paths):
        person = read_prepared(path)
        rng = np.random.default_rng((seed, 48, number))
        faces = person.crops if embedded is None else np.load(embedded[number], mmap_mode="r")
        visible = person.expressed[:, 0] >= VISIBLE
        for which in (visible, ~visible):
            frames = np.flatnonzero(which & person.face_there)
            chosen = rng.permutation(frames)[: _PER_PERSON // 2]
            drawn.append(faces[chosen])
            expressed.append(person.expressed[chosen])
    return np.concatenate(drawn), np.concatenate(expressed)


def train_face(
    net: FaceNet | FrozenFaceNet | ExpressionFaceNet,
    paths: Sequence[Path],
    config: TrainAttentionConfig,
    run: StageRun,
    embedded: Sequence[Path] | None = None,
) -> None:
    """Train the face network on faces of these people, in place; every tenth is held out for the report.

    Faces that a frozen backbone has ``embedded`` cannot be changed at random.
    """
    held_out = max(1, len(paths) // 10)
    parts = (None, None) if embedded is None else (embedded[:held_out], embedded[held_out:])
    watched = draw_faces(paths[:held_out], config.seed, parts[0])
    training = draw_faces(paths[held_out:], config.seed + 1, parts[1])
    crops, expressed = torch.from_numpy(training[0]), torch.from_numpy(training[1])
    run(f"expressions: {len(crops)} faces of {len(paths) - held_out} people, {len(watched[0])} held out")
    rng = generator_for(config.seed, 1)
    torch.manual_seed(config.seed + 1)
    stage = config.expression
    optimizer = AveragedAdamW(net.parameters(), stage.learning_rate, stage.batches, config.weight_decay)
    net.train()
    for _ in run.batches(stage.batches, optimizer, rng):
        chosen = integers(rng, 0, len(crops), _BATCH)
        faces = crops[chosen].float()
        if embedded is None:
            faces = augment(under_cap(faces, config.faces.under_cap, rng), rng)
        features = functional.dropout(net(faces), 0.1)
        loss = expression_loss(net.expressed(features), expressed[chosen])
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()
    net.eval()
    run(f"expressions of held-out people: {describe(net, *watched)}")
    if embedded is None and config.faces.under_cap:
        capped = under_cap(torch.from_numpy(watched[0]), 1.0, generator_for(config.seed, 3)).numpy()
        run(f"the same under a cap: {describe(net, capped, watched[1])}")


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


def describe(
    net: FaceNet | FrozenFaceNet | ExpressionFaceNet, faces: NDArray[np.generic], expressed: NDArray[np.float32]
) -> str:
    """Return how well presence, valence and arousal are read, in words."""
    with torch.no_grad():
        parts = [torch.from_numpy(part).float() for part in np.array_split(faces, 8)]
        predicted = torch.cat([net.expressed(net(part)) for part in parts]).numpy()
    visible = expressed[:, 0] >= VISIBLE
    presence = float(np.mean((predicted[:, 0] > 0) == visible))
    r = [_correlation(predicted[visible, i], expressed[visible, i]) for i in (1, 2)]
    return f"presence {presence:.3f} right, correlation of valence {r[0]:.3f}, of arousal {r[1]:.3f}"


def _correlation(predicted: NDArray[np.float32], expressed: NDArray[np.float32]) -> float:
    """Return the correlation; NaN where one of both is constant."""
    if len(predicted) < 2 or np.ptp(predicted) == 0 or np.ptp(expressed) == 0:
        return float("nan")
    return float(np.corrcoef(predicted, expressed)[0, 1])


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
