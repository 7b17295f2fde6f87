"""Parts for the tests of schedulers, in a module that every process finds."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def total(data: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Return something that depends on all data."""
    return np.asarray(factor * data.sum(axis=0))


def slow(data: NDArray[np.float64], factor: float, seconds: float) -> NDArray[np.float64]:
    """Return the same, later."""
    time.sleep(seconds)
    return total(data, factor)


def refused(data: Any, what: str) -> None:
    """Fail as a part does."""
    raise ValueError(f"no {what}")


def killed_once(data: NDArray[np.float64], factor: float, mark: Path) -> NDArray[np.float64]:
    """Kill this process the first time."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return total(data, factor)


class Arrays:
    """Results kept as arrays."""

    def read(self, path: Path) -> NDArray[np.float64]:
        """Return what was kept."""
        return np.asarray(np.load(path, allow_pickle=False))

    def write(self, file: Any, result: NDArray[np.float64]) -> None:
        """Write to an open file."""
        np.save(file, result)
