"""What pictures show through ``moodring predict``: every face an answer, none is an answer, damage is a line."""

import json
import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from moodring.models.decoders.face_expression import EMOTION, LABELS, FaceExpressionDecoder
from moodring.models.io.bundle import bundled, load_bundle, save_bundle
from moodring.models.signals.face.detection import FaceDetector
from moodring.offline.decoding.predict_faces import PicturePrediction, predict_pictures, score
from moodring.offline.recordings import pictures
from tests.models.signals.face.test_detection import drawn_face
from tests.support.face_bundles import untrained
from tests.support.fer_fake import fer_face, png, write_fer

CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


@pytest.fixture(scope="module")
def decoder() -> FaceExpressionDecoder:
    return FaceExpressionDecoder(untrained(), torch.device("cpu"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, made = tmp_path_factory.mktemp("bundle") / "untrained.safetensors", untrained()
    save_bundle(path, made.spec, made.tensors)
    return path


def written(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def two_faces() -> np.ndarray:
    picture = np.full((400, 900, 3), 90, np.uint8)
    picture[80:320, 40:280] = drawn_face(240)
    picture[100:280, 600:780] = drawn_face(180)
    return picture


def test_every_face_is_an_answer_the_largest_first(decoder: FaceExpressionDecoder, tmp_path: Path) -> None:
    picture = two_faces()
    (said,) = predict_pictures(decoder, [written(tmp_path / "two.png", picture)])
    assert said.size == (900, 400)
    assert [one.box is not None and one.box.x + one.box.width / 2 for one in said.faces] == [
        pytest.approx(160, abs=15), pytest.approx(690, abs=15),
    ]  # fmt: skip
    live = FaceDetector(bundled("yunet").read_bytes()).find_faces(picture)
    for answer in said.faces:
        face = min(live, key=lambda one: abs(one.box.x - answer.box.x))
        assert answer.expression.emotions == pytest.approx(decoder.read(picture, face).emotions, abs=0.2)


def test_no_face_is_an_answer(run, bundle: Path, tmp_path: Path) -> None:
    empty = written(tmp_path / "wall.png", np.full((300, 400, 3), 120, np.uint8))
    out = tmp_path / "out.json"
    status, said, _ = run("predict", bundle, empty, "--json", out)
    assert status == 0
    assert f"{empty}: no face" in said
    (row,) = json.loads(out.read_text())["files"]
    assert (row["no_face"], row["faces"], row["width"], row["height"]) == (True, [], 400, 300)


def test_a_small_square_crop_is_read_whole_and_says_so(run, bundle: Path, tmp_path: Path) -> None:
    crop = fer_face("sad", 1)
    out = tmp_path / "out.json"
    status, said, _ = run("predict", bundle, written(tmp_path / "crop.png", crop), "--json", out)
    assert status == 0
    assert "read whole" in said
    (face,) = json.loads(out.read_text())["files"][0]["faces"]
    assert face["box"] is None
    assert face["read_whole"] is True
    whole = FaceExpressionDecoder(load_bundle(bundle), torch.device("cpu")).read_whole(
        cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR)
    )
    assert list(face["probabilities"][EMOTION].values()) == pytest.approx(whole.emotions.tolist(), abs=1e-5)
    assert face["valence"] == pytest.approx(whole.affect.valence, abs=1e-5)
    assert face["quality"]["eyes_px"] is None


def test_folders_and_archives_named_by_class_are_scored(run, bundle: Path, tmp_path: Path) -> None:
    root = write_fer(tmp_path / "set", 1, 3)
    unpacked = write_fer(tmp_path / "unpacked", 1, 3, zipped=False)
    found = []
    for path in (root / "fer2013_test.zip", unpacked / "test"):
        out = tmp_path / f"{path.name}.json"
        status, said, _ = run("predict", bundle, path, "--labels", "auto", "--json", out)
        assert status == 0
        plain = json.loads(out.read_text())
        assert plain["n"] == 21
        assert plain["scored_by"] == LABELS
        rows = plain["files"]
        right = [
            max(row["faces"][0]["probabilities"][LABELS].items(), key=lambda one: one[1])[0] == row["truth"]
            for row in rows
        ]
        assert plain["accuracy"] == pytest.approx(np.mean(right))
        recalls = [
            np.mean([one for one, row in zip(right, rows, strict=True) if row["truth"] == name]) for name in CLASSES
        ]
        assert plain["uar"] == pytest.approx(np.mean(recalls))
        assert f"UAR {plain['uar']:.3f} over 21 pictures" in said
        found.append((plain["accuracy"], plain["uar"]))
    assert found[0] == found[1]
    assert not [
        one for one in tmp_path.rglob("*") if one.is_dir() and one.name == "test" and "unpacked" not in str(one)
    ]


def test_truths_spelled_as_by_raters_are_answered_by_the_emotions(
    decoder: FaceExpressionDecoder, tmp_path: Path
) -> None:
    for name, label in (("contempt", "angry"), ("happiness", "happy"), ("sad", "sad")):
        written(tmp_path / name / "x.png", fer_face(label, 1))
    said = list(predict_pictures(decoder, [tmp_path], with_truth=True))
    scores = score(said, decoder)
    assert scores is not None
    assert (scores.head, scores.n) == (EMOTION, 3)
    answers = [decoder.emotion.classes[int(one.faces[0].expression.emotions.argmax())] for one in said]
    truths = [{"sad": "sadness"}.get(str(one.truth), one.truth) for one in said]
    assert scores.accuracy == pytest.approx(np.mean([one == other for one, other in zip(answers, truths, strict=True)]))


def test_a_labelled_picture_without_a_face_counts_as_wrong_and_a_damaged_one_not(
    decoder: FaceExpressionDecoder, tmp_path: Path
) -> None:
    written(tmp_path / "happy" / "wall.png", np.full((300, 400, 3), 120, np.uint8))
    (tmp_path / "happy" / "broken.png").write_bytes(png(fer_face("happy", 1))[:300])
    scores = score(list(predict_pictures(decoder, [tmp_path], with_truth=True)), decoder)
    assert scores is not None
    assert (scores.accuracy, scores.n) == (0.0, 1)


def test_labels_that_no_folder_tells_are_said(run, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    picture = written(tmp_path / "holiday" / "x.png", fer_face("happy", 1))
    status, said, _ = run("predict", bundle, picture, "--labels", "auto", "--json", out)
    assert status == 0
    assert "no accuracy: no picture that was read lies in a folder named by a label (angry, disgust" in said
    plain = json.loads(out.read_text())
    assert (plain["accuracy"], plain["uar"], plain["n"], plain["files"][0]["truth"]) == (None, None, 0, None)


def test_what_cannot_be_read_has_its_line_and_the_rest_go_on(
    run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_FILE_BYTES", 1_000_000)
    good = written(tmp_path / "good.png", fer_face("fear", 1))
    text, bomb, junk = tmp_path / "text.jpg", tmp_path / "bomb.zip", tmp_path / "junk.zip"
    text.write_text("no picture")
    junk.write_bytes(b"PK\3\4")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../up.png", b"\0" * 3_000_000)
        archive.writestr("good.png", good.read_bytes())
    out = tmp_path / "out.json"
    status, _, error = run("predict", bundle, text, junk, bomb, tmp_path / "gone.png", good, good, "--json", out)
    assert status == 1
    rows = json.loads(out.read_text())["files"]
    for row, why in zip(
        rows,
        ("is no picture", "cannot be read", "more than 1 MB", None, "No such file", None),
        strict=True,
    ):
        if why is None:
            assert len(row["faces"]) == 1
        else:
            assert why in row["error"]
            assert row["faces"] == []
            assert row["no_face"] is False
            assert f"moodring: {row['error']}" in error
    assert rows[2]["file"] == f"{bomb}/up.png"
    assert error.rstrip().endswith("4 of 6 picture(s) had an error; see the lines above")
    assert not (tmp_path.parent / "up.png").exists()


def test_the_results_do_not_overwrite_a_picture(run, bundle: Path, tmp_path: Path) -> None:
    picture = written(tmp_path / "x.png", fer_face("fear", 1))
    status, _, error = run("predict", bundle, picture, "--json", picture)
    assert status == 2
    assert str(picture) in error


def test_the_wrong_bundle_is_one_line(run, tmp_path: Path) -> None:
    status, _, error = run("predict", bundled("attention"), written(tmp_path / "x.png", fer_face("fear", 1)))
    assert status == 1
    assert "is a 'attention' model, a 'speech' or 'face_expression' model is needed" in error


def test_a_file_that_is_named_twice_is_read_once_and_is_no_error(run, bundle: Path, tmp_path: Path) -> None:
    picture, out, link = written(tmp_path / "x.png", fer_face("fear", 1)), tmp_path / "out.json", tmp_path / "y.png"
    link.symlink_to(picture)
    status, said, error = run("predict", bundle, picture, picture, link, "--json", out)
    assert (status, error) == (0, "")
    notes = [line for line in said.splitlines() if "named twice" in line]
    assert notes == [
        f"note: '{picture}' is named twice; it is read once",
        f"note: '{link}' is named twice, first as '{picture}'; it is read once",
    ]
    plain = json.loads(out.read_text())
    assert [row["file"] for row in plain["files"]] == [str(picture)]
    assert [f"note: {line}" for line in plain["notices"][-2:]] == notes


def test_results_in_a_folder_that_is_not_there_are_refused_before_the_work(run, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "mistyped" / "out.json"
    status, said, error = run("predict", bundle, written(tmp_path / "x.png", fer_face("fear", 1)), "--json", out)
    assert (status, said) == (2, "")
    assert f"the folder '{out.parent}' is not there" in error
    assert not out.parent.exists()


def test_of_forty_faces_the_largest_are_told_and_all_are_in_the_results(run, bundle: Path, tmp_path: Path) -> None:
    crowd = np.full((5 * 240, 8 * 240, 3), 90, np.uint8)
    for row in range(5):
        for column in range(8):
            size = 200 if (row, column) == (0, 0) else 160
            crowd[row * 240 : row * 240 + size, column * 240 : column * 240 + size] = drawn_face(size)
    out = tmp_path / "out.json"
    status, said, _ = run("predict", bundle, written(tmp_path / "crowd.png", crowd), "--json", out)
    assert status == 0
    (row,) = json.loads(out.read_text())["files"]
    assert len(row["faces"]) == 40
    line = next(line for line in said.splitlines() if line.startswith(str(tmp_path)))
    assert line.endswith("; … and 32 more, smaller")
    assert line.count("confidence") == 8


def test_of_several_faces_of_a_labelled_picture_the_largest_counts_and_it_is_said(
    run, bundle: Path, tmp_path: Path
) -> None:
    written(tmp_path / "set" / "happy" / "two.png", two_faces())
    written(tmp_path / "set" / "sad" / "one.png", fer_face("sad", 1))
    out = tmp_path / "out.json"
    status, said, _ = run("predict", bundle, tmp_path / "set", "--labels", "auto", "--json", out)
    assert status == 0
    assert "of several faces the largest counts: 1 picture(s)" in said
    notes = [row["notes"] for row in json.loads(out.read_text())["files"]]
    assert notes == [["the largest of 2 faces counts for the truth"], []]


@pytest.mark.parametrize(("turns", "lies"), [(1, "sideways"), (2, "upside down"), (3, "sideways")])
def test_a_face_that_lies_is_never_a_sure_answer(
    decoder: FaceExpressionDecoder, tmp_path: Path, turns: int, lies: str
) -> None:
    turned = np.ascontiguousarray(np.rot90(two_faces(), turns))
    (said,) = predict_pictures(decoder, [written(tmp_path / "turned.png", turned)])
    assert all(lies in face.expression.quality.doubts for face in said.faces)
    assert said.faces or said.notes == (f"no face stands in it, one lies {lies}: turn the picture",)
    (stands,) = predict_pictures(decoder, [written(tmp_path / "stands.png", two_faces())])
    assert [face.expression.quality.doubts for face in stands.faces] == [(), ()]
    assert stands.notes == ()


@pytest.mark.data
def test_real_photographs_of_one_and_of_five(data_dir: Path) -> None:
    decoder = FaceExpressionDecoder(load_bundle(bundled("face")), torch.device("cpu"))
    one, five = (data_dir / "faces" / f"{name}_face.jpg" for name in ("single", "multi"))
    said: list[PicturePrediction] = list(predict_pictures(decoder, [one, five]))
    assert [len(row.faces) for row in said] == [1, 5]
    happiness = decoder.emotion.classes.index("happiness")
    assert said[0].faces[0].expression.emotions[happiness] > 0.8
    assert sum(face.expression.emotions.argmax() == happiness for face in said[1].faces) >= 3


@pytest.mark.data
@pytest.mark.timeout(900)
def test_public_test_is_read_as_its_card_says(run, data_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    archive = data_dir / "fer2013" / "fer2013_test.zip"
    status, _, _ = run("predict", "face", archive, "--labels", "auto", "--json", out)
    assert status == 0
    plain = json.loads(out.read_text())
    card = bundled("face").with_suffix(".md").read_text(encoding="utf-8")
    row = next(line for line in card.splitlines() if line.startswith("| test (PublicTest) | FER2013, 7 classes"))
    n, accuracy, uar = re.findall(r"[\d.]+", row.split("7 classes")[1])[:3]
    assert plain["n"] == int(n) == 3589
    assert plain["accuracy"] == pytest.approx(float(accuracy), abs=0.002)
    assert plain["uar"] == pytest.approx(float(uar), abs=0.002)
