"""Time until the disk is full, from its free space and the rate of the last half minute."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

SPAN_S = 30.0
RESERVE_BYTES = 8_000_000
"""Bytes kept free, so that all files can be closed properly and the system continues."""


@dataclass(frozen=True)
class DiskUse:
    """One measurement of the disk: time, bytes in the session folder, bytes free."""

    time_s: float
    folder_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class DiskWatch:
    """Recent measurements, the newest at the end."""

    uses: tuple[DiskUse, ...] = ()

    def with_use(self, use: DiskUse) -> "DiskWatch":
        """Add a measurement."""
        kept = tuple(one for one in self.uses if use.time_s - one.time_s <= SPAN_S)
        return replace(self, uses=(*kept, use))

    @property
    def bytes_per_s(self) -> float | None:
        """Rate at which the folder grows or the disk fills, whichever is higher; None for two seconds."""
        if len(self.uses) < 2 or (span_s := self.uses[-1].time_s - self.uses[0].time_s) < 2.0:
            return None
        first, last = self.uses[0], self.uses[-1]
        return max(last.folder_bytes - first.folder_bytes, first.free_bytes - last.free_bytes, 0) / span_s

    @property
    def minutes_left(self) -> float | None:
        """Minutes until only the reserve is left at the present rate; None where it is unknown."""
        rate = self.bytes_per_s
        if not rate:
            return None
        return max(0.0, self.uses[-1].free_bytes - RESERVE_BYTES) / rate / 60.0

    @property
    def full(self) -> bool:
        """Whether only the reserve is left."""
        return bool(self.uses) and self.uses[-1].free_bytes <= RESERVE_BYTES


def measure(folder: Path, time_s: float) -> DiskUse:
    """Measure a folder and its disk.

    Raises
    ------
    OSError
        The disk does not answer.
    """
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return DiskUse(time_s, size, shutil.disk_usage(folder).free)
