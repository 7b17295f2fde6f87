"""Put the report together: one page of HTML with its style and pictures in it, and nothing from elsewhere."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ...configs.schema.load import toml_text
from ...configs.schema.session_folder import REPORT_FILE, package_versions
from ..export.events import Event, events_of, stimulus_name
from ..export.time_axis import TimeAxis
from ..recordings.session_record import SessionRecord
from .continuous_ratings import continuous_ratings_section
from .estimate_sections import bands_section, estimates_section, looks_section, ratings_section, times_section
from .facts import rated_stimuli, times_of
from .frames_seen import chosen, looks_of, pictures_of
from .markup import Markup, joined, tag
from .page_style import STYLE
from .sections import glance_section, head_section, health_section, notices_section, table, title_of
from .time_chart import Shown, TimeScale

GENERATOR = "moodring"
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_HATCH = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
    '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line x1="0" y1="0" x2="0" y2="5" stroke="#9aa5b1" stroke-width="1.3"/></pattern></defs></svg>'
)
_WITHOUT = "Pictures of the participant are left out (--no-pictures)."


def page(session: SessionRecord, *, pictures: bool) -> str:
    """Return the report of a session as HTML.

    Parameters
    ----------
    session : SessionRecord
    pictures : bool
        Whether frames of the participant are shown.
    """
    scale = _scale(session)
    events = _events(session)
    rated, fault = rated_stimuli(session)
    looks, times = looks_of(session.estimates), times_of(session.estimates)
    frames, missing = pictures_of(session.recording, chosen(looks)) if pictures and looks else ([], None)
    without = missing if pictures else _WITHOUT
    sections = (
        head_section(session, bool(frames)),
        glance_section(session, times, len(looks)),
        notices_section(session),
        health_section(session, scale, events),
        estimates_section(session, scale, rated),
        ratings_section(session, rated, fault),
        continuous_ratings_section(session, scale),
        looks_section(session, scale, looks, frames, without),
        bands_section(session, scale),
        times_section(times),
        settings_section(session),
        footer(),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="generator", content=f"{GENERATOR} {package_versions(GENERATOR)[GENERATOR]}"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Session of {session.about.participant} – {session.about.name}"),
        tag("style", Markup(STYLE)),
    )
    return "<!DOCTYPE html>\n" + tag("html", head, tag("body", Markup(_HATCH), *sections), lang="en") + "\n"


def _events(session: SessionRecord) -> list[Event]:
    """Return the events with times from t0."""
    return events_of(session, TimeAxis(np.array([session.recording.t0_s]), np.zeros(1)), None)


def _scale(session: SessionRecord) -> TimeScale:
    t0_s = session.recording.t0_s
    start_s, stop_s = (at_s - t0_s for at_s in session.spans_s)
    stop_s = max(stop_s, start_s + 1.0)
    return TimeScale(min(start_s, 0.0), stop_s, tuple(_shown(_events(session), stop_s)))


def _shown(events: Sequence[Event], stop_s: float) -> list[Shown]:
    """Return the stretches of stimuli and rests; one without an end goes on to the end of the session."""
    return [
        Shown(
            stimulus_name(one.text) or one.kind,
            one.onset_s,
            one.onset_s + one.duration_s if one.duration_s > 0 else stop_s,
            one.kind == "rest",
        )
        for one in events
        if one.kind in ("stimulus", "rest")
    ]


def settings_section(session: SessionRecord) -> Markup:
    """Return the settings, the software and the models, and what the folder holds."""
    versions = session.versions
    software = [(name, str(value)) for name, value in versions.items() if isinstance(value, str | int)]
    bundles = [(_text(one, "file"), _text(one, "sha256")) for one in _listed(versions.get("bundles"))]
    devices = [
        (title_of(_text(one, "modality")), _text(one, "name"), f"{_text(one, 'rate_hz')} Hz", _delay(one))
        for one in _listed(versions.get("devices"))
    ]
    files = [
        (path.relative_to(session.folder).as_posix(), _size(path.stat().st_size))
        for path in sorted(session.folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name != REPORT_FILE
    ]
    return joined(
        (
            tag("h2", "Settings and versions"),
            joined((tag("h3", "Models"), table(("bundle", "SHA-256"), bundles))) if bundles else None,
            joined((tag("h3", "Devices"), table(("source", "device", "rate", "declared delay"), devices)))
            if devices
            else None,
            joined((tag("h3", "Software"), table(("what", "version"), software))) if software else None,
            tag("h3", "Files of the session"),
            table(("file", "size"), files, numbers=(1,)),
            joined((tag("h3", "Config as it ran"), tag("pre", toml_text(session.config).strip())))
            if session.config is not None
            else None,
        )
    )


def footer() -> Markup:
    """Return what a reader must know."""
    return tag(
        "footer",
        "Estimates are probabilistic readings of signals, not of minds. Do not use them to judge, hire, grade, police "
        f"or treat anybody. Written by {GENERATOR} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
    )


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return "–" if value is None else str(value)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _delay(row: dict[str, Any]) -> str:
    value = row.get("delay_s")
    return f"{1000 * value:.0f} ms" if isinstance(value, int | float) else "undeclared"
