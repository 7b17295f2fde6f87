"""Training of single listeners side by side, and of the network that fuses them."""

import numpy as np
import pytest
import torch

from moodring.configs.schema.papers.voting import FmriCnnSection, FusionSection
from moodring.models.networks.fmri_cnn import FmriCnn
from moodring.offline.training.common.optimization import generator_for
from moodring.offline.training.voting.features import ListenerNetworks
from moodring.offline.training.voting.fusion import fine_tuned, fit_fusion

SETTINGS = FmriCnnSection(epochs=2, batch=6, learning_rate=0.05)


def _windows(n_listeners: int = 2, shape: tuple[int, ...] = (5, 4)) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n_listeners, 16, *shape)).astype(np.float32)


def test_a_listener_is_trained_as_if_alone() -> None:
    windows, labels = _windows(), np.arange(16) % 2
    together = ListenerNetworks(windows, labels, 2, SETTINGS, 3).features(windows)
    torch.manual_seed(3)
    network = FmriCnn(5, (4,), 2)
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9, weight_decay=1e-6)
    generator = generator_for(3, 0)
    events, truth = torch.from_numpy(windows[0]), torch.from_numpy(labels)
    for _ in range(2):
        for batch in torch.randperm(16, generator=generator).split(6):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(events[batch])[1], truth[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        alone = network(events)[0].numpy()
    np.testing.assert_allclose(together[0], alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 6, 6), (4, 3, 4, 5)])
def test_slices_and_volumes_are_learned_too(shape: tuple[int, ...]) -> None:
    windows, labels = 0.1 * _windows(2, shape), np.arange(16) % 2
    windows[0, labels == 1] += 1.0
    found = ListenerNetworks(windows, labels, 2, FmriCnnSection(epochs=5, batch=4), 0).features(windows)
    apart = np.linalg.norm(found[:, labels == 1].mean(axis=1) - found[:, labels == 0].mean(axis=1), axis=1)
    spread = found.std(axis=1).mean(axis=1)
    assert apart[0] / spread[0] > 3.0 * apart[1] / spread[1]


def _features(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return features of three listeners, of whom the last says nothing of the two classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(60) % 2
    features = rng.normal(size=(3, 60, 20)).astype(np.float32)
    features[:2, :, :10] += 2.0 * labels[None, :, None]
    return features, labels


def test_votes_of_a_listener_who_says_nothing_are_masked_first() -> None:
    features, labels = _features()
    settings = FusionSection(epochs=8, learning_rate=1e-3, thresholds=(0.002, 0.005))
    network = fit_fusion(features, labels, 2, settings, 0)
    before = network.voting.weight.detach().clone()
    tuned = fine_tuned(network, 0.005, features, labels, settings, 0)
    kept = tuned.mask.reshape(64, 3, 100).mean(dim=(0, 2))
    assert kept[2] < kept[:2].min()
    torch.testing.assert_close(network.voting.weight.detach(), before)
    assert (tuned.voting.weight[tuned.mask == 0] == 0).all()
    assert not torch.allclose(tuned.voting.weight[tuned.mask == 1], before[tuned.mask == 1])


def test_the_same_seed_gives_the_same_fusion() -> None:
    features, labels = _features()
    settings = FusionSection(epochs=1, thresholds=(0.002, 0.005))
    first, again, other = (fit_fusion(features, labels, 2, settings, seed).voting.weight for seed in (1, 1, 2))
    torch.testing.assert_close(first, again)
    assert not torch.allclose(first, other)
