"""Write what somebody rated along a recording: an XDF stream in a file of its own, beside the session's recording.

The files are ``ratings/rating-001.xdf`` and so on; none is ever replaced.
"""

import os
import secrets
from pathlib import Path

import numpy as np

from ...configs.schema.errors import MoodringError
from ...configs.schema.session_folder import RATING_FILE, RATINGS_FOLDER
from ..contract.viewing import ContinuousRating
from .files import make_private_folder
from .stream_descriptions import StreamDescription
from .xdf_writer import XdfWriter

RATING_TYPE = "ContinuousRating"
RATING_CHANNELS = ("valence", "arousal")
_MOST = 10_000


def write_rating(session: Path, rating: ContinuousRating) -> Path:
    """Write a rating into a session folder and return its file.

    Raises
    ------
    MoodringError
        It holds nothing, or the disk refuses; nothing is left behind then.
    """
    if not len(rating.stamps_s):
        raise MoodringError("nothing was rated; play the recording while you rate, then save")
    folder = session / RATINGS_FOLDER
    partial = folder / f".{secrets.token_hex(4)}.partial"
    try:
        make_private_folder(folder, exist_ok=True)
        with XdfWriter(partial) as writer:
            number = writer.stream(_description(rating))
            writer.clock_offset(number, float(rating.stamps_s[0]), 0.0)
            writer.samples(number, np.asarray(rating.values, np.float32), rating.stamps_s)
        return _named(partial, folder)
    except OSError as error:
        raise MoodringError(
            f"the rating cannot be saved in '{folder}' ({error.strerror or error}); free the disk or allow writing "
            "there, and save again"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _named(partial: Path, folder: Path) -> Path:
    """Move the file to the first free number: a link fails where the name is taken, a move would replace."""
    for number in range(1, _MOST):
        path = folder / RATING_FILE.format(number)
        try:
            os.link(partial, path)
        except FileExistsError:
            continue
        except OSError:
            if path.exists():
                continue
            partial.rename(path)  # a file system without links, as of sticks
        return path
    raise MoodringError(f"'{folder}' is full of ratings; move some out of it")


def _description(rating: ContinuousRating) -> StreamDescription:
    channels = tuple(
        ("channel", (("label", name), ("unit", "-1 to 1"), ("type", "Rating"))) for name in RATING_CHANNELS
    )
    facts = (("rater", rating.rater), ("rated_at", rating.rated_at), ("rate_hz", repr(float(rating.rate_hz))))
    return StreamDescription(
        name=f"rating_{rating.rater}",
        type=RATING_TYPE,
        channel_count=len(RATING_CHANNELS),
        rate_hz=float(rating.rate_hz),
        channel_format="float32",
        source_id="rating",
        desc=(("channels", channels), ("moodring", facts)),
    )
