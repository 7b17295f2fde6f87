"""How long the disk lasts: from its free space and from how fast it went in the last half minute."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

SPAN_S = 30.0
RESERVE_BYTES = 8_000_000
"""What is left free so that every file can be closed properly, and the system goes on."""


@dataclass(frozen=True)
class DiskUse:
    """One look at the disk: when, bytes in the session folder, bytes free."""

    time_s: float
    folder_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class DiskWatch:
    """What was seen lately, the newest at the end."""

    seen: tuple[DiskUse, ...] = ()

    def saw(self, use: DiskUse) -> "DiskWatch":
        """Take another look in."""
        kept = tuple(one for one in self.seen if use.time_s - one.time_s <= SPAN_S)
        return replace(self, seen=(*kept, use))

    @property
    def bytes_per_s(self) -> float | None:
        """How fast the disk fills, by the folder or by somebody else, whichever is faster; None for two seconds."""
        if len(self.seen) < 2 or (span_s := self.seen[-1].time_s - self.seen[0].time_s) < 2.0:
            return None
        first, last = self.seen[0], self.seen[-1]
        return max(last.folder_bytes - first.folder_bytes, first.free_bytes - last.free_bytes, 0) / span_s

    @property
    def minutes_left(self) -> float | None:
        """At the present rate, until only the reserve is left; None where nothing is written or known yet."""
        rate = self.bytes_per_s
        if not rate:
            return None
        return max(0.0, self.seen[-1].free_bytes - RESERVE_BYTES) / rate / 60.0

    @property
    def full(self) -> bool:
        """Whether only the reserve is left."""
        return bool(self.seen) and self.seen[-1].free_bytes <= RESERVE_BYTES


def look(folder: Path, time_s: float) -> DiskUse:
    """Look at a folder and its disk.

    Raises
    ------
    OSError
        The disk does not answer.
    """
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return DiskUse(time_s, size, shutil.disk_usage(folder).free)
