"""One convolutional network for faces and for log-mel images of speech, with a softmax for each set of either.

Nguyen D. et al. (2020), Joint deep cross-domain transfer learning for emotion recognition,
https://arxiv.org/abs/2003.11136. The description at hand says that both inputs are 64x64x3, that normalisation is over
groups of channels and that the rectifier is leaky. It gives no sizes of layers: those here were chosen so that an
image costs 12 million multiplications, and so were the slope of the rectifier, the embedding and its dropout.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 64
EMBEDDING = 128
_STEM = 16
_WIDTHS = (32, 64, 128)
_LAST_SIDE = SIDE // 16  # where in an image something is matters for both: eyes and mouths, low and high bands
_CHANNELS_A_GROUP = 8
_SLOPE = 0.1


@dataclass(frozen=True)
class CrossDomainReading:
    """What the network says of a batch of images.

    Attributes
    ----------
    embedding : (n, 128) Tensor
        Of length 1.
    logits : (n, n_classes) Tensor
        Of the set that was asked for.
    """

    embedding: Tensor
    logits: Tensor


class CrossDomainNetwork(nn.Module):
    """The network; all of it is shared but the last layer.

    Parameters
    ----------
    heads : mapping of str to int
        Names of the sets, and how many classes each has.
    dropout : float
        Of what the embedding is made of, and of the embedding, in training.
    """

    def __init__(self, heads: Mapping[str, int], dropout: float = 0.0) -> None:
        super().__init__()
        narrow, middle, wide = _WIDTHS
        self.trunk = nn.Sequential(
            *(*_unit(3, _STEM, 5, 2), nn.MaxPool2d(2)),
            *(*_unit(_STEM, narrow), *_unit(narrow, middle), nn.MaxPool2d(2)),
            *(*_unit(middle, wide), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Dropout(dropout), nn.Linear(wide * _LAST_SIDE**2, EMBEDDING)),
        )
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(EMBEDDING, classes) for name, classes in heads.items()})
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Tensor, head: str) -> CrossDomainReading:
        """Read images of one set.

        Parameters
        ----------
        images : (n, 3, 64, 64) Tensor
            Faces, or log-mel images whose rows are bands; each of mean 0 and variance 1.
        head : str
            The set whose classes are asked for.

        Returns
        -------
        CrossDomainReading
        """
        found = self.trunk(images.contiguous(memory_format=torch.channels_last))
        kept = self.dropout(functional.leaky_relu(found, _SLOPE))
        return CrossDomainReading(functional.normalize(found, dim=1), self.heads[head](kept))


def _unit(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False),
        nn.GroupNorm(outside // _CHANNELS_A_GROUP, outside),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )
