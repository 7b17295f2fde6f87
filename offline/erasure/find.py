"""Find what belongs to one person in a folder: sessions, enrolments, calibrated bundles, exports, reports.

Links are never followed: neither into other folders, nor to files outside.
"""

import hashlib
import html
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from ...configs.schema import session_folder as names
from ...configs.schema.errors import ConfigError
from ...configs.schema.load import read
from ..export.bids_dataset import DERIVED, DESCRIPTION_FILE, is_exported, known_participants
from ..export.bids_names import label

Kind = Literal["session", "enrolment", "calibrated bundle", "export", "report"]

_PASSED_OVER = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".cache"})
_BEING_RECORDED_S = 30.0
_HEAD_BYTES = 4096
_VOICES = "moodring_voices"


@dataclass(frozen=True)
class Belonging:
    """A file or folder that belongs to the person, and its size with all that is in it."""

    kind: Kind
    path: Path
    size: int


@dataclass(frozen=True)
class Found:
    """What was found of a person.

    Attributes
    ----------
    belongings : tuple of Belonging
        To be removed.
    datasets : tuple of (Path, str)
        Exported data sets that name the person, and the label there.
    left : tuple of str
        What holds something of the person and belongs to somebody else, a line each.
    recording : tuple of Path
        Sessions that are being recorded now.
    people : tuple of str
        All participants that were met.
    """

    belongings: tuple[Belonging, ...]
    datasets: tuple[tuple[Path, str], ...]
    left: tuple[str, ...]
    recording: tuple[Path, ...]
    people: tuple[str, ...]


@dataclass
class _Search:
    """What a walk has met so far."""

    participant: str
    sessions: list[Path] = field(default_factory=list)
    datasets: list[tuple[Path, str]] = field(default_factory=list)
    staged: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    people: set[str] = field(default_factory=set)


def find(root: Path, participant: str) -> Found:
    """Find what belongs to a participant under a folder.

    Raises
    ------
    ConfigError
        There is no such folder, or no name is given.
    """
    if not participant.strip():
        raise ConfigError("name a participant, as session.participant has it")
    if not root.is_dir():
        raise ConfigError(f"'{root}' is no folder; name the folder of recordings: --root DIR")
    search = _Search(participant)
    _walk(root, search)
    voices = {_hash(path) for one in search.sessions if (path := _own_voice(one)) is not None}
    belongings = [Belonging("session", one, size_of(one)) for one in search.sessions]
    for dataset, subject in search.datasets:
        belongings += [
            Belonging("export", path, size_of(path))
            for path in (dataset / f"sub-{subject}", dataset / DERIVED / f"sub-{subject}")
            if _is_folder(path)
        ]
    belongings += [Belonging("export", one, size_of(one)) for one in search.staged]
    belongings += [
        Belonging(kind, one, one.stat().st_size)
        for one in search.files
        if (kind := _kind_of(one, participant, voices)) is not None
    ]
    left = [
        f"'{path}': their voice, which the session of another person is decoded with"
        for one in search.others
        for path in sorted((one / names.VOICES_FOLDER).glob("*.safetensors"))
        if _is_file(path) and _hash(path) in voices
    ]
    recording = [one for one in search.sessions if _is_being_recorded(one)]
    return Found(
        tuple(belongings),
        tuple(search.datasets),
        tuple(left),
        tuple(recording),
        tuple(sorted(search.people)),
    )


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; of links nothing."""
    return path.lstat().st_size + sum(
        one.stat(follow_symlinks=False).st_size for one in _entries(path) if one.is_file(follow_symlinks=False)
    )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    if not _is_folder(folder):
        return
    with os.scandir(folder) as entries:
        for one in entries:
            yield one
            if one.is_dir(follow_symlinks=False):
                yield from _entries(Path(one.path))


def _walk(root: Path, search: _Search) -> None:
    for place, folders, files in os.walk(root, followlinks=False):
        here = Path(place)
        folders[:] = sorted(
            name for name in folders if name not in _PASSED_OVER and not stat.S_ISLNK((here / name).lstat().st_mode)
        )
        if names.SESSION_FILE in files:
            folders.clear()
            owner = _participant_of(here, search.participant)
            search.people.add(owner)
            (search.sessions if owner == search.participant else search.others).append(here)
            continue
        if DESCRIPTION_FILE in files and is_exported(here) and (here / "participants.json").exists():
            _add_dataset(here, folders, search)
        search.files += [path for name in sorted(files) if _is_file(path := here / name)]


def _add_dataset(here: Path, folders: list[str], search: _Search) -> None:
    known = known_participants(here)
    search.people.update(known)
    if search.participant in known:
        search.datasets.append((here, known[search.participant]))
    for name in [one for one in folders if one.startswith(".export-")]:
        # What an export that was killed has left: the data set does not name its participant yet.
        if _is_folder(here / name / f"sub-{label(search.participant)}"):
            search.staged.append(here / name)
    folders[:] = [one for one in folders if not one.startswith((".export-", "sub-", "derivatives"))]


def _participant_of(session: Path, wanted: str) -> str:
    """Return whose session it is: by its own word, else by its config's, else by the name of its folder.

    A folder named for the wanted participant is theirs; of another one its name is all that is known.
    """
    for file, keys in ((names.SESSION_FILE, ("participant",)), (names.CONFIG_FILE, ("session", "participant"))):
        try:
            value: Any = read(session / file, session)
            for key in keys:
                value = value[key]
        except (ConfigError, KeyError, TypeError):
            continue
        if isinstance(value, str):
            return value
    named = [part.removeprefix("sub-") for part in session.parts if part.startswith("sub-")]
    if not named:
        return ""
    return wanted if named[0] == names.folder_name(wanted) else named[0]


def _own_voice(session: Path) -> Path | None:
    path = session / names.VOICES_FOLDER / names.ENROLMENT_FILE
    return path if _is_file(path) else None


def _kind_of(path: Path, participant: str, voices: set[str]) -> Kind | None:
    if path.suffix == ".safetensors":
        metadata = _metadata(path)
        if _VOICES in metadata:
            named = path.stem in (participant, names.plain_name(participant), names.folder_name(participant))
            return "enrolment" if named or _hash(path) in voices else None
        return "calibrated bundle" if _calibrated_for(metadata) == participant else None
    if path.suffix in (".html", ".htm"):
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
        mine = f"<title>Session of {html.escape(participant)} – "
        return "report" if 'name="generator" content="moodring ' in head and mine in head else None
    return None


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


def _calibrated_for(metadata: dict[str, str]) -> str | None:
    for text in metadata.values():
        try:
            return str(json.loads(text)["calibration"]["participant"])
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return None


def _is_being_recorded(session: Path) -> bool:
    """Whether a live session has not ended and was written to just now."""
    if not (session / names.CONFIG_FILE).exists():
        return False
    try:
        ended = read(session / names.SESSION_FILE, session).get("ended_at")
    except ConfigError:
        ended = None
    newest_s = max((one.stat(follow_symlinks=False).st_mtime for one in _entries(session)), default=0.0)
    return not ended and time.time() - newest_s < _BEING_RECORDED_S


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
