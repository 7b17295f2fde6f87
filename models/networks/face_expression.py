"""A small residual network that reads the expression of an aligned face, with two heads on one embedding.

Residual blocks after He et al. 2016 (https://arxiv.org/abs/1512.03385), with the pooled shortcut of He et al. 2019
(https://arxiv.org/abs/1812.01187). Trained from scratch; the embedding serves other networks as what a face shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

SIDE = 48
EMBEDDING = 256
_STEM = 24
_WIDTHS = (48, 96, EMBEDDING)
_LEAST_CONTRAST = 8.0  # grey levels: a crop with less is not amplified to noise


@dataclass(frozen=True)
class FaceReading:
    """What the network says of a batch of faces.

    Attributes
    ----------
    embedding : (n, 256) Tensor
    logits : mapping of str to Tensor
        ``(n, n_classes)`` of each head.
    """

    embedding: Tensor
    logits: Mapping[str, Tensor]


class FaceExpressionNetwork(nn.Module):
    """The network; 79 million multiplications a face and 1.0 million weights.

    Parameters
    ----------
    heads : mapping of str to int
        Names and numbers of classes.
    dropout : float
        Of the embedding, in training.
    """

    def __init__(self, heads: Mapping[str, int], dropout: float = 0.0) -> None:
        super().__init__()
        blocks: list[nn.Module] = [_unit(1, _STEM), _unit(_STEM, _WIDTHS[0], 2)]
        before = _WIDTHS[0]
        for number, width in enumerate(_WIDTHS):
            blocks.append(_Residual(before, width, 1 if number == 0 else 2))
            before = width
        self.trunk = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(EMBEDDING, classes) for name, classes in heads.items()})

    def forward(self, crops: Tensor) -> FaceReading:
        """Read faces.

        Parameters
        ----------
        crops : (n, 48, 48) Tensor
            Grey, 0..255, of any type. Light and contrast of each crop do not matter: it is standardised.

        Returns
        -------
        FaceReading
        """
        faces = crops.float()
        faces = faces - faces.mean(dim=(1, 2), keepdim=True)
        contrast = faces.square().mean(dim=(1, 2), keepdim=True).sqrt()
        faces = (faces / contrast.clamp(min=_LEAST_CONTRAST))[:, None]
        embedding = self.trunk(faces.contiguous(memory_format=torch.channels_last))
        kept = self.dropout(embedding)
        return FaceReading(embedding, {name: head(kept) for name, head in self.heads.items()})


class _Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first = _unit(inside, outside, stride)
        self.second = nn.Sequential(nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside))
        self.shortcut = (
            nn.Identity()
            if inside == outside and stride == 1
            else nn.Sequential(nn.AvgPool2d(stride), nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


def folded(network: FaceExpressionNetwork) -> FaceExpressionNetwork:
    """Merge batch normalisation into the convolutions, in place, for inference: the same answers in less time."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for number, (one, two) in enumerate(pairwise(module)):
                if isinstance(one, nn.Conv2d) and isinstance(two, nn.BatchNorm2d):
                    module[number] = nn.utils.fusion.fuse_conv_bn_eval(one, two)
                    module[number + 1] = nn.Identity()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _unit(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )
