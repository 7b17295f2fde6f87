"""Read pickles that hold dictionaries of numeric arrays, and nothing else.

Some corpora are only distributed so. A pickle is a program: here it may build dictionaries, tuples, numbers, texts and
numeric arrays, and any other name in it is refused before it is looked up. No code of NumPy's own unpickling runs.
"""

import codecs
import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import read_regular

MOST_BYTES = 2 << 30
_NUMERIC = re.compile(r"^[<>|=]?[fiub][1248]$")


class _Type:
    """Stands in for a ``numpy.dtype`` while a pickle is read."""

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or not _NUMERIC.match(code):
            raise pickle.UnpicklingError(f"an array of type {code!r}, which is no number")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder("<" if state[1] == "|" else state[1])


class _Array:
    """Stands in for a ``numpy.ndarray`` while a pickle is read."""

    values: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, raw = state
        if not isinstance(kind, _Type):
            raise pickle.UnpicklingError("an array without a type")
        # Python 2 stored bytes as text of as many characters.
        content = raw.encode("latin1") if isinstance(raw, str) else raw
        flat = np.frombuffer(content, kind.dtype)
        self.values = flat.reshape(shape, order="F" if by_columns else "C")


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"a text encoded as {encoding!r}")
    return codecs.encode(text, "latin1")


class _ArraysOnly(pickle.Unpickler):
    """Knows the names that an array is pickled with, under those of any version of NumPy."""

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what stands in for a name of NumPy; refuse any other."""
        known: dict[tuple[str, str], Any] = {
            ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy", "ndarray"): _Array,
            ("numpy", "dtype"): _Type,
            ("_codecs", "encode"): _latin1,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"'{module}.{name}', which is no part of an array")
        return known[module, name]


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a pickled dictionary by name; what else is in it is left out.

    Raises
    ------
    MoodringError
        The file cannot be read, is no pickle of a dictionary, or names anything but numeric arrays.
    """
    expected = "a pickled dictionary of numeric arrays was expected"
    try:
        found = _ArraysOnly(io.BytesIO(read_regular(path, MOST_BYTES)), encoding="latin1").load()
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be read: {error.strerror}; use a copy") from None
    except pickle.UnpicklingError as error:
        raise MoodringError(f"'{path}' holds {error}; {expected}: it is damaged, or not what it says") from None
    except Exception as error:
        # Bytes that are no pickle make the reader fail in every way there is.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MoodringError(f"'{path}' cannot be read ({reason}); {expected}: copy it again") from None
    if not isinstance(found, dict):
        raise MoodringError(f"'{path}' holds a {type(found).__name__}; {expected}: is it of this corpus?")
    return {str(name): one.values for name, one in found.items() if isinstance(one, _Array) and one.values is not None}
