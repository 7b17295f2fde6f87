"""Read TOML into validated, frozen settings, with errors of one line that name the valid key or value."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import ConfigError
from .regular_files import DEEPEST, check_toml_depth, read_regular


class Section(BaseModel):
    """A frozen table of settings that forbids unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_LONGEST_VALUE = 200

Config = TypeVar("Config", bound=Section)


def load(path: Path, schema: type[Config], overrides: Sequence[str] = (), defaults: Sequence[str] = ()) -> Config:
    """Return a TOML file validated by a schema.

    Parameters
    ----------
    path : Path
    schema : type of Section
    overrides : sequence of str
        ``key.sub=value`` with the value in TOML's notation (bare words count as strings).
    defaults : sequence of str
        Like ``overrides``, before them; nobody has typed these, and errors do not name them.

    Raises
    ------
    ConfigError
        No such file, not TOML, an unknown key (the nearest valid one is named) or a wrong value.
    """
    values = read(path)
    for override in (*defaults, *overrides):
        _set(values, override)
    where = f"{path}' with --set '{_cut(' '.join(overrides))}" if overrides else str(path)
    return check(values, schema, where)


def read(path: Path, inside: Path | None = None) -> dict[str, Any]:
    """Return the values of a TOML file without validation; errors as in :func:`load`.

    With ``inside``, the file must lie in that folder, links followed.
    """
    try:
        text = read_regular(path, inside=inside).decode()
    except FileNotFoundError:
        raise ConfigError(f"config '{path}' does not exist; give the path of a TOML file") from None
    except UnicodeDecodeError:
        raise ConfigError(
            f"config '{path}' is not text; give the path of a TOML file (a recording: 'moodring decode FILE')"
        ) from None
    except OSError as error:
        if path.is_dir():
            raise ConfigError(f"config '{path}' is a folder; give the path of a TOML file") from None
        raise ConfigError(f"config '{path}' cannot be read: {error.strerror}; give another file") from error
    try:
        return _parsed(text)
    except ValueError as error:
        raise ConfigError(
            f"config '{path}' is not valid TOML: {error}; correct it, or give a TOML file: configs/ holds some to copy"
        ) from error


def toml_text(section: Section) -> str:
    """Return settings as TOML that :func:`load` reads; values of None, which TOML cannot express, are left out."""
    return tomli_w.dumps(section.model_dump(mode="json", exclude_none=True))


def check(values: Mapping[str, Any], schema: type[Config], where: str) -> Config:
    """Return a mapping validated by a schema; errors as in :func:`load`."""
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"config '{where}': " + "; ".join(_sentences(error, schema))) from None


def _parsed(text: str) -> dict[str, Any]:
    check_toml_depth(text)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, OverflowError) as error:
        # Numbers of thousands of digits, and dates that no calendar has.
        raise ValueError(f"a value that cannot be read ({error})") from None


def _set(values: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set '{_cut(override)}' is not key=value, for example --set training.seed=3")
    try:
        value = _parsed(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    except ValueError as error:
        raise ConfigError(f"--set '{override[:60]}…' {error}; shorten it") from None
    *tables, last = key.strip().split(".")
    if len(tables) > DEEPEST:
        raise ConfigError(f"--set '{override[:60]}…' goes deeper than {DEEPEST} tables; shorten it")
    for table in tables:
        inner = values.setdefault(table, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set '{_cut(override)}': '{_cut(table)}' is a value, not a table")
        values = inner
    values[last] = value


def _sentences(error: ValidationError, schema: type[Section]) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        place = _cut(".".join(str(part) for part in problem["loc"]))
        if problem["type"] == "extra_forbidden":
            names = _keys(schema, problem["loc"][:-1])
            near = difflib.get_close_matches(str(problem["loc"][-1]), names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(names))}"
            yield f"unknown key '{place}'; {hint}"
        elif problem["type"] == "missing":
            yield f"'{place}' is missing"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            came = "" if isinstance(problem["input"], dict) else f" (came: {_short(problem['input'])})"
            yield f"'{place}': {message}{came}" if place else f"{message}{came}"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # what is nested too deeply, and whole numbers of thousands of digits
        return f"a {type(value).__name__}"
    return _cut(text)


def _cut(text: str) -> str:
    """Return what was typed or read, cut where an error would be longer than anybody reads."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _keys(schema: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the valid keys of the table at a location, through optional sections."""
    current: type[BaseModel] = schema
    for part in location:
        field = current.model_fields.get(str(part))
        if field is None:
            continue
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if inner:
            current = inner[0]
    return list(current.model_fields)
