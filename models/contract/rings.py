"""Rings of samples as decoders and screens see them; :mod:`moodring.models.io.ring` keeps them in shared memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .arrays import BoolArray, TimeArray


@dataclass(frozen=True)
class RingLayout:
    """Layout of a ring.

    Attributes
    ----------
    capacity : int
        Samples that fit; the newest ones are kept.
    shape : tuple of int
        Of one sample: ``(n_channels,)``, or ``(height, width, 3)``.
    dtype : str
        As NumPy names it.
    rate_hz : float
        Nominal; 0 for none.
    names : tuple of str
        Of the channels.
    """

    capacity: int
    shape: tuple[int, ...]
    dtype: str
    rate_hz: float
    names: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that the samples take with their stamps, arrivals and validity."""
        return self.capacity * (math.prod(self.shape) * np.dtype(self.dtype).itemsize + 17)


@dataclass(frozen=True)
class RingSlice:
    """A consistent copy of consecutive samples ``first`` up to but not including ``stop``, counted from the start.

    Attributes
    ----------
    samples : (n, *shape)
    stamps_s, received_s : (n,) float64
        Capture times, and when each sample reached the engine.
    valid : (n,) bool
    first, stop : int
    """

    samples: NDArray[Any]
    stamps_s: TimeArray
    received_s: TimeArray
    valid: BoolArray
    first: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.first


class RingReader(Protocol):
    """Samples of one source up to a moment, oldest first."""

    @property
    def layout(self) -> RingLayout:
        """Layout of the ring."""
        ...

    @property
    def count(self) -> int:
        """Number of samples from the start of the stream, those that were overwritten included."""
        ...

    @property
    def newest_s(self) -> float | None:
        """Stamp of the newest sample; None without samples."""
        ...

    def stop_at(self, time_s: float) -> int:
        """Return the number of samples stamped at or before a time, from the start of the stream."""
        ...

    def start_at(self, time_s: float) -> int:
        """Return the number of samples stamped before a time, from the start of the stream."""
        ...

    def between(self, first: int, stop: int) -> RingSlice:
        """Return a copy of the samples ``first`` up to but not including ``stop``, or of those still there."""
        ...


class RingWriter(RingReader, Protocol):
    """The ring of one source, as its one writer has it."""

    @property
    def path(self) -> Path | None:
        """The file that other processes map; None for memory of this process alone."""
        ...

    def append(
        self, samples: NDArray[Any], stamps_s: TimeArray, received_s: float, valid: BoolArray | bool = True
    ) -> None:
        """Append samples ``(n, *shape)`` whose stamps do not fall."""
        ...

    def view(self, count: int | None = None) -> RingReader:
        """Return a view of the ring now, or as it was with ``count`` samples."""
        ...

    def latest(self, n: int) -> RingSlice:
        """Return a copy of the newest ``n`` samples, or of all."""
        ...

    def close(self) -> None:
        """Release the memory."""
        ...


RingFactory: TypeAlias = Callable[[str, RingLayout], RingWriter]
"""Makes the ring of a modality."""
