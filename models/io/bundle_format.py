"""Format of a spec in a bundle's metadata."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from ..contract import ModelSpec
from ..contract.calibration import Calibration
from ..contract.specs import INPUT_KINDS, INPUT_TYPES, Head

FORMAT = 2
"""Version of the way a spec is written; raised when an older moodring could misread it."""


def write_spec(spec: ModelSpec) -> str:
    """Return a spec as JSON with its format version; equal specs give equal texts."""
    plain = TypeAdapter(ModelSpec).dump_python(spec, mode="json")
    if spec.calibration is None:
        del plain["calibration"]
    described = {"format": FORMAT, "spec": plain}
    return json.dumps(described, sort_keys=True, allow_nan=False)


def read_spec(raw: Any) -> ModelSpec:
    """Return the spec of its JSON.

    Raises
    ------
    ValueError
        An unknown key or input, a value of the wrong type (pydantic's own error is one), or a contract misuse.
    """
    if not isinstance(raw, dict):
        raise ValueError("not a table")
    _refuse_unknown_keys(raw, ModelSpec, "")
    for one in _tables(raw, "inputs"):
        kind = one.get("kind")
        if kind not in INPUT_KINDS:
            raise ValueError(f"inputs: unknown kind {str(kind)[:60]!r}; known are {', '.join(INPUT_KINDS)}")
        _refuse_unknown_keys(one, INPUT_TYPES[INPUT_KINDS.index(kind)], "inputs.")
    for one in _tables(raw, "outputs"):
        _refuse_unknown_keys(one, Head, "outputs.")
    if isinstance(calibration := raw.get("calibration"), dict):
        _refuse_unknown_keys(calibration, Calibration, "calibration.")
    try:
        return TypeAdapter(ModelSpec).validate_json(json.dumps(raw), strict=True)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _tables(raw: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    listed = raw.get(name)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _refuse_unknown_keys(raw: Mapping[str, Any], kind: type[Any], place: str) -> None:
    unknown = set(raw) - {field.name for field in dataclasses.fields(kind)}
    if unknown:
        raise ValueError(f"unknown key {', '.join(place + key[:60] for key in sorted(unknown))}")
