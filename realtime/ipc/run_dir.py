"""Where running engines leave what others attach to: one private folder per engine, gone with it.

The folder lies in memory where the system offers that (``/dev/shm``), for the rings in it are written all the time.
"""

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from ...configs.schema.errors import MoodringError

_PREFIX = "moodring-"
_CARD = "engine.json"
_MEMORY = Path("/dev/shm")  # noqa: S108 - the system's own, private folders are made in it


@dataclass(frozen=True)
class EngineCard:
    """How to reach an engine.

    Attributes
    ----------
    name : str
        The session's name.
    pid : int
    started_s : float
        When the process began, as the system tells it: numbers of processes are used again.
    address : str
        Of its local channel.
    key : str
        Hexadecimal; whoever cannot read this card cannot talk to the engine.
    """

    name: str
    pid: int
    started_s: float
    address: str
    key: str


def runtime_root() -> Path:
    """Give the folder that holds all engines' folders of this user, and make it private."""
    base = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    user = os.getuid() if hasattr(os, "getuid") else "user"
    root = base / f"{_PREFIX}{user}"
    root.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and root.stat().st_uid != os.getuid():
        raise MoodringError(f"folder '{root}' belongs to another user; remove it")
    return root


def create() -> Path:
    """Make a folder for this process's engine, and take away those of engines that are dead."""
    root = runtime_root()
    for folder in root.iterdir():
        if folder.name.startswith(_PREFIX) and not _alive(folder):
            remove(folder)
    folder = root / f"{_PREFIX}{os.getpid()}-{_started_s(os.getpid()):.2f}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    return folder


def remove(folder: Path) -> None:
    """Take a folder away with everything in it."""
    shutil.rmtree(folder, ignore_errors=True)


def card_of(name: str, address: str, key: bytes) -> EngineCard:
    """Make the card of this process's engine."""
    return EngineCard(name, os.getpid(), _started_s(os.getpid()), address, key.hex())


def write_card(folder: Path, card: EngineCard) -> None:
    """Say how to reach the engine of this folder, for this user's eyes only."""
    temporary = folder / f"{_CARD}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(card), file)
    temporary.replace(folder / _CARD)


def running() -> tuple[EngineCard, ...]:
    """List the engines that run, the newest first."""
    cards = []
    for folder in runtime_root().iterdir():
        with contextlib.suppress(OSError, ValueError, TypeError):
            if folder.name.startswith(_PREFIX) and _alive(folder):
                cards.append(EngineCard(**json.loads((folder / _CARD).read_text(encoding="utf-8"))))
    return tuple(sorted(cards, key=lambda card: -card.started_s))


def find(name: str | None) -> EngineCard:
    """Give the card of the engine of this name, or of the newest.

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
