"""Sets of emotional faces and voices as images of 64x64x3, with the groups that must stay apart."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....configs.schema.papers.cross_domain import FACES_NAME, FILMED
from ....models.contract import AUDIO_RATE_HZ, FloatArray, Image
from ....models.io.bundle import bundled
from ....models.networks.cross_domain import SIDE
from ....models.signals.face.detection import FaceDetector
from ....models.signals.speech.log_mel_image import FRAMES, HOP, images, log_mel_channels
from ...datasets.faces import fer2013
from ...datasets.faces.fer2013 import FacePictures
from ...datasets.films import film_faces, read_films
from ...datasets.open_corpus import read_corpus
from ...datasets.speech_corpus import file_of
from ...evaluation.leakage import digest
from ...evaluation.splits import Items

IntArray = NDArray[np.int64]
Rng = np.random.Generator
PERSON, PHOTOGRAPH = "speaker", "photograph"
_CHOICE = 0  # of the pictures that are trained on: the same ones whatever the seed of a training
_FARTHEST = 4  # pixels by which a face is moved, and bands by which a voice is
_LEAST_CONTRAST = 4.0  # grey levels: a face with less is not amplified to noise
_HIDDEN_BANDS, _HIDDEN_FRAMES = 8, 12  # the most that are hidden at once
_HOP = 32  # frames from image to image of an utterance that is judged


class Images(Protocol):
    """Items as images."""

    def drawn(self, chosen: IntArray, rng: Rng) -> FloatArray:
        """Return one image of each item to train on, each changed in its own way, ``(n, 3, 64, 64)``."""
        ...

    def views(self, item: int) -> FloatArray:
        """Return all images by which an item is judged, ``(n, 3, 64, 64)``."""
        ...


@dataclass(frozen=True)
class ImageSet:
    """A set of one modality.

    Attributes
    ----------
    name : str
    classes : tuple of str
        Emotions, named alike in all sets.
    labels : (n,) int64
    items : Items
    apart : str
        The group over which intervals are taken, and which may not cross: the speaker, or the photograph.
    images : Images
    sha256 : str
    tests : (n,) bool or None
        The set's own test part, where it has one.
    """

    name: str
    classes: tuple[str, ...]
    labels: IntArray
    items: Items
    apart: str
    images: Images
    sha256: str
    tests: NDArray[np.bool_] | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each item."""
        return self.items.groups[self.apart]


@dataclass(frozen=True)
class FaceImages:
    """Grey faces, whose three channels are alike; light and contrast of each do not matter.

    Attributes
    ----------
    faces : (n, 64, 64) uint8
    """

    faces: Image

    def drawn(self, chosen: IntArray, rng: Rng) -> FloatArray:
        """Return faces moved by up to four pixels, half of them mirrored."""
        moved = np.empty((len(chosen), SIDE, SIDE), np.float32)
        for row, item in enumerate(chosen):
            around = np.pad(self.faces[item], _FARTHEST, mode="edge")
            top, left = rng.integers(0, 2 * _FARTHEST + 1, 2)
            face = around[top : top + SIDE, left : left + SIDE]
            moved[row] = face[:, ::-1] if rng.random() < 0.5 else face
        return _as_input(moved)

    def views(self, item: int) -> FloatArray:
        """Return the face and its mirror image."""
        face = self.faces[item].astype(np.float32)
        return _as_input(np.stack((face, face[:, ::-1])))


@dataclass(frozen=True)
class VoiceImages:
    """Utterances.

    Attributes
    ----------
    channels : tuple of (n_frames, 64, 3) float32
    """

    channels: tuple[FloatArray, ...]

    def drawn(self, chosen: IntArray, rng: Rng) -> FloatArray:
        """Return 655 ms from anywhere in each utterance, moved by some bands, a few bands and a few frames hidden."""
        drawn = np.empty((len(chosen), 3, SIDE, SIDE), np.float32)
        for row, item in enumerate(chosen):
            whole = self.channels[item]
            start = int(rng.integers(0, len(whole) - FRAMES + 1))
            up = int(rng.integers(-_FARTHEST, _FARTHEST + 1))
            bands = np.clip(np.arange(SIDE) - up, 0, SIDE - 1)
            drawn[row] = whole[start : start + FRAMES, bands].transpose(2, 1, 0)
            for axis, most in ((1, _HIDDEN_BANDS), (2, _HIDDEN_FRAMES)):
                width = int(rng.integers(0, most + 1))
                first = int(rng.integers(0, SIDE - width + 1))
                drawn[row].swapaxes(1, axis)[:, first : first + width] = 0.0
        return drawn

    def views(self, item: int) -> FloatArray:
        """Return an image every 320 ms."""
        return images(self.channels[item], _HOP)


@dataclass(frozen=True)
class ClipImages:
    """Clips of several faces each, which no protocol takes apart.

    Attributes
    ----------
    frames : FaceImages
        Of all clips, one after the other.
    begins : (n_clips + 1,) int64
        Where each clip begins, and where the last one ends.
    """

    frames: FaceImages
    begins: IntArray

    def drawn(self, chosen: IntArray, rng: Rng) -> FloatArray:
        """Return one frame of each clip, changed as faces are."""
        return self.frames.drawn(rng.integers(self.begins[chosen], self.begins[chosen + 1]), rng)

    def views(self, item: int) -> FloatArray:
        """Return all frames of a clip and their mirror images."""
        return np.concatenate([self.frames.views(i) for i in range(self.begins[item], self.begins[item + 1])])


