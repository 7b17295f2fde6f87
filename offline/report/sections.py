"""The sections of the report's head: who, when and what, the figures at a glance, health and events."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from ...models.contract import HealthState
from ..export.events import Event
from ..recordings.session_record import Line, SessionRecord
from . import palette
from .charts import events_chart, health_chart, tone_of
from .facts import Times, head_curves
from .markup import Markup, joined, tag
from .time_chart import TimeScale, clock

_STATES: tuple[HealthState, ...] = ("searching", "live", "stale", "rate_off", "gap", "clock_jump", "lost", "recovered")
_TITLES = {"eeg": "EEG", "face": "Face", "speech": "Speech", "recording": "Recording"}
_TONES = (("good", "samples come"), ("warn", "gap, wrong rate, clock jump"), ("bad", "lost"), ("idle", "not there yet"))
_MOST_ROWS = 60


def title_of(modality: str) -> str:
    """Return a source's name as a page writes it."""
    return _TITLES.get(modality, modality.replace("_", " ").capitalize())


def table(headings: Sequence[str], rows: Sequence[Sequence[str | float | None]], numbers: Sequence[int] = ()) -> Markup:
    """Return a table; ``numbers`` are the columns set to the right."""

    def cells(kind: str, row: Sequence[str | float | None]) -> Markup:
        return tag("tr", *(tag(kind, one, class_="number" if n in numbers else None) for n, one in enumerate(row)))

    return tag("table", tag("thead", cells("th", headings)), tag("tbody", *(cells("td", row) for row in rows)))


def key(*entries: tuple[str, str]) -> Markup:
    """Return a legend: CSS of a swatch, and what it means."""
    return tag("div", *(tag("span", tag("i", style=style), words) for style, words in entries), class_="key")


def head_section(session: SessionRecord, pictures: bool) -> Markup:
    """Return who, when and what."""
    about = session.about
    start_s, stop_s = session.spans_s
    told = (
        ("Participant", about.participant),
        ("Recorded", _date(about.recorded_at)),
        ("Task", about.task or "–"),
        ("Ended", _date(about.ended_at) if about.ended_at else "not in order" if session.config else "–"),
        ("Protocol", about.protocol or "–"),
        ("Length", clock(stop_s - start_s)),
        ("Consent", about.consent or "not noted"),
        ("Rest", f"{about.rest_s:g} s" if about.rest_s else "none"),
        ("Origin", about.origin),
        ("Notes", f"{len(session.notes)}"),
    )
    shown = "It shows pictures of the participant." if pictures else "It shows no pictures of the participant."
    problems = (
        tag("div", tag("ul", *(tag("li", one) for one in session.problems)), class_="warn")
        if session.problems
        else None
    )
    return joined(
        (
            tag("h1", f"Session of {about.participant}"),
            tag("p", f"{about.name} · this page needs no network and runs no program. {shown}", class_="lead"),
            tag("dl", joined(joined((tag("dt", n), tag("dd", w))) for n, w in told), class_="facts"),
            problems,
        )
    )


def glance_section(session: SessionRecord, times: Times | None, looks: int) -> Markup:
    """Return the figures at a glance."""
    estimates = session.estimates
    tiles: list[tuple[str, str]] = [(f"{len(estimates)}", "decisions")]
    for curve in head_curves(estimates):
        if curve.name in ("valence", "arousal"):
            tiles.append((f"{np.mean(~curve.abstained):.0%}", f"of {curve.name} answered"))
    if times is not None:
        tiles.append((f"{times.latency[0]:.0f} ms", f"compute latency (99 %: {times.latency[1]:.0f})"))
    if estimates and estimates[-1].glimpsed_fraction is not None:
        tiles.append((f"{estimates[-1].glimpsed_fraction:.1%}", f"of frames looked at ({looks})"))
    tiles.append((f"{len(session.recording.markers)}", "markers"))
    return tag(
        "div", *(tag("div", tag("b", big), tag("span", small), class_="tile") for big, small in tiles), class_="tiles"
    )


def notices_section(session: SessionRecord) -> Markup | None:
    """Return what must be said of the models; None where there is nothing."""
    notices = dict.fromkeys(notice for one in session.estimates for notice in one.notices)
    if not notices:
        return None
    return joined((tag("h2", "What must be said of the models"), tag("ul", *(tag("li", one) for one in notices))))


def health_section(session: SessionRecord, scale: TimeScale, events: Sequence[Event]) -> Markup:
    """Return the health of the sources, and what was shown, over time."""
    t0_s = session.recording.t0_s
    lanes = health_lanes(session)
    marks = [(one.onset_s, one.text) for one in events if one.kind in ("marker", "rating")]
    notes = [(one.onset_s, one.text) for one in events if one.kind == "note"]
    legend = key(*((f"background:{palette.HEALTH[tone]}", words) for tone, words in _TONES))
    return joined(
        (
            tag("h2", "Health and events"),
            joined((legend, tag("figure", health_chart(scale, lanes, t0_s))))
            if lanes
            else tag("p", "The log does not tell the health of the sources.", class_="soft"),
            tag("figure", events_chart(scale, marks, notes)),
            _changes(session, t0_s),
            _notes(session, t0_s),
        )
    )


def health_lanes(session: SessionRecord) -> dict[str, list[Line]]:
    """Return the changes of health of every source."""
    configured = () if session.config is None else session.config.modalities
    lanes: dict[str, list[Line]] = {title_of(name): [] for name in configured if session.changes}
    for change in session.changes:
        if change.text("state") in _STATES:
            lanes.setdefault(title_of(change.text("what")), []).append(change)
    return lanes


def _changes(session: SessionRecord, t0_s: float) -> Markup | None:
    told = [one for one in session.changes if tone_of(one.text("state")) not in ("good", "idle")]
    if not told:
        return None
    rows = [
        (clock(one.time_s - t0_s), title_of(one.text("what")), one.text("state").replace("_", " "), one.text("why"))
        for one in told[:_MOST_ROWS]
    ]
    more = len(told) - len(rows)
    return joined(
        (
            tag("h3", "What changed"),
            table(("time", "what", "state", "why"), rows),
            tag("p", f"{more} more in log.jsonl.", class_="soft") if more else None,
        )
    )


def _notes(session: SessionRecord, t0_s: float) -> Markup | None:
    if not session.notes:
        return None
    rows = [(clock(one.time_s - t0_s), one.text("text")) for one in session.notes]
    return joined((tag("h3", "Notes"), table(("time", "note"), rows)))


def _date(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text or "not known"
