"""Scalp images: values at electrodes interpolated over the head by one cached matrix.

Azimuthal equidistant projection and Clough-Tocher interpolation [1]_. For fixed electrodes the interpolation is
linear in the values (up to the tolerance of its gradient estimate, 1e-6), so it is done once for the identity matrix
and each image is one product.

References
----------
.. [1] Alfeld P. (1984), A trivariate Clough-Tocher scheme for tetrahedral data; as in
   :class:`scipy.interpolate.CloughTocher2DInterpolator`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CloughTocher2DInterpolator
from scipy.spatial import QhullError

from ....configs.schema.errors import MoodringError
from ...contract import BoolArray, FloatArray
from .montage import positions

# Half the side of the image in units of the projection (1 is the equator): T7 and T8 lie at 1.05.
HALF_SIDE = 1.06

# Farther than this from any electrode (in units of the projection: 32 degrees) the interpolation is an extrapolation.
NEAR = 0.35


@dataclass(frozen=True)
class ScalpMap:
    """Interpolation of values at one set of good channels to an image.

    Attributes
    ----------
    matrix : (size * size, n_channels) float32
        Zero rows outside the electrodes' hull, zero columns for channels that are left out.
    mask : (size, size) bool
        True inside the hull. Row 0 is at the nose, column 0 at the left ear.
    used : (n_channels,) bool
        Channels on the scalp and good.
    size : int
    coverage : float
        The share (0..1) of the upper half of the head that lies inside the hull and near an electrode: about 0.95
        for 32 electrodes all over the head, 0.2 for the four of a headband.
    """

    matrix: FloatArray
    mask: BoolArray
    used: BoolArray
    size: int
    coverage: float


def scalp_map(channel_names: Sequence[str], good: BoolArray, size: int) -> ScalpMap:
    """Precompute the interpolation for one set of good channels.

    Parameters
    ----------
    channel_names : sequence of str
    good : (n_channels,) bool
    size : int
        Side of the image in pixels.

    Returns
    -------
    ScalpMap
        With an empty mask where fewer than three electrodes (or only ones in line) are left.
    """
    if size < 2 or len(good) != len(channel_names):
        raise MoodringError(
            f"a scalp image needs at least 2 pixels a side and one flag per channel; came: {size} pixels, "
            f"{len(good)} flags for {len(channel_names)} channels; check image_size and the channel names"
        )
    places = positions(channel_names)
    used = np.asarray(good, dtype=np.bool_) & np.isfinite(places[:, 0])
    drawn = _interpolate_identity(places[used], size)
    inside = np.asarray(np.isfinite(drawn).all(axis=1), dtype=np.bool_)
    if not used.any():
        inside[:] = False
    matrix = np.zeros((size * size, len(channel_names)), dtype=np.float32)
    matrix[np.ix_(inside, used)] = drawn[inside]
    return ScalpMap(
        matrix=matrix,
        mask=inside.reshape(size, size),
        used=used,
        size=size,
        coverage=_coverage(places[used], inside, size),
    )


def scalp_images(values: FloatArray, scalp: ScalpMap) -> FloatArray:
    """Interpolate one image per column of values.

    Parameters
    ----------
    values : (n_channels, n_bands)
        Relative to rest, so that the 0 outside the hull means "as at rest". NaN in unused channels is ignored.
    scalp : ScalpMap

    Returns
    -------
    (n_bands, size, size) float32
    """
    clean = np.where(scalp.used[:, None], values, 0.0).astype(np.float32)
    images: FloatArray = (scalp.matrix @ clean).T.reshape(-1, scalp.size, scalp.size)
    return images


class ScalpMapper:
    """Cache of the maps of sets of good channels: the ``capacity`` of them that were used last.

    Parameters
    ----------
    channel_names : tuple of str
    size : int
        Side of the images in pixels.
    capacity : int
    """

    def __init__(self, channel_names: tuple[str, ...], size: int, capacity: int = 64) -> None:
        self._channel_names = channel_names
        self._size = size
        self._capacity = capacity
        self._maps: dict[bytes, ScalpMap] = {}

    def map(self, good: BoolArray) -> ScalpMap:
        """Return the map for a set of good channels, ``(n_channels,)`` bool."""
        key = np.packbits(good).tobytes()
        found = self._maps.pop(key, None) or scalp_map(self._channel_names, good, self._size)
        self._maps[key] = found
        if len(self._maps) > self._capacity:
            del self._maps[next(iter(self._maps))]
        return found

    def images(self, values: FloatArray, good: BoolArray) -> FloatArray:
        """Interpolate values ``(n_channels, n_bands)`` to images ``(n_bands, size, size)`` float32."""
        return scalp_images(values, self.map(good))


def pixel_places(size: int) -> NDArray[np.float64]:
    """Return x and y of the centres of an image's pixels, row by row: ``(size * size, 2)`` float64."""
    x, y = _grid(size)
    return np.column_stack([x.ravel(), y.ravel()])


def _grid(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the pixels' centres, nose up."""
    centres = (np.arange(size) + 0.5) / size * 2.0 * HALF_SIDE - HALF_SIDE
    x, y = np.meshgrid(centres, -centres)
    return x, y


def _interpolate_identity(places: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    n_channels = len(places)
    nothing = np.full((size * size, n_channels), np.nan)
    if n_channels < 3:
        return nothing
    try:
        interpolator = CloughTocher2DInterpolator(places, np.eye(n_channels))
    except QhullError:  # all electrodes in one line span no area
        return nothing
    drawn: NDArray[np.float64] = interpolator(pixel_places(size))
    return drawn


def _coverage(places: NDArray[np.float64], inside: BoolArray, size: int) -> float:
    if len(places) == 0:
        return 0.0
    x, y = (axis.ravel() for axis in _grid(size))
    distance = np.hypot(x[:, None] - places[:, 0], y[:, None] - places[:, 1]).min(axis=1)
    head = x**2 + y**2 <= 1.0
    return float(np.mean(inside[head] & (distance[head] <= NEAR)))
