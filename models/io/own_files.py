"""Tell files that moodring wrote from other people's, so that nothing else is ever written over."""

from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from ..fusion.pool_file import PoolFile

_OWN_KEYS = "moodring_"


def is_own(path: Path) -> bool:
    """Say whether a file is a bundle, a background, an enrolment or a pool; or empty, so that nothing can be lost."""
    if not path.is_file():
        return False
    if not path.stat().st_size:
        return True
    try:
        if path.suffix == ".json":
            PoolFile.model_validate_json(path.read_bytes())
            return True
        with safe_open(path, framework="numpy") as file:
            return any(key.startswith(_OWN_KEYS) for key in file.metadata() or {})
    except (OSError, SafetensorError, ValidationError):
        return False
