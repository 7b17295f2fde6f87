import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FaceBox, Image
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.detection import FaceDetector
from moodring.models.signals.face.images import crop_face


@pytest.fixture(scope="module")
def finder() -> FaceDetector:
    return FaceDetector(bundled("yunet").read_bytes())


def drawn_face(size: int = 240) -> Image:
    """A plain face on a grey ground, seen from the front, in the middle of a square frame."""
    image = np.full((240, 240, 3), 90, np.uint8)
    skin, dark, lips = (150, 180, 225), (40, 45, 60), (90, 80, 180)
    cv2.ellipse(image, (120, 120), (52, 68), 0, 0, 360, (45, 55, 75), -1)
    cv2.ellipse(image, (120, 128), (47, 60), 0, 0, 360, skin, -1)
    for x in (99, 141):
        cv2.ellipse(image, (x, 118), (10, 5), 0, 0, 360, (240, 240, 240), -1)
        cv2.circle(image, (x, 118), 4, dark, -1)
        cv2.ellipse(image, (x, 106), (12, 4), 0, 180, 360, dark, 3)
    cv2.ellipse(image, (120, 142), (7, 4), 0, 0, 180, (110, 135, 180), 2)
    cv2.ellipse(image, (120, 161), (17, 6), 0, 0, 360, lips, -1)
    return cv2.resize(cv2.GaussianBlur(image, (5, 5), 0), (size, size))


def frames(path: Path) -> Iterator[Image]:
    video = cv2.VideoCapture(str(path))
    while True:
        there, image = video.read()
        if not there:
            return
        yield image


def test_the_shipped_model_is_the_published_one() -> None:
    digest = hashlib.sha256(bundled("yunet").read_bytes()).hexdigest()
    assert digest == "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
    assert "Copyright (c) 2020 Shiqi Yu" in bundled("yunet").with_name("yunet.LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [240, 320, 640, 1000])
def test_a_drawn_face_is_found_at_any_size(finder: FaceDetector, size: int) -> None:
    box = finder.find(drawn_face(size))
    assert box is not None
    assert (box.x + box.width / 2) / size == pytest.approx(0.5, abs=0.05)
    assert (box.y + box.height / 2) / size == pytest.approx(0.53, abs=0.08)
    assert 0.3 < box.height / size < 0.65
    assert 0.7 <= box.score <= 1.0


def test_the_larger_of_two_faces_is_taken(finder: FaceDetector) -> None:
    image = np.full((240, 400, 3), 90, np.uint8)
    image[60:180, :120] = drawn_face(120)
    image[:, 160:] = drawn_face(240)
    box = finder.find(image)
    assert box is not None
    assert box.x > 160


def test_nothing_is_found_where_nobody_is(finder: FaceDetector) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    for image in (np.zeros((240, 320, 3), np.uint8), noise, np.zeros((1, 1, 3), np.uint8)):
        assert finder.find(image) is None


@pytest.mark.parametrize("shape", [(240, 320), (240, 320, 4), (0, 320, 3)])
def test_frames_of_another_kind_are_refused(finder: FaceDetector, shape: tuple[int, ...]) -> None:
    with pytest.raises(MoodringError, match="expected \\(height, width, 3\\) uint8"):
        finder.find(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("model", [b"", b"not a model", bytes(5000)])
def test_a_file_that_is_no_model_is_refused(model: bytes) -> None:
    with pytest.raises(MoodringError, match="reinstall"):
        FaceDetector(model)


def test_crop_is_the_square_around_the_box() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 90:110] = 255
    crop = crop_face(image, FaceBox(x=90, y=40, width=20, height=20, score=1.0), 24)
    assert crop.shape == (24, 24)
    assert crop.dtype == np.uint8
    np.testing.assert_array_equal(crop[3:-3, 3:-3], 255)
    np.testing.assert_array_equal(crop[[0, -1]], 0)
    np.testing.assert_array_equal(crop[:, [0, -1]], 0)


@pytest.mark.parametrize(
    "box",
    [(-30, -30, 50, 60), (180, 80, 60, 60), (-50, -50, 400, 400), (500, 500, 10, 10), (10, 10, 0, 0)],
)
def test_crop_stays_in_the_frame(box: tuple[float, float, float, float]) -> None:
    image = np.full((100, 200, 3), 7, np.uint8)
    assert (crop_face(image, FaceBox(*box, score=0.9), 48) == 7).all()


@pytest.mark.data
def test_real_faces_are_found_and_empty_rooms_are_empty(finder: FaceDetector, data_dir: Path) -> None:
    found = [finder.find(image) is not None for image in frames(data_dir / "faces" / "single_face.mp4")]
    empty = [finder.find(image) is not None for image in frames(data_dir / "faces" / "no_face.mp4")]
    assert len(found) > 50 < len(empty)
    assert np.mean(found) >= 0.95
    assert not any(empty)


@pytest.mark.data
def test_speaking_faces_are_found_and_cut_out(finder: FaceDetector, data_dir: Path) -> None:
    clips = sorted((data_dir / "grid").glob("*.mpg"))
    assert clips
    for clip in clips:
        images = list(frames(clip))[::8]
        boxes = [finder.find(image) for image in images]
        assert all(boxes), clip.name
        for image, box in zip(images, boxes, strict=True):
            assert box is not None
            assert crop_face(image, box, 48).std() > 10
