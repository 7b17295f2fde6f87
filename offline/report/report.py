"""`moodring report`: the page of a session, written beside it for its owner alone."""

from pathlib import Path

from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.session_folder import REPORT_FILE
from ...models.io.files import PRIVATE_FILE, need_folder, write_file
from ..recordings.session_record import read_session_record
from .page import GENERATOR, page

_MARK = f'name="generator" content="{GENERATOR} '.encode()
_HEAD_BYTES = 2000


def write_report(folder: Path, out: Path | None, *, pictures: bool) -> tuple[Path, tuple[str, ...]]:
    """Write the report of a session folder; an earlier report is replaced, another file never.

    Parameters
    ----------
    folder : Path
    out : Path or None
        None is ``report.html`` in the folder.
    pictures : bool
        Whether frames of the participant are shown.

    Returns
    -------
    out : Path
    problems : tuple of str
        What is missing or damaged in the session.

    Raises
    ------
    MoodringError
        It is no session, another file is there, the folder of ``out`` is not (as of every file that is asked for: a
        mistyped one is not made), or the disk refuses.
    """
    path = folder / REPORT_FILE if out is None else out
    check_report_place(path)
    need_folder(path)
    session = read_session_record(folder)
    text = page(session, pictures=pictures)
    try:
        write_file(path, text, mode=PRIVATE_FILE)
    except OSError as error:
        raise MoodringError(f"the report cannot be written to '{path}': {error.strerror}; name another file") from error
    return path, session.problems


def check_report_place(path: Path) -> None:
    """Raise ConfigError where a file is there that is no earlier report."""
    if path.is_dir():
        raise ConfigError(f"'{path}' is a folder; name a file for the report")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ConfigError(f"'{path}' is a link or a device; name a file for the report")
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            if _MARK not in file.read(_HEAD_BYTES):
                raise ConfigError(f"'{path}' is there and is no report that moodring wrote; name another file")
