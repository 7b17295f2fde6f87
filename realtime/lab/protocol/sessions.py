"""Which sessions of a participant are there already, so that a new one gets a number of its own."""

import re
from pathlib import Path

from ....configs.schema.session_folder import folder_name, plain_name


def runs_of(root: Path, participant: str, session: str) -> tuple[Path, ...]:
    """Return the recordings of a participant's session that are there, in the order of their names."""
    folder = root / f"sub-{folder_name(participant)}" / f"ses-{plain_name(session)}"
    return tuple(sorted(one for one in _inside(folder) if one.is_dir()))


def next_session(root: Path, participant: str) -> str:
    """Return the number behind the highest of a participant's sessions; ``"01"`` where there is none."""
    names = (one.name.removeprefix("ses-") for one in _inside(root / f"sub-{folder_name(participant)}"))
    taken = [int(one) for one in names if re.fullmatch(r"\d{1,6}", one)]
    return f"{max(taken, default=0) + 1:02}"


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
