"""Faces of films: who is there, when, and what each expresses."""

import json
import os
from pathlib import Path

import pytest
import torch

from moodring.models.decoders.face_expression import FaceExpressionDecoder
from moodring.models.io.bundle import bundled, load_bundle
from moodring.offline.decoding.predict_film_faces import as_plain, in_words, is_film, predict_film

DATA = Path(os.environ.get("MOODRING_DATA", "../shared/data"))
needs_films = pytest.mark.skipif(not (DATA / "faces").is_dir(), reason="no films of faces: set MOODRING_DATA")


@pytest.fixture(scope="module")
def decoder() -> FaceExpressionDecoder:
    return FaceExpressionDecoder(load_bundle(bundled("face")), torch.device("cpu"))


@needs_films
def test_a_face_that_comes_is_one_person_from_then_on(decoder: FaceExpressionDecoder) -> None:
    film = predict_film(decoder, DATA / "faces" / "noface_face.mov")
    (person,) = film.people
    assert person.from_s > 1.0
    assert person.read == person.frames > 10
    assert person.emotions is not None
    assert person.emotions.sum() == pytest.approx(1.0)
    assert decoder.emotion.classes[int(person.emotions.argmax())] == "happiness"
    # Smooth in time: no answer jumps from one half second to the next.
    assert abs(person.answers[1:] - person.answers[:-1]).max() < 0.7
    plain = json.loads(json.dumps(as_plain(film, decoder)))
    assert plain["people"][0]["label"] == "happiness"
    assert not plain["no_face"]


@needs_films
def test_a_film_without_a_face_has_no_answer(decoder: FaceExpressionDecoder) -> None:
    film = predict_film(decoder, DATA / "faces" / "no_face.mp4")
    assert film.people == ()
    assert film.error is None
    assert as_plain(film, decoder)["no_face"]
    (line,) = in_words(film, decoder)
    assert "no face in" in line


def test_what_is_no_film_is_told_in_one_line(decoder: FaceExpressionDecoder, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film at all" * 100)
    film = predict_film(decoder, broken)
    assert film.error is not None
    assert "broken.mp4" in film.error
    assert "\n" not in film.error
    assert as_plain(film, decoder)["error"] == film.error


def test_films_are_told_from_pictures_by_their_names() -> None:
    assert is_film(Path("A.MP4"))
    assert not is_film(Path("a.jpg"))
