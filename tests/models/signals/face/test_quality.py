"""Each doubt about a face comes where it should, and no doubt about a good one."""

import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from moodring.models.contract import FaceBox
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.alignment import POINTS, align_face
from moodring.models.signals.face.detection import FoundFace
from moodring.models.signals.face.quality import crop_quality, face_quality
from moodring.models.signals.face.stills import StillFaceFinder
from tests.support.fer_fake import fer_face
from tests.support.masks import masked

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


@pytest.mark.data
def test_a_covered_mouth_is_told_in_most_pictures_and_a_bare_one_is_not(data_dir: Path) -> None:
    finder, told, bare = StillFaceFinder(bundled("yunet").read_bytes()), [], []
    with zipfile.ZipFile(data_dir / "fer2013" / "fer2013_train.zip") as archive:
        for name in sorted(archive.namelist())[5::700]:
            picture = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR)
            large = cv2.resize(picture, (240, 240), interpolation=cv2.INTER_CUBIC)
            for face in finder.find(large)[:1]:
                bare.append("covered" in face_quality(align_face(large, face), face).doubts)
                under = masked(large, face.points, 190.0)
                told.append("covered" in face_quality(align_face(under, face), face).doubts)
    assert len(told) > 25
    assert np.mean(told) > 0.85
    assert np.mean(bare) < 0.08
