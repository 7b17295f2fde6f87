"""Stage 0: the face network is trained on posed expressions, then frozen.

The paper does not say what its VGG-16 was fine-tuned on. Here simulated people of the training group pose: strong
expressions all over the valence-arousal plane and neutral faces, labelled with what is *expressed*; four classes on
each axis: low, medium, high and neutral.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.contract import Image
from ....models.io.bundle import bundled
from ....models.networks.video_eeg import FaceNet
from ....models.signals.face.detection import FaceDetector
from ....models.signals.face.images import crop_face
from ...simulate.difficulty import Difficulty
from ...simulate.face import FRAME_RATE_HZ, SimulatedFace
from ...simulate.face_plan import Burst, FacePlan
from ...simulate.latents import LEVEL_BORDER
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from ..common.stages import SIMULATION, Stage

EXPRESSIONS = Stage("expressions", 1, (SIMULATION,))
"""Raise its version whenever this stage or its network gives other weights."""
NEUTRAL = 3
_POSE_S = 1.0
_BATCH = 128


def pose(
    seed: int, poses: int, difficulty: Difficulty, detector: FaceDetector, size: int
) -> tuple[Image, NDArray[np.int64]]:
    """Draw posed expressions of one simulated person.

    Returns
    -------
    crops : (n, size, size) uint8
        Of poses in which a face was found; every fifth is neutral.
    labels : (n, 2) int64
        0 low, 1 medium, 2 high, 3 neutral, of expressed valence and arousal.
    """
    rng = np.random.default_rng((seed, 48))
    times_s = np.arange(int(poses * _POSE_S * FRAME_RATE_HZ)) / FRAME_RATE_HZ
    expressed = rng.uniform(-1.0, 1.0, (poses, 2))
    apex = np.where(np.arange(poses) % 5 == 0, 0.0, rng.uniform(difficulty.expression_min, 1.0, poses))
    bursts = tuple(
        Burst(n * _POSE_S, (n + 1) * _POSE_S, float(apex[n]), float(valence), float(arousal))
        for n, (valence, arousal) in enumerate(expressed)
        if apex[n] > 0.0
    )
    mouth = np.repeat(rng.uniform(0.0, 1.0, poses) * (rng.random(poses) < 0.4), int(_POSE_S * FRAME_RATE_HZ))
    face = SimulatedFace(seed, times_s, FacePlan(bursts, (), ()), mouth, difficulty)
    crops, labels = [], []
    for n in range(poses):
        image = face[int((n + 0.45) * _POSE_S * FRAME_RATE_HZ)]
        box = detector.find(image)
        if box is not None:
            crops.append(crop_face(image, box, size))
            level = np.digitize(expressed[n], (-LEVEL_BORDER, LEVEL_BORDER))
            labels.append(level if apex[n] > 0.0 else np.full(2, NEUTRAL))
    return np.array(crops, np.uint8).reshape(-1, size, size), np.array(labels, np.int64).reshape(-1, 2)


def train_face(
    net: FaceNet, seeds: Sequence[int], difficulty: Difficulty, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train the face network on posed pictures of these people, in place; every tenth is held out for the report."""
    detector = FaceDetector(bundled("yunet").read_bytes())
    size = config.network.face_size
    pictures = [pose(seed, config.poses, difficulty, detector, size) for seed in seeds]
    held_out = max(1, len(pictures) // 10)
    held_out_set, training_set = _concatenate(pictures[:held_out]), _concatenate(pictures[held_out:] or pictures)
    report(
        f"expressions: {len(training_set[0])} posed pictures of {len(seeds) - held_out} people, "
        f"{len(held_out_set[0])} held out"
    )
    rng = generator_for(config.seed, 1)
    torch.manual_seed(config.seed + 1)
    stage = config.expression
    optimizer = AveragedAdamW(net.parameters(), stage.learning_rate, stage.batches, config.weight_decay)
    net.train()
    mean_loss = None
    for number in range(stage.batches):
        chosen = integers(rng, 0, len(training_set[0]), _BATCH)
        crops = augment(training_set[0][chosen], rng)
        features = functional.dropout(net(crops), 0.2 * config.dropout)
        loss = functional.cross_entropy(net.expressed(features).flatten(0, 1), training_set[1][chosen].flatten())
        optimizer.step(loss)
        mean_loss = smoothed(mean_loss, float(loss.detach()))
        if number + 1 == stage.batches:
            report(f"expressions: batch {number + 1}/{stage.batches}, loss {mean_loss:.3f}")
    net.eval()
    with torch.no_grad():
        accuracy = (net.expressed(net(held_out_set[0])).argmax(dim=-1) == held_out_set[1]).float().mean(dim=0)
    valence, arousal = accuracy.tolist()
    report(f"expressions of held-out people: accuracy of 4, valence {valence:.3f}, arousal {arousal:.3f}")


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


def _concatenate(parts: Sequence[tuple[Image, NDArray[np.int64]]]) -> tuple[Tensor, Tensor]:
    crops = np.concatenate([crops for crops, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    return torch.from_numpy(crops), torch.from_numpy(labels)
