"""Folders of running engines: how to reach each, and its rings.

One private folder per engine, removed with it; what an engine that was killed has left is removed by the next command.
They lie in the user's runtime folder, which is in memory where the system makes one, else in shared memory
(``/dev/shm``), because rings are written all the time. Both places are made by whoever comes first, so a folder is used
only if it is a real one, of this user, and closed to all others.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
import psutil

from ...configs.schema.errors import MoodringError
from ...configs.schema.web import WebSection
from ...models.io.files import PRIVATE_FILE, PRIVATE_FOLDER, write_file

_CARD = "engine.json"
# Only where the system has no runtime folder of the user (containers, cron): platformdirs then names one on a disk.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
_SYSTEM_RUNTIME = Path("/run/user")
_ENGINE = re.compile(r"moodring-(\d{1,10})-(\d{1,12}\.\d\d)-[0-9a-f]{8}")
# The system's boot time, which Linux counts from, is told in whole seconds.
_SAME_START_S = 1.5


@dataclass(frozen=True)
class EngineCard:
    """Address of a running engine.

    Attributes
    ----------
    name : str
        The session's name.
    pid : int
    started_s : float
        Start of the process, since the computer's own start where the system tells it so: process ids are used again,
        and the clock on the wall may be set.
    address : str
        Of its local channel.
    key : str
        Hexadecimal; a client needs it to talk to the engine.
    page : str
        Which page for browsers shows it, as :func:`page_of` names it; empty where its config opens none.
    """

    name: str
    pid: int
    started_s: float
    address: str
    key: str
    page: str = ""


def runtime_root() -> Path:
    """Return the folder that holds the folders of all engines of this user; make it, for this user alone.

    Raises
    ------
    MoodringError
        It is a link or a file, belongs to another user, or others may look into it.
    """
    own = os.getuid() if hasattr(os, "getuid") else None
    wanted = bool(os.environ.get("XDG_RUNTIME_DIR")) or own is None or (_SYSTEM_RUNTIME / str(own)).is_dir()
    if not wanted and os.access(_SHARED_MEMORY, os.W_OK):
        return _private(_SHARED_MEMORY / f"moodring-{own}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no runtime folder: another place does as well
        root = platformdirs.user_runtime_path("moodring", appauthor=False)
    if not root.parent.is_dir():
        root.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return _private(root)


def create() -> Path:
    """Create the folder of this process's engine, and remove those of engines that have died."""
    clean()
    folder = runtime_root() / f"moodring-{os.getpid()}-{_started_s(os.getpid()):.2f}-{secrets.token_hex(4)}"
    folder.mkdir(mode=PRIVATE_FOLDER)
    return folder


def clean() -> int:
    """Remove what engines that no longer run have left in memory, and return its size in bytes.

    Raises
    ------
    MoodringError
        As :func:`runtime_root`.
    """
    freed = 0
    for folder in _folders():
        if not _alive(folder):
            freed += sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
            remove(folder)
    return freed


def remove(folder: Path) -> None:
    """Remove a folder with everything in it; not one that is a link."""
    shutil.rmtree(folder, ignore_errors=True)


def card_of(name: str, address: str, key: bytes, page: str = "") -> EngineCard:
    """Return the card of the engine of this process."""
    return EngineCard(name, os.getpid(), _started_s(os.getpid()), address, key.hex(), page)


def page_of(section: WebSection) -> str:
    """Return the name of a page for browsers, from which its token cannot be found; empty where it is closed."""
    if section.address is None:
        return ""
    way_in = f"{section.address} {section.port} {section.token} {section.pictures} {section.estimates}"
    return hashlib.sha256(way_in.encode()).hexdigest()


def write_card(folder: Path, card: EngineCard) -> None:
    """Write the card of the engine of this folder, readable by this user only."""
    write_file(folder / _CARD, json.dumps(asdict(card)), mode=PRIVATE_FILE)


def running() -> tuple[EngineCard, ...]:
    """Return the cards of all running engines, the newest first."""
    cards = []
    for folder in _folders():
        with contextlib.suppress(OSError, ValueError, TypeError):
            if _alive(folder):
                cards.append(EngineCard(**json.loads((folder / _CARD).read_text(encoding="utf-8"))))
    return tuple(sorted(cards, key=lambda card: -card.started_s))


def find(name: str | None) -> EngineCard:
    """Return the card of the engine of this name; of the newest where ``name`` is None.

    Raises
    ------
    MoodringError
        None runs under that name.
    """
    cards = running()
    fitting = [card for card in cards if name is None or card.name == name]
    if not fitting:
        found = ", ".join(f"'{card.name}'" for card in cards) or "none"
        wanted = "a running engine" if name is None else f"a running engine named '{name}'"
        raise MoodringError(
            f"{wanted} was expected; running: {found}. Start one with 'moodring demo' or 'moodring live'"
        )
    return fitting[0]


def _private(folder: Path) -> Path:
    """Make a folder for this user alone, or check the one that is there: anybody may have put it there."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=PRIVATE_FOLDER)
    found = folder.lstat()
    elsewhere = "remove it, or set XDG_RUNTIME_DIR to a folder of your own"
    if not stat.S_ISDIR(found.st_mode):
        raise MoodringError(f"'{folder}' is a link or a file; a folder of this user was expected: {elsewhere}")
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise MoodringError(f"folder '{folder}' belongs to another user: {elsewhere}")
        if found.st_mode & 0o077:
            raise MoodringError(
                f"folder '{folder}' is open to others (mode {stat.S_IMODE(found.st_mode):o}); nobody may look into "
                f"what an engine decodes: chmod 700 '{folder}'"
            )
    return folder


def _folders() -> tuple[Path, ...]:
    """Return the folders of engines, dead ones too; what is a link or has another name is none."""
    found = (Path(entry.path) for entry in os.scandir(runtime_root()) if entry.is_dir(follow_symlinks=False))
    return tuple(folder for folder in found if _ENGINE.fullmatch(folder.name))


def _alive(folder: Path) -> bool:
    parts = _ENGINE.fullmatch(folder.name)
    if parts is None:
        return False
    try:
        return abs(_started_s(int(parts[1])) - float(parts[2])) < _SAME_START_S
    except psutil.Error:
        return False


def _started_s(pid: int) -> float:
    """Return when a process started, in a way that setting the clock does not change."""
    if sys.platform != "linux":
        return float(psutil.Process(pid).create_time())  # kept by the system as it was at the start
    booted_s = float(psutil.boot_time())  # moves with the clock on the wall, and the next figure with it
    return float(psutil.Process(pid).create_time()) - booted_s
