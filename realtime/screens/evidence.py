"""Texts of what an estimate rests on: answers without a part of it, the policy of looks, the EEG's domain."""

from typing import Literal

from ...models.contract import LEVELS, Estimate, Periphery, Withheld
from .wording import StatusText, Tone

WITHOUT: dict[Withheld, str] = {"eeg": "without EEG", "face": "without face", "last_look": "without last look"}
_AXES: tuple[Literal["valence"], Literal["arousal"]] = ("valence", "arousal")
_WHY: dict[str, tuple[str, str]] = {
    "longest_wait": ("looked, 10 s without a look", ""),
    "search": ("looked for a face", "no face known, next search within a second"),
    "schedule": ("looked, as scheduled", "not looked, as scheduled"),
    "every": ("looked, as at every frame", ""),
    "no_picture": ("", "no picture"),
}


def withheld(estimate: Estimate | None, axis: Literal["valence", "arousal"]) -> dict[Withheld, tuple[float, ...]]:
    """Return the levels of one axis by what is withheld; only what the estimate has."""
    if estimate is None:
        return {}
    return {one.without: one.probabilities[axis] for one in estimate.ablations if axis in one.probabilities}


def best_level(levels: tuple[float, ...]) -> str:
    """Return the most probable level with its probability: "high 55%"."""
    best = max(range(len(levels)), key=levels.__getitem__)
    return f"{LEVELS[best]} {levels[best]:.0%}"


def ablations(estimate: Estimate | None, width: int | None = None) -> str:
    """Return what would be said without each part, valence and arousal: "without EEG high 55% / low 60%".

    Parameters
    ----------
    estimate : Estimate or None
    width : int or None
        Characters: parts that do not fit whole are left out, the last first. None is no limit.
    """
    rows = {axis: withheld(estimate, axis) for axis in _AXES}
    line = ""
    for name, words in WITHOUT.items():
        levels = " / ".join(best_level(row[name]) for row in rows.values() if name in row)
        longer = (f"{line} · " if line else "") + f"{words} {levels}"
        if levels and (width is None or len(longer) <= width):
            line = longer
    return line


def policy(estimate: Estimate | None) -> str:
    """Return what the policy of looks went by at the newest frame; empty where no model looks."""
    if estimate is None or not estimate.periphery:
        return ""
    frame = estimate.periphery[-1]
    parts = [_why(frame)]
    if frame.expression is not None:
        parts.append(f"expression {frame.expression:.0%}")
    if frame.motion is not None:
        parts.append(f"motion {frame.motion:.2f}")
    if frame.theta is not None:
        parts.append(f"midline theta {frame.theta:+.2f}")
    return " · ".join(parts)


def _why(frame: Periphery) -> str:
    if frame.gain is not None and frame.price is not None and frame.why == "gain":
        sign = ">" if frame.looked else "≤"
        return f"{'looked' if frame.looked else 'not looked'}, gain {frame.gain:.2f} {sign} price {frame.price:.2f}"
    return _WHY[frame.why][0 if frame.looked else 1] if frame.why in _WHY else ""


def distance(estimate: Estimate | None) -> StatusText | None:
    """Return how far the EEG is from that of the training, by the gate that is nearest to its limit or beyond.

    None where no gate says anything.
    """
    known = [] if estimate is None else [one for one in estimate.domain_distances if one.distance is not None]
    if not known:
        return None
    worst = max(known, key=lambda one: (one.distance or 0.0) / one.limit)
    tone: Tone = "bad" if (worst.distance or 0.0) > worst.limit else "idle"
    return StatusText(f"domain distance {worst.distance:.1f}, limit {worst.limit:.1f}", tone)
