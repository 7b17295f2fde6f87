"""`moodring bench images`: scalp images by the cached matrix against SciPy's interpolation anew for each image."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.interpolate import CloughTocher2DInterpolator, griddata
from threadpoolctl import threadpool_limits

from ...models.contract import FloatArray
from ...models.signals.eeg.montage import positions
from ...models.signals.eeg.scalp_images import ScalpMapper, pixel_places

# The 32 electrodes of DEAP.
CAP = (
    "Fp1", "AF3", "F3", "F7", "FC5", "FC1", "C3", "T7", "CP5", "CP1", "P3", "P7", "PO3", "O1", "Oz", "Pz",
    "Fp2", "AF4", "Fz", "F4", "F8", "FC6", "FC2", "Cz", "C4", "T8", "CP6", "CP2", "P4", "P8", "PO4", "O2",
)  # fmt: skip
SIZE = 32
BANDS = 3
SECONDS = 6.0
_COMPARED = 100
_ROUND = 20


def measure(seconds: float = SECONDS) -> dict[str, Any]:
    """Measure on one thread, in turns, on random values with 32 electrodes and images of 32 by 32 pixels.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    dict
        ``ours_ms_per_image`` and ``griddata_ms_per_image``: median over rounds of three bands, the lookup of the set of
        good channels included. ``speedup``: their ratio. ``max_error_relative``: largest difference from
        :class:`scipy.interpolate.CloughTocher2DInterpolator` in double precision, relative to the image's largest
        value. ``new_set_ms``: what a set of good channels costs that was not seen before.
    """
    good = np.ones(len(CAP), np.bool_)
    places, pixels = positions(CAP), pixel_places(SIZE)
    rng = np.random.default_rng(0)
    values: FloatArray = rng.normal(size=(len(CAP), BANDS)).astype(np.float32)
    mapper = ScalpMapper(CAP, SIZE)

    def anew() -> None:
        for band in range(BANDS):
            griddata(places, values[:, band], pixels, method="cubic")

    with threadpool_limits(1):
        new_set_ms = _median_ms(lambda: ScalpMapper(CAP, SIZE).map(good), seconds / 6, 1)
        ours, theirs = list[float](), list[float]()
        end_s = time.perf_counter() + seconds
        while not ours or time.perf_counter() < end_s:
            ours.append(_mean_ms(lambda: mapper.images(values, good), 10 * _ROUND) / BANDS)
            theirs.append(_mean_ms(anew, _ROUND) / BANDS)
        error = max(_error(mapper, rng.normal(size=values.shape).astype(np.float32)) for _ in range(_COMPARED))
    ours_ms, griddata_ms = float(np.median(ours)), float(np.median(theirs))
    return {
        "ours_ms_per_image": round(ours_ms, 5),
        "griddata_ms_per_image": round(griddata_ms, 4),
        "speedup": round(griddata_ms / ours_ms, 1),
        "max_error_relative": float(f"{error:.2e}"),
        "new_set_ms": round(new_set_ms, 2),
        "electrodes": len(CAP),
        "image_size": SIZE,
    }


def _error(mapper: ScalpMapper, values: FloatArray) -> float:
    """Return the largest relative error of the images of one set of values."""
    direct = CloughTocher2DInterpolator(positions(CAP), values.astype(np.float64))(pixel_places(SIZE))
    expected = np.nan_to_num(direct).T.reshape(BANDS, SIZE, SIZE)
    ours = mapper.images(values, np.ones(len(CAP), np.bool_))
    return float((np.abs(ours - expected).max(axis=(1, 2)) / np.abs(expected).max(axis=(1, 2))).max())


def _mean_ms(call: Callable[[], object], times: int) -> float:
    begin_s = time.perf_counter()
    for _ in range(times):
        call()
    return 1e3 * (time.perf_counter() - begin_s) / times


def _median_ms(call: Callable[[], object], seconds: float, times: int) -> float:
    end_s, found = time.perf_counter() + seconds, [_mean_ms(call, times)]
    while time.perf_counter() < end_s:
        found.append(_mean_ms(call, times))
    return float(np.median(found))
