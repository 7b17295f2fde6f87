"""Wire format of estimates and snapshots: JSON by msgspec, which executes nothing when read."""

from typing import Any, TypeVar, get_args, get_origin

import msgspec
import numpy as np

from ...configs.schema.errors import MoodringError

Message = TypeVar("Message")


def encode(message: Any) -> bytes:
    """Return a dataclass as one line of JSON; what is not finite becomes null."""
    return msgspec.json.encode(message, enc_hook=_plain)


def decode(kind: type[Message], data: bytes) -> Message:
    """Build a dataclass from the JSON of :func:`encode`; null in an array becomes NaN.

    Raises
    ------
    MoodringError
        The data is damaged, or of another version.
    """
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_array)
    except (msgspec.MsgspecError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise MoodringError(
            f"a {kind.__name__} was expected and something else came ({error}); use the same version on both sides"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"a {type(value).__name__} has no place in a message")


def _array(kind: Any, value: Any) -> Any:
    """Build an array of the type that a field declares; msgspec asks for what it does not know itself."""
    if (get_origin(kind) or kind) is not np.ndarray:
        raise NotImplementedError(f"a {kind} has no place in a message")
    dtype = get_args(get_args(kind)[1])[0]
    if not isinstance(value, list) or not all(one is None or isinstance(one, int | float) for one in value):
        raise ValueError("a list of numbers was expected")
    return np.array([np.nan if one is None else one for one in value], dtype=np.float64).astype(dtype)
