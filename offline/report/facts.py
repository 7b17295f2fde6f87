"""What a report says in figures: answers and abstentions, the three times, ratings beside estimates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import LEVELS, Estimate, HeadOutput, TimeArray
from ..datasets.affect.recordings import rating_scale
from ..datasets.rated_markers import RatedSpan, rated_spans
from ..recordings.session_record import SessionRecord

PLACES = np.array([-2.0 / 3.0, 0.0, 2.0 / 3.0])
"""Of low, medium and high on a scale from -1 to 1: the middles of its thirds."""
LOWEST, HIGHEST = 1.0, 9.0
_STAGES = ("received_s", "ring_s", "features_s", "inference_s", "published_s")
_STAGE_NAMES = ("wait and windows", "features", "networks", "publication")


@dataclass(frozen=True)
class HeadCurve:
    """The answers of one head over the session.

    Attributes
    ----------
    name, construct : str
    classes : tuple of str
    times_s : (n,) float64
        Of all decisions, from t0.
    probabilities : (n, n_classes) float64
        NaN where there is no answer; of a head with a scale one column, its value.
    abstained : (n,) bool
    """

    name: str
    construct: str
    classes: tuple[str, ...]
    times_s: TimeArray
    probabilities: NDArray[np.float64]
    abstained: NDArray[np.bool_]

    @property
    def is_of_levels(self) -> bool:
        """Whether its classes are low, medium and high."""
        return self.classes == LEVELS

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where there are probabilities or a value."""
        return np.asarray(np.isfinite(self.probabilities).all(axis=1), np.bool_)

    def expected(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of levels on the scale from -1 to 1."""
        mean = self.probabilities @ PLACES
        spread = np.sqrt(np.maximum(self.probabilities @ PLACES**2 - mean**2, 0.0))
        return mean, spread


def head_curves(estimates: Sequence[Estimate]) -> list[HeadCurve]:
    """Return the answers of every head, in the order in which heads came."""
    firsts: dict[str, HeadOutput] = {}
    for one in estimates:
        for head in one.heads:
            if head.name not in firsts or (head.classes and not firsts[head.name].classes):
                firsts[head.name] = head
    times_s = np.array([one.session_time_s for one in estimates], np.float64)
    return [_curve(estimates, head, times_s) for head in firsts.values()]


def _curve(estimates: Sequence[Estimate], first: HeadOutput, times_s: TimeArray) -> HeadCurve:
    columns = max(1, len(first.classes))
    rows = np.full((len(estimates), columns), np.nan)
    abstained = np.zeros(len(estimates), bool)
    for number, one in enumerate(estimates):
        head = one.head(first.name)
        abstained[number] = head is None or head.abstained is not None
        if head is None:
            continue
        if head.probabilities is not None and len(head.probabilities) == columns:
            rows[number] = head.probabilities
        elif head.value is not None and not first.classes:
            rows[number] = head.value
    return HeadCurve(first.name, first.construct, first.classes, times_s, rows, abstained)


@dataclass(frozen=True)
class Abstention:
    """A reason why a head had no answer, or kept every class: how often, and when first, from t0."""

    head: str
    reason: str
    count: int
    share: float
    first_s: float


def abstentions(estimates: Sequence[Estimate]) -> list[Abstention]:
    """Return the reasons of abstentions by head, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    firsts: dict[tuple[str, str], float] = {}
    for one in estimates:
        for head in one.heads:
            if head.abstained is not None:
                key = head.name, head.abstained
                counts[key] += 1
                firsts.setdefault(key, one.session_time_s)
    return [
        Abstention(*key, count, count / len(estimates), firsts[key])
        for key, count in sorted(counts.items(), key=lambda pair: (pair[0][0], -pair[1]))
    ]


@dataclass(frozen=True)
class Times:
    """Median and 99th percentile of what passes, in milliseconds.

    Attributes
    ----------
    latency : tuple of float
        Newest sample used to the estimate published.
    stages : mapping of str to float
        Median of each stage of it.
    ages : mapping of str to tuple of float
        Information age by modality.
    """

    latency: tuple[float, float]
    stages: Mapping[str, float]
    ages: Mapping[str, tuple[float, float]]


def times_of(estimates: Sequence[Estimate]) -> Times | None:
    """Return the times of a session; None without estimates."""
    if not estimates:
        return None
    ledgers = np.array([[getattr(one.ledger, name) for name in _STAGES] for one in estimates])
    stages = np.median(np.diff(ledgers, axis=1), axis=0) * 1e3
    found: dict[str, list[float]] = {}
    for one in estimates:
        for name, age_s in one.ages_s.items():
            found.setdefault(name, []).append(1e3 * age_s)
    return Times(
        _median_and_p99(1e3 * (ledgers[:, -1] - ledgers[:, 0])),
        dict(zip(_STAGE_NAMES, stages.tolist(), strict=True)),
        {name: _median_and_p99(np.array(ages)) for name, ages in sorted(found.items())},
    )


def _median_and_p99(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.median(values)), float(np.percentile(values, 99))


@dataclass(frozen=True)
class RatedStimulus:
    """A stimulus with its rating, and what was estimated while it was shown.

    Attributes
    ----------
    span : RatedSpan
        Times on the clock of the stamps.
    estimated : mapping of str to float
        By axis: mean expected level on the scale from -1 to 1 over the decisions with an answer.
    levels : mapping of str to tuple of str
        By axis: the level that was rated, and the one most probable on average.
    answered : mapping of str to tuple of int
        By axis: decisions with an answer, and all within the stimulus.
    """

    span: RatedSpan
    estimated: Mapping[str, float]
    levels: Mapping[str, tuple[str, str]]
    answered: Mapping[str, tuple[int, int]]


def rated_stimuli(session: SessionRecord) -> tuple[list[RatedStimulus], str | None]:
    """Return the stimuli that were rated; and why ratings cannot be read, where they cannot."""
    try:
        spans = rated_spans(session.recording.markers, session.spans_s[1], session.about.name)
    except MoodringError as error:
        return [], str(error)
    curves = {curve.name: curve for curve in head_curves(session.estimates) if curve.is_of_levels}
    return [_rated(one, curves, session.recording.t0_s) for one in spans], None


def _rated(span: RatedSpan, curves: Mapping[str, HeadCurve], t0_s: float) -> RatedStimulus:
    scale = rating_scale(LOWEST, HIGHEST)
    estimated: dict[str, float] = {}
    levels: dict[str, tuple[str, str]] = {}
    answered: dict[str, tuple[int, int]] = {}
    for axis, rating in span.ratings.items():
        curve = curves.get(axis)
        if curve is None:
            continue
        inside = (curve.times_s >= span.start_s - t0_s) & (curve.times_s <= span.stop_s - t0_s)
        there = inside & curve.answered
        answered[axis] = int(there.sum()), int(inside.sum())
        if there.any() and LOWEST <= rating <= HIGHEST:
            mean = curve.probabilities[there].mean(axis=0)
            estimated[axis] = float(mean @ PLACES)
            levels[axis] = scale.level(rating, span.stimulus), LEVELS[int(mean.argmax())]
    return RatedStimulus(span, estimated, levels, answered)
