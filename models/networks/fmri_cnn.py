"""Convolutional network of one listener's fMRI, whose 500-unit layer is the feature that fusion votes on.

Hsieh and Lee, "Joint modeling of individual neural responses using a deep voting fusion network for automatic emotion
perception decoding": 4 convolutions, 3 poolings and 3 fully connected layers with ReLU, then the softmax. The paper
names no widths but the 500 of the last fully connected layer; those here were chosen for region matrices of some 200
utterances. Volumes and slices are convolved over space with images as channels; region matrices, whose columns have no
neighbourhood, over time with regions as channels.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

FEATURES = 500
_WIDTHS = (16, 16, 32, 32)
_HIDDEN = (64, 64)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_POOLINGS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)


class FmriCnn(nn.Module):
    """The network of one listener.

    Parameters
    ----------
    channels : int
        Regions of a region matrix, or images of a window of slices or volumes.
    shape : tuple of int
        What is convolved over: ``(n_images,)`` of a region matrix, ``(height, width)`` of slices, ``(x, y, z)`` of
        volumes.
    classes : int
    """

    def __init__(self, channels: int, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        convolution, pooling = _CONVOLUTIONS[len(shape) - 1], _POOLINGS[len(shape) - 1]
        layers: list[nn.Module] = []
        for number, widths in enumerate(pairwise((channels, *_WIDTHS))):
            layers += [convolution(*widths, 3, padding=1), nn.ReLU()]
            if number < len(_WIDTHS) - 1:
                layers.append(pooling(2, ceil_mode=True))
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        with torch.no_grad():
            sizes = (self.convolutions(torch.zeros(1, channels, *shape)).shape[1], *_HIDDEN, FEATURES)
        dense = [part for size in pairwise(sizes) for part in (nn.Linear(*size), nn.ReLU())]
        self.dense = nn.Sequential(*dense)
        self.output = nn.Linear(FEATURES, classes)
        # What seven layers of torch's own start leave of a window is too faint to learn from.
        for part in (*self.convolutions, *self.dense):
            if isinstance(part, (*_CONVOLUTIONS, nn.Linear)):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                if part.bias is not None:
                    nn.init.zeros_(part.bias)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Read windows of images.

        Parameters
        ----------
        windows : (n, channels, *shape) Tensor

        Returns
        -------
        features : (n, 500) Tensor
        logits : (n, classes) Tensor
        """
        features = self.dense(self.convolutions(windows))
        return features, self.output(features)
