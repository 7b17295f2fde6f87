"""FER2013 from archives and folders: classes, votes, copies; and what is wrong with it in one line."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.offline.datasets.faces import fer2013
from moodring.offline.datasets.faces.fer2013 import CLASSES, EMOTIONS, majority
from tests.support.fer_fake import fer_face, png, write_fer


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fer(tmp_path_factory.mktemp("fer") / "set")


@pytest.fixture(scope="module")
def pictures(root: Path) -> fer2013.FacePictures:
    return fer2013.read(root)


def test_every_picture_has_its_class_and_votes(pictures: fer2013.FacePictures) -> None:
    assert len(pictures.names) == 7 * (12 + 4) + 3
    at = pictures.names.index("test/sad/test_2.png")
    assert CLASSES[pictures.labels[at]] == "sad"
    assert np.array_equal(pictures.pixels[at], fer_face("sad", 1002))
    assert dict(zip(EMOTIONS, pictures.votes[at].tolist(), strict=True)) == {
        **dict.fromkeys(EMOTIONS, 0), "sadness": 8, "neutral": 2,
    }  # fmt: skip
    assert pictures.tests[at]
    assert pictures.tests.sum() == 28


def test_folders_give_what_archives_give(pictures: fer2013.FacePictures, tmp_path: Path) -> None:
    unpacked = fer2013.read(write_fer(tmp_path / "set", zipped=False))
    assert sorted(unpacked.names) == sorted(pictures.names)
    order = [unpacked.names.index(name) for name in pictures.names]
    assert np.array_equal(unpacked.pixels[order], pictures.pixels)
    assert np.array_equal(unpacked.votes[order], pictures.votes)


def test_copies_are_one_photograph_in_whatever_class_and_part(pictures: fer2013.FacePictures) -> None:
    place = pictures.names.index
    for one, other in (
        ("train/happy/copy_of_test.png", "test/happy/test_0.png"),
        ("train/sad/twice.png", "train/angry/train_0.png"),
    ):
        assert pictures.identical[place(one)] == pictures.identical[place(other)]
        assert pictures.photographs[place(one)] == pictures.photographs[place(other)]
    assert len(np.unique(pictures.identical)) == len(pictures.names) - 2


def test_the_same_photograph_a_little_brighter_and_noisier_is_found(tmp_path: Path) -> None:
    root = write_fer(tmp_path / "set", 3, 1, zipped=False)
    noise = np.random.default_rng(1).normal(0, 2, (48, 48))
    changed = np.clip(1.1 * fer_face("fear", 1) + 8 + noise, 0, 255).astype(np.uint8)
    (root / "train/fear/again.png").write_bytes(png(changed))
    read = fer2013.read(root)
    one, other = (read.names.index(f"train/fear/{name}.png") for name in ("again", "train_1"))
    assert read.identical[one] != read.identical[other]
    assert read.photographs[one] == read.photographs[other]
    strangers = [read.photographs[i] for i, name in enumerate(read.names) if name.startswith("train/fear/train_")]
    assert len(set(strangers)) == len(strangers)


def test_trials_speak_of_photographs_for_nobody_knows_the_people(pictures: fer2013.FacePictures) -> None:
    trial = next(one for one in pictures.trials if one.name == "train/sad/twice.png")
    assert trial.labels == {"emotion": "sadness"}
    assert trial.groups == {"part": "train"}
    assert trial.subject == next(one.subject for one in pictures.trials if one.name == "train/angry/train_0.png")
    assert np.array_equal(pictures.load(trial), fer_face("angry", 0))


def test_the_majority_is_the_emotion_with_most_votes_unless_raters_saw_none() -> None:
    votes = np.array([[1, 5, 0, 0, 0, 0, 0, 4], [0, 0, 4, 4, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 0], [0] * 8])
    others = np.array([0, 2, 3, 0])
    assert majority(votes, others).tolist() == [EMOTIONS.index("happiness"), EMOTIONS.index("surprise"), -1, -1]


def test_what_is_missing_or_wrong_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ferplus_votes.csv' cannot be read"):
        fer2013.read(tmp_path)
    root = write_fer(tmp_path / "set", 1, 1)
    (root / "fer2013_test.zip").unlink()
    with pytest.raises(ConfigError, match=r"neither 'fer2013_test.zip' nor a folder 'test'"):
        fer2013.read(root)
    with zipfile.ZipFile(root / "fer2013_test.zip", "w") as archive:
        archive.writestr("test/bored/x.png", png(fer_face("sad", 1)))
    with pytest.raises(MoodringError, match=r"is in folder 'bored'; expected angry"):
        fer2013.read(root)
    with zipfile.ZipFile(root / "fer2013_test.zip", "w") as archive:
        archive.writestr("test/sad/x.png", png(np.zeros((50, 48), np.uint8)))
    with pytest.raises(MoodringError, match=r"48x50 pixels, 48x48 were expected"):
        fer2013.read(root)
    (root / "ferplus_votes.csv").write_text("file,neutral\nx,many\n", encoding="utf-8")
    with pytest.raises(MoodringError, match=r"row or heading that does not fit"):
        fer2013.read(root)


@pytest.mark.data
@pytest.mark.timeout(900)
def test_the_real_set_has_its_known_numbers(data_dir: Path) -> None:
    read = fer2013.read(data_dir / "fer2013")
    assert (len(read.names), int(read.tests.sum())) == (32_298, 3_589)
    assert len(np.unique(read.identical)) == 30_766
    assert len(np.unique(read.photographs)) == 30_127
    assert int((read.votes.sum(axis=1) + read.other_votes > 0).sum()) == 32_139
