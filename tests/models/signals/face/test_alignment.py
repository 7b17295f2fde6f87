"""Faces of any size, place and tilt come to one place; a crop costs the same in a frame of any size."""

import cv2
import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FaceBox, Image
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.alignment import POINTS, SIDE, align_face, similarity, whole_crop
from moodring.models.signals.face.detection import FaceDetector, FoundFace, without_repeats
from tests.models.signals.face.test_detection import drawn_face


def marked(
    scale: float, angle: float, x: float, y: float, size: tuple[int, int] = (480, 640)
) -> tuple[Image, FoundFace]:
    """A frame with bright dots where eyes, nose and mouth are."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = scale * (POINTS - 23.5) @ turn.T + (x, y)
    image = np.full((*size, 3), 40, np.uint8)
    for point in points:
        cv2.circle(
            image, tuple(int(one) for one in np.round(point * 16)), round(scale * 1.5 * 16), (230,) * 3, -1, shift=4
        )
    return image, FoundFace(FaceBox(x - 20 * scale, y - 20 * scale, 40 * scale, 40 * scale, 0.9), points)


def centres(crop: Image) -> np.ndarray:
    count, _, _, found = cv2.connectedComponentsWithStats((crop > 120).astype(np.uint8))
    assert count == 6
    return np.array(sorted(found[1:].tolist(), key=lambda one: (round(one[1] / 6), one[0])))


@pytest.mark.parametrize("scale", [0.8, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("angle", [-0.5, 0.0, 0.4])
def test_features_come_to_their_places(scale: float, angle: float) -> None:
    crop = align_face(*marked(scale, angle, 300.3, 250.7))
    assert crop.shape == (SIDE, SIDE)
    assert np.abs(centres(crop) - POINTS).max() < 0.75


def test_a_large_face_is_averaged_not_sampled() -> None:
    """Stripes of one pixel in a face of a thousand become even grey; sampling would leave some."""
    image, face = marked(20.0, 0.1, 640.0, 640.0, (1280, 1280))
    image[:, ::2] = 0
    image[:, 1::2] = 200
    crop = align_face(image, face)
    assert np.abs(crop.astype(float) - 100).max() < 8


def test_a_face_at_the_edge_repeats_it_and_none_fails() -> None:
    for x, y in ((5.0, 5.0), (639.0, 479.0), (-100.0, 240.0), (320.0, 2000.0)):
        assert align_face(*marked(4.0, 0.2, x, y)).shape == (SIDE, SIDE)
    image, face = marked(3.0, 0.0, 10.0, 240.0)
    image[:, :3] = 90
    assert (align_face(image, face)[20:28, 0] == 90).all()


def test_the_similarity_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(0)
    points, target = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    move = similarity(points, target)

    def loss(a: float, b: float, x: float, y: float) -> float:
        given = points @ np.array([[a, b], [-b, a]]) + (x, y)
        return float(np.square(given - target).sum())

    best = loss(move[0, 0], move[1, 0], move[0, 2], move[1, 2])
    for step in np.eye(4) * 1e-3:
        assert loss(*(np.array([move[0, 0], move[1, 0], move[0, 2], move[1, 2]]) + step)) > best
        assert loss(*(np.array([move[0, 0], move[1, 0], move[0, 2], move[1, 2]]) - step)) > best
    with pytest.raises(ValueError, match="all points lie in one place"):
        similarity(np.ones((5, 2)), target)


def test_a_tight_crop_is_taken_whole() -> None:
    grey = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48) % 251
    assert np.array_equal(whole_crop(np.repeat(grey[:, :, None].astype(np.uint8), 3, axis=2)), grey)
    assert whole_crop(np.zeros((90, 70, 3), np.uint8)).shape == (SIDE, SIDE)
    with pytest.raises(MoodringError, match="camera frame has shape"):
        whole_crop(np.zeros((48, 48), np.uint8))


@pytest.fixture(scope="module")
def finder() -> FaceDetector:
    return FaceDetector(bundled("yunet").read_bytes())


@pytest.mark.parametrize("angle", [-6.0, 0.0, 6.0])
def test_the_detector_knows_where_eyes_nose_and_mouth_are(finder: FaceDetector, angle: float) -> None:
    turn = cv2.getRotationMatrix2D((120, 120), angle, 1.0)
    (face,) = finder.find_faces(cv2.warpAffine(drawn_face(), turn, (240, 240), borderValue=(90, 90, 90)))
    drawn = np.array([(99, 118), (141, 118), (120, 144), (104, 161), (136, 161)], float)
    expected = drawn @ turn[:, :2].T + turn[:, 2]
    assert np.abs(face.points - expected).max() < 11.0
    assert face.box == finder.find_all(cv2.warpAffine(drawn_face(), turn, (240, 240), borderValue=(90, 90, 90)))[0]


def test_a_far_face_is_found_where_the_picture_is_searched_larger() -> None:
    model = bundled("yunet").read_bytes()
    picture = np.full((1000, 1280, 3), 90, np.uint8)
    picture[400:464, 600:664] = cv2.resize(drawn_face(), (64, 64), interpolation=cv2.INTER_AREA)
    assert FaceDetector(model).find_faces(picture) == ()
    (face,) = FaceDetector(model, 1280).find_faces(picture)
    assert abs(face.box.x + face.box.width / 2 - 632) < 5


def test_a_face_found_twice_is_one_and_two_faces_are_two() -> None:
    def at(x: float, score: float) -> FoundFace:
        return FoundFace(FaceBox(x, 0.0, 100.0, 100.0, score), POINTS)

    assert [one.box.score for one in without_repeats([at(0, 0.8), at(10, 0.9), at(90, 0.7)])] == [0.9, 0.7]
