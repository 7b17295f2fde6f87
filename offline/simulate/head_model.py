"""Head model: 32 electrodes of the 10-20 system, and fields that decay over the scalp."""

import numpy as np
from numpy.typing import NDArray

# Directions from the centre of the sphere fitted to MNE's `standard_1020` montage: x to the right ear, y to the
# nose, z up. Names and order are those of DEAP (Koelstra et al. 2012).
ELECTRODES: dict[str, tuple[float, float, float]] = {
    "Fp1": (-0.287, 0.957, -0.033),
    "AF3": (-0.336, 0.910, 0.242),
    "F3": (-0.522, 0.713, 0.468),
    "F7": (-0.766, 0.637, -0.085),
    "FC5": (-0.866, 0.391, 0.311),
    "FC1": (-0.348, 0.425, 0.836),
    "C3": (-0.696, 0.052, 0.716),
    "T7": (-0.998, 0.006, -0.068),
    "CP5": (-0.869, -0.325, 0.373),
    "CP1": (-0.341, -0.290, 0.894),
    "P3": (-0.529, -0.613, 0.586),
    "P7": (-0.789, -0.614, 0.012),
    "PO3": (-0.369, -0.837, 0.404),
    "O1": (-0.297, -0.947, 0.122),
    "Oz": (-0.006, -0.983, 0.182),
    "Pz": (-0.004, -0.600, 0.800),
    "Fp2": (0.276, 0.961, -0.033),
    "AF4": (0.337, 0.909, 0.246),
    "Fz": (-0.004, 0.731, 0.682),
    "F4": (0.522, 0.723, 0.453),
    "F8": (0.762, 0.642, -0.089),
    "FC6": (0.864, 0.400, 0.307),
    "FC2": (0.344, 0.434, 0.832),
    "Cz": (-0.003, 0.071, 0.997),
    "C4": (0.702, 0.060, 0.710),
    "T8": (0.997, 0.018, -0.070),
    "CP6": (0.875, -0.313, 0.368),
    "CP2": (0.355, -0.288, 0.889),
    "P4": (0.537, -0.606, 0.587),
    "P8": (0.788, -0.616, 0.011),
    "PO4": (0.361, -0.843, 0.399),
    "O2": (0.289, -0.949, 0.123),
}
CHANNEL_NAMES: tuple[str, ...] = tuple(ELECTRODES)


def directions() -> NDArray[np.float64]:
    """Return the electrodes' unit vectors, ``(32, 3)``."""
    placed = np.array(list(ELECTRODES.values()))
    return np.asarray(placed / np.linalg.norm(placed, axis=1, keepdims=True))


def field(centre: NDArray[np.float64], width_rad: float) -> NDArray[np.float64]:
    """Return the field of a source over the scalp: 1 above the source, a Gaussian of the angle elsewhere.

    Skull and scalp smooth the field of a radial source; a Gaussian is the usual approximation (Nunez and Srinivasan
    2006, chapter 6).

    Parameters
    ----------
    centre : (3,) float64
        Direction of the source; its length does not matter.

    Returns
    -------
    (32,) float64
    """
    cosines = directions() @ (centre / np.linalg.norm(centre))
    angle = np.arccos(np.clip(cosines, -1.0, 1.0))
    return np.asarray(np.exp(-0.5 * (angle / width_rad) ** 2))


def conduction(width_rad: float) -> NDArray[np.float64]:
    """Return the matrix that mixes independent sources under the electrodes, so that neighbours correlate.

    Returns
    -------
    (32, 32) float64
        Rows of unit length: ``white @ mix.T`` keeps unit variance at each electrode.
    """
    fields = np.stack([field(centre, width_rad) for centre in directions()])
    return np.asarray(fields / np.linalg.norm(fields, axis=1, keepdims=True))
