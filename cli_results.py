"""How commands hand over their results."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .configs.errors import MoodringError

JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results here.")]


def check_writable(path: Path | None) -> None:
    """Find out before the work, not after it, that results cannot be written; see :func:`write_json`."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        with path.open("a", encoding="utf-8"):
            pass
        if new:
            path.unlink()  # work that fails leaves no empty file
    except OSError as error:
        raise _unwritable(path, error) from error


def write_json(path: Path | None, values: Any) -> None:
    """Write plain numbers where the user wants them; None writes nothing.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> MoodringError:
    return MoodringError(f"results cannot be written to '{path}': {error.strerror}; name another file")
