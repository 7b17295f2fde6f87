"""Predict the expression of every face in pictures: single ones, folders, zip archives, folders named by their class.

A face is found, aligned and read as a live session would. A small picture in which none is found is a tight crop of a
face, as FER2013's are, and is read whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import SURE, FaceBox, Head, Image
from ...models.decoders.face_expression import FaceExpression, FaceExpressionDecoder
from ...models.io.bundle import Bundle, bundled
from ...models.signals.face.orientation import OrientationCheck
from ...models.signals.face.stills import StillFaceFinder, is_tight
from ..datasets.faces.fer2013 import EMOTION_OF
from ..evaluation.metrics import accuracy, uar
from ..recordings.pictures import PictureFile, decode_picture, pictures_in
from .predict_film_faces import MOST_IN_WORDS

STILLS = "each picture is read for itself: how this person's face looks at rest is not known"
_NO_LABEL = ""


@dataclass(frozen=True)
class FaceAnswer:
    """One face: where it is, None where the picture was read whole; and what it shows."""

    box: FaceBox | None
    expression: FaceExpression


@dataclass(frozen=True)
class PicturePrediction:
    """What one picture shows.

    Attributes
    ----------
    file : str
    size : (width, height) or None
        None where the picture cannot be read.
    faces : tuple of FaceAnswer
        The largest first; empty where there is no face.
    truth : str or None
        The name of its folder, where that is a label.
    notes : tuple of str
    error : str or None
        A line: why there is no answer.
    """

    file: str
    size: tuple[int, int] | None = None
    faces: tuple[FaceAnswer, ...] = ()
    truth: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None


def predict_pictures(
    decoder: FaceExpressionDecoder, paths: Iterable[Path], with_truth: bool = False
) -> Iterator[PicturePrediction]:
    """Yield the prediction for each picture of each path; what cannot be read has an ``error``.

    Parameters
    ----------
    decoder : FaceExpressionDecoder
    paths : iterable of Path
        Pictures, folders or zip archives.
    with_truth : bool
        Whether the names of folders are labels.
    """
    reader = PictureReader(decoder, bundled("yunet").read_bytes())
    for path in paths:
        files = pictures_in(path)
        while True:
            try:
                file = next(files, None)
            except MoodringError as error:
                yield PicturePrediction(str(path), error=str(error))
                break
            if file is None:
                break
            yield reader.predict(file, with_truth)


class PictureReader:
    """Finds and reads the faces of pictures.

    Parameters
    ----------
    decoder : FaceExpressionDecoder
    detector : bytes
        YuNet, as :class:`StillFaceFinder` takes it.
    """

    def __init__(self, decoder: FaceExpressionDecoder, detector: bytes) -> None:
        self._decoder, self._finder, self._check = decoder, StillFaceFinder(detector), OrientationCheck(detector)

    def predict(self, file: PictureFile, with_truth: bool = False) -> PicturePrediction:
        """Return the prediction for one picture."""
        truth = truth_of(file.folder, self._decoder) if with_truth else None
        try:
            picture = decode_picture(file.read(), file.name)
        except MoodringError as error:
            return PicturePrediction(file.name, truth=truth, error=str(error))
        image, notes = picture.image, list(picture.notes)
        height, width = image.shape[:2]
        answers = self._answers(image)
        if not answers and (lie := self._check.of_frame(image)) is not None:
            notes.append(f"no face stands in it, one lies {lie}: turn the picture")
        if truth is not None and len(answers) > 1:
            notes.append(f"the largest of {len(answers)} faces counts for the truth")
        return PicturePrediction(file.name, (width, height), answers, truth, tuple(notes))

    def _answers(self, image: Image) -> tuple[FaceAnswer, ...]:
        """Return what every face shows, the largest first; a tight crop in which none is found is read whole."""
        read, height, width = self._decoder, *image.shape[:2]
        found = self._finder.find(image)
        if not found and is_tight(image):
            lie = self._check.of_face(image, FaceBox(0.0, 0.0, float(width), float(height), 0.0))
            return (FaceAnswer(None, _doubted(read.read_whole(image), lie)),)
        return tuple(
            FaceAnswer(face.box, _doubted(read.read(image, face), self._check.of_face(image, face.box)))
            for face in found
        )


def _doubted(said: FaceExpression, lie: str | None) -> FaceExpression:
    return said if lie is None else replace(said, quality=replace(said.quality, lies=lie))


def truth_of(folder: str, decoder: FaceExpressionDecoder) -> str | None:
    """Return the label that a folder's name is, as FER2013 or as FER+ spell it; None where it is none."""
    name = folder.strip().lower()
    return name if name in (*decoder.labels.classes, *decoder.emotion.classes) else None


