"""Positions of emotion categories on valence and arousal (circumplex).

The table has two sources and one judgement:

- *Grades.* Anger, happiness, neutral, sadness, surprise: the grades (negative, neutral, positive; low, medium, high)
  that Hsieh & Lee give their classes in the fusion network over neural responses that this project reproduces. A grade
  is placed in the middle of its third of the axis: -2/3, 0 or 2/3.
- *Norms.* Boredom, calm, contempt, disgust, fear: the mean ratings of these English words by Warriner, Kuperman &
  Brysbaert ("Norms of valence, arousal, and dominance for 13,915 English lemmas", Behavior Research Methods 45, 2013),
  on 1..9, moved to -1..1 by (rating - 5) / 4: boredom 2.77 and 2.58, calm 6.89 and 1.67, contempt 3.22 and 4.61,
  disgust 3.32 and 5.00, fear 2.93 and 6.14.
- *Spreads* are a judgement of this project, made so that nothing looks surer than it is: 1/3 for a grade, whose value
  may lie anywhere in its third and a little beyond; 1/2 for a norm, two points of the nine, by which single raters
  of one word commonly differ. Surprise has 1/2 on valence though it is graded: the grade rests on three utterances,
  and surprises are good and bad.

They say where a *word* or a *class* lies, not what anybody feels: expressed emotion, on the axes of felt emotion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

_THIRD = 2 / 3
_GRADE_SD = 1 / 3
_NORM_SD = 1 / 2


@dataclass(frozen=True)
class Place:
    """Position of a category.

    Attributes
    ----------
    valence, arousal : float
        In -1..1.
    valence_sd, arousal_sd : float
        Their spread.
    source : "grade" or "norm"
        See the module's text.
    """

    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float
    source: Literal["grade", "norm"]


@dataclass(frozen=True)
class Affect:
    """Valence and arousal of a voice: mean in -1..1, and standard deviation."""

    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float


def _norm(valence: float, arousal: float) -> Place:
    return Place((valence - 5) / 4, (arousal - 5) / 4, _NORM_SD, _NORM_SD, "norm")


def _grade(valence: float, arousal: float, valence_sd: float = _GRADE_SD) -> Place:
    return Place(valence, arousal, valence_sd, _GRADE_SD, "grade")


PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "anger": _grade(-_THIRD, _THIRD),
        "boredom": _norm(2.77, 2.58),
        "calm": _norm(6.89, 1.67),
        "contempt": _norm(3.22, 4.61),
        "disgust": _norm(3.32, 5.00),
        "fear": _norm(2.93, 6.14),
        "happiness": _grade(_THIRD, _THIRD),
        "neutral": _grade(0.0, 0.0),
        "sadness": _grade(-_THIRD, -_THIRD),
        "surprise": _grade(_THIRD, _THIRD, _NORM_SD),
    }
)


def weighted_places(classes: Sequence[str], probabilities: Sequence[float]) -> tuple[tuple[float, Place], ...] | None:
    """Return the share and the place of each category.

    None where a category has no place in :data:`PLACES`, or nothing is probable.
    """
    total = float(sum(probabilities))
    if total <= 0.0 or any(name not in PLACES for name in classes):
        return None
    return tuple((p / total, PLACES[name]) for name, p in zip(classes, probabilities, strict=True))


def affect_of(classes: Sequence[str], probabilities: Sequence[float]) -> Affect | None:
    """Return valence and arousal of probabilities of categories.

    Parameters
    ----------
    classes : sequence of str
    probabilities : sequence of float
        One per class; they count relative to their sum.

    Returns
    -------
    Affect or None
        Mean and standard deviation of the mixture of the categories' places: the spread of each category, and how far
        the categories lie apart. None where a category has no place in :data:`PLACES`, or nothing is probable.
    """
    weighted = weighted_places(classes, probabilities)
    if weighted is None:
        return None
    valence, valence_sd = _mixture([(share, place.valence, place.valence_sd) for share, place in weighted])
    arousal, arousal_sd = _mixture([(share, place.arousal, place.arousal_sd) for share, place in weighted])
    return Affect(valence, arousal, valence_sd, arousal_sd)


def _mixture(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    mean = sum(share * at for share, at, _ in parts)
    variance = sum(share * (sd * sd + (at - mean) ** 2) for share, at, sd in parts)
    return mean, variance**0.5
