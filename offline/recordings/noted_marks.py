"""Marks that a session's notes hold and its streams do not: they are on the disk before any stream carries them."""

import json
from collections.abc import Sequence
from pathlib import Path

from ...configs.schema import session_folder as names
from ...models.contract import Marker

_SAME_S = 0.02


def with_noted_marks(folder: Path, markers: Sequence[Marker], first_s: float) -> tuple[Marker, ...]:
    """Return markers in order of time, with the marks of ``notes.jsonl`` from a time on that are not among them.

    A recorder that died or had not found the stream of marks yet loses none, so that no trial loses its rating.

    Parameters
    ----------
    folder : Path
        Of the session.
    markers : sequence of Marker
        Of its streams.
    first_s : float
        Where the recording begins.
    """
    found = list(markers)
    at_s: dict[str, list[float]] = {}
    for one in markers:
        at_s.setdefault(one.text, []).append(one.stamp_s)
    for mark in _marks(folder / names.NOTES_FILE):
        known = any(abs(mark.stamp_s - one) < _SAME_S for one in at_s.get(mark.text, ()))
        if mark.stamp_s >= first_s and not known:
            found.append(mark)
    if len(found) == len(markers):
        return tuple(markers)
    return tuple(sorted(found, key=lambda one: one.stamp_s))


def _marks(path: Path) -> list[Marker]:
    """Return the marks of a file; a line that is none is passed over, as is a file that is not there."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            note = json.loads(line)
            if note["kind"] == "mark":
                found.append(Marker(float(note["time_s"]), str(note["text"])))
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return found
