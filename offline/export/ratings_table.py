"""Ratings as a table of behaviour: a row for each stimulus that was rated."""

import re
from collections.abc import Sequence
from typing import Any

from .events import Event

_KEYWORD = re.compile(r"keyword[_ ](?P<word>.+)", re.IGNORECASE)
_FIXED: dict[str, Any] = {
    "stimulus": {"Description": "Name of the stimulus"},
    "stimulus_onset": {"Description": "When it began, on the axis of the EEG file", "Units": "s"},
    "stimulus_duration": {"Description": "How long it was shown", "Units": "s"},
    "rated_at": {"Description": "When the rating was given, on the axis of the EEG file", "Units": "s"},
    "valence": {"Description": "Felt valence as the person gave it, by default 1 (unpleasant) to 9 (pleasant)"},
    "arousal": {"Description": "Felt arousal as the person gave it, by default 1 (calm) to 9 (excited)"},
}
_KEYWORD_COLUMN = {"keyword": {"Description": "What the person said to have felt"}}


def rating_rows(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return a row for each rating that has a stimulus before it."""
    rows: list[dict[str, Any]] = []
    shown: Event | None = None
    for one in events:
        if one.kind == "stimulus":
            shown = one
        elif one.kind == "rating" and shown is not None:
            rows.append(
                {
                    "stimulus": re.sub(r"^stimulus[_ ]", "", shown.text, flags=re.IGNORECASE),
                    "stimulus_onset": shown.onset_s,
                    "stimulus_duration": shown.duration_s,
                    "rated_at": one.onset_s,
                    **one.ratings,
                }
            )
        elif rows and (felt := _KEYWORD.fullmatch(one.text)):
            rows[-1].setdefault("keyword", felt["word"])
    return rows


def rating_columns(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the columns of the table, each with its description."""
    columns = dict(_FIXED)
    for name in dict.fromkeys(name for row in rows for name in row):
        if name == "keyword":
            columns |= _KEYWORD_COLUMN
        else:
            columns.setdefault(name, {"Description": f"Rating of {name} as the person gave it"})
    return columns
