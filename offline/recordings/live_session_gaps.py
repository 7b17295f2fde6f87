"""Say what a session folder should hold and does not: nothing that was lost is passed over in silence."""

import logging
from collections.abc import Mapping
from pathlib import Path

from ...configs.schema import session_folder as names
from ...configs.schema.live import LiveConfig
from ...models.contract import Signal, Video

_log = logging.getLogger(__name__)
_EVEN_S = 0.05  # less is no cut: the newest frame or block may be in one of both files alone


def tell_missing(folder: Path, config: LiveConfig, read: Mapping[str, Signal | Video | None]) -> None:
    """Warn of every recording that the session's config lets expect and the folder does not have.

    Parameters
    ----------
    folder : Path
    config : LiveConfig
        As the session ran.
    read : mapping
        What came of ``eeg``, ``face``, ``speech`` and ``loudspeaker``, from whichever file; None where nothing did.
    """
    speech, video = config.speech, folder / names.VIDEO_FOLDER
    expected = (
        ("eeg", "[eeg]", config.eeg, (folder / names.STREAMS_FOLDER / names.SAMPLES_FILE,)),
        ("face", "[face]", config.face, (video / names.CAMERA_FILE, video / names.CAMERA_INDEX_FILE)),
        ("speech", "[speech]", speech, (video / names.MICROPHONE_FILE, video / names.MICROPHONE_INDEX_FILE)),
        (
            "loudspeaker",
            "[speech.reference]",
            speech.reference if speech is not None else None,
            (video / names.LOUDSPEAKER_FILE, video / names.LOUDSPEAKER_INDEX_FILE),
        ),
    )
    for kind, section, configured, files in expected:
        gone = [path.relative_to(folder).as_posix() for path in files if not path.exists()]
        if configured is not None and gone:
            instead = "the XDF parts stand in" if read[kind] is not None else "read without it"
            _log.warning("'%s' recorded %s, but has no %s; %s", folder, section, " and no ".join(gone), instead)
    if not any((folder / names.STREAMS_FOLDER).glob("*.xdf")):
        _log.warning("'%s' has no XDF part in %s/; read without markers and truth", folder, names.STREAMS_FOLDER)


def tell_cut(film: Path, index: Path, film_s: float, index_s: float) -> None:
    """Warn where a film and its index differ in length: one of them was cut, and the rest of the other is not used."""
    if film_s < index_s - _EVEN_S:
        _log.warning("'%s' was cut: read %.1f s of %.1f s", film, film_s, index_s)
    elif index_s < film_s - _EVEN_S:
        _log.warning("'%s' was cut: read %.1f s of the %.1f s in %s", index, index_s, film_s, film.name)
