"""Read what was rated along a recording, from the files that :mod:`moodring.models.io.ratings` writes."""

import logging
from pathlib import Path

import numpy as np

from ...configs.schema.errors import MoodringError
from ...configs.schema.session_folder import RATINGS_FOLDER
from ...models.contract.viewing import ContinuousRating
from ...models.io.described_values import HIGHEST_RATE_HZ, number_in, short_text
from ...models.io.ratings import RATING_CHANNELS, RATING_TYPE
from .xdf.reading import ReadStream, read_streams

_log = logging.getLogger(__name__)


def read_ratings(session: Path) -> tuple[ContinuousRating, ...]:
    """Return the ratings of a session folder, in the order of their files; damaged ones are named in the log."""
    found = []
    for path in sorted((session / RATINGS_FOLDER).glob("*.xdf")):
        try:
            streams = read_streams(path, session)
        except MoodringError as error:
            _log.warning("%s", error)
            continue
        rated = [one for one in map(_rating, streams) if one is not None]
        if not rated:
            _log.warning("'%s' holds no rating and is left out", path)
        found += rated
    return tuple(found)


def _rating(stream: ReadStream) -> ContinuousRating | None:
    if stream.type != RATING_TYPE or stream.values is None or stream.channel_count != len(RATING_CHANNELS):
        return None
    with np.errstate(invalid="ignore"):
        values = np.clip(np.asarray(stream.values, np.float32), -1.0, 1.0)
    return ContinuousRating(
        short_text(stream.text("moodring", "rater")) or "unknown",
        short_text(stream.text("moodring", "rated_at")) or "",
        number_in(stream.text("moodring", "rate_hz"), 1e-3, HIGHEST_RATE_HZ) or 1.0,
        stream.stamps_s,
        values,
    )
