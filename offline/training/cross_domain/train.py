"""Train the network in stages: visual source, audio source, then one set alone or two sets at once.

In each batch every class of a set is drawn equally often. What a batch holds depends on the seed, the stage and its
number alone, so that a run that was cut ends as an uninterrupted one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ....configs.schema.papers.cross_domain import CrossDomainConfig
from ....models.networks.cross_domain import CrossDomainNetwork
from ..common.optimization import AveragedAdamW, Report, generator_for
from ..common.stage_cache import StageCache
from ..common.stage_run import StageRun
from ..common.stages import Stage
from .contrast import as_tensor, contrastive_loss, shared_numbers
from .sets import ImageSet, IntArray

NETWORK = Stage("cross-domain network", 1)
FACES = Stage("visual source", 1, (NETWORK,))
VOICES = Stage("audio source", 1, (FACES,))
SINGLE = Stage("single", 1, (NETWORK,))
FINE_TUNED = Stage("fine-tuned", 1, (VOICES,))
JOINT = Stage("joint", 1, (VOICES,))
"""Raise the version of a stage whenever the same data and settings give other weights."""
_AT_ONCE = 256  # images that are judged


@dataclass(frozen=True)
class Task:
    """What is learned of one set.

    Attributes
    ----------
    data : ImageSet
    members : (n,) int64
        The items to train on.
    batch : int
    """

    data: ImageSet
    members: IntArray
    batch: int


@dataclass(frozen=True)
class Step:
    """One stage of a network's training; two tasks at once are tied by the contrastive loss.

    Attributes
    ----------
    stage : Stage
    tasks : tuple of Task
    batches : int
    learning_rate : float
    """

    stage: Stage
    tasks: tuple[Task, ...]
    batches: int
    learning_rate: float


def trained(
    steps: Sequence[Step], heads: Mapping[str, int], config: CrossDomainConfig, seed: int, folder: Path, report: Report
) -> CrossDomainNetwork:
    """Return a network after some stages; each that was done before is taken from the folder.

    Parameters
    ----------
    steps : sequence of Step
    heads : mapping of str to int
        All sets and their numbers of classes.
    config : CrossDomainConfig
    seed : int
    folder : Path
    report : callable
    """
    torch.manual_seed(seed)
    network = CrossDomainNetwork(heads, config.dropout)
    cache = StageCache(network, folder, [seed, config.dropout, sorted(heads.items())], report)
    for number, step in enumerate(steps):

        def train(run: StageRun, step: Step = step, number: int = number) -> None:
            fit(network, step, config, (seed, number), run)

        cache.run(step.stage, step_settings(step, config), train)
    return network


def fit(
    network: CrossDomainNetwork, step: Step, config: CrossDomainConfig, seed: tuple[int, int], run: StageRun
) -> None:
    """Train a network in place on one set, or on two with the contrastive loss between them."""
    optimizer = AveragedAdamW(network.parameters(), step.learning_rate, step.batches, config.weight_decay)
    generator = generator_for(*seed)
    torch.manual_seed(generator.initial_seed())
    network.train()
    for number in run.batches(step.batches, optimizer, generator):
        loss = _loss(network, step.tasks, config, np.random.default_rng((*seed, number)))
        optimizer.step(loss)
        run.loss(loss)
    optimizer.use_average()
    network.eval()


def probabilities(network: CrossDomainNetwork, data: ImageSet, chosen: IntArray) -> NDArray[np.float64]:
    """Return the class probabilities of items, the mean over the images of each, ``(n, n_classes)``."""
    network.eval()
    views = [data.images.views(int(item)) for item in chosen]
    whose = np.repeat(np.arange(len(chosen)), [len(one) for one in views])
    stacked = np.concatenate(views)
    found = []
    with torch.inference_mode():
        for begin in range(0, len(stacked), _AT_ONCE):
            logits = network(torch.from_numpy(stacked[begin : begin + _AT_ONCE]), data.name).logits
            found.append(torch.softmax(logits.double(), dim=1).numpy())
    given = np.zeros((len(chosen), len(data.classes)))
    np.add.at(given, whose, np.concatenate(found))
    return np.asarray(given / np.bincount(whose, minlength=len(chosen))[:, None])


def drawn_members(task: Task, rng: np.random.Generator) -> IntArray:
    """Draw a batch of items, each class equally likely, whatever its share of the set."""
    labels = task.data.labels[task.members]
    present, counts = np.unique(labels, return_counts=True)
    weights = 1.0 / (len(present) * counts[np.searchsorted(present, labels)])
    return np.asarray(rng.choice(task.members, task.batch, p=weights))


def step_settings(step: Step, config: CrossDomainConfig) -> list[object]:
    """Return what the result of a stage depends on beside those before it."""
    tasks = [
        [task.data.name, task.data.sha256, [task.data.items.names[i] for i in task.members], task.batch]
        for task in step.tasks
    ]
    recipe = config.model_dump(mode="json", include={"weight_decay", "label_smoothing"})
    tied = [config.contrast_weight, config.margin] if len(step.tasks) == 2 else []
    return [tasks, step.batches, step.learning_rate, recipe, tied]


def _loss(
    network: CrossDomainNetwork, tasks: Sequence[Task], config: CrossDomainConfig, rng: np.random.Generator
) -> Tensor:
    losses, embeddings, labels = [], [], []
    for task in tasks:
        chosen = drawn_members(task, rng)
        reading = network(torch.from_numpy(task.data.images.drawn(chosen, rng)), task.data.name)
        truth = task.data.labels[chosen]
        losses.append(
            functional.cross_entropy(reading.logits, torch.from_numpy(truth), label_smoothing=config.label_smoothing)
        )
        embeddings.append(reading.embedding)
        labels.append(truth)
    if len(tasks) == 2:
        numbers = shared_numbers(tasks[0].data.classes, tasks[1].data.classes)
        emotions = [as_tensor(number, label) for number, label in zip(numbers, labels, strict=True)]
        losses.append(
            config.contrast_weight
            * contrastive_loss(embeddings[0], embeddings[1], emotions[0], emotions[1], config.margin)
        )
    return torch.stack(losses).sum()
