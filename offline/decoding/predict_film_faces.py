"""Predict what every face of a film expresses: each is followed, read eight times a second, and smoothed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import Image, Video
from ...models.decoders.face_expression import FaceExpressionDecoder
from ...models.fusion.circumplex import Affect, affect_of
from ...models.io.bundle import bundled
from ...models.signals.face.detection import FaceDetector
from ...models.signals.face.orientation import OrientationCheck
from ...models.signals.face.stillness import WATCHED_S
from ...models.signals.face.watching import FaceWatch
from ...models.streaming.smoothing import smoothed
from ..recordings.frames import cut_short
from ..recordings.media import read_video

FILMS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv")
FRAME_HZ = 8.0
MOST_IN_WORDS = 8
"""Faces of one film or picture that the terminal tells of; the file of results has all."""
_ANSWER_S = 0.5


@dataclass(frozen=True)
class PersonInFilm:
    """One face of a film.

    Attributes
    ----------
    person : int
        From 1, in order of appearance; a face that was away for over three seconds counts as another.
    from_s, to_s : float
        When it was first and last seen, from the film's first frame.
    frames, read : int
        Frames of the 8 Hz grid with the face, and those that were good enough to be read.
    doubts : mapping of str to int
        Why the others were not, with how many of them. A face that is still as a picture was so from the beginning of
        the watch on.
    emotions : (n_emotions,) float64 or None
        Mean over the frames read; None where there are none.
    affect : Affect or None
        Of that mean.
    times_s : (n,) float64
        Every half second with something read, from the first frame on: a live session answers after its warm-up of two
        seconds.
    answers : (n, n_emotions) float64
        Smoothed, as a live session answers.
    """

    person: int
    from_s: float
    to_s: float
    frames: int
    read: int
    doubts: dict[str, int]
    emotions: NDArray[np.float64] | None
    affect: Affect | None
    times_s: NDArray[np.float64]
    answers: NDArray[np.float64]


@dataclass(frozen=True)
class FilmPrediction:
    """The faces of one film, notes on what its maker may not expect, and an ``error`` where it cannot be read."""

    file: str
    duration_s: float | None = None
    people: tuple[PersonInFilm, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None


@dataclass
class _Seen:
    from_s: float
    to_s: float
    frames: int = 0
    doubts: dict[str, int] = field(default_factory=dict)
    times_s: list[float] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)

    def doubt(self, reasons: tuple[str, ...], frames: int = 1) -> None:
        """Count frames that are not read."""
        for reason in reasons:
            self.doubts[reason] = self.doubts.get(reason, 0) + frames

    def forget_since(self, time_s: float) -> int:
        """Forget what was read from a moment on; return of how many frames."""
        kept = sum(at_s < time_s for at_s in self.times_s)
        gone = len(self.times_s) - kept
        del self.times_s[kept:], self.rows[kept:]
        return gone


def is_film(path: Path) -> bool:
    """Return whether a path is named as a film."""
    return path.suffix.lower() in FILMS


def predict_film(decoder: FaceExpressionDecoder, path: Path) -> FilmPrediction:
    """Return what every face of a film expresses; a film that cannot be read has an ``error``."""
    try:
        video = read_video(path)
        seen, lying = _seen(decoder, video)
    except MoodringError as error:
        return FilmPrediction(str(path), error=str(error))
    stamps_s = video.stamps_s
    duration_s = float(stamps_s[-1] - stamps_s[0]) + 1.0 / video.rate_hz
    people = (_person(number, one, decoder.emotion.classes) for number, one in sorted(seen.items()))
    notes = (*(f"the film {line}" for line in cut_short(path, "video")), *lying)
    return FilmPrediction(str(path), duration_s, tuple(people), notes)


def in_words(prediction: FilmPrediction, decoder: FaceExpressionDecoder) -> tuple[str, ...]:
    """Return lines for the terminal: one a person."""
    if prediction.duration_s is None:
        return (f"{prediction.file}: not read",)
    notes = tuple(f"{prediction.file}: note: {note}" for note in prediction.notes)
    if not prediction.people:
        return (f"{prediction.file}: no face in {prediction.duration_s:.1f} s", *notes)
    longest = sorted(prediction.people, key=lambda one: -one.frames)[:MOST_IN_WORDS]
    lines = [f"{prediction.file}: {_person_in_words(one, decoder)}" for one in prediction.people if one in longest]
    if more := len(prediction.people) - len(lines):
        lines.append(f"{prediction.file}: … and {more} more, seen for less long")
    return (*lines, *notes)


def as_plain(prediction: FilmPrediction, decoder: FaceExpressionDecoder) -> dict[str, Any]:
    """Return a film's entry of ``moodring predict face --json``."""
    names = decoder.emotion.classes
    plain: dict[str, Any] = {
        "file": prediction.file,
        "duration_s": None if prediction.duration_s is None else round(prediction.duration_s, 3),
        "no_face": prediction.duration_s is not None and not prediction.people,
        "notes": list(prediction.notes),
        "people": [
            {
                "person": one.person,
                "from_s": round(one.from_s, 3),
                "to_s": round(one.to_s, 3),
                "frames": one.frames,
                "read": one.read,
                "doubts": one.doubts,
                "label": None if one.emotions is None else names[int(one.emotions.argmax())],
                "probabilities": None if one.emotions is None else _named(names, one.emotions),
                "valence": None if one.affect is None else round(one.affect.valence, 6),
                "arousal": None if one.affect is None else round(one.affect.arousal, 6),
                "answers": [
                    [round(float(at_s), 3), [round(float(p), 4) for p in row]]
                    for at_s, row in zip(one.times_s, one.answers, strict=True)
                ],
            }
            for one in prediction.people
        ],
    }
    return plain if prediction.error is None else plain | {"error": prediction.error}


