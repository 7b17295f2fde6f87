"""Training of the face network: honest parts, changed copies, a cut run that ends as an uncut one, what is learned."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import load
from moodring.configs.schema.train_faces import TrainFacesConfig
from moodring.models.decoders.face_expression import EMOTION, LABELS, FaceExpressionDecoder
from moodring.models.io.bundle import bundled, load_bundle
from moodring.models.networks.face_expression import FaceExpressionNetwork
from moodring.offline.datasets.faces import fer2013
from moodring.offline.datasets.faces.fer2013 import CLASSES, EMOTIONS
from moodring.offline.evaluation.faces import evaluate
from moodring.offline.evaluation.faces.conditions import AS_THEY_ARE, conditions
from moodring.offline.evaluation.faces.judged import judged
from moodring.offline.training.common import stage_run
from moodring.offline.training.face_expression import data, train
from moodring.offline.training.face_expression.augment import Changes, augmented
from moodring.offline.training.face_expression.data import FaceParts, split
from moodring.offline.training.face_expression.train import train_faces
from tests.support.fer_fake import fer_face, write_fer

CONFIGS = Path(train.__file__).resolve().parents[3] / "configs"
NOTHING = replace(Changes().scaled(0.0), moved=0.0, lit=0.0)
CROPS = np.stack([fer_face(name, 5) for name in CLASSES])


def config_of(**changes: object) -> TrainFacesConfig:
    plain = {"domain": "drawn faces", "epochs": 2, "batch": 16, "bfloat16": False, "held_out": 0.2}
    return TrainFacesConfig.model_validate({**plain, **changes})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fer(tmp_path_factory.mktemp("fer") / "set", train=10, test=4)


@pytest.fixture(scope="module")
def pictures(root: Path) -> fer2013.FacePictures:
    return fer2013.read(root)


@pytest.fixture(scope="module")
def parts(pictures: fer2013.FacePictures) -> FaceParts:
    return split(pictures, config_of())


def rows_of(crops: np.ndarray) -> set[bytes]:
    return {one.tobytes() for one in crops}


def test_no_picture_is_in_two_parts_and_copies_of_the_test_are_dropped(
    parts: FaceParts, pictures: fer2013.FacePictures
) -> None:
    train_rows, held, tested = (rows_of(one.crops) for one in (parts.train, parts.held_out, parts.test))
    assert not train_rows & held
    assert not train_rows & tested
    assert not held & tested
    assert fer_face("happy", 1000).tobytes() in tested
    assert len(parts.test.crops) == 28
    assert len(train_rows) == len(parts.train.crops)
    assert len(parts.held_out.crops) == pytest.approx(0.2 * 70, abs=2)
    assert parts.dropped[0].startswith("1 pictures that copy a test picture")


def test_a_photograph_in_two_parts_stops_the_training(
    pictures: fer2013.FacePictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("numpy.isin", lambda values, _: np.zeros(len(values), bool))
    with pytest.raises(MoodringError, match=r"leak in split 'faces'.*copy_of_test|leak in split 'faces'.*test_0"):
        split(pictures, config_of())


def test_targets_are_the_votes_and_the_label_with_some_of_the_votes(parts: FaceParts) -> None:
    surprised = rows_of(np.stack([fer_face("surprise", number) for number in range(10)]))
    at = next(i for i, crop in enumerate(parts.train.crops) if crop.tobytes() in surprised)
    emotions = dict(zip(EMOTIONS, parts.train.emotions[at].tolist(), strict=True))
    assert emotions["surprise"] == pytest.approx(0.8)
    assert emotions["neutral"] == pytest.approx(0.2)
    labels = dict(zip(CLASSES, parts.train.labels[at].tolist(), strict=True))
    assert labels["surprise"] == pytest.approx(0.8 + 0.2 * 0.8)
    assert labels["neutral"] == pytest.approx(0.2 * 0.2)
    assert parts.train.rare.sum() == sum(
        bool((crop == fer_face("disgust", i)).all()) for crop in parts.train.crops for i in range(10)
    )


def test_identical_pictures_are_trained_on_once_with_both_labels(pictures: fer2013.FacePictures) -> None:
    every = split(pictures, config_of(held_out=0.01))
    at = [i for i, crop in enumerate(every.train.crops) if (crop == fer_face("angry", 0)).all()]
    assert len(at) == 1
    labels = dict(zip(CLASSES, every.train.labels[at[0]].tolist(), strict=True))
    assert labels["angry"] == pytest.approx(labels["sad"], abs=1e-6)
    assert labels["angry"] > 0.4


def test_the_same_seed_changes_pictures_alike_and_another_otherwise() -> None:
    assert np.array_equal(augmented(CROPS, (1, 2), Changes()), augmented(CROPS, (1, 2), Changes()))
    assert not np.array_equal(augmented(CROPS, (1, 2), Changes()), augmented(CROPS, (1, 3), Changes()))
    changed = augmented(CROPS, (4,), Changes())
    assert changed.shape == CROPS.shape
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_without_changes_pictures_are_as_they_were_or_mirrored() -> None:
    plain = augmented(CROPS, (1,), NOTHING)
    for one, crop in zip(plain, CROPS, strict=True):
        assert np.abs(one - crop).max() < 1.0 or np.abs(one - crop[:, ::-1]).max() < 1.0


def mean(difference: np.ndarray, rows: slice = slice(None), columns: slice = slice(None)) -> float:
    return float(difference[:, rows, columns].mean())


def sharpness(crops: np.ndarray) -> float:
    return float(np.abs(np.diff(crops.astype(float), axis=2)).mean())


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("moved", lambda one, other, gap: mean(gap) > 2),
        ("lit", lambda one, other, gap: mean(gap) > 2),
        ("turned", lambda one, other, gap: mean(gap) > 2),
        ("side_light", lambda one, other, gap: mean(gap) > 2),
        ("small", lambda one, other, gap: sharpness(one) < 0.8 * sharpness(other)),
        ("blurred", lambda one, other, gap: sharpness(one) < 0.9 * sharpness(other)),
        ("noisy", lambda one, other, gap: sharpness(one) > 1.05 * sharpness(other)),
        ("cap", lambda one, other, gap: mean(gap, slice(5)) > 5 * mean(gap, slice(28, 40), slice(16, 32))),
        ("glasses", lambda one, other, gap: mean(gap, slice(14, 24)) > 5 * mean(gap, slice(36, 48))),
        ("headset", lambda one, other, gap: mean(gap, columns=slice(3)) > mean(gap, slice(18, 28), slice(20, 28))),
        ("patch", lambda one, other, gap: 0.01 < (gap > 1).mean() < 0.25),
    ],
)
def test_each_change_shows_where_it_should(
    name: str, seen: Callable[[np.ndarray, np.ndarray, np.ndarray], bool]
) -> None:
    crops = np.concatenate([CROPS] * 4)
    crops = np.concatenate((crops, crops[:, :, ::-1]))
    changed = augmented(crops, (7,), replace(NOTHING, **{name: 1.0}))
    # Mirrored or not is the first draw of each picture, so that it is the same for both.
    plain = augmented(crops, (7,), NOTHING)
    gap = (
        np.minimum(np.abs(changed - plain), np.abs(changed - plain[:, :, ::-1]))
        if name == "moved"
        else np.abs(changed - plain)
    )
    assert seen(changed, plain, gap)


LEARNING = config_of(epochs=12, batch=8, changes=0.2, mixed=0.0, held_out=0.25, settling={"epochs": 1})


def quick(patch: pytest.MonkeyPatch) -> None:
    """Judge under two conditions alone, and time a few faces."""
    every = conditions()
    patch.setattr(evaluate, "conditions", lambda: {name: every[name] for name in (AS_THEY_ARE, "under an EEG cap")})
    patch.setattr(evaluate, "_TIMED", 10)


def test_the_weights_are_the_mean_of_both_cycles() -> None:
    torch.manual_seed(0)
    one, other = (FaceExpressionNetwork(train.HEADS).state_dict() for _ in range(2))
    mean = train.mean_weights(one, other)
    weight, count = "trunk.0.0.weight", "trunk.0.1.num_batches_tracked"
    assert torch.allclose(mean[weight], (one[weight] + other[weight]) / 2)
    assert mean[count] == one[count]
    FaceExpressionNetwork(train.HEADS).load_state_dict(mean)


def test_rare_labels_are_favoured_and_emotions_left_alone() -> None:
    network = FaceExpressionNetwork(train.HEADS).eval()
    crops = torch.from_numpy(CROPS)
    with torch.inference_mode():
        before = network(crops).logits
        frequencies = np.array([0.3, 0.01, 0.1, 0.3, 0.1, 0.1, 0.09], np.float32)
        train.favour_rare(network, frequencies, 0.5)
        after = network(crops).logits
    moved = (after["fer2013"] - before["fer2013"]).numpy()
    assert np.allclose(moved, -0.5 * np.log(frequencies), atol=1e-5)
    assert torch.equal(after["emotion"], before["emotion"])


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run long enough to learn drawn faces."""
    out = tmp_path_factory.mktemp("trained") / "face.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        train_faces(LEARNING.model_copy(update={"data": root}), out, lambda _: None)
    return out


