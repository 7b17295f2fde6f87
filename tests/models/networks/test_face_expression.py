"""The face-expression network: sizes, what does not matter to it, and the same answers once it is folded."""

import copy

import pytest
import torch
from torch import nn

from moodring.models.networks.face_expression import EMBEDDING, FaceExpressionNetwork, folded

HEADS = {"emotion": 8, "fer2013": 7}


@pytest.fixture(scope="module")
def network() -> FaceExpressionNetwork:
    torch.manual_seed(0)
    made = FaceExpressionNetwork(HEADS).train()
    for _ in range(3):
        made(255 * torch.rand(8, 48, 48))
    return made.eval()


def test_it_is_as_small_as_it_says(network: FaceExpressionNetwork) -> None:
    counted = [0]

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        counted[0] += output[0].numel() * module.weight[0].numel()

    hooks = [one.register_forward_hook(count) for one in network.modules() if isinstance(one, nn.Conv2d)]
    with torch.inference_mode():
        reading = network(torch.zeros(1, 48, 48))
    for hook in hooks:
        hook.remove()
    assert counted[0] == pytest.approx(79e6, rel=0.01)
    assert sum(one.numel() for one in network.parameters()) == pytest.approx(1.02e6, rel=0.02)
    assert reading.embedding.shape == (1, EMBEDDING)
    assert {name: tuple(one.shape) for name, one in reading.logits.items()} == {"emotion": (1, 8), "fer2013": (1, 7)}


def test_light_and_contrast_do_not_matter_but_a_flat_crop_is_not_blown_up(network: FaceExpressionNetwork) -> None:
    face = 60 + 100 * torch.rand(1, 48, 48)
    with torch.inference_mode():
        plain = network(face).embedding
        assert torch.allclose(network(0.5 * face + 20).embedding, plain, atol=1e-3)
        flat = network(100 + 0.01 * face).embedding
        assert torch.allclose(flat, network(torch.full((1, 48, 48), 100.0)).embedding, atol=0.1)


def test_bytes_and_floats_are_one(network: FaceExpressionNetwork) -> None:
    face = torch.randint(0, 256, (2, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(network(face).embedding, network(face.float()).embedding)


def test_folding_changes_no_answer_and_leaves_no_normalisation(network: FaceExpressionNetwork) -> None:
    quick = folded(copy.deepcopy(network))
    assert not [one for one in quick.modules() if isinstance(one, nn.BatchNorm2d)]
    face = 255 * torch.rand(4, 48, 48)
    with torch.inference_mode():
        for name in HEADS:
            assert torch.allclose(quick(face).logits[name], network(face).logits[name], atol=1e-3)


def test_both_heads_teach_one_embedding() -> None:
    made = FaceExpressionNetwork(HEADS)
    first = next(made.trunk.parameters())
    for name in HEADS:
        made.zero_grad()
        made(255 * torch.rand(4, 48, 48)).logits[name].square().mean().backward()
        assert first.grad is not None
        assert first.grad.abs().max() > 0
