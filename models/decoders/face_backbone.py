"""The part of a model's face network that is not in its bundle: none, or a frozen VGG-16 from a file of the user's."""

from pathlib import Path

import torch
from torch import Tensor

from ...configs.schema.errors import MoodringError
from ..contract import FaceBox, Image
from ..io.bundle import Bundle
from ..networks.attention import BACKBONES, Backbone
from ..networks.vgg16 import FrozenVgg16, load_vgg16
from ..signals.face.images import crop_face, crop_face_colour


def load_backbone(bundle: Bundle, weights: Path | None, device: torch.device) -> FrozenVgg16 | None:
    """Return the frozen network that a bundle reads faces by, None where it needs none.

    Parameters
    ----------
    bundle : Bundle
        Of kind "attention".
    weights : Path or None
        The file of a VGG-16.
    device : torch.device

    Raises
    ------
    MoodringError
        The file is not named, or not the one that the bundle was trained with.
    """
    if backbone_of(bundle) != "vgg16":
        return None
    sha256 = str(bundle.spec.network.get("backbone_sha256", ""))
    if not sha256:
        raise MoodringError(f"bundle '{bundle.name}' does not name the weights of its VGG-16; train it again")
    if weights is None:
        raise MoodringError(
            f"bundle '{bundle.name}' reads faces by a VGG-16 whose weights are not in it: set models.vgg16_weights to "
            f"the file with the sha256 {sha256}"
        )
    return FrozenVgg16(load_vgg16(weights, sha256)[0], device)


def face_input(image: Image, box: FaceBox, size: int, backbone: FrozenVgg16 | None, device: torch.device) -> Tensor:
    """Return the face network's input for one face: a crop ``(1, size, size)``, or the backbone's ``(1, 4096)``."""
    if backbone is None:
        return torch.from_numpy(crop_face(image, box, size))[None].to(device)
    return backbone.embed(crop_face_colour(image, box, size)[None])


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
