"""Copies of the enrolments of a session, so that decoding again verifies the same voices."""

from collections.abc import Iterator
from pathlib import Path

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...configs.schema.session_folder import ENROLMENT_FILE, OTHER_VOICE_FILE, VOICES_FOLDER
from ...models.io.files import PRIVATE_FILE, make_private_folder, write_file


def copy_enrolments(folder: Path, config: LiveConfig) -> None:
    """Copy the enrolments that a config names into a session folder; raises OSError."""
    for given, kept in _places(folder, config):
        make_private_folder(kept.parent, exist_ok=True)
        write_file(kept, given.read_bytes(), mode=PRIVATE_FILE)


def with_copied_enrolments(config: LiveConfig, folder: Path) -> LiveConfig:
    """Return the config of a session folder with its copies of the enrolments in place of the originals.

    Raises
    ------
    MoodringError
        A copy is missing: a file that now has the name of the one it was made of may be of somebody else.
    """
    for given, place in _places(folder, config):
        if not place.is_file():
            raise MoodringError(
                f"'{place}' is missing, the copy of enrolment '{given}' that the session was decoded with; put it "
                "back, or name an enrolment: --set speech.enrolment=FILE"
            )
    kept = [place for _, place in _places(folder, config)]
    if config.speech is None or not kept:
        return config
    speech = config.speech.model_copy(update={"enrolment": kept[0], "others": kept[1:]})
    return config.model_copy(update={"speech": speech})


def _places(folder: Path, config: LiveConfig) -> Iterator[tuple[Path, Path]]:
    speech = config.speech
    if speech is None or speech.enrolment is None:
        return
    yield speech.enrolment, folder / VOICES_FOLDER / ENROLMENT_FILE
    for number, other in enumerate(speech.others, 1):
        yield other, folder / VOICES_FOLDER / OTHER_VOICE_FILE.format(number)
