"""Estimates and snapshots as JSON and back: plain numbers, lists and names, nothing that could execute.

pydantic cannot build the contract's dataclasses, whose arrays it does not know, so the few kinds of field that they
use are spelled out here.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from ...configs.schema.errors import MoodringError

Message = TypeVar("Message")


def encode(message: Any) -> bytes:
    """Write a dataclass as one line of JSON; what is not a number (NaN) becomes null."""
    return json.dumps(_plain(message), separators=(",", ":"), allow_nan=False).encode()


def decode(kind: type[Message], data: bytes) -> Message:
    """Build a dataclass from the JSON of :func:`encode`.

    Raises
    ------
    MoodringError
        It does not hold what the dataclass asks for, as from another version.
    """
    try:
        value = _built(kind, json.loads(data))
    except (ValueError, TypeError, KeyError) as error:
        raise MoodringError(
            f"a {kind.__name__} was expected and something else came ({error}); use the same version on both sides"
        ) from error
    return typing.cast(Message, value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _built(kind: Any, value: Any) -> Any:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _built(next(part for part in parts if part is not type(None)), value)
    if origin is typing.Literal:
        if value not in parts:
            raise ValueError(f"{value!r} is none of {parts}")
        return value
    if origin is tuple:
        items = [parts[0]] * len(value) if len(parts) == 2 and parts[1] is Ellipsis else list(parts)
        return tuple(_built(item, entry) for item, entry in zip(items, value, strict=True))
    if origin is dict:
        return {str(key): _built(parts[1], entry) for key, entry in value.items()}
    if origin is np.ndarray:
        return np.asarray([np.nan if entry is None else entry for entry in value], typing.get_args(parts[1])[0])
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is no table")
        hints = _hints(typing.cast(type, kind))
        return typing.cast(type, kind)(**{name: _built(hints[name], entry) for name, entry in value.items()})
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and not isinstance(value, kind):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