def test_it_learns_and_its_bundle_decodes(trained: Path, root: Path, pictures: fer2013.FacePictures) -> None:
    bundle = load_bundle(trained, "face_expression")
    decoder = FaceExpressionDecoder(bundle, torch.device("cpu"))
    faces = judged(pictures, pictures.tests)
    logits, _ = decoder.logits(faces.crops)
    # By chance it would be one in seven; 28 faces exceed 0.3 by chance in one of a hundred trainings.
    assert (logits[LABELS].argmax(axis=1) == faces.labels).mean() > 0.3
    assert (logits[EMOTION].argmax(axis=1) == faces.emotions).mean() > 0.3
    assert bundle.spec.domain == ("drawn faces",)
    assert bundle.spec.head(EMOTION).temperature != 1.0
    assert 0.0 < bundle.spec.head(EMOTION).conformal_threshold < 1.0
    assert bundle.tensors["heads.emotion.weight"].dtype == torch.float16


def test_the_card_says_data_licence_and_figures(trained: Path) -> None:
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    assert "licence of the pictures is unclear" in card
    assert "test (PublicTest) | FER2013, 7 classes | 28 |" in card
    assert "under an EEG cap" in card
    assert load_bundle(trained).spec.data_hashes[0] in card


def test_a_second_run_finds_all_of_it_done(trained: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, said = trained.read_bytes(), list[str]()
    quick(monkeypatch)
    train_faces(LEARNING.model_copy(update={"data": root}), trained, said.append)
    assert trained.read_bytes() == before
    assert {"stage expressions: from the cache", "stage settling: from the cache"} <= set(said)


def test_a_run_that_was_killed_ends_as_one_that_was_not(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "score_faces", lambda *_, **__: ())
    monkeypatch.setattr(train, "write_face_card", lambda *_: None)
    monkeypatch.setattr(train, "milliseconds_a_face", lambda _: {})
    config = config_of(data=root, batch=24, settling={"epochs": 1})
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    train_faces(config, whole, lambda _: None)
    monkeypatch.setattr(stage_run, "CHECKPOINT_S", 0.0)
    real, batches = train.augmented, [0]

    def killed(*given: object) -> np.ndarray:
        batches[0] += 1
        if batches[0] == 4:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(train, "augmented", killed)
    with pytest.raises(KeyboardInterrupt):
        train_faces(config, cut, lambda _: None)
    assert list(tmp_path.glob("cut.cache/*.partial"))
    said: list[str] = []
    monkeypatch.setattr(train, "augmented", real)
    train_faces(config, cut, said.append)
    assert any("goes on after batch 3" in line for line in said)
    one, other = load_file(whole), load_file(cut)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert whole.read_bytes() == cut.read_bytes()


def test_what_a_config_lacks_is_said() -> None:
    loaded = load(CONFIGS / "train_faces.toml", TrainFacesConfig)
    with pytest.raises(ConfigError, match="--set data=FOLDER"):
        train_faces(loaded, Path("x.safetensors"), lambda _: None)
    with pytest.raises(ConfigError, match="held_out"):
        load(CONFIGS / "train_faces.toml", TrainFacesConfig, ("held_out=0.9",))


def without_figures(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(train, "score_faces", lambda *_, **__: ())
    patch.setattr(train, "write_face_card", lambda *_: None)
    patch.setattr(train, "milliseconds_a_face", lambda _: {})


def test_a_training_goes_on_from_a_bundle(
    trained: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_figures(monkeypatch)
    changes = {"data": root, "start": trained, "epochs": 1, "learning_rate": 1e-9, "settling": {"epochs": 0}}
    config = TrainFacesConfig.model_validate({**LEARNING.model_dump(), **changes})
    out = tmp_path / "further.safetensors"
    train_faces(config, out, lambda _: None)
    first, further = load_bundle(trained), load_bundle(out)
    for name in ("trunk.0.0.weight", "heads.emotion.weight"):
        assert torch.allclose(first.tensors[name].float(), further.tensors[name].float(), atol=1e-3)
    assert further.spec.network["start"] == first.sha256


@pytest.mark.parametrize("change", [{"seed": 1}, {"held_out": 0.3}])
def test_a_start_that_may_know_the_held_out_photographs_is_refused(
    trained: Path, root: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    config = TrainFacesConfig.model_validate({**LEARNING.model_dump(), "data": root, "start": trained, **change})
    with pytest.raises(ConfigError, match="held out here; use its data, seed and held_out"):
        train_faces(config, tmp_path / "further.safetensors", lambda _: None)


def test_a_start_of_another_kind_is_refused(root: Path, tmp_path: Path) -> None:
    config = config_of(data=root, start=bundled("emodb"))
    with pytest.raises(ConfigError, match="of kind 'face_expression' is needed"):
        train_faces(config, tmp_path / "further.safetensors", lambda _: None)


def test_faces_to_train_on_are_aligned_once(parts: FaceParts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shifted = np.roll(parts.train.crops, 3, axis=2)
    monkeypatch.setattr(data, "found_in", lambda crops: [None] * len(crops))
    monkeypatch.setattr(data, "as_read", lambda crops, places: np.roll(crops, 3, axis=2))
    assert np.array_equal(data.aligned(parts.train, tmp_path).crops, shifted)
    monkeypatch.setattr(data, "as_read", lambda crops, places: pytest.fail("aligned a second time"))
    again = data.aligned(parts.train, tmp_path)
    assert np.array_equal(again.crops, shifted)
    assert np.array_equal(again.labels, parts.train.labels)
