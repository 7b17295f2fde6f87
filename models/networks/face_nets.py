"""The face networks of the video-EEG model: from a face to its features, and from these to what it expresses."""

from typing import cast

import torch
from torch import Tensor, nn

from . import vgg16
from .face_expression import EMBEDDING, SIDE, FaceExpressionNetwork, folded

_EXPRESSED = 3  # logit of the presence of an expression, its valence, its arousal
_FRAMED = 38
"""Side of the middle of a crop of 48 that frames a face as FER2013 does: a zoom by 1.27, the median of 125 frames."""


class FaceNet(nn.Module):
    """Features of a grey face crop, in place of the paper's VGG-16.

    Trained on what faces express, then frozen. Its input is standardised per crop, which removes light and camera gain.
    """

    def __init__(self, face_size: int, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2, padding=2),
            nn.GroupNorm(4, 12),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.GroupNorm(4, 24),
            nn.ReLU(),
            nn.Conv2d(24, 32, 3, stride=2, padding=1),
            nn.GroupNorm(4, 32),
            nn.ReLU(),
            nn.Flatten(),
        )
        side = -(-face_size // 8)
        self.out = nn.Linear(32 * side * side, features)
        self.expression = nn.Linear(features, _EXPRESSED)

    def forward(self, crops: Tensor) -> Tensor:
        """Return features ``(n, features)`` of crops ``(n, size, size)`` in 0..255."""
        return torch.tanh(cast(Tensor, self.out(self.body(standardised(crops)[:, None]))))

    def expressed(self, features: Tensor) -> Tensor:
        """Return the expression read from features: ``(n, 3)``, logit of its presence, valence and arousal."""
        return cast(Tensor, self.expression(features))


class FrozenFaceNet(nn.Module):
    """The paper's fully connected layer on features of a frozen VGG-16 (:mod:`~moodring.models.networks.vgg16`)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.out = nn.Linear(vgg16.UNITS, features)
        self.expression = nn.Linear(features, _EXPRESSED)

    def forward(self, embedded: Tensor) -> Tensor:
        """Return features ``(n, features)`` of features ``(n, 4096)`` of VGG-16."""
        return torch.tanh(cast(Tensor, self.out(nn.functional.layer_norm(embedded, embedded.shape[-1:]))))

    def expressed(self, features: Tensor) -> Tensor:
        """Return the expression read from features: ``(n, 3)``, logit of its presence, valence and arousal."""
        return cast(Tensor, self.expression(features))


class ExpressionFaceNet(nn.Module):
    """A fully connected layer on the embedding of the network that reads expressions of real faces, which is frozen.

    :mod:`~moodring.models.networks.face_expression`; its weights are part of this network.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        trunk = folded(FaceExpressionNetwork({}))
        self.trunk = trunk.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.trunk.requires_grad_(False)
        self.out = nn.Linear(EMBEDDING, features)
        self.expression = nn.Linear(features, _EXPRESSED)

    def embed(self, crops: Tensor) -> Tensor:
        """Return the embedding ``(n, 256)`` of crops ``(n, 48, 48)`` in 0..255, without a graph."""
        if crops.shape[1:] != (SIDE, SIDE):
            raise ValueError(f"crops of {SIDE} pixels were expected, {tuple(crops.shape[1:])} came")
        edge = (SIDE - _FRAMED) // 2
        middle = crops[:, None, edge : edge + _FRAMED, edge : edge + _FRAMED].float()
        with torch.no_grad():
            framed = nn.functional.interpolate(middle, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
            return cast(Tensor, self.trunk(framed[:, 0]).embedding)

    def read(self, embedded: Tensor) -> Tensor:
        """Return features ``(n, features)`` of embeddings ``(n, 256)``."""
        return torch.tanh(cast(Tensor, self.out(nn.functional.layer_norm(embedded, embedded.shape[-1:]))))

    def forward(self, crops: Tensor) -> Tensor:
        """Return features ``(n, features)`` of crops ``(n, 48, 48)`` in 0..255."""
        return self.read(self.embed(crops))

    def expressed(self, features: Tensor) -> Tensor:
        """Return the expression read from features: ``(n, 3)``, logit of its presence, valence and arousal."""
        return cast(Tensor, self.expression(features))


def standardised(crops: Tensor) -> Tensor:
    """Return pictures ``(n, height, width)`` with mean 0 and about unit variance each."""
    grey = crops.float()
    centred = grey - grey.mean(dim=(1, 2), keepdim=True)
    return centred / (centred.pow(2).mean(dim=(1, 2), keepdim=True).sqrt() + 4.0)
