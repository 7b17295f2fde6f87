"""Read numbers and texts of stream descriptions, which any sender on the network may have written.

What is no number, not finite or out of its range is None: nothing is believed of it.
"""

import math
import re

HIGHEST_RATE_HZ = 1e6
LONGEST_S = 7 * 86_400.0
"""No session is longer: what is further apart is damage, or another clock."""
LARGEST_SIDE = 16_384
"""Of a picture, in pixels."""
_LONGEST_TEXT = 200
_LONGEST_NUMBER = 40


def number_in(text: str | None, low: float, high: float) -> float | None:
    """Return the number of a text; None where there is none from ``low`` to ``high``."""
    if not text or len(text) > _LONGEST_NUMBER or not text.isascii():
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def whole_in(text: str | None, low: int, high: int) -> int | None:
    """Return the whole number of a text of plain digits; None where there is none from ``low`` to ``high``."""
    if not text or not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        return None
    return int(text) if low <= int(text) <= high else None


def short_text(text: str | None) -> str | None:
    """Return a text of at most 200 printable characters; None where nothing is left."""
    if not text:
        return None
    return "".join(one for one in text[:_LONGEST_TEXT] if one.isprintable()) or None
