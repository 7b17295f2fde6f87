"""Faces in stills: small pictures and small faces in large ones are found, in the picture's own pixels."""

import cv2
import numpy as np
import pytest

from moodring.models.io.bundle import bundled
from moodring.models.signals.face.stills import StillFaceFinder, is_tight
from tests.models.signals.face.test_detection import drawn_face


@pytest.fixture(scope="module")
def finder() -> StillFaceFinder:
    return StillFaceFinder(bundled("yunet").read_bytes())


@pytest.mark.parametrize("size", [48, 96, 159, 200, 400, 1000])
def test_the_same_face_is_found_at_any_size_in_the_pictures_pixels(finder: StillFaceFinder, size: int) -> None:
    (face,) = finder.find(drawn_face(size))
    assert (face.box.x + face.box.width / 2) / size == pytest.approx(0.5, abs=0.05)
    assert (face.box.y + face.box.height / 2) / size == pytest.approx(0.53, abs=0.08)
    eyes = np.array([(99, 118), (141, 118)]) * size / 240
    assert np.abs(face.points[:2] - eyes).max() / size < 0.05


def test_a_crop_that_a_face_fills_is_searched_with_a_border(finder: StillFaceFinder) -> None:
    tight = cv2.resize(drawn_face(480)[110:390, 125:355], (44, 54), interpolation=cv2.INTER_AREA)
    (face,) = finder.find(tight)
    assert np.abs(face.points[:2] - np.array([(99 - 62.5, 118 - 55), (141 - 62.5, 118 - 55)]) * 44 / 115).max() < 3


def test_large_and_small_faces_of_one_picture_are_each_found_once(finder: StillFaceFinder) -> None:
    picture = np.full((1000, 1280, 3), 90, np.uint8)
    picture[100:700, 50:650] = drawn_face(600)
    picture[400:464, 900:964] = cv2.resize(drawn_face(), (64, 64), interpolation=cv2.INTER_AREA)
    found = finder.find(picture)
    assert [one.box.width > 100 for one in found] == [True, False]


@pytest.mark.parametrize(
    ("shape", "tight"), [((48, 48), True), ((96, 70), True), ((97, 97), False), ((90, 40), False), ((15, 15), False)]
)
def test_what_counts_as_a_tight_crop(shape: tuple[int, int], tight: bool) -> None:
    assert is_tight(np.zeros((*shape, 3), np.uint8)) is tight
