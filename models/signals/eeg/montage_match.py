"""Which channels of a stream are scalp electrodes, which are not and why, and whether enough of them are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ....configs.schema.errors import MoodringError
from .montage import canonical_name, grid_labels, scalp_channels

LEAST_MATCHED = 0.5
"""Share of the channels that may be electrodes which must be found on the scalp, unless a config says otherwise."""
GRID = "label of a grid or of another cap, as A1 … H32, that only looks like a 10-20 name"
UNKNOWN = "no 10-20 name"
TWICE = "another channel has this electrode"
NO_SCALP = "not on the scalp"
_BESIDE = re.compile(
    r"^(eeg[\s_:.-]*)?(.*eog.*|.*e[ck]g.*|.*emg.*|exg?\s*\d*|[ame][12]([-+][am][12])?|gsr.*|eda.*|.*resp.*|"
    r"stat(us|i).*|trig.*|aux.*|ref.*|gnd.*|acc.*|gyro.*|count(er)?|pleth.*|temp.*|marker.*|ergo.*)$",
    re.IGNORECASE,
)
_NAMED = 8


@dataclass(frozen=True)
class MontageMatch:
    """Channels of a stream as electrodes.

    Attributes
    ----------
    matched : tuple of str
        Names that are scalp electrodes.
    dropped : tuple of (str, str)
        Every other name, and why it is none.
    """

    matched: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]

    @property
    def doubtful(self) -> tuple[tuple[str, str], ...]:
        """Those dropped that may well be electrodes."""
        return tuple(one for one in self.dropped if one[1] != NO_SCALP)

    @property
    def share(self) -> float:
        """Share of the channels that may be electrodes which were matched; 1 where there is none."""
        count = len(self.matched) + len(self.doubtful)
        return len(self.matched) / count if count else 1.0

    def __str__(self) -> str:
        """Return what was matched, and what was dropped for which reason."""
        count = len(self.matched) + len(self.dropped)
        text = f"{len(self.matched)} of {count} channels are taken for scalp electrodes ({_listed(self.matched)})"
        reasons = dict.fromkeys(why for _, why in self.dropped)
        for why in reasons:
            text += f"; dropped, {why}: {_listed([name for name, reason in self.dropped if reason == why])}"
        return text


def match_montage(channel_names: Sequence[str]) -> MontageMatch:
    """Return which channels are scalp electrodes, and why the others are not."""
    on_scalp, grid = scalp_channels(channel_names), grid_labels(channel_names)
    matched, dropped = [], []
    for name, scalp in zip(channel_names, on_scalp, strict=True):
        if scalp:
            matched.append(name)
        elif name in grid:
            dropped.append((name, GRID if canonical_name(name) else UNKNOWN))
        elif _BESIDE.match(name.strip()):
            dropped.append((name, NO_SCALP))
        else:
            dropped.append((name, TWICE if canonical_name(name) else UNKNOWN))
    return MontageMatch(tuple(matched), tuple(dropped))


def check_montage(stream: str, channel_names: Sequence[str], least: float = LEAST_MATCHED) -> None:
    """Raise MoodringError where less than a share of the channels that may be electrodes is found on the scalp."""
    found = match_montage(channel_names)
    if found.share < least:
        raise MoodringError(
            f"EEG stream '{stream}': {found}. {found.share:.0%} of what may be electrodes have 10-20 names and "
            f"{least:.0%} are needed: name them in eeg.names or eeg.rename, or lower eeg.least_matched if the rest is "
            "meant to be left out"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "none") + more
