"""FER2013, 48x48 grey faces from web search, with the ten raters' votes a picture of FER+.

The folder holds ``fer2013_train.zip`` and ``fer2013_test.zip``, or what is in them (``train/<class>/*.jpg``,
``test/<class>/*.jpg``), and ``ferplus_votes.csv``. Many of its pictures are copies of each other, cut, scaled or
compressed a little differently: they are found by their content.

References
----------
Goodfellow I. J. et al. (2013), Challenges in representation learning, https://arxiv.org/abs/1307.0414
Barsoum E., Zhang C., Ferrer C. C., Zhang Z. (2016), Training deep networks for facial expression recognition with
crowd-sourced label distribution, https://arxiv.org/abs/1608.01041
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import ConfigError, MoodringError
from ....configs.schema.regular_files import read_regular
from ....models.contract import Image
from ...evaluation.leakage import digest
from ...recordings.pictures import PictureFile, decode_picture, pictures_in
from ..base import Trial

NAME = "fer2013"
SIDE = 48
CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""FER2013's labels, as its folders are named."""
EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""FER+'s emotions, as its table is headed."""
EMOTION_OF = {"angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happiness", "neutral": "neutral",
              "sad": "sadness", "surprise": "surprise"}  # fmt: skip
_NOT_EMOTIONS = ("unknown", "NF")
_VOTES_FILE = "ferplus_votes.csv"
_MOST_CSV_BYTES = 100_000_000
_SAME_FROM = 0.985  # correlation of 12x12 thumbnails: all pairs above it that were looked at are the same photograph
_THUMBNAIL = 12


@dataclass(frozen=True)
class FacePictures:
    """All pictures of the set.

    Attributes
    ----------
    names : tuple of str
        As in the table of votes: ``"train/angry/x.jpg"``.
    pixels : (n, 48, 48) uint8
        Grey.
    labels : (n,) int64
        Index into :data:`CLASSES`.
    votes : (n, 8) int64
        For :data:`EMOTIONS`; all 0 where the table has no row.
    other_votes : (n,) int64
        For "unknown" and "NF", no face.
    tests : (n,) bool
        Whether it is of the test part (PublicTest).
    identical, photographs : (n,) int64
        Number of its group of identical pictures, and of its group of pictures of one photograph, which holds those.
    sha256 : str
        Of pixels, labels and votes.
    """

    names: tuple[str, ...]
    pixels: Image
    labels: NDArray[np.int64]
    votes: NDArray[np.int64]
    other_votes: NDArray[np.int64]
    tests: NDArray[np.bool_]
    identical: NDArray[np.int64]
    photographs: NDArray[np.int64]
    sha256: str

    @property
    def name(self) -> str:
        """Name for messages and tables."""
        return NAME

    @property
    def trials(self) -> Sequence[Trial]:
        """One trial a picture; nobody knows who is on it, so the photograph stands for the person."""
        return tuple(
            Trial(
                name=name,
                subject=f"photograph {self.photographs[i]}",
                labels={"emotion": EMOTION_OF[CLASSES[self.labels[i]]]},
                groups={"part": "test" if self.tests[i] else "train"},
            )
            for i, name in enumerate(self.names)
        )

    def load(self, trial: Trial) -> Image:
        """Return the picture of one trial, ``(48, 48)`` uint8."""
        return np.asarray(self.pixels[self.names.index(trial.name)])


