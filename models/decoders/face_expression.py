"""The expression of a face: eight emotions as raters name them, valence and arousal, and FER2013's seven labels.

One frame at a time and without memory: whoever reads a film smooths over its frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ..contract import FaceInput, FloatArray, Head, Image
from ..fusion.circumplex import Affect, affect_of
from ..io.bundle import Bundle
from ..networks.face_expression import SIDE, FaceExpressionNetwork, folded
from ..networks.loading import with_weights
from ..signals.face.alignment import align_face, whole_crop
from ..signals.face.detection import FoundFace
from ..signals.face.quality import FaceQuality, crop_quality, face_quality

KIND = "face_expression"
CONSTRUCT = "expressed in the face"
EMOTION, LABELS, VALENCE, AROUSAL = "face", "face_fer2013", "face_valence", "face_arousal"
"""Names of the heads: emotions by raters' votes, FER2013's own labels, and the two axes of the circumplex."""
NETWORK_HEADS = {EMOTION: "emotion", LABELS: "fer2013"}
"""Heads that are the network's own, and their names in it."""
MIRRORED = "mirrored"
"""Key of a spec's ``network``: 1 where answers are the mean over a face and its mirror image."""


@dataclass(frozen=True)
class FaceExpression:
    """What one face shows.

    Attributes
    ----------
    emotions : (n_emotions,) float64
        Probabilities of the classes of the head :data:`EMOTION`.
    labels : (n_labels,) float64
        Of the classes of the head :data:`LABELS`.
    affect : Affect
        Valence and arousal of the emotions, by their places on the circumplex.
    quality : FaceQuality
    embedding : (256,) float32
        What the network knows of the face, for other networks.
    """

    emotions: NDArray[np.float64]
    labels: NDArray[np.float64]
    affect: Affect
    quality: FaceQuality
    embedding: FloatArray


class FaceExpressionDecoder:
    """Read faces with a bundle of kind :data:`KIND`.

    Parameters
    ----------
    bundle : Bundle
    device : torch.device

    Raises
    ------
    MoodringError
        The bundle's heads or weights are not those of a face-expression network.
    """

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        heads = {head.name: head for head in bundle.spec.outputs}
        given = bundle.spec.input(FaceInput)
        if bundle.spec.kind != KIND or given is None or given.size != SIDE or set(heads) != set(_HEAD_NAMES):
            raise MoodringError(
                f"bundle '{bundle.name}' is of kind '{bundle.spec.kind}' with heads {', '.join(heads)}; '{KIND}' with "
                f"faces of {SIDE} pixels and heads {', '.join(_HEAD_NAMES)} was expected; use another"
            )
        self.spec = bundle.spec
        self.emotion, self.labels = heads[EMOTION], heads[LABELS]
        if affect_of(self.emotion.classes, [1.0] * len(self.emotion.classes)) is None:
            raise MoodringError(
                f"bundle '{bundle.name}': its emotions {', '.join(self.emotion.classes)} are not all on the "
                "circumplex; use another"
            )
        sizes = {inner: len(heads[name].classes) for name, inner in NETWORK_HEADS.items()}
        weights = {name: one.float() if one.is_floating_point() else one for name, one in bundle.tensors.items()}
        network = with_weights(lambda: FaceExpressionNetwork(sizes), weights, bundle.name)
        self.live_heads = (self.emotion, heads[VALENCE], heads[AROUSAL])
        """The heads that a session answers: emotions by raters' votes, and their places on the circumplex."""
        self._mirrored = bundle.spec.network.get(MIRRORED) == 1
        self._network = folded(network).to(device)
        self._device = device

    def read(self, frame: Image, face: FoundFace) -> FaceExpression:
        """Read one face of a frame.

        Parameters
        ----------
        frame : (height, width, 3) uint8
            BGR.
        face : FoundFace
            In pixels of the frame.

        Returns
        -------
        FaceExpression
        """
        crop = align_face(frame, face)
        return self._read(crop, face_quality(crop, face))

    def read_whole(self, picture: Image) -> FaceExpression:
        """Read a tight crop of a face, in which no place of eyes and mouth is known, as it is."""
        crop = whole_crop(picture)
        return self._read(crop, crop_quality(crop))

    def logits(self, crops: Image) -> tuple[Mapping[str, NDArray[np.float64]], FloatArray]:
        """Return the logits of both heads, and the embedding.

        Where the bundle says so, logits are the mean over each face and its mirror image; the embedding is the face's.

        Parameters
        ----------
        crops : (n, 48, 48) uint8

        Returns
        -------
        logits : mapping of str to (n, n_classes) float64
            Of :data:`EMOTION` and :data:`LABELS`, before temperatures.
        embedding : (n, 256) float32
        """
        shown = np.concatenate((crops, crops[:, :, ::-1])) if self._mirrored else crops
        with torch.inference_mode():
            reading = self._network(torch.from_numpy(np.ascontiguousarray(shown)).to(self._device))
        logits = {}
        for name, inner in NETWORK_HEADS.items():
            given = reading.logits[inner].cpu().numpy().astype(np.float64)
            logits[name] = given.reshape(-1, len(crops), given.shape[1]).mean(axis=0)
        return logits, reading.embedding[: len(crops)].cpu().numpy()

    def _read(self, crop: Image, quality: FaceQuality) -> FaceExpression:
        logits, embedding = self.logits(crop[None])
        emotions = probabilities(logits[EMOTION], self.emotion)[0]
        affect = affect_of(self.emotion.classes, emotions.tolist())
        assert affect is not None  # its classes were checked  # noqa: S101
        return FaceExpression(emotions, probabilities(logits[LABELS], self.labels)[0], affect, quality, embedding[0])


_HEAD_NAMES = (EMOTION, LABELS, VALENCE, AROUSAL)


def probabilities(logits: NDArray[np.float64], head: Head) -> NDArray[np.float64]:
    """Return calibrated probabilities, ``(n, n_classes)``."""
    likelihood = np.exp((logits - logits.max(axis=-1, keepdims=True)) / head.temperature)
    found: NDArray[np.float64] = likelihood / likelihood.sum(axis=-1, keepdims=True)
    return found
