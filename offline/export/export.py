"""`moodring export`: a recorded session as a BIDS data set, with its estimates as a table and one film.

A session is written into a hidden folder beside the data set's own, and moved into place when all of it is there.
"""

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import av

from ...configs.schema.errors import ConfigError, MoodringError
from ...models.io.files import make_private_folder
from ..recordings.frames import error_line
from ..recordings.session_record import SessionRecord, read_session_record
from .bids_dataset import (
    DERIVED,
    add_participant,
    add_scan,
    check_dataset,
    known_participants,
    write_dataset_files,
)
from .bids_names import BidsNames, bids_names
from .bids_session import Written, write_session_files
from .film import check_encoders

_SPARE_BYTES = 64 << 20


def export_session(folder: Path, root: Path, *, pictures: bool, tell: Callable[[str], None]) -> Written:
    """Export a session folder into a data set, which is begun where there is none.

    Parameters
    ----------
    folder : Path
        Of the session; nothing in it is changed.
    root : Path
        Of the data set.
    pictures : bool
        Whether the film shows the participant; without, it has the sound alone.
    tell : callable
        Takes lines for the user.

    Raises
    ------
    MoodringError
        It is no session, has nothing to export, is in the data set already, or the disk refuses.
    """
    check_dataset(root)
    if root.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"'{root}' lies in the session '{folder}', which stays as it is; name another folder")
    session = read_session_record(folder)
    recording = session.recording
    if not recording.sources and not recording.markers and not session.estimates:
        raise MoodringError(f"session '{folder}' holds no samples, markers or estimates; there is nothing to export")
    for problem in session.problems:
        tell(f"note: {problem}")
    if recording.speech is not None or (pictures and recording.face is not None):
        check_encoders()
    try:
        return _export(session, root, pictures, tell)
    except (OSError, av.FFmpegError) as error:
        raise MoodringError(
            f"'{folder}' cannot be exported into '{root}': {error_line(error)}; what was begun is removed"
        ) from error


def _export(session: SessionRecord, root: Path, pictures: bool, tell: Callable[[str], None]) -> Written:
    make_private_folder(root, exist_ok=True)
    names = bids_names(session, known_participants(root))
    _refuse_exported(root, names)
    _check_room(session, root)
    staged = root / f".export-{secrets.token_hex(4)}"
    try:
        make_private_folder(staged)
        written = write_session_files(session, names, staged, pictures=pictures, tell=tell)
        write_dataset_files(root, "Sessions recorded with moodring")
        add_participant(root, session.about.participant, names.subject)
        _move_into(staged, root)
        if written.main is not None:
            add_scan(root, names, written.main, written.acquired)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return written


def _refuse_exported(root: Path, names: BidsNames) -> None:
    for folder in (root / names.folder, root / DERIVED / names.folder):
        there = next((one for one in sorted(folder.rglob("*")) if one.name.startswith(f"{names.prefix}_")), None)
        if there is not None:
            raise MoodringError(
                f"'{there}' is there already: this run, or another of the same name, was exported before; remove it "
                "first, or name another folder"
            )


def _check_room(session: SessionRecord, root: Path) -> None:
    """Raise MoodringError where the disk has less room than the EEG alone needs; holes are written out."""
    eeg = session.recording.eeg
    if eeg is None or not len(eeg.stamps_s):
        return
    rows = (float(eeg.stamps_s[-1]) - float(eeg.stamps_s[0])) * eeg.rate_hz
    needed = 4 * max(rows, len(eeg.stamps_s)) * eeg.samples.shape[1] + _SPARE_BYTES
    free = shutil.disk_usage(root).free
    if free < needed:
        raise MoodringError(
            f"the EEG of '{session.folder}' needs {needed / 1e6:.0f} MB and '{root}' has {free / 1e6:.0f} MB free; "
            "make room, or name a folder on another disk"
        )


def _move_into(staged: Path, root: Path) -> None:
    for path in sorted(staged.rglob("*")):
        if path.is_file():
            place = root / path.relative_to(staged)
            make_private_folder(place.parent, exist_ok=True)
            path.replace(place)
