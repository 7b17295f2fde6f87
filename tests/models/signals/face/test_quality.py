"""Each doubt about a face comes where it should, and no doubt about a good one."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from moodring.models.contract import FaceBox
from moodring.models.signals.face.alignment import POINTS
from moodring.models.signals.face.detection import FoundFace
from moodring.models.signals.face.quality import crop_quality, face_quality
from tests.support.fer_fake import fer_face

CROP = fer_face("happy", 3)
FACE = FoundFace(FaceBox(0.0, 0.0, 80.0, 100.0, 0.9), 2.0 * POINTS)


def turned_by(pixels: float) -> FoundFace:
    points = FACE.points.copy()
    points[2, 0] += pixels
    return replace(FACE, points=points)


def test_a_good_face_raises_no_doubt() -> None:
    said = face_quality(CROP, FACE)
    assert said.doubts == ()
    assert said.eyes_px == pytest.approx(2 * 17.6)
    assert said.turned == pytest.approx(0.0)
    assert said.score == 0.9


@pytest.mark.parametrize(
    ("crop", "face", "doubt"),
    [
        (CROP, replace(FACE, points=0.4 * POINTS), "small"),
        (CROP, turned_by(15.0), "turned"),
        (CROP, turned_by(-15.0), "turned"),
        ((CROP // 12).astype(np.uint8), FACE, "flat"),
        (cv2.GaussianBlur(CROP, (0, 0), 5.0), FACE, "blurred"),
    ],
)
def test_each_doubt_has_its_reason(crop: np.ndarray, face: FoundFace, doubt: str) -> None:
    assert face_quality(crop, face).doubts == (doubt,)


def test_a_nose_to_the_right_is_turned_to_the_right_however_the_head_is_tilted() -> None:
    angle = 0.5
    tilt = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = face_quality(CROP, turned_by(8.0)).turned
    assert upright == pytest.approx(8.0 / 35.2)
    assert face_quality(CROP, replace(FACE, points=turned_by(8.0).points @ tilt)).turned == pytest.approx(upright)


def test_of_a_crop_read_whole_nothing_is_known_of_the_place_of_eyes() -> None:
    said = crop_quality(CROP)
    assert (said.score, said.eyes_px, said.turned) == (None, None, None)
    assert said.contrast == pytest.approx(CROP.std(), rel=1e-5)