@dataclass(frozen=True)
class PictureScores:
    """Scores of labelled pictures.

    Attributes
    ----------
    head : str
        The head that answered: FER2013's own labels where all truths are spelled as these, else the emotions.
    accuracy, uar : float
        A picture without a face counts as wrong; of several faces the largest answers.
    n : int
        Pictures with a label and without an error.
    """

    head: str
    accuracy: float
    uar: float
    n: int


def score(predictions: Sequence[PicturePrediction], decoder: FaceExpressionDecoder) -> PictureScores | None:
    """Return the scores of labelled pictures; None where there are none."""
    counted = [one for one in predictions if one.truth is not None and one.error is None]
    if not counted:
        return None
    truths = [str(one.truth) for one in counted]
    head = decoder.labels if set(truths) <= set(decoder.labels.classes) else decoder.emotion
    if head is decoder.emotion:
        truths = [EMOTION_OF.get(name, name) for name in truths]
    said = [label_of(one.faces[0].expression, head, decoder) if one.faces else _NO_LABEL for one in counted]
    truth, given = np.split(np.unique([*truths, *said], return_inverse=True)[1], 2)
    return PictureScores(head.name, accuracy(truth, given), uar(truth, given), len(counted))


def label_of(expression: FaceExpression, head: Head, decoder: FaceExpressionDecoder) -> str:
    """Return the most probable class of a head."""
    return head.classes[int(np.argmax(_given(expression, head, decoder)))]


def heading(bundle: Bundle) -> str:
    """Return the line on the bundle that predictions are made with: file, hash, domain, construct."""
    construct = bundle.spec.outputs[0].construct
    return f"bundle {bundle.name} (SHA-256 {bundle.sha256[:12]}): emotion {construct}; domain: {_domain(bundle)}"


def notices(bundle: Bundle, stills: bool = True) -> tuple[str, ...]:
    """Return what holds for all predictions with a bundle, and for those of ``stills``, where there are some."""
    return (*((STILLS,) if stills else ()), f"for faces unlike '{_domain(bundle)}' it is less often right")


def in_words(prediction: PicturePrediction, decoder: FaceExpressionDecoder) -> str:
    """Return a line for the terminal."""
    if prediction.size is None:
        return f"{prediction.file}: not read"
    answers = "; ".join(_answer_in_words(one, decoder) for one in prediction.faces[:MOST_IN_WORDS]) or "no face"
    if (more := len(prediction.faces) - MOST_IN_WORDS) > 0:
        answers += f"; … and {more} more, smaller"
    notes = "".join(f" [{note}]" for note in prediction.notes)
    truth = f", truth {prediction.truth}" if prediction.truth is not None else ""
    return f"{prediction.file}: {answers}{truth}{notes}"


def score_lines(predictions: Sequence[PicturePrediction], decoder: FaceExpressionDecoder) -> tuple[str, ...]:
    """Return lines of text on accuracy and unweighted average recall, or why there are none."""
    scores = score(predictions, decoder)
    if scores is None:
        names = ", ".join(dict.fromkeys((*decoder.labels.classes, *decoder.emotion.classes)))
        return (f"no accuracy: no picture that was read lies in a folder named by a label ({names})",)
    without = sum(one.truth is None for one in predictions)
    lines = [
        f"accuracy {scores.accuracy:.3f}, UAR {scores.uar:.3f} over {scores.n} pictures by the head '{scores.head}'; a "
        "picture without a face counts as wrong"
    ]
    if several := sum(one.truth is not None and len(one.faces) > 1 for one in predictions):
        lines.append(f"of several faces the largest counts: {several} picture(s)")
    if without:
        lines.append(f"{without} picture(s) lie in no folder named by a label and do not count")
    return tuple(lines)


