"""The section of ratings that were made along the recording afterwards, beside the estimates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...models.contract import FloatArray, TimeArray
from ...models.contract.viewing import ContinuousRating
from ..recordings.session_record import SessionRecord
from . import palette
from .charts import rated_chart
from .facts import HeadCurve, head_curves
from .markup import Markup, joined, tag
from .sections import key, table
from .time_chart import TimeScale

AXES = ("valence", "arousal")
_NEAR_S = 1.0  # a rating is compared with an estimate at most so far away
_LEAST = 10


@dataclass(frozen=True)
class RatingAgreement:
    """A continuous rating against the expected level of a head, on the rating's times.

    Attributes
    ----------
    compared_s : float
        Seconds in which there were both.
    correlation : float or None
        Pearson's; None where there is too little, or one of both never moves.
    concordance : float or None
        Lin's concordance correlation coefficient (Lin 1989), which counts offset and scale too.
    difference : float or None
        Mean absolute difference; both are from -1 to 1.
    """

    compared_s: float
    correlation: float | None
    concordance: float | None
    difference: float | None


def agreement(times_s: TimeArray, rated: FloatArray, curve: HeadCurve, rate_hz: float) -> RatingAgreement:
    """Compare a rating with the newest estimate at each of its moments; reaction times are not taken out."""
    mean, _ = curve.expected()
    known = curve.answered
    at_s, level = curve.times_s[known], mean[known]
    places = np.searchsorted(at_s, times_s, "right") - 1
    there = (places >= 0) & np.isfinite(rated)
    there[there] = times_s[there] - at_s[places[there]] <= _NEAR_S
    x, y = rated[there].astype(np.float64), level[places[there]]
    seconds = len(x) / rate_hz
    if len(x) < _LEAST:
        return RatingAgreement(seconds, None, None, None)
    difference = float(np.abs(x - y).mean())
    spread = float(x.std() * y.std())
    covariance = float(((x - x.mean()) * (y - y.mean())).mean())
    apart = float(x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    return RatingAgreement(
        seconds,
        covariance / spread if spread > 0 else None,
        2 * covariance / apart if spread > 0 else None,
        difference,
    )


def continuous_ratings_section(session: SessionRecord, scale: TimeScale) -> Markup | None:
    """Return the ratings over time beside the estimates, and how far they agree; None where nobody rated."""
    if not session.ratings:
        return None
    curves = {one.name: one for one in head_curves(session.estimates) if one.is_of_levels}
    t0_s = session.recording.t0_s
    rows = []
    for one in session.ratings:
        for column, axis in enumerate(AXES):
            if axis in curves:
                found = agreement(one.stamps_s - t0_s, one.values[:, column], curves[axis], one.rate_hz)
                rows.append((one.rater, _when(one), axis, f"{found.compared_s:.0f} s", *_figures(found)))
    figures = [
        tag("div", tag("h3", axis), tag("figure", _chart(scale, axis, session.ratings, curves.get(axis), t0_s)))
        for axis in AXES
    ]
    entries = [
        (f"background:{palette.ESTIMATE};height:3px;vertical-align:middle", "expected level, as recorded"),
        (f"background:{palette.RATING};height:3px;vertical-align:middle", "rated"),
    ]
    headings = ("rater", "when", "axis", "compared", "correlation", "concordance", "mean difference")
    return joined(
        (
            tag("h2", "Rated along the recording"),
            key(*entries),
            *figures,
            table(headings, rows, numbers=(3, 4, 5, 6)) if rows else tag("p", "There is no estimate to compare with."),
            tag(
                "p",
                "Ratings and expected levels are from -1 to 1; each moment of a rating is compared with the newest "
                "estimate. Concordance is Lin's coefficient. How long a rater takes to react is not taken out, and "
                "neighbouring moments are alike: the figures of one session are no test.",
                class_="soft",
            ),
        )
    )


def _chart(
    scale: TimeScale, axis: str, ratings: Sequence[ContinuousRating], curve: HeadCurve | None, t0_s: float
) -> Markup:
    lines = []
    if curve is not None:
        mean, _ = curve.expected()
        lines.append((curve.times_s, np.where(curve.answered, mean, np.nan), palette.ESTIMATE))
    lines += [(one.stamps_s - t0_s, one.values[:, AXES.index(axis)], palette.RATING) for one in ratings]
    return rated_chart(scale, lines, f"{axis}: rated and expected level over time")


def _when(one: ContinuousRating) -> str:
    return one.rated_at[:16].replace("T", " ")


def _figures(found: RatingAgreement) -> tuple[str, str, str]:
    return (
        "–" if found.correlation is None else f"{found.correlation:+.2f}",
        "–" if found.concordance is None else f"{found.concordance:+.2f}",
        "–" if found.difference is None else f"{found.difference:.2f}",
    )
