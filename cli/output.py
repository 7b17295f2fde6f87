"""Options and functions for the results of commands."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..configs.schema.errors import ConfigError
from ..configs.schema.foreign_text import visible
from ..configs.schema.session_folder import SESSION_FILE
from ..models.io import results
from ..models.io.files import need_folder
from ..models.io.results import check_replaceable, write_results

TABLE_MARK = "<!-- written by moodring -->"
_PICTURE_MARK = b"Software\0moodring"
_HEAD_BYTES = 4096


def say(line: str, err: bool = False) -> None:
    """Print a line on the terminal; what in it would act on a terminal is written out."""
    typer.echo(visible(line), err=err)


def say_all(text: str) -> None:
    """Print the lines of a text, each as :func:`say` does."""
    for line in text.split("\n"):
        say(line)


def each_once(files: Iterable[Path]) -> tuple[list[Path], tuple[str, ...]]:
    """Return files without repeats, links followed, and a line for each that is named again."""
    first: dict[str, Path] = {}
    lines: list[str] = []
    for file in files:
        # Unlike Path.resolve, it accepts circular links.
        there = first.setdefault(os.path.realpath(file), file)
        if there is not file:
            lines.append(
                f"'{file}' is named twice" + ("" if there == file else f", first as '{there}'") + "; it is read once"
            )
    return list(first.values()), tuple(dict.fromkeys(lines))


def refuse_other_files(path: Path | None) -> Path | None:
    """Return the path of results if it is free, empty or holds earlier results, so that nothing else is overwritten.

    Raises
    ------
    ConfigError
        Another file is there, its folder is not, or the path lies in a recorded session.
    """
    if path is not None:
        refuse_sessions(path)
        check_replaceable(path)
    return path


def refuse_sessions(path: Path) -> None:
    """Raise ConfigError where a path lies in the folder of a recorded session: its files are JSON too."""
    folder = next((one for one in Path(os.path.realpath(path)).parents if (one / SESSION_FILE).is_file()), None)
    if folder is not None:
        raise ConfigError(
            f"'{path}' lies in the recorded session '{folder}', which stays as it is; name a file elsewhere"
        )


def refuse_other_pictures(path: Path | None) -> Path | None:
    """Return the path of a picture if it is free, empty or holds one that moodring saved.

    Raises
    ------
    ConfigError
        Another file is there, its folder is not, or the path lies in a recorded session.
    """
    if path is not None:
        need_folder(path)
        refuse_other_picture(path)
    return path


def refuse_other_picture(path: Path) -> None:
    """Raise ConfigError where a picture would overwrite another file, or a file of a recorded session."""
    refuse_sessions(path)
    if path.is_file() and path.stat().st_size and not _holds(path, _PICTURE_MARK):
        raise ConfigError(f"'{path}' is there and is no picture that moodring saved; name another file")


def refuse_other_tables(path: Path) -> Path:
    """Return the path of a table if it is free, empty or holds one that moodring wrote; raise ConfigError otherwise."""
    if path.is_file() and path.stat().st_size and not _holds(path, TABLE_MARK.encode()):
        raise ConfigError(f"'{path}' is there and is no table that moodring wrote; name another folder")
    return path


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return mark in file.read(_HEAD_BYTES)


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the results here; earlier results are replaced, other files never.",
        callback=refuse_other_files,
    ),
]
JsonOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the results here, as JSON; earlier results are replaced, other files never.",
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
    results.check_writable(path)


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
    refuse_sessions(path)
    if path.exists() and not _written_by_moodring(path):
        raise ConfigError(f"--out '{path}' is there and moodring did not write it; name another file")
    check_writable(path, inputs)


def write_json(path: Path | None, values: dict[str, Any]) -> None:
    """Write results as JSON for this user alone; nothing where the path is None.

    Raises
    ------
    MoodringError
        The file cannot be written, or another one has come to be there.
    """
    if path is not None:
        write_results(path, values)


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


def _suffix(path: Path) -> str:
    """Return the suffix of a file after its links were followed; a circular link counts as itself."""
    return Path(os.path.realpath(path)).suffix.lower()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)
