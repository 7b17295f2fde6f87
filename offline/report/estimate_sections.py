"""The sections of what was estimated: answers, abstentions, looks, bands, the three times, ratings."""

from collections.abc import Sequence

import numpy as np

from ...models.contract import Look
from ..recordings.session_record import SessionRecord
from . import palette
from .charts import bands_chart, class_chart, level_chart, looks_chart, truth_of_axis, value_chart
from .facts import HIGHEST, LOWEST, HeadCurve, RatedStimulus, Times, abstentions, head_curves
from .frames_seen import SeenFrame
from .markup import Markup, joined, tag
from .sections import key, table, title_of
from .time_chart import TimeScale, clock

_HATCH = "background:repeating-linear-gradient(45deg,#9aa5b1 0 1px,transparent 1px 4px);border:1px solid #c9d1da"


def estimates_section(session: SessionRecord, scale: TimeScale, rated: Sequence[RatedStimulus]) -> Markup:
    """Return the answers of every head over time."""
    curves = head_curves(session.estimates)
    if not curves:
        return joined((tag("h2", "Estimates"), tag("p", "No estimates were recorded.", class_="soft")))
    truth = session.recording.truth
    entries = [
        (f"background:{palette.ESTIMATE};height:3px;vertical-align:middle", "expected level"),
        (f"background:{palette.SPREAD}", "± one standard deviation of the probabilities"),
        (_HATCH, "abstained: no answer, or no class can be excluded"),
        (f"background:{palette.SHOWN};border:1px solid #e3dcc6", "a stimulus is shown"),
    ]
    if truth is not None:
        entries.append((f"border-top:2px dashed {palette.TRUTH};height:0;vertical-align:middle", "truth (simulated)"))
    if rated:
        entries.append((f"background:{palette.RATING};height:10px;width:10px;transform:rotate(45deg)", "rating"))
    t0_s = session.recording.t0_s
    figures = [
        tag(
            "div", tag("h3", _heading(curve)), tag("figure", _figure(session, scale, curve, rated, t0_s)), class_="kept"
        )
        for curve in curves
    ]
    return joined((tag("h2", "Estimates"), key(*entries), *figures, _abstained(session)))


def _heading(curve: HeadCurve) -> str:
    return f"{title_of(curve.name)} – {curve.construct}"


def _figure(
    session: SessionRecord, scale: TimeScale, curve: HeadCurve, rated: Sequence[RatedStimulus], t0_s: float
) -> Markup:
    if curve.is_of_levels:
        return level_chart(scale, curve, truth_of_axis(session.recording.truth, curve.name, t0_s), rated, t0_s)
    return class_chart(scale, curve) if curve.classes else value_chart(scale, curve)


def _abstained(session: SessionRecord) -> Markup:
    found = abstentions(session.estimates)
    if not found:
        return tag("p", "No head ever abstained.", class_="soft")
    rows = [(title_of(o.head), o.reason, f"{o.count}", f"{o.share:.0%}", clock(o.first_s)) for o in found]
    headings = ("head", "reason", "decisions", "share", "first at")
    return joined((tag("h3", "Abstentions"), table(headings, rows, numbers=(2, 3, 4))))


def looks_section(
    session: SessionRecord,
    scale: TimeScale,
    looks: Sequence[tuple[Look, float | None]],
    frames: Sequence[SeenFrame],
    without: str | None,
) -> Markup | None:
    """Return which frames were looked at; None where no model looks. ``without`` says why pictures are missing."""
    if not looks and not frames:
        return None
    times_s = [look.time_s - session.recording.t0_s for look, _ in looks]
    waits_s = np.diff(times_s)
    waited = f", {np.mean(waits_s):.1f} s apart on average (longest {np.max(waits_s):.1f} s)" if len(waits_s) else ""
    some = f" Shown are {len(frames)}: all over the session, those of the largest expected gain."
    kept = "" if not frames else " All are shown." if len(frames) == len(looks) else some
    pictures = [
        tag(
            "figure",
            tag("img", src=one.picture, alt=f"frame at {clock(one.time_s)}"),
            f"{clock(one.time_s)} · {one.face_state or 'no face'}",
            tag("br") if one.gain is not None else None,
            None if one.gain is None else f"gain {one.gain:+.2f}",
        )
        for one in frames
    ]
    return joined(
        (
            tag("h2", "Frames the model looked at"),
            tag("p", f"{len(looks)} frames{waited}.{kept}"),
            tag("figure", looks_chart(scale, times_s)),
            tag("div", *pictures, class_="frames") if pictures else None,
            tag("p", without, class_="soft") if without else None,
        )
    )


