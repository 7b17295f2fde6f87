"""Arrays of MATLAB files."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import check_regular


def mat_names(path: Path) -> tuple[str, ...]:
    """Return the names of the variables of a file; raise MoodringError where it cannot be read."""
    from scipy.io import whosmat

    return tuple(name for name, *_ in _tried(path, lambda: whosmat(str(path))))


def read_mat(path: Path, names: Sequence[str], simple: bool = False) -> dict[str, Any]:
    """Return those of some variables that a file has.

    Parameters
    ----------
    path : Path
        Of version 5 (``save -v7``); SciPy reads numbers, texts, cells and structures, and runs nothing.
    names : sequence of str
    simple : bool
        Structures as objects with attributes, and arrays without axes of length one.

    Raises
    ------
    MoodringError
        It cannot be read, or is of version 7.3.
    """
    from scipy.io import loadmat

    found: dict[str, Any] = _tried(
        path,
        lambda: loadmat(str(path), variable_names=list(names), squeeze_me=simple, struct_as_record=not simple),
    )
    return {name: value for name, value in found.items() if name in names}


def _tried(path: Path, read: Any) -> Any:
    try:
        check_regular(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be read: {error.strerror or error}; use a copy") from None
    except NotImplementedError:
        raise MoodringError(
            f"'{path}' is a MATLAB file of version 7.3; version 5 was expected: save it with -v7"
        ) from None
    except Exception as error:
        # A damaged file makes the reader fail in every way there is.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MoodringError(f"'{path}' cannot be read as a MATLAB file ({reason}); copy it again") from None
