"""What the face-expression network is trained and judged on: which pictures, and their soft targets."""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.train_faces import TrainFacesConfig
from ....models.contract import FloatArray, Image
from ....models.io.files import write_file
from ...datasets.faces.fer2013 import CLASSES, EMOTION_OF, EMOTIONS, FacePictures
from ...evaluation.faces.judged import JudgedFaces, as_read, found_in, judged
from ...evaluation.leakage import Part, audit_parts, digest

_LEAST_CONTRAST = 2.0  # standard deviation in grey levels: below is an empty picture
_RARE = tuple(EMOTIONS.index(name) for name in ("disgust", "contempt"))
_TO_EMOTION = np.array([EMOTIONS.index(EMOTION_OF[name]) for name in CLASSES])


@dataclass(frozen=True)
class TrainingFaces:
    """Faces to train on, each photograph file once.

    Attributes
    ----------
    crops : (n, 48, 48) uint8
    labels : (n, 7) float32
        Soft targets over FER2013's classes.
    emotions : (n, 8) float32
        Soft targets over FER+'s emotions: shares of the votes.
    rare : (n,) bool
        Whether they show disgust or contempt.
    """

    crops: Image
    labels: FloatArray
    emotions: FloatArray
    rare: NDArray[np.bool_]


@dataclass(frozen=True)
class FaceParts:
    """The parts of the set; no photograph is in two of them.

    Attributes
    ----------
    train : TrainingFaces
    held_out, test : JudgedFaces
    dropped : tuple of str
        What was left out of training, and why.
    """

    train: TrainingFaces
    held_out: JudgedFaces
    test: JudgedFaces
    dropped: tuple[str, ...]


def split(pictures: FacePictures, config: TrainFacesConfig) -> FaceParts:
    """Divide the set into parts without a photograph in two of them.

    Pictures of the train part that are copies of test pictures are dropped. Identical pictures are trained on once,
    with the mean of their labels and the sum of their votes.

    Raises
    ------
    MoodringError
        A photograph is in two parts.
    """
    in_test = np.isin(pictures.photographs, pictures.photographs[pictures.tests])
    usable = ~pictures.tests & ~in_test
    groups = np.unique(pictures.photographs[usable])
    order = np.random.default_rng((config.seed, 1)).permutation(groups)
    held = usable & np.isin(pictures.photographs, order[: round(config.held_out * len(groups))])
    no_face = (pictures.other_votes > pictures.votes.sum(axis=1)) | (pictures.votes.sum(axis=1) == 0)
    flat = pictures.pixels.reshape(len(pictures.pixels), -1)
    no_face |= flat.std(axis=1) < _LEAST_CONTRAST
    chosen = np.flatnonzero(usable & ~held & ~no_face)
    train = _training_faces(pictures, chosen, config.votes_share)
    _audit(pictures, {"training": chosen, "held out": np.flatnonzero(held), "test": np.flatnonzero(pictures.tests)})
    dropped = (
        f"{int((~pictures.tests & in_test).sum())} pictures that copy a test picture",
        f"{int((usable & ~held & no_face).sum())} on which the raters saw no emotion, or that are empty",
        f"{len(chosen) - len(train.crops)} that are identical to another",
    )
    return FaceParts(train, judged(pictures, held), judged(pictures, pictures.tests), dropped)


def aligned(faces: TrainingFaces, folder: Path) -> TrainingFaces:
    """Return the faces as they are read: aligned where one is found. They are kept in a folder, for it takes minutes.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    file = folder / f"aligned-{digest(faces.crops)[:16]}.npy"
    if not file.exists():
        crops = as_read(faces.crops, found_in(faces.crops))
        held = io.BytesIO()
        np.save(held, crops, allow_pickle=False)
        write_file(file, held.getvalue())
    return replace(faces, crops=np.load(file, allow_pickle=False))


def _training_faces(pictures: FacePictures, chosen: NDArray[np.int64], votes_share: float) -> TrainingFaces:
    _, first, group = np.unique(pictures.identical[chosen], return_index=True, return_inverse=True)
    labels = np.zeros((len(first), len(CLASSES)))
    np.add.at(labels, (group, pictures.labels[chosen]), 1.0)
    labels /= labels.sum(axis=1, keepdims=True)
    votes = np.zeros((len(first), len(EMOTIONS)))
    np.add.at(votes, group, pictures.votes[chosen])
    emotions = _shares(votes)
    seven = emotions[:, _TO_EMOTION]
    total = seven.sum(axis=1, keepdims=True)
    seven = np.where(total > 0.0, seven / np.maximum(total, 1e-9), labels)
    mixed = (1.0 - votes_share) * labels + votes_share * seven
    top = emotions.argmax(axis=1)
    rare = np.isin(top, _RARE) | (labels[:, CLASSES.index("disgust")] > 0.5)
    return TrainingFaces(pictures.pixels[chosen[first]], mixed.astype(np.float32), emotions.astype(np.float32), rare)


def _shares(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares of the votes; single votes are outliers, as in FER+'s own training, unless there are no others."""
    kept = np.where(votes > 1.0, votes, 0.0)
    kept = np.where(kept.sum(axis=1, keepdims=True) > 0.0, kept, votes)
    shares: NDArray[np.float64] = kept / kept.sum(axis=1, keepdims=True)
    return shares


def _audit(pictures: FacePictures, parts: dict[str, NDArray[np.int64]]) -> None:
    audit_parts(
        "faces",
        {
            name: [
                Part(pictures.names[i], f"photograph {pictures.photographs[i]}", digest(pictures.pixels[i]))
                for i in members.tolist()
            ]
            for name, members in parts.items()
        },
    )
