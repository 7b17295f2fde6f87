"""Trials from the markers of a recording: what was shown when, and how it was rated.

The markers are those that an experiment sends over LSL beside the EEG, or the annotations of an EEG file:

- ``rest_start`` and ``rest_end``: the person rests;
- ``stimulus_NAME``: a stimulus begins, and ends with the next one, with ``stimulus_end`` or with its rating;
- ``rating valence=7 arousal=3``: the rating of the stimulus before.

A space may stand for each underscore.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...configs.schema.errors import MoodringError
from ...models.contract import Marker

_STIMULUS = re.compile(r"^stimulus[_ ](?P<name>.+)$", re.IGNORECASE)
_END = re.compile(r"^stimulus[_ ]end$", re.IGNORECASE)
_REST = re.compile(r"^rest[_ ](?P<which>start|end)$", re.IGNORECASE)
_RATING = re.compile(r"^rating[_ ](?P<values>.+)$", re.IGNORECASE)
_VALUE = re.compile(r"^(?P<name>[a-z_]+)=(?P<value>[-+]?\d+(\.\d+)?)$", re.IGNORECASE)


@dataclass(frozen=True)
class RatedSpan:
    """A stimulus, what it was rated, and the rest that came right before it.

    Attributes
    ----------
    stimulus : str
    start_s, stop_s : float
        On the clock of the markers.
    rest_start_s, rest_stop_s : float or None
        The newest rest before it; None where there was none since the stimulus before.
    ratings : mapping of str to float
    """

    stimulus: str
    start_s: float
    stop_s: float
    ratings: dict[str, float]
    rest_start_s: float | None = None
    rest_stop_s: float | None = None


def rated_spans(markers: Sequence[Marker], end_s: float, what: str) -> tuple[RatedSpan, ...]:
    """Return the stimuli that were rated, in order.

    Parameters
    ----------
    markers : sequence of Marker
        In order of time.
    end_s : float
        Of the recording.
    what : str
        The recording, for messages.

    Raises
    ------
    MoodringError
        A rating is not written as ``name=number``, or comes before any stimulus.
    """
    found: list[RatedSpan] = []
    shown: tuple[str, float] | None = None
    stopped_s: float | None = None
    rest: list[float] = []
    for marker in markers:
        text, at_s = marker.text.strip(), marker.stamp_s
        rested, rating = _REST.match(text), _RATING.match(text)
        if rested:
            rest = [at_s] if rested["which"].lower() == "start" else [*rest[:1], at_s]
        elif _END.match(text):
            stopped_s = at_s if shown is not None and stopped_s is None else stopped_s
        elif rating:
            if shown is None:
                raise MoodringError(
                    f"'{what}': '{text}' at {at_s:.1f} s comes before any stimulus; send stimulus_NAME first"
                )
            values = _ratings(rating["values"], text, what)
            between = rest if len(rest) == 2 and rest[1] <= shown[1] else []
            ends_s = min(at_s if stopped_s is None else stopped_s, end_s)
            found.append(RatedSpan(shown[0], shown[1], ends_s, values, *between))
            shown, stopped_s, rest = None, None, []
        elif named := _STIMULUS.match(text):
            shown, stopped_s = (named["name"], at_s), None
    return tuple(found)


def _ratings(values: str, text: str, what: str) -> dict[str, float]:
    parts = [_VALUE.match(part) for part in re.split(r"[\s,;]+", values.strip())]
    if not all(parts):
        raise MoodringError(f"'{what}': '{text}' was expected as 'rating valence=7 arousal=3'; correct the marker")
    return {part["name"].lower(): float(part["value"]) for part in parts if part is not None}
