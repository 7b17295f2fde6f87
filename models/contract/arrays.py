"""Array types and constants shared by all packages."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
TimeArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Image = NDArray[np.uint8]

FaceState = Literal["tracked", "changed", "several", "too_small", "none"]
"""One followed face; another one than before; several, none chosen; too small to use; none, or only others'."""
MicrophoneFault = Literal["clipping", "silent", "stuck"]
LEVELS: tuple[str, str, str] = ("low", "medium", "high")
BANDS: tuple[str, str, str] = ("theta", "alpha", "beta")
AUDIO_RATE_HZ = 16_000
SIMULATED = "simulated"
