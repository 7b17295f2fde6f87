"""The face network on a corpus, where nobody knows what a face expresses at a moment: tuned through the labels alone.

It starts from a network that has learned expressions. Frames of a trial are averaged and classified by the trial's
levels, and at the same time the network keeps to what it read of expressions before (learning without forgetting
[1]_), so that the presence of an expression, which the core is told, keeps its meaning.

References
----------
.. [1] Li Z., Hoiem D. (2018), Learning without forgetting, IEEE TPAMI 40(12), 2935-2947,
   https://doi.org/10.1109/TPAMI.2017.2773081
"""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .....configs.schema.train_attention import TrainAttentionConfig
from .....models.networks.face_nets import ExpressionFaceNet, FaceNet, FrozenFaceNet
from ...common.losses import class_loss
from ...common.optimization import AveragedAdamW, generator_for, integers
from ...common.stage_run import ModuleMemory, StageRun
from ...common.stages import Stage
from ..faces.expressions import augment
from ..faces.under_cap import under_cap
from ..prepare import read_prepared
from .trials import TRIALS

FACES_BY_LABEL = Stage("faces by label", 1, (TRIALS,))
"""Raise its version whenever this stage or its network gives other weights."""
_PER_TRIAL = 48
_CLIPS, _FRAMES = 24, 6
_GENTLER = 0.1
"""Of the step size with which a face network learns from nothing."""


def tune_face(
    net: FaceNet | FrozenFaceNet | ExpressionFaceNet,
    paths: Sequence[Path],
    weights: Tensor,
    config: TrainAttentionConfig,
    run: StageRun,
) -> None:
    """Tune a trained face network on the trials of training people, in place; the classifier is thrown away.

    Parameters
    ----------
    net : FaceNet
    paths : sequence of Path
        Prepared trials.
    weights : (2, 3) Tensor
        Of each class of each axis.
    config : TrainAttentionConfig
    run : StageRun
    """
    crops, levels = _drawn(paths, config.seed)
    if not crops:
        run("faces: no training person has a trial with face and label; the face network stays as it is")
        return
    frozen = isinstance(net, ExpressionFaceNet)
    # What the frozen part of a network makes of a face is computed once: such faces are not changed at random.
    crops = [net.embed(one) for one in crops] if isinstance(net, ExpressionFaceNet) else crops
    rng = generator_for(config.seed, 2)
    torch.manual_seed(config.seed + 2)
    before = copy.deepcopy(net).requires_grad_(False).eval()
    classes = nn.Linear(net.expression.in_features, 6)
    stage = config.expression
    optimizer = AveragedAdamW(
        (p for module in (net, classes) for p in module.parameters()),
        _GENTLER * stage.learning_rate,
        stage.batches,
        config.weight_decay,
    )
    net.train()
    # A run that was cut has changed the network already: what it was before is kept with it.
    for _ in run.batches(stage.batches, optimizer, rng, ModuleMemory(before)):
        trial = integers(rng, 0, len(crops), _CLIPS)
        frames = torch.cat([crops[t][integers(rng, 0, len(crops[t]), _FRAMES)] for t in trial.tolist()])
        changed = frames if frozen else augment(under_cap(frames, config.faces.under_cap, rng), rng)
        features = _read(net, changed)
        mean = functional.dropout(features, 0.1).reshape(_CLIPS, _FRAMES, -1).mean(dim=1)
        kept = functional.mse_loss(net.expressed(features), before.expressed(_read(before, changed)))
        loss = class_loss(classes(mean).reshape(-1, 2, 3), levels[trial], weights) + kept
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()
    net.eval()


def _read(net: FaceNet | FrozenFaceNet | ExpressionFaceNet, faces: Tensor) -> Tensor:
    return net.read(faces) if isinstance(net, ExpressionFaceNet) else net(faces)


def _drawn(paths: Sequence[Path], seed: int) -> tuple[list[Tensor], Tensor]:
    """Return some faces of each trial while its levels hold, and these levels, ``(trials, 2)``."""
    crops, levels = [], []
    for number, path in enumerate(paths):
        one = read_prepared(path)
        ticks = np.flatnonzero((one.levels >= 0).any(axis=1))
        if not len(ticks):
            continue
        labelled = np.zeros(len(one.face_there), np.bool_)
        labelled[4 * ticks[0] : 4 * ticks[-1] + 1] = True
        frames = np.flatnonzero(one.face_there & labelled)
        if len(frames):
            chosen = np.random.default_rng((seed, 49, number)).permutation(frames)[:_PER_TRIAL]
            crops.append(torch.from_numpy(one.crops[chosen]))
            levels.append(one.levels[ticks[-1]].astype(np.int64))
    return crops, torch.from_numpy(np.array(levels, np.int64).reshape(-1, 2))
