"""Write a file in one move, so that a reader finds the old content or the new, never half of one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: Path, *, mode: int | None = None, fsync: bool = False) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` when the block ends without an error.

    Until then it lies beside ``path`` under a name of this process, ending in ``.partial``; an error removes it.

    Parameters
    ----------
    path : Path
        Its folder must exist. A file that is there is replaced and its permissions are kept.
    mode : int, optional
        Permissions of the new file, from its creation on.
    fsync : bool
        Whether the content is on the disk before the move, so that it survives a loss of power.

    Raises
    ------
    OSError
        The disk refuses.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), mode or 0o666)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if fsync:
                os.fsync(file.fileno())
        if mode is None and path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_file(path: Path, content: str | bytes, *, mode: int | None = None, fsync: bool = False) -> None:
    """Write a whole file by :func:`atomic_write`; text is encoded as UTF-8."""
    with atomic_write(path, mode=mode, fsync=fsync) as file:
        file.write(content.encode() if isinstance(content, str) else content)
