"""VGG-16 up to its second fully connected layer, frozen: the face features of the paper's own configuration.

The layers, and the names of their tensors, are those of torchvision's ``vgg16`` [1]_, so that a state dict saved from
it fits. Weights are never downloaded and never part of a bundle: they are read from a file of the user's own.

References
----------
.. [1] Simonyan K., Zisserman A. (2015), Very deep convolutional networks for large-scale image recognition,
   https://arxiv.org/abs/1409.1556 (configuration D)
"""

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import check_regular

FACE_SIZE = 227
"""Side of the face crops in pixels, as in the paper."""
CHANNELS = (64, 128, 256, 512, 512)
UNITS = 4096
"""Number of features."""
_CONVOLUTIONS = (2, 2, 3, 3, 3)
_GRID = 7
_CLASSES = "classifier.6."
# Of ImageNet, in RGB: what torchvision's weights were trained with.
_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)
_MOST_BYTES = 1_000_000_000


class Vgg16(nn.Module):
    """Convolutions and the first two fully connected layers of VGG-16."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 3
        for channels, repeats in zip(CHANNELS, _CONVOLUTIONS, strict=True):
            for _ in range(repeats):
                layers += [nn.Conv2d(width, channels, 3, padding=1), nn.ReLU(inplace=True)]
                width = channels
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(_GRID)
        self.classifier = nn.Sequential(
            nn.Linear(width * _GRID**2, UNITS), nn.ReLU(inplace=True),
            nn.Dropout(), nn.Linear(UNITS, UNITS), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> Tensor:
        """Return features ``(n, 4096)``, at least 0, of normalised RGB pictures ``(n, 3, 227, 227)``."""
        return cast(Tensor, self.classifier(self.avgpool(self.features(pictures)).flatten(1)))


class FrozenVgg16:
    """A VGG-16 that embeds face crops, with half-precision autocast and ``torch.compile`` on CUDA.

    Parameters
    ----------
    network : Vgg16
    device : torch.device
    """

    def __init__(self, network: Vgg16, device: torch.device) -> None:
        self._device = device
        self._amp = device.type == "cuda"
        network.requires_grad_(False).eval()
        placed = nn.utils.convert_conv2d_weight_memory_format(network.to(device), torch.channels_last)
        self._network = cast(nn.Module, torch.compile(placed, dynamic=True)) if self._amp else placed
        self._mean = torch.tensor(_MEAN, device=device)
        self._spread = torch.tensor(_SPREAD, device=device)

    def embed(self, crops: NDArray[np.uint8]) -> Tensor:
        """Return features ``(n, 4096)`` float32 on the device of face crops ``(n, 227, 227, 3)`` uint8 in BGR."""
        with torch.inference_mode():
            rgb = torch.from_numpy(np.ascontiguousarray(crops)).to(self._device).flip(-1).float() / 255.0
            pictures = ((rgb - self._mean) / self._spread).permute(0, 3, 1, 2)
            with torch.autocast(self._device.type, torch.float16, enabled=self._amp):
                return cast(Tensor, self._network(pictures)).float()


def load_vgg16(path: Path, sha256: str = "") -> tuple[Vgg16, str]:
    """Read the weights of a VGG-16 from a torchvision state dict (``.pth``) or a ``.safetensors`` file.

    Parameters
    ----------
    path : Path
    sha256 : str
        That the file must have, in hexadecimal; "" accepts any.

    Returns
    -------
    network : Vgg16
    sha256 : str
        Of the file.

    Raises
    ------
    MoodringError
        The file is missing, too large, damaged, not of this hash, or of another network: the first tensor that is
        missing or has another shape is named.
    """
    found = _sha256_of(path)
    if sha256 and found != sha256.lower():
        raise MoodringError(
            f"weights '{path}' have the sha256 {found}, expected was {sha256.lower()}; give the file that was meant"
        )
    weights = _read(path)
    with torch.device("meta"):
        network = Vgg16()
    needed = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    # The last layer names classes and is not used: a network tuned on other classes fits as well.
    came = {name: tuple(tensor.shape) for name, tensor in weights.items() if not name.startswith(_CLASSES)}
    for name in {**needed, **came}:
        if needed.get(name) != came.get(name):
            raise MoodringError(
                f"weights '{path}' are not those of a VGG-16: '{name}' is {came.get(name, 'missing')}, expected: "
                f"{needed.get(name, 'no such tensor')}; give torchvision's vgg16"
            )
    broken = next((name for name in needed if not bool(torch.isfinite(weights[name]).all())), None)
    if broken is not None:
        raise MoodringError(f"weights '{path}' are no finite numbers in '{broken}'; copy the file again")
    network.load_state_dict({name: weights[name].float() for name in needed}, assign=True)
    return network, found


def _sha256_of(path: Path) -> str:
    try:
        check_regular(path)
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise MoodringError(
                f"weights '{path}' have {size / 1e9:.1f} GB, at most {_MOST_BYTES / 1e9:.1f} GB are read; give "
                "torchvision's vgg16"
            )
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise MoodringError(
            f"weights '{path}' do not exist (looked for '{path.absolute()}'); give the file of a VGG-16 that "
            "torchvision saved: nothing is downloaded"
        ) from None
    except OSError as error:
        raise MoodringError(f"weights '{path}' cannot be read: {error.strerror}; give another file") from None


def _read(path: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a file by name; nothing in it is executed."""
    try:
        if path.suffix == ".safetensors":
            return cast(Mapping[str, Tensor], load_file(path))
        read = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise MoodringError(
            f"weights '{path}' are no state dict of tensors alone ({first}); save it with torchvision anew"
        ) from None
    tensors = isinstance(read, dict) and all(isinstance(value, Tensor) for value in read.values())
    if not tensors or not read:
        raise MoodringError(f"weights '{path}' hold {type(read).__name__}, expected: a state dict of tensors by name")
    return cast(Mapping[str, Tensor], read)
