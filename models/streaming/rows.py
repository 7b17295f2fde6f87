"""Rows of numbers that a session collects, in memory that hardly grows."""

import array

import numpy as np

from ..contract import FloatArray


class NewestRows:
    """The newest rows of a fixed width; memory is allocated at the start and does not grow.

    Parameters
    ----------
    kept : int
        How many rows.
    width : int
        Values in a row.
    """

    def __init__(self, kept: int, width: int) -> None:
        self._rows: FloatArray = np.full((kept, width), np.nan, np.float32)
        self._count = 0

    def __len__(self) -> int:
        return min(self._count, len(self._rows))

    def append(self, row: tuple[float, ...]) -> None:
        """Add a row; the oldest goes where there is no room."""
        self._rows[self._count % len(self._rows)] = row
        self._count += 1

    def rows(self) -> FloatArray:
        """Return what is kept, ``(n, width)``, in no order."""
        return self._rows[: len(self)]


class AllRows:
    """All rows of a fixed width in compact arrays: float64 times and float32 values.

    Parameters
    ----------
    width : int
        Values in a row.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._times_s = array.array("d")
        self._values = array.array("f")

    def __len__(self) -> int:
        return len(self._times_s)

    def append(self, time_s: float, row: tuple[float, ...]) -> None:
        """Add a row."""
        if len(row) != self._width:
            raise ValueError(f"a row of {self._width} values was expected, {len(row)} came")
        self._times_s.append(time_s)
        self._values.extend(row)

    def rows(self) -> tuple[list[float], FloatArray]:
        """Return the times and the rows, ``(n, width)``, oldest first."""
        values = np.array(self._values, np.float32).reshape(len(self), self._width)
        return self._times_s.tolist(), values
