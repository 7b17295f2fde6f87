"""Corpora of films: whose clip it is, what is said and felt, and the faces in it."""

from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.detection import FaceDetector
from moodring.offline.datasets.films import FILM_CORPORA, film_faces, read_films
from moodring.offline.datasets.open_corpus import read_corpus
from moodring.offline.datasets.speech import crema_d
from moodring.offline.datasets.speech_corpus import file_of
from moodring.offline.training.cross_domain.sets import PERSON, film_set
from tests.support import talking_films


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(bundled("yunet").read_bytes())


@pytest.mark.parametrize(
    ("name", "clips", "people", "one"),
    [
        ("crema_d", 6, {"1001", "1002"}, ("1002", "ITH", "sadness")),
        ("ravdess", 2, {"01"}, ("01", "01", "anger")),
        ("savee", 4, {"DC", "KL"}, ("KL", "su02", "surprise")),
        ("enterface", 60, {"1", "2"}, ("2", "fe3", "fear")),
    ],
)
def test_clips_say_who_speaks_what_in_which_emotion(
    tmp_path: Path, name: str, clips: int, people: set[str], one: tuple[str, str, str]
) -> None:
    corpus = read_films(name, getattr(talking_films, name)(tmp_path))
    assert len(corpus.trials) == clips
    assert {trial.subject for trial in corpus.trials} == people
    assert one in {(trial.subject, trial.stimulus, trial.labels["emotion"]) for trial in corpus.trials}
    assert all(file_of(trial).suffix in (".avi", ".mp4", ".flv") for trial in corpus.trials)
    assert name in FILM_CORPORA


def test_a_misnamed_film_an_unknown_code_and_a_folder_without_films_are_one_line(tmp_path: Path) -> None:
    root = talking_films.crema_d(tmp_path / "crema_d")
    film = root / "VideoFlash" / "1001_DFA_ANG_XX.flv"
    film.with_name("holiday.flv").write_bytes(film.read_bytes())
    film.with_name("1001_DFA_JOY_XX.flv").write_bytes(film.read_bytes())
    with pytest.raises(MoodringError, match="2 file"):
        read_films("crema_d", root)
    said = read_films("crema_d", root, "skip").problems
    assert any("'JOY' is no emotion of CREMA-D" in line for line in said)
    assert any("holiday.flv' is not named" in line for line in said)
    with pytest.raises(ConfigError, match="'emodb' has no films"):
        read_films("emodb", root)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(MoodringError, match="no film lies under"):
        read_films("savee", tmp_path / "x")


def test_crema_d_reads_sound_alone_and_films_where_there_is_none(tmp_path: Path) -> None:
    corpus = read_corpus("crema_d", talking_films.crema_d(tmp_path))
    assert {dict(trial.groups)["intensity"] for trial in corpus.trials} == {"unspecified", "high"}
    assert len(corpus.load(corpus.trials[0])) > 5_000
    named = crema_d.parse_name(Path("1091_WSI_FEA_LO.wav"))
    assert named is not None
    assert (named.emotion, named.speaker, named.prompt, named.groups) == ("fear", "1091", "WSI", {"intensity": "low"})


def test_faces_of_a_film_are_those_of_its_frames(tmp_path: Path, detector: FaceDetector) -> None:
    film = talking_films.write_talking_film(tmp_path / "a.avi", 0)
    faces = film_faces(film, 4, 64, detector)
    assert faces.shape == (4, 64, 64)
    smiling = film_faces(talking_films.write_talking_film(tmp_path / "b.avi", 0, -0.8), 4, 64, detector)
    assert np.abs(faces[0].astype(float) - faces[1]).mean() < np.abs(faces[0].astype(float) - smiling[0]).mean()
    assert len(film_faces(film, 100, 64, detector)) == 10, "each frame once"
    empty = talking_films.write_talking_film(tmp_path / "c.avi", 0, face=False)
    with pytest.raises(MoodringError, match="no face was found in 4 frames"):
        film_faces(empty, 4, 64, detector)


def test_frames_of_one_clip_stay_together_with_their_person(tmp_path: Path) -> None:
    found = film_set("savee", talking_films.savee(tmp_path), 3)
    assert found.name == "savee_faces"
    assert found.items.groups[PERSON] == ("DC", "DC", "KL", "KL")
    assert len(found.labels) == 4
    assert found.images.views(0).shape == (6, 3, 64, 64)
    rng = np.random.default_rng(0)
    drawn = found.images.drawn(np.array([0, 3] * 8), rng).reshape(8, 2, -1)
    own = np.concatenate([found.images.views(i).reshape(6, -1) for i in (0, 3)])
    nearest = np.array([[int(np.square(own - one).mean(axis=1).argmin()) // 6 for one in pair] for pair in drawn])
    assert (nearest == [0, 1]).mean() > 0.9


@pytest.mark.data
def test_a_real_clip_shows_its_actor(data_dir: Path, detector: FaceDetector) -> None:
    corpus = read_films("ravdess", data_dir / "ravdess_av", "skip")
    assert len(corpus.trials) == 1
    assert len(film_faces(file_of(corpus.trials[0]), 6, 64, detector)) == 6