def as_plain(
    predictions: Sequence[PicturePrediction],
    decoder: FaceExpressionDecoder,
    bundle: Bundle,
    config: Mapping[str, Any],
    with_truth: bool = False,
) -> dict[str, Any]:
    """Return the content of ``moodring predict face --json``.

    Parameters
    ----------
    predictions : sequence of PicturePrediction
    decoder : FaceExpressionDecoder
    bundle : Bundle
        That they were made with.
    config : mapping of str to plain values
        What the command was asked.
    with_truth : bool
        Whether labels were read from folders.
    """
    plain: dict[str, Any] = {
        "files": [_plain(one, decoder, with_truth) for one in predictions],
        "domain": list(bundle.spec.domain),
        "bundles": [{"file": bundle.name, "sha256": bundle.sha256}],
        "config": dict(config),
        "notices": list(notices(bundle, bool(predictions))),
    }
    if with_truth:
        scores = score(predictions, decoder)
        plain |= {
            "accuracy": None if scores is None else round(scores.accuracy, 6),
            "uar": None if scores is None else round(scores.uar, 6),
            "n": 0 if scores is None else scores.n,
            "scored_by": None if scores is None else scores.head,
        }
    return plain


def _answer_in_words(answer: FaceAnswer, decoder: FaceExpressionDecoder) -> str:
    said = answer.expression
    label, confidence = label_of(said, decoder.emotion, decoder), float(said.emotions.max())
    sure = "not sure: " if _unsure(said) else ""
    where = "read whole" if answer.box is None else f"at {answer.box.x:.0f},{answer.box.y:.0f}"
    doubts = f", {', '.join(said.quality.doubts)}" if said.quality.doubts else ""
    return (
        f"{sure}{label} (confidence {confidence:.2f}, valence {said.affect.valence:+.2f}, arousal "
        f"{said.affect.arousal:+.2f}; {where}{doubts})"
    )


def _plain(prediction: PicturePrediction, decoder: FaceExpressionDecoder, with_truth: bool) -> dict[str, Any]:
    width, height = prediction.size or (None, None)
    plain: dict[str, Any] = {
        "file": prediction.file,
        "width": width,
        "height": height,
        "no_face": prediction.size is not None and not prediction.faces,
        "faces": [_plain_answer(one, decoder) for one in prediction.faces],
        "notes": list(prediction.notes),
    }
    if with_truth:
        plain["truth"] = prediction.truth
    if prediction.error is not None:
        plain["error"] = prediction.error
    return plain


def _plain_answer(answer: FaceAnswer, decoder: FaceExpressionDecoder) -> dict[str, Any]:
    said, box, quality = answer.expression, answer.box, answer.expression.quality
    confidence = float(said.emotions.max())
    return {
        "box": None if box is None else {
            "x": round(box.x, 1), "y": round(box.y, 1), "width": round(box.width, 1), "height": round(box.height, 1),
        },
        "read_whole": box is None,
        "label": label_of(said, decoder.emotion, decoder),
        "confidence": round(confidence, 6),
        "unsure": _unsure(said),
        "probabilities": {
            head.name: {
                name: round(float(value), 6)
                for name, value in zip(head.classes, _given(said, head, decoder), strict=True)
            }
            for head in (decoder.emotion, decoder.labels)
        },
        "valence": round(said.affect.valence, 6),
        "valence_sd": round(said.affect.valence_sd, 6),
        "arousal": round(said.affect.arousal, 6),
        "arousal_sd": round(said.affect.arousal_sd, 6),
        "quality": {
            "score": _rounded(quality.score), "eyes_px": _rounded(quality.eyes_px), "turned": _rounded(quality.turned),
            "contrast": _rounded(quality.contrast), "sharpness": _rounded(quality.sharpness),
            "mouth": _rounded(quality.mouth),
            "doubts": list(quality.doubts),
        },
    }  # fmt: skip


def _unsure(said: FaceExpression) -> bool:
    """Return whether no emotion has half of the probability, or the face cannot be seen well."""
    return float(said.emotions.max()) < SURE or bool(said.quality.doubts)


def _given(expression: FaceExpression, head: Head, decoder: FaceExpressionDecoder) -> NDArray[np.float64]:
    return expression.emotions if head is decoder.emotion else expression.labels


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _domain(bundle: Bundle) -> str:
    return ", ".join(bundle.spec.domain)
