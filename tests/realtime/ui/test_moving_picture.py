"""A moving picture of a window."""

import stat
from pathlib import Path

import cv2
import numpy as np
import pytest
from PyQt5.QtCore import QTimer
from PyQt5.QtGui import QColor, QImage
from PyQt5.QtWidgets import QApplication, QWidget

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.ui.moving_picture import film_of, pixels


def test_pixels_are_those_of_the_picture() -> None:
    image = QImage(5, 3, QImage.Format_RGB32)
    image.fill(QColor(10, 20, 30))
    image.setPixelColor(4, 2, QColor(250, 0, 1))
    found = pixels(image)
    assert found.shape == (3, 5, 3)
    assert found[0, 0].tolist() == [30, 20, 10]
    assert found[2, 4].tolist() == [1, 0, 250]


def test_what_a_window_shows_over_time_is_in_the_moving_picture(qt_application: QApplication, tmp_path: Path) -> None:
    window = QWidget()
    window.resize(200, 100)
    window.setStyleSheet("background: #000000")
    window.show()
    QTimer.singleShot(500, lambda: window.setStyleSheet("background: #ffffff"))
    path = tmp_path / "live.webp"
    film_of(window, qt_application, path, 1.0, frames_per_s=10.0, width=100)
    window.close()
    found, animation = cv2.imreadanimation(str(path))
    assert found
    frames = [np.asarray(one) for one in animation.frames]
    assert frames[0].shape[:2] == (50, 100)
    assert frames[0].mean() < 80 < 180 < frames[-1][..., :3].mean()
    assert sum(animation.durations) == pytest.approx(1000, abs=100)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_said(qt_application: QApplication, tmp_path: Path) -> None:
    window = QWidget()
    with pytest.raises(MoodringError, match="cannot be written"):
        film_of(window, qt_application, tmp_path / "none" / "live.webp", 0.1, 10.0, 100)
