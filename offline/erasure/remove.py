"""Remove what was found of a person."""

import shutil
from pathlib import Path

from ...configs.schema.errors import MoodringError
from ..export.bids_dataset import remove_participant
from .find import Belonging, Found


def remove(root: Path, found: Found) -> int:
    """Remove what belongs to a person, and the folders that are empty then; return the bytes that were removed.

    A link is removed itself, never what it leads to.

    Raises
    ------
    MoodringError
        A session is being recorded, so that nothing is removed; or something could not be removed, after all else was.
    """
    if found.recording:
        raise MoodringError(f"session '{found.recording[0]}' is being recorded now; end it first. Nothing was removed")
    failed: list[str] = []
    removed = 0
    for one in found.belongings:
        try:
            _remove(one)
        except OSError as error:
            failed.append(f"'{one.path}' ({error.strerror or error})")
        else:
            removed += one.size
            _remove_empty_above(one.path, root)
    for dataset, label in found.datasets:
        if not any(one.path.exists() for one in found.belongings if one.path.is_relative_to(dataset)):
            try:
                remove_participant(dataset, label)
            except (OSError, MoodringError) as error:
                failed.append(f"the line of sub-{label} in '{dataset}' ({error})")
    if failed:
        raise MoodringError(f"{len(failed)} could not be removed: {', '.join(failed)}; remove them by hand")
    return removed


def _remove(one: Belonging) -> None:
    if one.path.is_dir() and not one.path.is_symlink():
        shutil.rmtree(one.path)
    else:
        one.path.unlink()


def _remove_empty_above(path: Path, root: Path) -> None:
    """Remove the folders of a person and of a sitting, once nothing is in them."""
    for parent in path.parents:
        if parent == root or not parent.name.startswith(("sub-", "ses-")) or any(parent.iterdir()):
            return
        parent.rmdir()
