"""Folders of running engines: how to reach each, and its rings.

One private folder per engine, removed with it. It lies in shared memory where the system has it (``/dev/shm``), because
rings are written all the time, else in the user's runtime folder.
"""

import contextlib
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
import psutil

from ...configs.schema.errors import MoodringError
from ...models.io.files import write_file

_PREFIX = "moodring-"
_CARD = "engine.json"
# Preferred to the user's runtime folder, which is missing in containers and under cron, is limited to a tenth of the
# memory, and lies on disk on systems other than Linux.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made in it


@dataclass(frozen=True)
class EngineCard:
    """Address of a running engine.

    Attributes
    ----------
    name : str
        The session's name.
    pid : int
    started_s : float
        Start of the process in the system's words, because process ids are used again.
    address : str
        Of its local channel.
    key : str
        Hexadecimal; a client needs it to talk to the engine.
    """

    name: str
    pid: int
    started_s: float
    address: str
    key: str


def runtime_root() -> Path:
    """Return the folder that holds the folders of all engines of this user; make it, for this user alone.

    Raises
    ------
    MoodringError
        It belongs to another user.
    """
    if hasattr(os, "getuid") and os.access(_SHARED_MEMORY, os.W_OK):
        root = _SHARED_MEMORY / f"{_PREFIX}{os.getuid()}"
    else:
        root = platformdirs.user_runtime_path("moodring", appauthor=False)
    for folder in (root.parent, root):
        folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and root.stat().st_uid != os.getuid():
        raise MoodringError(f"folder '{root}' belongs to another user; remove it")
    return root


def create() -> Path:
    """Create the folder of this process's engine, and remove those of engines that have died."""
    root = runtime_root()
    for folder in root.iterdir():
        if folder.name.startswith(_PREFIX) and not _alive(folder):
            remove(folder)
    folder = root / f"{_PREFIX}{os.getpid()}-{_started_s(os.getpid()):.2f}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    return folder


def remove(folder: Path) -> None:
    """Remove a folder with everything in it."""
    shutil.rmtree(folder, ignore_errors=True)


def card_of(name: str, address: str, key: bytes) -> EngineCard:
    """Return the card of the engine of this process."""
    return EngineCard(name, os.getpid(), _started_s(os.getpid()), address, key.hex())


def write_card(folder: Path, card: EngineCard) -> None:
    """Write the card of the engine of this folder, readable by this user only."""
    write_file(folder / _CARD, json.dumps(asdict(card)), mode=0o600)


def running() -> tuple[EngineCard, ...]:
    """Return the cards of all running engines, the newest first."""
    cards = []
    for folder in runtime_root().iterdir():
        with contextlib.suppress(OSError, ValueError, TypeError):
            if folder.name.startswith(_PREFIX) and _alive(folder):
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


def _alive(folder: Path) -> bool:
    pid, _, rest = folder.name.removeprefix(_PREFIX).partition("-")
    try:
        return abs(_started_s(int(pid)) - float(rest.split("-")[0])) < 1.0
    except (psutil.Error, ValueError):
        return False


def _started_s(pid: int) -> float:
    return float(psutil.Process(pid).create_time())
