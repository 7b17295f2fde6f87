"""Files: written in one move, so that a reader finds the old content or the new; and for this user's eyes only."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...configs.schema.errors import ConfigError

PRIVATE_FILE = 0o600
"""Permissions of a file with a person's data: its owner alone reads and writes it."""
PRIVATE_FOLDER = 0o700
"""Permissions of a folder with a person's data."""


def private(path: str, flags: int) -> int:
    """Open a file that is made for this user alone: the ``opener`` of :func:`open`; one that is there stays as is."""
    return os.open(path, flags, PRIVATE_FILE)


def need_folder(path: Path) -> None:
    """Raise ConfigError where the folder of a file to be written is not there: a mistyped one is not made."""
    if not path.parent.is_dir():
        raise ConfigError(f"'{path}': the folder '{path.parent}' is not there; make it, or name another file")


def make_private_folder(path: Path, *, exist_ok: bool = False) -> None:
    """Make a folder for this user alone, and the missing ones above it likewise.

    Raises
    ------
    FileExistsError
        It is there, and may not be.
    OSError
        The disk refuses.
    """
    for parent in reversed(path.parents):
        parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=exist_ok)


@contextmanager
def atomic_write(path: Path, *, mode: int | None = None, fsync: bool = False) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` when the block ends without an error.

    Until then it lies beside ``path`` under a name that nobody can guess, ending in ``.partial``; an error removes it.

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
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode or 0o666)
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
