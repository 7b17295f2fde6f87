"""Features of a frozen VGG-16 for every frame that shows a face, computed once and kept on disk.

The network is frozen, so nothing of it is computed again in training; pictures cannot be changed at random for the
same reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from .....configs.schema.train_attention import AttentionNetworkSection
from .....models.contract import Image, Recording
from .....models.io.bundle import bundled
from .....models.io.files import atomic_write
from .....models.networks import vgg16
from .....models.signals.face.detection import FaceDetector
from .....models.signals.face.images import crop_face_colour
from ....simulate.difficulty import Difficulty
from ....simulate.simulated_session import simulate_parts
from ...common.stages import Stage
from ..prepare import PREPARED, found_faces, grids

VGG16_FACES = Stage("vgg16 faces", 1, (PREPARED,))
"""Raise its version whenever :func:`embed_faces` gives other numbers."""
_BATCH = 32


def embed_faces(recording: Recording, detector: FaceDetector, network: vgg16.FrozenVgg16) -> NDArray[np.float16]:
    """Return the features of a recording's faces on the frames of its grid.

    Returns
    -------
    (n_frames, 4096) float16
        0 where no face was found.
    """
    frames_s = grids(recording)[1]
    features = np.zeros((len(frames_s), vgg16.UNITS), np.float16)
    numbers: list[int] = []
    crops: list[Image] = []

    def embed() -> None:
        if numbers:
            features[numbers] = network.embed(np.stack(crops)).cpu().numpy()
            numbers.clear()
            crops.clear()

    for number, image, box in found_faces(recording.face, frames_s, detector):
        numbers.append(number)
        crops.append(crop_face_colour(image, box, vgg16.FACE_SIZE))
        if len(numbers) == _BATCH:
            embed()
    embed()
    return features


@dataclass(frozen=True)
class FrozenFaces:
    """A frozen VGG-16 on its device.

    Attributes
    ----------
    network : FrozenVgg16
    sha256 : str
        Of the file of its weights.
    """

    network: vgg16.FrozenVgg16
    sha256: str

    @classmethod
    def of(cls, section: AttentionNetworkSection, device: torch.device) -> Self | None:
        """Return the frozen network that a config names, None where it names none.

        Raises
        ------
        MoodringError
            Its file is missing, of another hash or of another network.
        """
        if section.backbone != "vgg16" or section.weights is None:
            return None
        network, sha256 = vgg16.load_vgg16(section.weights, section.weights_sha256)
        return cls(vgg16.FrozenVgg16(network, device), sha256)

    def embed(
        self,
        seeds: Sequence[int],
        seconds: float,
        difficulty: Difficulty,
        cache: Path,
        report: Callable[[str], None],
    ) -> list[Path]:
        """Embed the faces of simulated people who are not in the cache yet.

        Parameters
        ----------
        seeds : sequence of int
        seconds : float
        difficulty : Difficulty
        cache : Path
        report : callable

        Returns
        -------
        list of Path
            One ``.npy`` file a person, in the order of the seeds.
        """
        key = f"vgg16-{VGG16_FACES.key(difficulty.digest(), self.sha256)[:16]}-{seconds:g}"
        paths = [cache / f"{key}-{seed:05d}.npy" for seed in seeds]
        detector = FaceDetector(bundled("yunet").read_bytes())
        for done, (seed, path) in enumerate(zip(seeds, paths, strict=True), start=1):
            if path.exists():
                continue
            features = embed_faces(simulate_parts(seed, seconds, difficulty).recording, detector, self.network)
            with atomic_write(path) as file:
                np.save(file, features)
            report(f"embedded the faces of {done}/{len(seeds)} people (seed {seed})")
        return paths
