"""Train the face-expression network on FER2013's labels and FER+'s votes together, and write bundle and card."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ....configs.schema.errors import ConfigError
from ....configs.schema.train_faces import TrainFacesConfig
from ....models.contract import Image
from ....models.networks.face_expression import FaceExpressionNetwork
from ...datasets.faces import fer2013
from ..common.optimization import AveragedSgd, Report, generator_for
from ..common.stage_cache import StageCache
from ..common.stage_run import StageRun
from ..common.stages import Stage
from .augment import augmented
from .data import JudgedFaces, TrainingFaces, split

EXPRESSIONS = Stage("expressions", 1)
"""Raise its version whenever the same pictures and settings give other weights."""
HEADS = {"emotion": len(fer2013.EMOTIONS), "fer2013": len(fer2013.CLASSES)}
_SETTINGS = {"seed", "held_out", "epochs", "batch", "learning_rate", "weight_decay", "dropout", "repeats", "votes_share",
             "changes", "mixed", "bfloat16"}  # fmt: skip
_MIXING = 0.3  # both parameters of the beta distribution
_LOOKED_AT_EVERY = 4  # epochs


def train_faces(config: TrainFacesConfig, out: Path, report: Report) -> None:
    """Train, calibrate on held-out photographs, and write bundle and card.

    Raises
    ------
    MoodringError
        The set is not there or damaged, a photograph is in two parts, or a file cannot be written.
    """
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs FER2013's folder: add --set data=FOLDER")
    report("reading FER2013, and finding copies in it")
    pictures = fer2013.read(config.data)
    parts = split(pictures, config)
    for one in parts.dropped:
        report(f"left out of training: {one}")
    torch.manual_seed(config.seed)
    network = FaceExpressionNetwork(HEADS, config.dropout).to(memory_format=torch.channels_last)
    folder = config.cache or out.with_suffix(".cache")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder '{folder}' for what is kept cannot be made: {error.strerror}") from None
    cache = StageCache(network, folder, pictures.sha256, report)
    cache.run(EXPRESSIONS, config.model_dump(mode="json", include=_SETTINGS), lambda run: _fit(network, parts.train, parts.held_out, config, run))


def _fit(
    network: FaceExpressionNetwork, train: TrainingFaces, held_out: JudgedFaces, config: TrainFacesConfig, run: StageRun
) -> None:
    """Train a network in place; each epoch shows every picture once, rare emotions more often."""
    shown = np.concatenate((np.arange(len(train.crops)), np.tile(np.flatnonzero(train.rare), config.repeats - 1)))
    per_epoch = len(shown) // config.batch
    total = per_epoch * config.epochs
    optimizer = AveragedSgd(network, config.learning_rate, total, config.weight_decay)
    order = shown
    ordered = -1
    network.train()
    for number in run.batches(total, optimizer, generator_for(config.seed, 0)):
        epoch, place = divmod(number, per_epoch)
        if epoch != ordered:
            order, ordered = np.random.default_rng((config.seed, 2, epoch)).permutation(shown), epoch
        chosen = order[place * config.batch : (place + 1) * config.batch]
        crops = torch.from_numpy(augmented(train.crops[chosen], (config.seed, 3, number), config.changes))
        targets = (torch.from_numpy(train.emotions[chosen]), torch.from_numpy(train.labels[chosen]))
        crops, targets = _mixed(crops, targets, np.random.default_rng((config.seed, 4, number)), config.mixed)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            logits = network(crops).logits
        loss = sum(
            (functional.cross_entropy(logits[head].float(), target) for head, target in zip(HEADS, targets, strict=True)),
            start=torch.zeros(()),
        )
        optimizer.step(loss)
        run.loss(loss)
        if place + 1 == per_epoch and (epoch + 1) % _LOOKED_AT_EVERY == 0:
            run(f"epoch {epoch + 1} of {config.epochs}: {_at_a_glance(network, optimizer, held_out, config.bfloat16)}")
    network.load_state_dict(optimizer.average())


def _mixed(
    crops: Tensor, targets: tuple[Tensor, ...], rng: np.random.Generator, share: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Mix each picture of a batch with another one, in a share of the batches (Zhang et al. 2018, mixup)."""
    if rng.random() >= share:
        return crops, targets
    weight = float(rng.beta(_MIXING, _MIXING))
    other = torch.from_numpy(rng.permutation(len(crops)))
    return torch.lerp(crops[other], crops, weight), tuple(torch.lerp(one[other], one, weight) for one in targets)


def _at_a_glance(network: FaceExpressionNetwork, optimizer: AveragedSgd, faces: JudgedFaces, bfloat16: bool) -> str:
    """Return how well the averaged weights do on held-out photographs; the network stays as it is."""
    averaged = FaceExpressionNetwork(HEADS)
    averaged.load_state_dict(optimizer.average())
    logits = logits_of(averaged, faces.crops, bfloat16)
    known = faces.emotions >= 0
    seven = float((logits["fer2013"].argmax(axis=1) == faces.labels).mean())
    eight = float((logits["emotion"].argmax(axis=1) == faces.emotions)[known].mean())
    return f"held-out accuracy {seven:.3f} of 7 classes, {eight:.3f} of 8"


def logits_of(network: FaceExpressionNetwork, crops: Image, bfloat16: bool = False) -> dict[str, np.ndarray]:
    """Return the logits of each head for crops ``(n, 48, 48)``, each ``(n, n_classes)`` float64."""
    network.eval()
    found: dict[str, list[np.ndarray]] = {name: [] for name in HEADS}
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        for begin in range(0, len(crops), 128):
            reading = network(torch.from_numpy(np.asarray(crops[begin : begin + 128])))
            for name in HEADS:
                found[name].append(reading.logits[name].float().numpy().astype(np.float64))
    return {name: np.concatenate(parts) for name, parts in found.items()}
