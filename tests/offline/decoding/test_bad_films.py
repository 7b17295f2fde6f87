"""Films of real faces as people make them: each a clear answer or none, never a sure wrong one without a mark."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from moodring.models.contract import Image
from moodring.models.decoders.face_expression import FaceExpressionDecoder
from moodring.models.io.bundle import bundled, load_bundle
from moodring.offline.decoding.decode import decode, default_config
from moodring.offline.decoding.predict_film_faces import FilmPrediction, PersonInFilm, in_words, predict_film
from moodring.offline.recordings.media import read_media
from tests.support.made_films import fitted, frames_of, seen_by_a_camera, turn_on_playing, write_film

pytestmark = pytest.mark.data
RATE_HZ = 15.0


@pytest.fixture(scope="module")
def decoder() -> FaceExpressionDecoder:
    return FaceExpressionDecoder(load_bundle(bundled("face")), torch.device("cpu"))


@pytest.fixture(scope="module")
def smiling(data_dir: Path) -> list[Image]:
    """2.4 s of a man who smiles, 640x360."""
    return frames_of(data_dir / "faces" / "single_face.mp4", 2)


@pytest.fixture(scope="module")
def plain(decoder: FaceExpressionDecoder, smiling: list[Image], tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return answer_of(predict_film(decoder, write_film(tmp_path_factory.mktemp("plain") / "x.mp4", smiling, RATE_HZ)))


def answer_of(film: FilmPrediction) -> np.ndarray:
    assert film.error is None
    (person,) = film.people
    assert person.emotions is not None
    assert person.doubts == {}
    return person.emotions


def likeliest(decoder: FaceExpressionDecoder, person: PersonInFilm) -> str | None:
    return None if person.emotions is None else decoder.emotion.classes[int(person.emotions.argmax())]


def grey(path: Path, frames: list[Image]) -> Path:
    return write_film(path / "x.mkv", frames, RATE_HZ, codec="ffv1", pixels="gray")


def of_4k(path: Path, frames: list[Image]) -> Path:
    return write_film(path / "x.mp4", (cv2.resize(one, (3840, 2160)) for one in frames[::2]), RATE_HZ / 2)


def portrait(path: Path, frames: list[Image]) -> Path:
    stored = (np.rot90(fitted(one, 640, 360)) for one in frames)
    return turn_on_playing(write_film(path / "x.mp4", stored, RATE_HZ), 90)


def of_uneven_rate(path: Path, frames: list[Image]) -> Path:
    times_s = np.cumsum(np.random.default_rng(0).uniform(0.2, 1.8, len(frames))) / RATE_HZ
    return write_film(path / "x.mkv", frames, times_s=times_s.tolist())


@pytest.mark.parametrize("made", [grey, of_4k, portrait, of_uneven_rate])
def test_other_kinds_of_film_are_read_as_the_plain_one(
    decoder: FaceExpressionDecoder, smiling: list[Image], plain: np.ndarray, tmp_path: Path, made
) -> None:
    film = predict_film(decoder, made(tmp_path, smiling))
    assert answer_of(film) == pytest.approx(plain, abs=0.15)
    assert film.notes == ()


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv"])
def test_a_film_that_was_cut_is_read_as_far_as_it_goes_and_says_so(
    decoder: FaceExpressionDecoder, smiling: list[Image], tmp_path: Path, name: str
) -> None:
    path = write_film(tmp_path / name, smiling * 2, RATE_HZ, codec="mpeg4")
    whole = predict_film(decoder, path)
    assert whole.notes == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    film = predict_film(decoder, path)
    assert film.duration_s is not None
    assert whole.duration_s is not None
    assert 0.3 * whole.duration_s < film.duration_s < 0.9 * whole.duration_s
    (note,) = film.notes
    assert note.startswith("the film is cut short: ")
    assert note.endswith(f" of {whole.duration_s:.1f} s are there")
    assert f"{path}: note: {note}" in in_words(film, decoder)


@pytest.mark.parametrize(("turns", "lies"), [(1, "sideways"), (2, "upside down"), (3, "sideways")])
def test_of_a_camera_that_lies_or_hangs_nothing_is_read(
    decoder: FaceExpressionDecoder, smiling: list[Image], tmp_path: Path, turns: int, lies: str
) -> None:
    path = write_film(tmp_path / "x.mp4", (np.rot90(fitted(one, 360, 360), turns) for one in smiling), RATE_HZ)
    film = predict_film(decoder, path)
    assert all(person.emotions is None for person in film.people)
    assert all(person.doubts.get(lies) == person.frames for person in film.people)
    assert film.people or any(lies in note for note in film.notes)
    recording = read_media(path)
    heads = [one.head("face") for one in decode(recording, default_config(recording, ())).estimates]
    assert heads
    assert all(head is not None and "turn the camera upright" in str(head.abstained) for head in heads)


def test_a_poster_is_no_person_and_the_one_beside_it_is_read(
    decoder: FaceExpressionDecoder, data_dir: Path, tmp_path: Path
) -> None:
    person = [
        fitted(one[:, 120:520], 240, 240) for one in frames_of(data_dir / "faces" / "WolfgangLanger_Pexels.mp4", 3)
    ]
    poster = cv2.imread(str(data_dir / "faces" / "single_face.jpg"))
    wall = seen_by_a_camera(fitted(poster, 240, 240), len(person))
    film = predict_film(
        decoder,
        write_film(
            tmp_path / "x.mkv", (np.hstack(pair) for pair in zip(person, wall, strict=True)), 8.0,
            codec="mjpeg", pixels="yuvj420p",  # as webcams send
        ),
    )  # fmt: skip
    longest = sorted(film.people, key=lambda one: one.frames)[-2:]
    still = [one for one in longest if one.emotions is None]
    assert len(still) == 1
    assert still[0].doubts["still"] == still[0].frames
    (alive,) = (one for one in longest if one is not still[0])
    assert alive.read > 0.5 * alive.frames


def test_a_film_of_forty_faces_is_told_in_a_few_lines(decoder: FaceExpressionDecoder) -> None:
    none = np.zeros((0, 8))
    people = tuple(PersonInFilm(k, 0.0, 1.0, k, 0, {"small": k}, None, None, np.zeros(0), none) for k in range(1, 41))
    lines = in_words(FilmPrediction("x.mp4", 1.0, people), decoder)
    assert len(lines) == 9
    assert lines[0].startswith("x.mp4: person 33,")
    assert lines[-1] == "x.mp4: … and 32 more, seen for less long"