def _seen(decoder: FaceExpressionDecoder, video: Video) -> tuple[dict[int, _Seen], tuple[str, ...]]:
    """Return what was seen of each person, and notes on frames in which no face stands."""
    model = bundled("yunet").read_bytes()
    detector, watch = FaceDetector(model), FaceWatch(OrientationCheck(model))
    people, lying = dict[int, _Seen](), dict[str, int]()
    for at_s, image in _grid(video):
        found = detector.find_faces(image)
        for number, face in zip(watch.see(found, at_s), found, strict=True):
            one = people.setdefault(number, _Seen(at_s, at_s))
            one.to_s, one.frames = at_s, one.frames + 1
            shown = decoder.read(image, face)
            if watch.still(number):
                # The watch ends with the first frame beyond its length.
                one.doubt(("still",), one.forget_since(at_s - WATCHED_S - 2.0 / FRAME_HZ))
            doubts = (*shown.quality.doubts, *watch.doubts(number, image, face, at_s))
            one.doubt(doubts)
            if not doubts:
                one.times_s.append(at_s)
                one.rows.append(shown.emotions)
        if not found and (lie := watch.without_faces(image, at_s)) is not None:
            lying[lie] = lying.get(lie, 0) + 1
    return people, tuple(f"no face stands in {n} frames, in which one lies {lie}" for lie, n in lying.items())


def _grid(video: Video) -> Iterator[tuple[float, Image]]:
    """Yield the newest frame at each moment of the grid where it is a new one, with the frame's own time."""
    stamps_s, before = video.stamps_s - video.stamps_s[0], -1
    for number in range(int(stamps_s[-1] * FRAME_HZ) + 1):
        newest = int(np.searchsorted(stamps_s, number / FRAME_HZ + 1e-6, side="right")) - 1
        if newest > before:
            before = newest
            yield float(stamps_s[newest]), video.frames[newest]


def _person(number: int, one: _Seen, classes: tuple[str, ...]) -> PersonInFilm:
    mean = np.mean(one.rows, axis=0) if one.rows else None
    times_s, answers = list[float](), list[NDArray[np.float64]]()
    state, last_s = None, 0.0
    for at_s, row in zip(one.times_s, one.rows, strict=True):
        state, last_s = smoothed(state, row, at_s - last_s), at_s
        if not times_s or at_s - times_s[-1] >= _ANSWER_S - 1e-6:
            times_s.append(at_s)
            answers.append(state)
    return PersonInFilm(
        number, one.from_s, one.to_s, one.frames, len(one.rows), one.doubts, mean,
        None if mean is None else affect_of(classes, mean.tolist()),
        np.array(times_s), np.array(answers).reshape(-1, len(classes)),
    )  # fmt: skip


def _person_in_words(one: PersonInFilm, decoder: FaceExpressionDecoder) -> str:
    where = f"person {one.person}, {one.from_s:.1f} to {one.to_s:.1f} s"
    doubts = ", ".join(f"{doubt} in {n}" for doubt, n in one.doubts.items())
    if one.emotions is None or one.affect is None:
        return f"{where}: not read ({doubts})"
    names = decoder.emotion.classes
    best = int(one.emotions.argmax())
    most = ", ".join(f"{names[i]} {one.emotions[i]:.0%}" for i in np.argsort(-one.emotions)[:3])
    said = f"{where}: {names[best]} ({most}; valence {one.affect.valence:+.2f}, arousal {one.affect.arousal:+.2f})"
    return f"{said}; {one.read} of {one.frames} frames read" + (f" ({doubts})" if doubts else "")


def _named(names: tuple[str, ...], row: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(names, row, strict=True)}
