"""Options and functions for the results of commands."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..configs.schema.errors import ConfigError, MoodringError
from ..configs.schema.session_folder import SESSION_FILE


def refuse_other_files(path: Path | None) -> Path | None:
    """Return the path of results if it is free, an empty file or JSON, so that no recording is overwritten by mistake.

    Raises
    ------
    ConfigError
        A file of another kind is there, or the path lies in a recorded session.
    """
    if path is not None:
        _refuse_sessions(path)
    if path is not None and path.is_file() and _first_character(path) not in ("", "{", "["):
        raise ConfigError(f"'{path}' is there and holds no JSON: results would overwrite it; name another file")
    return path


def _refuse_sessions(path: Path) -> None:
    """Raise ConfigError where a path lies in the folder of a recorded session: its files are JSON too."""
    folder = next((one for one in Path(os.path.realpath(path)).parents if (one / SESSION_FILE).is_file()), None)
    if folder is not None:
        raise ConfigError(
            f"'{path}' lies in the recorded session '{folder}', which stays as it is; name a file elsewhere"
        )


def _first_character(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(1).decode("latin-1")
    except OSError as error:
        raise _unwritable(path, error) from error


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the results here; what is there is replaced if it is JSON.",
        callback=refuse_other_files,
    ),
]
JsonOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the results here, as JSON; what is there is replaced if it is JSON.",
        callback=refuse_other_files,
    ),
]


def check_writable(path: Path | None, inputs: Iterable[Path] = ()) -> None:
    """Raise before a command's work if its results cannot be written; see :func:`write_json`.

    Parameters
    ----------
    path : Path or None
        None where no results are written.
    inputs : iterable of Path
        Inputs of the command, which must not be overwritten.

    Raises
    ------
    MoodringError
        The file cannot be written, or is one of the inputs.
    """
    if path is None:
        return
    same = next((one for one in inputs if _same(one, path)), None)
    if same is not None:
        raise ConfigError(f"'{path}' is one of the inputs and would be overwritten; name another file to write")
    was_there = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            pass
        if not was_there:
            # A command that fails later leaves no empty file.
            path.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def check_model_out(path: Path, suffix: str, inputs: Iterable[Path] = ()) -> None:
    """Raise before a command's work if a bundle, pool, background or enrolment cannot be written.

    Parameters
    ----------
    path : Path
        A file that is there is replaced only if moodring wrote it.
    suffix : str
        ``".safetensors"``, or ``".json"`` for a pool.
    inputs : iterable of Path
        Inputs of the command, which must not be overwritten.

    Raises
    ------
    MoodringError
        Another suffix, a file that moodring did not write, one of the inputs, or a place that cannot be written to.
    """
    if path.suffix != suffix or _suffix(path) != suffix:
        raise ConfigError(f"--out '{path}': a {suffix} file is written; name one")
    _refuse_sessions(path)
    if path.exists() and not _written_by_moodring(path):
        raise ConfigError(f"--out '{path}' is there and moodring did not write it; name another file")
    check_writable(path, inputs)


def write_json(path: Path | None, values: Any) -> None:
    """Write results as JSON; nothing where the path is None.

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


def _written_by_moodring(path: Path) -> bool:
    """Return whether a file is a bundle, background, enrolment or pool; or empty, so that nothing can be lost."""
    from pydantic import ValidationError
    from safetensors import SafetensorError, safe_open

    from ..models.fusion.pool_file import PoolFile

    if not path.is_file():
        return False
    if not path.stat().st_size:
        return True
    try:
        if path.suffix == ".json":
            PoolFile.model_validate_json(path.read_bytes())
            return True
        with safe_open(path, framework="numpy") as file:
            return any(key.startswith("moodring_") for key in file.metadata() or {})
    except (OSError, SafetensorError, ValidationError):
        return False


def _unwritable(path: Path, error: OSError) -> MoodringError:
    return MoodringError(f"results cannot be written to '{path}': {error.strerror}; name another file")


def _suffix(path: Path) -> str:
    """Return the suffix of a file after its links were followed; a circular link counts as itself."""
    return Path(os.path.realpath(path)).suffix.lower()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)