def bands_section(session: SessionRecord, scale: TimeScale) -> Markup | None:
    """Return the attention to the bands; None where no model has it."""
    rows = [one.band_attention for one in session.estimates]
    if all(one is None for one in rows):
        return None
    nothing = np.full(3, np.nan)
    weights = np.array([nothing if one is None or len(one) != 3 else one for one in rows], np.float64)
    times_s = np.array([one.session_time_s for one in session.estimates])
    mean = np.nanmean(weights, axis=0)
    entries = [
        (f"background:{colour};height:3px;vertical-align:middle", f"{name}, mean {share:.1%}")
        for (name, colour), share in zip(palette.BANDS.items(), mean, strict=True)
    ]
    return joined(
        (tag("h2", "Attention to the bands"), key(*entries), tag("figure", bands_chart(scale, times_s, weights)))
    )


def times_section(times: Times | None) -> Markup | None:
    """Return the three times; None without estimates."""
    if times is None:
        return None
    rows = [("compute latency", "newest sample used → estimate published", *_ms(times.latency))]
    rows += [
        (f"information age of {title_of(name)}", "how old what it says is when published", *_ms(age))
        for name, age in times.ages.items()
    ]
    rows.append(
        ("response lag", "a change of the person → half of the change in the estimate", "not known", "not known")
    )
    stages = ", ".join(f"{name} {value:.1f} ms" for name, value in times.stages.items())
    return joined(
        (
            tag("h2", "The three times"),
            table(("time", "from → to", "median", "99 %"), rows, numbers=(2, 3)),
            tag("p", f"Median of the stages of the latency: {stages}.", class_="soft"),
            tag(
                "p",
                "The response lag needs a change at a known moment, which no participant gives; `moodring bench lag` "
                "measures it on simulated people. No setting shortens it below the seconds that the models read.",
                class_="soft",
            ),
        )
    )


def _ms(pair: tuple[float, float]) -> tuple[str, str]:
    return f"{pair[0]:.0f} ms", f"{pair[1]:.0f} ms"


def ratings_section(session: SessionRecord, rated: Sequence[RatedStimulus], fault: str | None) -> Markup | None:
    """Return the ratings beside what was estimated; None where nothing was rated."""
    if fault is not None:
        return joined((tag("h2", "Ratings"), tag("p", f"The ratings cannot be read: {fault}")))
    if not rated:
        return None
    axes = [axis for axis in ("valence", "arousal") if any(axis in one.span.ratings for one in rated)]
    further = dict.fromkeys(name for one in rated for name in one.span.ratings if name not in axes)
    headings = ["time", "stimulus"]
    for axis in axes:
        headings += [f"{axis} rated", f"{axis} estimated"]
    rows = [_rating_row(session, one, axes, list(further)) for one in rated]
    said = [_agreement(axis, rated) for axis in axes]
    ends = f"{LOWEST:g} to {HIGHEST:g}"
    return joined(
        (
            tag("h2", "Ratings beside estimates"),
            tag("p", " ".join(filter(None, said)) or "No stimulus has both a rating and an estimate."),
            table([*headings, *further], rows, numbers=range(2, len(headings) + len(further))),
            tag(
                "p",
                f"Ratings count as {ends} and are cut into levels at 4.5 and 5.5. Estimated is the likeliest level of "
                "the mean probabilities while the stimulus was shown, and in brackets the share of decisions with an "
                "answer. A few stimuli of one person say little; one guess in three is right.",
                class_="soft",
            ),
        )
    )


def _rating_row(session: SessionRecord, one: RatedStimulus, axes: Sequence[str], further: Sequence[str]) -> list[str]:
    row = [clock(one.span.start_s - session.recording.t0_s), one.span.stimulus]
    for axis in axes:
        rating, levels = one.span.ratings.get(axis), one.levels.get(axis)
        answered, decisions = one.answered.get(axis, (0, 0))
        row.append("–" if rating is None else f"{rating:g}" + (f" ({levels[0]})" if levels else ""))
        row.append("no answer" if levels is None else f"{levels[1]} ({answered / max(decisions, 1):.0%})")
    return row + [f"{one.span.ratings[name]:g}" if name in one.span.ratings else "–" for name in further]


def _agreement(axis: str, rated: Sequence[RatedStimulus]) -> str:
    pairs = [one.levels[axis] for one in rated if axis in one.levels]
    same = sum(rating == estimated for rating, estimated in pairs)
    return f"{title_of(axis)}: {same} of {len(pairs)} levels are the same." if pairs else ""
