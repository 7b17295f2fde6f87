"""Conditions that do what their names say, and scores that are those of the answers."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.train_faces import EvaluateFacesConfig
from moodring.models.decoders.face_expression import EMOTION, LABELS, FaceExpressionDecoder
from moodring.models.io.bundle import save_bundle
from moodring.models.signals.face.alignment import align_face
from moodring.offline.datasets.faces import fer2013
from moodring.offline.evaluation.faces import evaluate
from moodring.offline.evaluation.faces.conditions import AS_THEY_ARE, changed, conditions
from moodring.offline.evaluation.faces.evaluate import CLEAR, EIGHT, SEVEN, evaluate_faces, score_faces, table
from moodring.offline.evaluation.faces.judged import as_read, judged
from tests.models.signals.face.test_detection import drawn_face
from tests.support.face_bundles import untrained
from tests.support.fer_fake import fer_face, write_fer

FACES = np.stack([fer_face("happy", number) for number in range(24)])


def under(name: str) -> np.ndarray:
    (condition,) = (one for key, one in conditions().items() if key.startswith(name))
    return changed(FACES, condition, 3).astype(float)


def fine(crops: np.ndarray) -> float:
    return float(np.abs(np.diff(crops, axis=2)).mean())


def one_sided(crops: np.ndarray) -> np.ndarray:
    """How much lighter the left side is than the right one, relative to how it was."""
    sides = [np.log(one[:, :, 4:10].mean(axis=(1, 2)) / one[:, :, -10:-4].mean(axis=(1, 2))) for one in (crops, FACES)]
    return sides[0] - sides[1]


def same(crops: np.ndarray, rows: slice) -> bool:
    return np.array_equal(crops[:, rows], FACES[:, rows])


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("as they are", lambda crops: np.array_equal(crops, FACES)),
        ("faces of 24", lambda crops: fine(crops) < 0.9 * fine(FACES)),
        ("dark", lambda crops: abs(crops.mean() - 0.1 * FACES.mean()) < 1.0),
        ("light from", lambda crops: (np.abs(one_sided(crops)) > 0.3).all()),
        ("noise", lambda crops: (crops - FACES)[(FACES > 80) & (FACES < 170)].std() == pytest.approx(20, rel=0.05)),
        ("out of focus", lambda crops: fine(crops) < 0.7 * fine(FACES)),
        ("eyes covered", lambda crops: (crops[:, 14:23, 8:40] == 40).all() and same(crops, slice(30, 48))),
        ("mouth covered", lambda crops: (crops[:, 32:44, 14:34] == 40).all() and same(crops, slice(28))),
        ("under an EEG cap", lambda crops: (np.abs(crops - FACES)[:, :3] > 1).mean() > 0.8),
        ("turned", lambda crops: np.abs(crops - FACES).mean() > 3),
    ],
)  # fmt: skip
def test_each_condition_does_what_it_says(name: str, holds) -> None:
    assert holds(under(name))


def test_a_turned_face_is_narrower_and_its_near_side_larger() -> None:
    stripes = np.zeros((1, 48, 48), np.uint8)
    stripes[:, :, 8:10] = stripes[:, :, 38:40] = 255
    sides = set()
    for seed in range(8):
        (condition,) = (one for key, one in conditions().items() if key.startswith("turned"))
        row = changed(stripes, condition, seed)[0, 24].astype(float)
        left, right = (float(np.average(np.arange(48)[part], weights=row[part])) for part in (slice(24), slice(24, 48)))
        assert right - left < 28
        sides.add(23.5 - left > right - 23.5)
    assert sides == {True, False}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fer(tmp_path_factory.mktemp("fer") / "set", train=2, test=4)


def test_scores_are_those_of_the_answers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = FaceExpressionDecoder(untrained(), torch.device("cpu"))
    pictures = fer2013.read(root)
    faces = judged(pictures, pictures.tests)
    scores = {one.task: one for one in score_faces(decoder, faces, 0, lambda _: None, plain_only=True)}
    logits, _ = decoder.logits(as_read(faces.crops, faces.places))
    said, heard = logits[LABELS].argmax(axis=1), logits[EMOTION].argmax(axis=1)
    assert scores[SEVEN].accuracy == pytest.approx((said == faces.labels).mean())
    assert scores[SEVEN].uar.value == pytest.approx(
        np.mean([(said == one)[faces.labels == one].mean() for one in range(7)])
    )
    assert scores[EIGHT].accuracy == pytest.approx((heard == faces.emotions).mean())
    assert scores[CLEAR].n == scores[EIGHT].n == scores[SEVEN].n == 28
    assert scores[SEVEN].confusion.sum() == 28
    assert all(one.less.value == 0.0 for one in scores.values())
    monkeypatch.setattr(fer2013, "EMOTIONS", fer2013.EMOTIONS[::-1])
    with pytest.raises(MoodringError, match="head 'face' of the bundle has the classes neutral"):
        score_faces(decoder, faces, 0, lambda _: None)


def test_only_voted_and_only_clear_pictures_count_where_it_says_so() -> None:
    pictures = fer2013.FacePictures(
        names=("a", "b", "c"), pixels=FACES[:3], labels=np.array([3, 3, 3]),
        votes=np.array([[0, 9, 0, 0, 0, 0, 0, 0], [4, 5, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]]),
        other_votes=np.array([1, 1, 9]), tests=np.ones(3, bool), identical=np.arange(3), photographs=np.arange(3),
        sha256="",
    )  # fmt: skip
    faces = judged(pictures, pictures.tests)
    assert faces.emotions.tolist() == [1, 1, -1]
    assert faces.clear.tolist() == [True, False, False]


def test_faces_are_read_where_they_are_found_else_whole() -> None:
    pictures = fer2013.FacePictures(
        names=("a", "b"), pixels=np.stack([small_portrait(), np.full((48, 48), 99, np.uint8)]), labels=np.array([3, 3]),
        votes=np.zeros((2, 8), np.int64), other_votes=np.zeros(2, np.int64), tests=np.ones(2, bool),
        identical=np.arange(2), photographs=np.arange(2), sha256="",
    )  # fmt: skip
    faces = judged(pictures, pictures.tests)
    assert faces.places[0] is not None
    assert faces.places[1] is None
    read = as_read(faces.crops, faces.places)
    assert np.array_equal(read[1], faces.crops[1])
    coloured = np.repeat(faces.crops[0][:, :, None], 3, axis=2)
    assert np.array_equal(read[0], align_face(coloured, faces.places[0]))
    assert not np.array_equal(read[0], faces.crops[0])


def small_portrait() -> np.ndarray:
    return cv2.cvtColor(cv2.resize(drawn_face(240), (48, 48), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)


def test_the_result_has_the_keys_of_every_evaluation(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = conditions()
    few = {name: every[name] for name in list(every)[:2]}
    monkeypatch.setattr(evaluate, "conditions", lambda: few)
    monkeypatch.setattr(evaluate, "_TIMED", 10)
    bundle, path = untrained(), tmp_path / "face.safetensors"
    sha256 = save_bundle(path, bundle.spec, bundle.tensors)
    values = evaluate_faces(EvaluateFacesConfig(bundle=str(path), data=root), lambda _: None)
    assert {"protocol", "groups", "n", "seeds", "domain", "rows", "paired", "wall_s"} <= set(values)
    assert (values["n"], values["bundle"]) == (28, sha256)
    assert [row["name"] for row in values["rows"][:3]] == [f"{task}: {AS_THEY_ARE}" for task in (SEVEN, EIGHT, CLEAR)]
    by_name = {row["name"]: row for row in values["rows"]}
    for row in values["paired"]:
        assert row["difference"] == pytest.approx(by_name[row["a"]]["uar"] - by_name[row["b"]]["uar"], abs=2e-4)
    assert values["ms_a_face"]["median"] > 0
    assert "faces of 24 pixels" in table(values)
    with pytest.raises(ConfigError, match="--set data=FOLDER"):
        evaluate_faces(EvaluateFacesConfig(), lambda _: None)