def read(root: Path) -> FacePictures:
    """Read the set.

    Raises
    ------
    ConfigError
        Its pictures or votes are not in the folder.
    MoodringError
        A picture cannot be read, or is of another size or class.
    """
    votes = _read_votes(root / _VOTES_FILE)
    names: list[str] = []
    pixels: list[Image] = []
    for part in ("train", "test"):
        for file in _files(root, part):
            label = file.folder
            if label not in CLASSES:
                raise MoodringError(f"picture '{file.name}' is in folder '{label}'; expected {', '.join(CLASSES)}")
            image = decode_picture(file.read(), file.name).image
            if image.shape[:2] != (SIDE, SIDE):
                raise MoodringError(
                    f"picture '{file.name}' has {image.shape[1]}x{image.shape[0]} pixels, {SIDE}x{SIDE} were expected"
                )
            names.append(f"{part}/{label}/{file.name.replace(chr(92), '/').rpartition('/')[2]}")
            pixels.append(image[:, :, 0])
    stacked = np.stack(pixels)
    labels = np.array([CLASSES.index(name.split("/")[1]) for name in names], np.int64)
    nothing = np.zeros(len(EMOTIONS) + len(_NOT_EMOTIONS), np.int64)
    table = np.stack([votes.get(name, nothing) for name in names])
    identical = _identical(stacked)
    return FacePictures(
        names=tuple(names),
        pixels=stacked,
        labels=labels,
        votes=table[:, : len(EMOTIONS)],
        other_votes=table[:, len(EMOTIONS) :].sum(axis=1),
        tests=np.array([name.startswith("test/") for name in names]),
        identical=identical,
        photographs=_photographs(stacked, identical),
        sha256=digest(stacked, labels, table),
    )


def majority(votes: NDArray[np.int64], other_votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return FER+'s majority emotion of each picture.

    Parameters
    ----------
    votes : (n, 8) int64
    other_votes : (n,) int64
        For "unknown" and no face together.

    Returns
    -------
    (n,) int64
        Index into :data:`EMOTIONS`, at a tie the first of the table; -1 without votes, or where no emotion has more
        votes than "unknown" and no face.
    """
    first = votes.argmax(axis=1)
    return np.where((votes.max(axis=1) > other_votes) & (votes.sum(axis=1) > 0), first, -1)


def _files(root: Path, part: str) -> Iterator[PictureFile]:
    """Return the pictures of a part, from its folder or its archive."""
    folder, archive = root / part, root / f"{NAME}_{part}.zip"
    if not folder.is_dir() and not archive.is_file():
        raise ConfigError(f"'{root}' holds neither '{archive.name}' nor a folder '{part}': give FER2013's folder")
    return pictures_in(folder if folder.is_dir() else archive)


def _read_votes(path: Path) -> Mapping[str, NDArray[np.int64]]:
    try:
        text = read_regular(path, _MOST_CSV_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the votes '{path}' cannot be read ({error}); FER+'s table is needed") from None
    columns = (*EMOTIONS, *_NOT_EMOTIONS)
    rows = csv.DictReader(io.StringIO(text))
    try:
        return {row["file"]: np.array([int(row[column]) for column in columns], np.int64) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise MoodringError(
            f"the votes '{path}' have a row or heading that does not fit ({error!r}); expected: file, "
            f"{', '.join(columns)}"
        ) from None


def _identical(pixels: Image) -> NDArray[np.int64]:
    hashes = [hashlib.sha256(one.tobytes()).hexdigest() for one in pixels]
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(one, len(numbers)) for one in hashes], np.int64)


def _photographs(pixels: Image, identical: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group pictures whose thumbnails are alike, and those alike to these."""
    small = np.stack([cv2.resize(one, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA) for one in pixels])
    rows = small.reshape(len(small), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.maximum(length, 1e-6)
    group = identical.copy()

    def root(one: int) -> int:
        while group[one] != one:
            group[one] = group[group[one]]
            one = int(group[one])
        return one

    # The first picture of each identical group stands for it.
    _, first = np.unique(identical, return_index=True)
    group = first[identical].astype(np.int64)
    for begin in range(0, len(rows), 1000):
        alike = rows[begin : begin + 1000] @ rows.T > _SAME_FROM
        for row, other in zip(*np.nonzero(alike), strict=True):
            one, two = root(begin + int(row)), root(int(other))
            group[max(one, two)] = min(one, two)
    return np.array([root(i) for i in range(len(group))], np.int64)
