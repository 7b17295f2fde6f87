"""Camera frames as Qt images, without OpenCV: its own copy of Qt would get in the way."""

import numpy as np
from PyQt5.QtGui import QImage

from ...models.contract import Image


def qimage(image: Image) -> QImage:
    """Wrap an (height, width, 3) BGR frame; the image owns its pixels."""
    frame = np.ascontiguousarray(image)
    height, width = frame.shape[:2]
    return QImage(frame.data, width, height, 3 * width, QImage.Format_BGR888).copy()
