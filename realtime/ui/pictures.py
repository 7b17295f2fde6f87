"""Camera frames as Qt images, without OpenCV, whose own Qt conflicts with PyQt's."""

import numpy as np
from PyQt5.QtGui import QImage

from ...models.contract import Image


def qimage(image: Image) -> QImage:
    """Return a ``(height, width, 3)`` BGR frame as an image that owns its pixels."""
    frame = np.ascontiguousarray(image)
    height, width = frame.shape[:2]
    return QImage(frame.data, width, height, 3 * width, QImage.Format_BGR888).copy()
