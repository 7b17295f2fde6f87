"""The part of a model's face network that is not in its bundle: none, or a frozen VGG-16 from a file of the user's."""

from pathlib import Path

import torch
from torch import Tensor

from ...configs.schema.errors import MoodringError
from ..contract import FaceBox, Image
from ..io.bundle import Bundle
from ..networks import vgg16
from ..networks.attention import BACKBONES, Backbone
from ..signals.face.images import crop_face, crop_face_colour


class FaceCropper:
    """From a camera frame and a box to the input of a bundle's face network.

    Parameters
    ----------
    bundle : Bundle
        Of kind "attention".
    size : int
        Side of the compact network's crops.
    device : torch.device
    vgg16_weights : Path or None
        Where the bundle was trained on a frozen VGG-16: its file.

    Raises
    ------
    MoodringError
        The file is not named, or not the one that the bundle was trained with.
    """

    def __init__(self, bundle: Bundle, size: int, device: torch.device, vgg16_weights: Path | None) -> None:
        self._size, self._device = size, device
        self._vgg16: vgg16.FrozenVgg16 | None = None
        if backbone_of(bundle) == "compact":
            return
        sha256 = str(bundle.spec.network.get("backbone_sha256", ""))
        if not sha256:
            raise MoodringError(f"bundle '{bundle.name}' does not name the weights of its VGG-16; train it again")
        if vgg16_weights is None:
            raise MoodringError(
                f"bundle '{bundle.name}' reads faces by a VGG-16 whose weights are not in it: set models.vgg16_weights "
                f"to the file with the sha256 {sha256}"
            )
        network, _ = vgg16.load_vgg16(vgg16_weights, sha256)
        self._vgg16 = vgg16.FrozenVgg16(network, device)

    def read(self, image: Image, box: FaceBox) -> Tensor:
        """Return the face network's input for one face: a crop ``(1, size, size)``, or features ``(1, 4096)``."""
        if self._vgg16 is None:
            return torch.from_numpy(crop_face(image, box, self._size))[None].to(self._device)
        return self._vgg16.embed(crop_face_colour(image, box, vgg16.FACE_SIZE)[None])


def backbone_of(bundle: Bundle) -> Backbone:
    """Return the backbone that a bundle names; raise MoodringError for an unknown one."""
    named = str(bundle.spec.network.get("backbone", "compact"))
    for backbone in BACKBONES:
        if named == backbone:
            return backbone
    raise MoodringError(
        f"bundle '{bundle.name}' names the backbone {named!r}; known are {', '.join(BACKBONES)}: update moodring, or "
        "use another bundle"
    )
