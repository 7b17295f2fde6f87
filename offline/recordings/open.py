"""Open recordings of any format."""

from pathlib import Path

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import check_regular
from ...configs.schema.session_folder import SESSION_FILE
from ...models.contract import Recording
from .eeg_files import SUFFIXES as EEG_SUFFIXES
from .eeg_files import read_eeg_file
from .media import read_media, read_wav
from .read_session import read_session
from .sound import FILM_SUFFIXES, SOUND_SUFFIXES
from .xdf.as_recording import read_xdf

XDF_SUFFIXES = (".xdf", ".xdfz")


def open_recording(path: Path, *, eeg: str | None = None) -> Recording:
    """Open a session folder, an XDF file, an EEG file that MNE reads, a film or a sound file.

    Parameters
    ----------
    path : Path
    eeg : str, optional
        Which EEG stream of an XDF file with several.

    Raises
    ------
    MoodringError
        Not there, nothing that can be opened, or damaged.
    """
    can = (
        f"can be opened: a session folder (with {SESSION_FILE}), "
        f"{' '.join((*XDF_SUFFIXES, *EEG_SUFFIXES, *FILM_SUFFIXES, *SOUND_SUFFIXES))}"
    )
    if path.is_dir():
        if not (path / SESSION_FILE).is_file():
            raise MoodringError(f"folder '{path}' has no {SESSION_FILE}; {can}")
        return read_session(path)
    if not path.exists():
        raise MoodringError(f"'{path}' does not exist; {can}")
    try:
        check_regular(path)
    except OSError as error:
        raise MoodringError(f"'{path}' {error.strerror}; {can}") from None
    suffix = path.suffix.lower()
    if suffix in XDF_SUFFIXES:
        return read_xdf(path, eeg=eeg)
    if suffix in EEG_SUFFIXES:
        return read_eeg_file(path)
    if suffix in SOUND_SUFFIXES:
        return read_wav(path)
    if suffix in FILM_SUFFIXES:
        return read_media(path)
    raise MoodringError(f"'{path}' ends in '{suffix}', which is not known; {can}")
