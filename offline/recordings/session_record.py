"""All that a session folder holds, for who takes it home: signals, estimates, notes, log, versions, what is missing.

Nothing but ``session.toml`` must be there: a session may have no EEG, no camera and no journal, and may end anywhere.
What is missing or damaged is told in :attr:`SessionRecord.problems`.
"""

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ...configs.schema import session_folder as names
from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...configs.schema.regular_files import MOST_LINES_BYTES, parse_json, read_regular
from ...models.contract import Estimate, Recording
from ...models.contract.viewing import ContinuousRating
from ...models.io.journal import read_journal
from .monotonic_time import on_rising_time
from .ratings import read_ratings
from .read_session import read_session, recorded_config, session_file

_PACKAGE_LOG = logging.getLogger(__name__.partition(".offline")[0])
_LATEST_S = 1e12


@dataclass(frozen=True)
class Line:
    """A line of ``notes.jsonl`` or ``log.jsonl``.

    Attributes
    ----------
    time_s : float
        On the clock of the stamps.
    values : mapping
        All keys of the line.
    """

    time_s: float
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Return a value as text; "" where there is none."""
        value = self.values.get(key)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class SessionRecord:
    """What a session folder holds.

    Attributes
    ----------
    folder : Path
    about : SessionFile
    config : LiveConfig or None
        None for a simulated session, and where it cannot be read.
    recording : Recording
        Stamps rise: clock jumps are corrected as live.
    estimates : tuple of Estimate
        The journal's; empty without one.
    notes, changes : tuple of Line
        Of the experimenter, with ``text``; and of the log, with ``what``, ``state`` and ``why``.
    versions : mapping
        Of ``versions.json``.
    ratings : tuple of ContinuousRating
        Made along the recording afterwards, oldest first.
    problems : tuple of str
        What is missing or damaged, a line each.
    """

    folder: Path
    about: names.SessionFile
    config: LiveConfig | None
    recording: Recording
    estimates: tuple[Estimate, ...]
    notes: tuple[Line, ...]
    changes: tuple[Line, ...]
    versions: Mapping[str, Any]
    problems: tuple[str, ...]
    ratings: tuple[ContinuousRating, ...] = ()

    @property
    def spans_s(self) -> tuple[float, float]:
        """First and last moment of anything recorded, on the clock of the stamps; t0 twice where there is nothing."""
        times_s = [float(at_s) for one in self.recording.sources.values() for at_s in one.stamps_s[[0, -1]]]
        times_s += [one.time_s for one in self.estimates[:1] + self.estimates[-1:]]
        t0_s = self.recording.t0_s
        return (min(times_s), max(times_s)) if times_s else (t0_s, t0_s)

    def date_of(self, time_s: float) -> datetime | None:
        """Return the date of a moment, in UTC; None where the log ties no moment to a date."""
        for change in self.changes:
            try:
                return datetime.fromisoformat(change.text("at")) + timedelta(seconds=time_s - change.time_s)
            except (ValueError, TypeError, OverflowError):
                continue
        return None


def read_session_record(folder: Path) -> SessionRecord:
    """Read a session folder, whole or broken.

    Raises
    ------
    MoodringError
        It is no session folder, or of another version; a simulated one lacks a file.
    """
    if not (folder / names.SESSION_FILE).is_file():
        raise MoodringError(f"'{folder}' is no session folder (it has no {names.SESSION_FILE}); give one of --record")
    problems: list[str] = []
    with warnings_into(problems):
        about = session_file(folder)
        config = recorded_config(folder)
        recording = on_rising_time(read_session(folder))
        estimates = _estimates(folder, problems, expected=config is not None)
        notes = read_notes(folder, problems)
        changes = _lines(folder, names.LOG_FILE, problems)
        versions = _versions(folder, problems)
        ratings = read_ratings(folder)
    problems += [f"'{name}' was expected and never came" for name in about.missing_streams]
    if config is not None and not about.ended_at:
        problems.append("the session did not end in order: its engine was killed, or the machine went down")
    return SessionRecord(
        folder, about, config, recording, estimates, notes, changes, versions, tuple(dict.fromkeys(problems)), ratings
    )


def read_notes(folder: Path, problems: list[str]) -> tuple[Line, ...]:
    """Return the marks and notes of the experimenter; what cannot be read is told in ``problems``."""
    lines = _lines(folder, names.NOTES_FILE, problems)
    return tuple(one for one in lines if one.text("text").strip() or one.text("kind"))


@contextmanager
def warnings_into(problems: list[str]) -> Iterator[None]:
    """Collect what the readers warn of, in place of writing it to the terminal."""

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            problems.append(record.getMessage())

    handler, propagated = Collect(logging.WARNING), _PACKAGE_LOG.propagate
    _PACKAGE_LOG.addHandler(handler)
    _PACKAGE_LOG.propagate = False
    try:
        yield
    finally:
        _PACKAGE_LOG.removeHandler(handler)
        _PACKAGE_LOG.propagate = propagated


def _estimates(folder: Path, problems: list[str], expected: bool) -> tuple[Estimate, ...]:
    path = folder / names.DECISIONS_FILE
    if not path.exists():
        if expected:
            problems.append(f"there is no journal ({names.DECISIONS_FILE}): the estimates are not known")
        return ()
    try:
        return read_journal(path, folder) if path.stat().st_size else ()
    except MoodringError as error:
        problems.append(str(error))
        return ()


def _lines(folder: Path, name: str, problems: list[str]) -> tuple[Line, ...]:
    path = folder / name
    if not path.exists():
        return ()
    try:
        raw = read_regular(path, MOST_LINES_BYTES, folder).split(b"\n")
    except OSError as error:
        problems.append(f"'{path}' cannot be read: {error.strerror or error}")
        return ()
    found = [_line(one) for one in raw if one.strip()]
    if damaged := found.count(None):
        problems.append(f"'{path}': {damaged} of {len(found)} lines are damaged and left out")
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.time_s))


def _line(raw: bytes) -> Line | None:
    try:
        values = parse_json(raw)
        time_s = float(values["time_s"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return Line(time_s, values) if math.isfinite(time_s) and abs(time_s) <= _LATEST_S else None


def _versions(folder: Path, problems: list[str]) -> Mapping[str, Any]:
    path = folder / names.VERSIONS_FILE
    try:
        values = parse_json(read_regular(path, inside=folder))
    except (OSError, ValueError):
        problems.append(f"'{path}' cannot be read: which software and models were used is not known")
        return {}
    return values if isinstance(values, dict) else {}
