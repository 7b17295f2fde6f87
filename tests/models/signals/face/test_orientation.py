"""Faces that lie are told from faces that stand, by the quarter turn at which the detector is surest."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from moodring.models.contract import FaceBox, Image
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.detection import FaceDetector
from moodring.models.signals.face.images import scaled
from moodring.models.signals.face.orientation import (
    CHECKED_EVERY_S,
    Lying,
    OrientationCheck,
    watch_orientation,
)
from tests.models.signals.face.test_detection import drawn_face, frames

LIES = (None, "sideways", "upside down", "sideways")
YUNET = bundled("yunet").read_bytes()


@pytest.fixture(scope="module")
def check() -> OrientationCheck:
    return OrientationCheck(YUNET)


def rolled(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    side = int(np.hypot(height, width))
    move = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    move[:, 2] += ((side - width) / 2, (side - height) / 2)
    return np.asarray(cv2.warpAffine(image, move, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)


@pytest.mark.parametrize("turns", range(4))
def test_a_drawn_face_at_every_quarter_turn(check: OrientationCheck, turns: int) -> None:
    image = np.ascontiguousarray(np.rot90(drawn_face(240), turns))
    assert check.of_face(image, FaceBox(68.0, 52.0, 104.0, 136.0, 0.9)) == LIES[turns]


def test_a_wall_lies_nowhere(check: OrientationCheck) -> None:
    wall = np.full((180, 320, 3), 120, np.uint8)
    assert check.of_frame(wall) is None
    assert check.of_face(wall, FaceBox(-20.0, 100.0, 60.0, 120.0, 0.9)) is None


def test_a_followed_face_is_looked_at_anew_now_and_then() -> None:
    class Counting:
        asked = 0

        def of_face(self, image: Image, box: FaceBox) -> str | None:
            self.asked += 1
            return "sideways" if self.asked == 1 else None

    counting, state, told = Counting(), Lying(), []
    for k in range(round(3 * CHECKED_EVERY_S * 8)):
        image = np.zeros((4, 4, 3), np.uint8)
        state = watch_orientation(state, counting, image, FaceBox(0, 0, 4, 4, 0.9), 5.0 + k / 8)  # type: ignore[arg-type]
        told.append(state.lie)
    assert counting.asked == 3
    assert told == ["sideways"] * round(CHECKED_EVERY_S * 8) + [None] * round(2 * CHECKED_EVERY_S * 8)


@pytest.mark.data
def test_real_films_upright_tilted_and_turned(check: OrientationCheck, data_dir: Path) -> None:
    films = [*sorted(data_dir.glob("grid/*.mpg"))[::3], data_dir / "faces" / "single_face.mp4"]
    detector, told = FaceDetector(YUNET), {degrees: list[str | None]() for degrees in (0, 15, -15, 90, 180, 270)}
    for film in films:
        image = next(image for number, image in enumerate(frames(film)) if number == 20)
        for degrees, lies in told.items():
            turned = scaled(rolled(image, degrees))
            boxes = detector.find_all(turned)
            lies += (
                [check.of_face(turned, max(boxes, key=lambda one: one.width))] if boxes else [check.of_frame(turned)]
            )
    for degrees in (0, 15, -15):
        assert set(told[degrees]) == {None}, degrees
    assert set(told[180]) == {"upside down"}
    assert set(told[90]) == set(told[270]) == {"sideways"}
