"""Files of results: JSON for this user alone, marked as moodring's, so that only such a file is ever replaced."""

import json
from pathlib import Path
from typing import Any

from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.session_folder import package_versions
from .files import PRIVATE_FILE, need_folder, private, write_file

_KEY = "written_by"
_PRODUCT = "moodring"
_HEAD_BYTES = 200


def check_replaceable(path: Path) -> None:
    """Raise ConfigError where a file is there that results must not replace: all but an empty one and earlier results.

    Raises
    ------
    ConfigError
        With what to do; likewise where its folder is not there.
    MoodringError
        It cannot be read.
    """
    need_folder(path)
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise unwritable(path, error) from error
    if head and not _is_marked(head):
        raise ConfigError(
            f"'{path}' is there and holds no results that moodring wrote: they would overwrite it; name another file"
        )


def write_results(path: Path, values: dict[str, Any]) -> None:
    """Write results as JSON for this user alone, in one move; into a device or pipe, as it is.

    Parameters
    ----------
    path : Path
        Its folder is there.
    values : dict
        Of what JSON can hold; ``written_by`` is put before it.

    Raises
    ------
    ConfigError
        Another file has come to be there meanwhile, or its folder is gone.
    MoodringError
        It cannot be written.
    """
    check_replaceable(path)
    product = f"{_PRODUCT} {package_versions(_PRODUCT)[_PRODUCT]}"
    text = json.dumps({_KEY: product, **values}, indent=1, allow_nan=False) + "\n"
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8") as file:
                file.write(text)
        else:
            write_file(path.resolve(), text, mode=PRIVATE_FILE)
    except OSError as error:
        raise unwritable(path, error) from error


def check_writable(path: Path) -> None:
    """Raise MoodringError, before the work, where results could not be written; leave nothing behind."""
    need_folder(path)
    was_there = path.exists()
    try:
        with open(path, "ab", opener=private):
            pass
        if not was_there:
            path.unlink()
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> MoodringError:
    """Return the error of a file of results that cannot be written."""
    return MoodringError(f"results cannot be written to '{path}': {error.strerror}; name another file")


def _is_marked(head: bytes) -> bool:
    return head.lstrip(b"{ \r\n\t").startswith(f'"{_KEY}": "{_PRODUCT} '.encode())
