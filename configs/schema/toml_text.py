"""Write plain values as TOML, which Python's own library only reads."""

import json
from collections.abc import Mapping
from typing import Any


def toml_text(values: Mapping[str, Any]) -> str:
    """Write a table: its values first, then its tables; what is None is left out, for TOML has no such thing.

    Raises
    ------
    TypeError
        A value that TOML does not know.
    """
    return "".join(f"{line}\n" for line in _lines(values, ()))


def _lines(values: Mapping[str, Any], place: tuple[str, ...]) -> list[str]:
    known = {key: value for key, value in values.items() if value is not None}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in known.items() if not isinstance(value, Mapping)]
    if place and (lines or not known):
        lines.insert(0, f"[{'.'.join(_key(part) for part in place)}]")
    for key, value in known.items():
        if isinstance(value, Mapping):
            lines += ([""] if lines else []) + _lines(value, (*place, key))
    return lines


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {inner} }}"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "a").replace("-", "a").isalnum()
    return key if plain else _text(key)


def _text(text: str) -> str:
    """Quote a text; JSON's strings are TOML's, once every escape is one that TOML knows."""
    return json.dumps(text).replace("\x7f", "\\u007f")
