"""The networks of single listeners and the one that fuses them."""

import numpy as np
import pytest
import torch

from moodring.models.networks.fmri_cnn import FEATURES, FmriCnn
from moodring.models.networks.voting import VotingNetwork


def _network(listeners: int = 3, features: int = 5) -> VotingNetwork:
    torch.manual_seed(0)
    network = VotingNetwork(listeners, features, 4)
    torch.nn.init.normal_(network.voting.weight)
    return network


@pytest.mark.parametrize(("channels", "shape"), [(40, (8,)), (8, (6, 7)), (8, (6, 7, 6)), (5, (1,))])
def test_a_listener_is_read_from_matrices_slices_and_volumes(channels: int, shape: tuple[int, ...]) -> None:
    features, logits = FmriCnn(channels, shape, 4)(torch.randn(2, channels, *shape))
    assert features.shape == (2, FEATURES)
    assert logits.shape == (2, 4)
    assert (features >= 0).all()


def test_a_listener_has_the_layers_of_the_paper() -> None:
    kinds = [type(part).__name__ for part in FmriCnn(8, (6, 7, 6), 4).modules()]
    assert kinds.count("Conv3d") == 4
    assert kinds.count("MaxPool3d") == 3
    assert kinds.count("Linear") == 4  # three, and the softmax's


def test_the_voting_layer_of_18_listeners_has_the_papers_size_and_no_bias() -> None:
    network = VotingNetwork(18, 500, 4)
    assert network.voting.weight.shape == (64, 1800)
    assert network.voting.bias is None
    assert network.hidden.weight.shape == (16, 64)


def test_fusion_is_what_its_equations_say() -> None:
    network = _network()
    features = torch.randn(3, 6, 5)
    weights = {name: one.detach().numpy().astype(np.float64) for name, one in network.named_parameters()}
    merged = np.hstack(
        [
            np.maximum(features[s].numpy() @ weights[f"dense.{s}.weight"].T + weights[f"dense.{s}.bias"], 0.0)
            for s in range(3)
        ]
    )
    votes = merged @ weights["voting.weight"].T
    hidden = np.maximum(votes @ weights["hidden.weight"].T + weights["hidden.bias"], 0.0)
    logits = hidden @ weights["output.weight"].T + weights["output.bias"]
    with torch.no_grad():
        found_hidden, found = network(features)
    np.testing.assert_allclose(found_hidden, hidden, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)


def test_a_listener_whose_votes_are_left_out_changes_nothing() -> None:
    network = _network()
    features = torch.randn(3, 6, 5)
    others = features.clone()
    others[1] += 10.0
    present = torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(network(features, present), network(others, present))
    assert not torch.allclose(network(features)[1], network(others)[1])


def test_a_mask_keeps_large_weights_and_silences_small_ones() -> None:
    network = _network()
    before = network.voting.weight.detach().clone()
    network.mask_weights(0.5)
    large = before.abs() > 0.5
    torch.testing.assert_close(network.voting.weight[large], before[large])
    assert (network.voting.weight[~large] == 0).all()
    features = torch.randn(3, 6, 5)
    network(features)[1].sum().backward()
    assert network.voting.weight.grad is not None
    assert (network.voting.weight.grad[~large] == 0).all()


def test_the_size_of_weights_tells_listeners_apart() -> None:
    network = _network()
    with torch.no_grad():
        network.voting.weight[:, 100:200] *= 0.0
    sizes = network.weight_sizes()
    assert sizes[1] == 0.0
    assert sizes[0] > 0.5
