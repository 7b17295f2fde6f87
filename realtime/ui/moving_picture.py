"""A moving picture of a window: an animated WebP, as browsers and code hosts show it."""

import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QWidget

from ...configs.schema.errors import MoodringError
from ...models.io.files import private

_TURN_S = 0.01
_QUALITY = 60


def film_of(
    window: QWidget, application: QApplication, path: Path, seconds: float, frames_per_s: float, width: int
) -> None:
    """Watch a window for a while and save what it showed; blocks, and lets the window run meanwhile.

    Parameters
    ----------
    window : QWidget
    application : QApplication
    path : Path
        Ends in ``.webp``.
    seconds : float
    frames_per_s : float
    width : int
        In pixels; the height follows.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    frames: list[NDArray[np.uint8]] = []
    began_s = time.monotonic()
    while len(frames) < round(seconds * frames_per_s):
        application.processEvents()
        if time.monotonic() - began_s >= len(frames) / frames_per_s:
            frames.append(_scaled(pixels(window.grab().toImage()), width))
        time.sleep(_TURN_S)
    animation = cv2.Animation()
    animation.frames = frames
    animation.durations = [round(1000.0 / frames_per_s)] * len(frames)
    try:
        with open(path, "ab", opener=private):
            pass
        written = cv2.imwriteanimation(str(path), animation, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    except OSError:
        written = False
    if not written:
        raise MoodringError(f"picture '{path}' cannot be written; give a folder that can be written to")


def pixels(image: QImage) -> NDArray[np.uint8]:
    """Return a picture as ``(height, width, 3)``, blue first."""
    rgb = image.convertToFormat(QImage.Format_BGR888)
    bits = rgb.constBits()
    assert bits is not None  # no empty picture  # noqa: S101
    rows = np.frombuffer(bits.asarray(rgb.sizeInBytes()), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()


def _scaled(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
