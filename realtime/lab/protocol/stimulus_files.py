"""Check, before a session, that every stimulus of a protocol can be shown, and for how long."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av

from ....configs.schema.errors import ConfigError, Gathered
from ....configs.schema.protocol.protocol import StimulusSection
from ....configs.schema.protocol.read_protocol import Protocol
from ....configs.schema.regular_files import check_regular

StimulusKind = Literal["picture", "film", "sound"]
SUFFIXES: dict[StimulusKind, tuple[str, ...]] = {
    "picture": (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif"),
    "film": (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv"),
    "sound": (".wav", ".flac", ".ogg", ".mp3", ".m4a"),
}
_SHORTER_S = 0.1


@dataclass(frozen=True)
class Stimulus:
    """A stimulus that can be shown.

    Attributes
    ----------
    name : str
    kind : StimulusKind
    file : Path
    seconds : float
        How long it is shown.
    has_sound : bool
    """

    name: str
    kind: StimulusKind
    file: Path
    seconds: float
    has_sound: bool


def check_stimuli(protocol: Protocol) -> dict[str, Stimulus]:
    """Return the stimuli of a protocol by name, each opened and decoded for a moment.

    Raises
    ------
    ConfigError
        A file is missing, is no picture, film or sound, or cannot be played; a picture without a length; a film or
        sound that is shorter than it is to be shown. All that is wrong is told at once.
    """
    found: dict[str, Stimulus] = {}
    wrong = Gathered(f"running the protocol '{protocol.name}'")
    for name, section in protocol.stimuli.items():
        with wrong.checked():
            found[name] = _checked(section)
    wrong.refuse()
    return found


def _checked(section: StimulusSection) -> Stimulus:
    suffix = section.file.suffix.lower()
    kind = next((kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes), None)
    where = f"stimulus '{section.name}': '{section.file}'"
    if kind is None:
        known = " ".join(one for suffixes in SUFFIXES.values() for one in suffixes)
        raise ConfigError(f"{where} ends in '{suffix}', which is not known; expected one of {known}")
    try:
        check_regular(section.file)
    except FileNotFoundError:
        raise ConfigError(f"{where} is not there; files count from the folder of the protocol's TOML") from None
    except OSError as error:
        raise ConfigError(f"{where} {error.strerror}") from None
    length_s, has_sound = _tried(section.file, kind, where)
    if kind == "picture" and section.seconds is None:
        raise ConfigError(f"{where} is a picture: say how long it is shown, such as seconds = 6.0")
    if kind != "picture" and section.seconds is not None and length_s < section.seconds - _SHORTER_S:
        raise ConfigError(f"{where} lasts {length_s:.1f} s and is to be shown for {section.seconds:g} s; correct it")
    return Stimulus(section.name, kind, section.file, section.seconds or length_s, has_sound)


def _tried(path: Path, kind: StimulusKind, where: str) -> tuple[float, bool]:
    """Return how long a file lasts (0 of a picture) and whether it has sound; decode its beginning."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            wanted: Any = container.streams.audio if kind == "sound" else container.streams.video
            if not wanted:
                raise ConfigError(f"{where} holds no {'sound' if kind == 'sound' else 'picture'}; use another file")
            if next(iter(container.decode(wanted[0])), None) is None:
                raise ConfigError(f"{where} is empty; use another file")
            length_s = 0.0 if kind == "picture" else _length_s(container, wanted[0])
            has_sound = bool(container.streams.audio)
    except (av.FFmpegError, OSError) as error:
        raise ConfigError(f"{where} cannot be played ({getattr(error, 'strerror', None) or error})") from None
    if kind != "picture" and length_s <= 0.0:
        raise ConfigError(f"{where} does not tell how long it lasts; give seconds, or save it anew")
    return length_s, has_sound


def _length_s(container: Any, stream: Any) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / float(av.time_base)
