"""Open and read files that somebody else may have put there: regular files only, of a bounded size and nesting.

A pipe, a device or a link out of a session folder is refused before it is opened, so that no reader hangs on it and
none reads without end.
"""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

MOST_TEXT_BYTES = 1 << 20
"""Of a config, ``session.toml`` and other short texts."""
MOST_LINES_BYTES = 1 << 30
"""Of a journal."""
DEEPEST = 64
"""Tables or arrays within each other, and parts of a dotted key."""
_MB = 1e6


def open_regular(path: Path, inside: Path | None = None) -> BinaryIO:
    """Open a regular file for reading.

    Parameters
    ----------
    path : Path
        Links are followed.
    inside : Path, optional
        The folder that the file must lie in once all links were followed.

    Raises
    ------
    OSError
        It is not there, cannot be read, is no regular file, or lies elsewhere; ``strerror`` says which.
    """
    check_regular(path, inside)
    # Between the check and the opening a pipe may take its place: opening that does not wait.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _refusal("is no regular file", path)
    return os.fdopen(descriptor, "rb")


def check_regular(path: Path, inside: Path | None = None) -> None:
    """Raise OSError where :func:`open_regular` would, for libraries that open files themselves."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    if not stat.S_ISREG(mode):
        raise _refusal("is a pipe, a socket or a device, not a regular file", path)
    if inside is not None and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(inside)):
        raise _refusal(f"leads out of '{inside}'; copy the file into it", path)


def read_regular(path: Path, most_bytes: int = MOST_TEXT_BYTES, inside: Path | None = None) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    OSError
        As :func:`open_regular`; or it is larger than ``most_bytes``.
    """
    with open_regular(path, inside) as file:
        raw = file.read(most_bytes + 1) if os.fstat(file.fileno()).st_size <= most_bytes else None
    if raw is None or len(raw) > most_bytes:
        raise OSError(errno.EFBIG, f"has more than {most_bytes / _MB:.0f} MB, the most that is read", str(path))
    return raw


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text; raise ValueError where it is no JSON or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def check_toml_depth(text: str) -> None:
    """Raise ValueError where tables, arrays or dotted keys of a TOML text go deeper than :data:`DEEPEST`.

    Each dot of a key is a table of its own: a text of a million dots would take gigabytes.
    """
    depth, dots, place = 0, 0, 0
    while place < len(text):
        character = text[place]
        if character in "\"'":
            place = _after_string(text, place)
            continue
        if character == "#":
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
            continue
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == ".":
            dots += 1
        elif character in "=,\n":
            dots = 0
        if depth > DEEPEST or dots > DEEPEST:
            raise ValueError(f"goes deeper than {DEEPEST} tables")
        place += 1


def _after_string(text: str, place: int) -> int:
    """Return where a string of TOML ends, of one line or of several; a broken one ends with its line."""
    quote = text[place]
    long = text.startswith(quote * 3, place)
    place += 3 if long else 1
    while place < len(text):
        if text[place] == "\\" and quote == '"':
            place += 2
        elif long and text.startswith(quote * 3, place):
            return place + 3
        elif not long and text[place] in (quote, "\n"):
            return place + 1
        else:
            place += 1
    return place


def _refusal(what: str, path: Path) -> OSError:
    return OSError(errno.EINVAL, what, str(path))
