"""Training of the voting network: once, and again from its masked votes."""

from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray

from ....configs.schema.papers.voting import FusionSection
from ....models.networks.voting import VotingNetwork
from ..common.optimization import generator_for

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


def fit_fusion(
    features: FloatArray, labels: IntArray, classes: int, settings: FusionSection, seed: int
) -> VotingNetwork:
    """Return a voting network trained on features of all listeners, ``(n_listeners, n_events, n_features)``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = VotingNetwork(len(features), features.shape[2], classes)
    _train(network, features, labels, settings, seed, 1)
    return network


def fine_tuned(
    network: VotingNetwork,
    threshold: float,
    features: FloatArray,
    labels: IntArray,
    settings: FusionSection,
    seed: int,
) -> VotingNetwork:
    """Return a copy whose small votes are masked and which is trained on; masked votes stay zero."""
    masked = deepcopy(network)
    masked.mask_weights(threshold)
    _train(masked, features, labels, settings, seed, 2)
    return masked


def _train(
    network: VotingNetwork, features: FloatArray, labels: IntArray, settings: FusionSection, seed: int, stage: int
) -> None:
    optimizer = torch.optim.Adam(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    generator = generator_for(seed, stage)
    inputs, truth = torch.from_numpy(features), torch.from_numpy(labels)
    for _ in range(settings.epochs):
        for batch in torch.split(torch.randperm(len(truth), generator=generator), settings.batch):
            loss = torch.nn.functional.cross_entropy(network(inputs[:, batch])[1], truth[batch])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
