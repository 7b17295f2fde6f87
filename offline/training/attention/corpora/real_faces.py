"""The backbone "expression" on a corpus: the frozen network of real faces teaches the layer on it what is expressed.

Nobody knows what a face of a corpus expresses at a moment, so the bundle ``face`` says it: an expression is there as
probably as the face is not neutral, with the valence and arousal of its emotions' places on the circumplex.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .....configs.schema.train_attention import TrainAttentionConfig
from .....models.decoders.face_expression import EMOTION, NETWORK_HEADS
from .....models.fusion.circumplex import PLACES
from .....models.io.bundle import Bundle, bundled, load_bundle
from .....models.networks.face_expression import FaceExpressionNetwork, folded
from .....models.networks.face_nets import ExpressionFaceNet
from .....models.networks.loading import with_weights
from ...common.optimization import AveragedAdamW, generator_for, integers
from ...common.stage_run import StageRun
from ...common.stages import Stage
from ..prepare import read_prepared
from .trials import TRIALS

REAL_FACES = Stage("expressions of real faces", 1, (TRIALS,))
"""Raise its version whenever this stage or its network gives other weights."""
NEUTRAL = "neutral"
_PER_TRIAL = 48
_BATCH = 256


def real_faces() -> Bundle:
    """Return the shipped bundle of real faces' expressions."""
    return load_bundle(bundled("face"), "face_expression")


def take_trunk(net: ExpressionFaceNet, bundle: Bundle) -> None:
    """Copy the weights of a bundle of kind "face_expression" into the frozen part of a face network."""
    network = folded(_network(bundle))
    net.trunk.load_state_dict(
        {name: one.contiguous() for name, one in network.state_dict().items() if not name.startswith("heads.")}
    )


def learn_expressions(
    net: ExpressionFaceNet, bundle: Bundle, paths: Sequence[Path], config: TrainAttentionConfig, run: StageRun
) -> None:
    """Teach the layer on the frozen trunk to read what the bundle reads of the faces of training people, in place."""
    embedded = _embedded(net, paths, config.seed)
    if not len(embedded):
        run("faces: no training person has a face; the layer on the face network stays as it is")
        return
    targets = expressed_by(bundle, embedded)
    rng = generator_for(config.seed, 4)
    torch.manual_seed(config.seed + 4)
    stage = config.expression
    learned = [*net.out.parameters(), *net.expression.parameters()]
    optimizer = AveragedAdamW(learned, stage.learning_rate, stage.batches, config.weight_decay)
    for _ in run.batches(stage.batches, optimizer, rng):
        chosen = integers(rng, 0, len(embedded), _BATCH)
        read = net.expressed(functional.dropout(net.read(embedded[chosen]), 0.1))
        loss = taught(read, targets[chosen])
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()
    with torch.no_grad():
        read = net.expressed(net.read(embedded))
    errors = (read[:, 1:] - targets[:, 1:]).abs().mean(dim=0).tolist()
    run(f"expressions of {len(embedded)} faces as the bundle reads them: mean error of valence {errors[0]:.3f}, of "
        f"arousal {errors[1]:.3f}")  # fmt: skip


def expressed_by(bundle: Bundle, embedded: Tensor) -> Tensor:
    """Return what a bundle reads of embeddings: ``(n, 3)``, probability of an expression, valence and arousal."""
    head = bundle.spec.head(EMOTION)
    network = _network(bundle)
    with torch.no_grad():
        logits = network.heads[NETWORK_HEADS[EMOTION]](embedded)
    probabilities = torch.softmax(logits / head.temperature, dim=-1)
    places = torch.tensor([[PLACES[name].valence, PLACES[name].arousal] for name in head.classes])
    neutral = probabilities[:, head.classes.index(NEUTRAL)]
    return torch.cat([1.0 - neutral[:, None], probabilities @ places], dim=1)


def taught(read: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of what is read, ``(n, 3)``, against what is taught: the presence a logit, and a probability."""
    presence = functional.binary_cross_entropy_with_logits(read[:, 0], targets[:, 0])
    return presence + 4.0 * functional.mse_loss(read[:, 1:], targets[:, 1:])


def _network(bundle: Bundle) -> FaceExpressionNetwork:
    weights = {name: one.float() if one.is_floating_point() else one for name, one in bundle.tensors.items()}
    sizes = {inner: len(bundle.spec.head(name).classes) for name, inner in NETWORK_HEADS.items()}
    return with_weights(lambda: FaceExpressionNetwork(sizes), weights, bundle.name)


def _embedded(net: ExpressionFaceNet, paths: Sequence[Path], seed: int) -> Tensor:
    """Return embeddings of some faces of each trial, ``(n, 256)``."""
    parts = []
    for number, path in enumerate(paths):
        one = read_prepared(path)
        frames = np.flatnonzero(one.face_there)
        chosen = np.random.default_rng((seed, 50, number)).permutation(frames)[:_PER_TRIAL]
        if len(chosen):
            parts.append(net.embed(torch.from_numpy(one.crops[chosen])))
    return torch.cat(parts) if parts else torch.zeros(0, net.out.in_features)
