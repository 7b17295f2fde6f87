"""A VGG-16 of a few channels, and files of its weights: what the real one of half a gigabyte is tested by."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from moodring.models.networks import vgg16


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Make every VGG-16 of this test tiny."""
    patch.setattr(vgg16, "CHANNELS", (2, 2, 3, 4, 4))
    patch.setattr(vgg16, "UNITS", 8)
    patch.setattr(vgg16, "FACE_SIZE", 64)


def state_dict(seed: int = 0) -> dict[str, Tensor]:
    """Return weights as torchvision names them, the layer of the classes included."""
    torch.manual_seed(seed)
    weights = dict(vgg16.Vgg16().state_dict())
    return weights | {"classifier.6.weight": torch.zeros(1000, vgg16.UNITS), "classifier.6.bias": torch.zeros(1000)}


def write(folder: Path, seed: int = 0) -> Path:
    """Write a file as torchvision's are."""
    path = folder / f"vgg16-{seed}.pth"
    torch.save(state_dict(seed), path)
    return path