def face_set(root: Path, pictures: int) -> ImageSet:
    """Return FER2013: so many pictures of its train part, drawn once, and its test part.

    Pictures that copy one of the test part are left out, identical ones are there once.

    Raises
    ------
    MoodringError
        The set is not there or damaged, or has fewer pictures.
    """
    found = fer2013.read(root)
    chosen = np.sort(np.concatenate((_training_pictures(found, pictures), np.flatnonzero(found.tests))))
    names = tuple(found.names[i] for i in chosen)
    faces = np.stack([cv2.resize(found.pixels[i], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for i in chosen])
    items = Items(
        names=names,
        groups={PHOTOGRAPH: tuple(f"photograph {found.photographs[i]}" for i in chosen)},
        sources=names,
        contents=tuple(digest(found.pixels[i]) for i in chosen),
        timelines=names,
        start_s=np.zeros(len(names)),
        end_s=np.full(len(names), np.inf),
    )
    labels = found.labels[chosen]
    classes = tuple(fer2013.EMOTION_OF[name] for name in fer2013.CLASSES)
    sha256 = digest(faces, labels)
    return ImageSet(FACES_NAME, classes, labels, items, PHOTOGRAPH, FaceImages(faces), sha256, found.tests[chosen])


def voice_set(name: str, root: Path) -> ImageSet:
    """Return a corpus of emotional speech.

    Raises
    ------
    MoodringError
        It is not known, not there or damaged.
    """
    corpus = read_corpus(name, root)
    there = {trial.labels["emotion"] for trial in corpus.trials}
    classes = tuple(sorted(there))
    labels = np.array([classes.index(trial.labels["emotion"]) for trial in corpus.trials], np.int64)
    channels = tuple(log_mel_channels(corpus.load(trial)) for trial in corpus.trials)
    items = Items.of(corpus.trials, subject=PERSON, stimulus="prompt")
    sha256 = hashlib.sha256("".join(items.contents).encode()).hexdigest()
    return ImageSet(name, classes, labels, items, PERSON, VoiceImages(channels), sha256)


def film_set(name: str, root: Path, frames: int) -> ImageSet:
    """Return the faces of a corpus of films, grouped by clip and person; its name ends in ``_faces``.

    Parameters
    ----------
    name : str
        Of the corpus, one of :data:`~...datasets.films.FILM_CORPORA`.
    root : Path
    frames : int
        Frames of each clip that are searched for a face.

    Raises
    ------
    MoodringError
        The corpus is not known, not there or damaged, or a clip shows no face.
    """
    corpus = read_films(name, root)
    detector = FaceDetector(bundled("yunet").read_bytes())
    clips = [film_faces(file_of(trial), frames, SIDE, detector) for trial in corpus.trials]
    begins = np.concatenate(([0], np.cumsum([len(clip) for clip in clips]))).astype(np.int64)
    faces = np.concatenate(clips)
    classes = tuple(sorted({trial.labels["emotion"] for trial in corpus.trials}))
    labels = np.array([classes.index(trial.labels["emotion"]) for trial in corpus.trials], np.int64)
    items = Items.of(corpus.trials, subject=PERSON, stimulus="prompt")
    images_of = ClipImages(FaceImages(faces), begins)
    return ImageSet(f"{name}{FILMED}", classes, labels, items, PERSON, images_of, digest(faces, labels))


def segmented(one: ImageSet) -> ImageSet:
    """Return a set of voices whose items are segments of 655 ms that do not overlap, to be split at random.

    Raises
    ------
    MoodringError
        The set is none of voices.
    """
    if not isinstance(one.images, VoiceImages):
        raise MoodringError(f"set '{one.name}' is none of voices: only utterances are cut into segments")
    parts = [
        (item, start)
        for item, whole in enumerate(one.images.channels)
        for start in range(0, len(whole) - FRAMES + 1, FRAMES)
    ]
    whose = np.array([item for item, _ in parts], np.int64)
    starts = np.array([start for _, start in parts])
    items = one.items

    def of(values: Sequence[str]) -> tuple[str, ...]:
        return tuple(values[item] for item in whose)

    cut = Items(
        names=tuple(f"{items.names[item]} at frame {start}" for item, start in parts),
        groups={name: of(values) for name, values in items.groups.items()},
        sources=of(items.sources),
        contents=of(items.contents),
        timelines=of(items.timelines),
        start_s=starts * HOP / AUDIO_RATE_HZ,
        end_s=(starts + FRAMES) * HOP / AUDIO_RATE_HZ,
    )
    channels = tuple(one.images.channels[item][start : start + FRAMES] for item, start in parts)
    return ImageSet(one.name, one.classes, one.labels[whose], cut, one.apart, VoiceImages(channels), one.sha256)


def _training_pictures(found: FacePictures, pictures: int) -> IntArray:
    copies = np.isin(found.photographs, found.photographs[found.tests])
    flat = found.pixels.reshape(len(found.pixels), -1).std(axis=1) < _LEAST_CONTRAST
    usable = np.flatnonzero(~found.tests & ~copies & ~flat)
    _, first = np.unique(found.identical[usable], return_index=True)
    usable = usable[first]
    if len(usable) < pictures:
        raise MoodringError(f"FER2013 has {len(usable)} different pictures to train on, {pictures} were asked for")
    return np.random.default_rng(_CHOICE).permutation(usable)[:pictures]


def _as_input(faces: FloatArray) -> FloatArray:
    """Return grey faces ``(n, 64, 64)`` with mean 0 and variance 1, three times."""
    centred = faces - faces.mean(axis=(1, 2), keepdims=True)
    spread = np.maximum(centred.std(axis=(1, 2), keepdims=True), _LEAST_CONTRAST)
    return np.repeat((centred / spread)[:, None], 3, axis=1).astype(np.float32)
