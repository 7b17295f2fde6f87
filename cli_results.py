"""How commands hand over their results."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .configs.errors import MoodringError

JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results here.")]


def write_json(path: Path | None, values: Any) -> None:
    """Write plain numbers where the user wants them; None writes nothing.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise MoodringError(f"results cannot be written to '{path}': {error.strerror}; name another file") from error
