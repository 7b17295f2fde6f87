"""How well a face can be read: its size, contrast, sharpness and turn, and the reasons to trust the answer less."""

from dataclasses import dataclass

import numpy as np

from ...contract import Image
from .detection import FoundFace

_SMALL_EYES_PX = 9.0  # FER2013's own faces, of 48 pixels, have 18
_FLAT = 12.0  # grey levels
_TURNED = 0.35  # of the distance of the eyes: a nose half way from the middle to an eye has 0.5
_MOUTH = np.s_[31:43, 14:34]  # of the crop
# FER2013: 0.17 and more in 99 of 100; films with eyes 16 pixels apart, 0.16; under a drawn mask 0.05 in the middle
_COVERED = 0.15
_BLURRED = 0.1  # FER2013: 0.14 and more in 99 of 100; blurred by 2 pixels, 0.115 in the middle


@dataclass(frozen=True)
class FaceQuality:
    """Measures of a face and its crop.

    Attributes
    ----------
    score : float or None
        The detector's confidence; None where none was found and the picture was read whole.
    eyes_px : float or None
        Distance of the eyes in the image.
    turned : float or None
        How far the nose is off the middle between the eyes, relative to their distance: 0 from the front, negative to
        the left of the picture.
    contrast : float
        Standard deviation of the crop's grey levels.
    sharpness : float
        Mean step between neighbouring pixels, relative to the contrast.
    mouth : float or None
        Mean step from row to row where the mouth lies, relative to the contrast: lips and their shadow, unless a mask
        or a hand covers them.
    lies : str or None
        "sideways" or "upside down" of a face that does not stand, where that was looked at: :mod:`~.orientation`.
    """

    score: float | None
    eyes_px: float | None
    turned: float | None
    contrast: float
    sharpness: float
    mouth: float | None = None
    lies: str | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Reasons to trust the answer less: "small", "turned", "flat", "blurred", "covered", how it lies."""
        reasons = (
            ("small", self.eyes_px is not None and self.eyes_px < _SMALL_EYES_PX),
            ("turned", self.turned is not None and abs(self.turned) > _TURNED),
            ("flat", self.contrast < _FLAT),
            ("blurred", self.sharpness < _BLURRED),
            ("covered", self.mouth is not None and self.mouth < _COVERED and self.sharpness >= _BLURRED),
        )
        return (*(name for name, holds in reasons if holds), *(() if self.lies is None else (self.lies,)))


def face_quality(crop: Image, face: FoundFace) -> FaceQuality:
    """Return the quality of a found face and its aligned crop ``(48, 48)``."""
    left, right, nose = face.points[:3]
    between = right - left
    distance = float(np.hypot(*between))
    off = float((nose - (left + right) / 2.0) @ between) / max(distance, 1e-9) ** 2
    return FaceQuality(face.box.score, distance, off, *_of_pixels(crop))


def crop_quality(crop: Image) -> FaceQuality:
    """Return the quality of a tight crop that was read whole."""
    return FaceQuality(None, None, None, *_of_pixels(crop))


def _of_pixels(crop: Image) -> tuple[float, float, float]:
    grey = crop.astype(np.float32)
    contrast = float(grey.std())
    steps = (np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()) / 2.0
    mouth = np.abs(np.diff(grey, axis=0))[_MOUTH].mean()
    return contrast, float(steps) / max(contrast, 1.0), float(mouth) / max(contrast, 1.0)
