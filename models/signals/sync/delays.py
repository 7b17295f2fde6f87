"""One delay, with its confidence interval, from the delays of many events."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError

FEWEST_EVENTS = 5
_FEWEST_SHARE = 0.5
_OUTLIER = 4.0
_RESAMPLES = 1000


@dataclass(frozen=True)
class Delay:
    """A measured delay.

    Attributes
    ----------
    delay_s : float
        Mean over the events, without outliers.
    low_s, high_s : float
        95 % bootstrap interval of that mean over events.
    iqr_s : float
        Middle half of the single events' delays.
    n : int
        Events that count.
    """

    delay_s: float
    low_s: float
    high_s: float
    iqr_s: float
    n: int

    def plus(self, other: "Delay") -> "Delay":
        """Return the sum with another delay that was measured independently."""
        below = float(np.hypot(self.delay_s - self.low_s, other.delay_s - other.low_s))
        above = float(np.hypot(self.high_s - self.delay_s, other.high_s - other.delay_s))
        both = self.delay_s + other.delay_s
        return Delay(both, both - below, both + above, float(np.hypot(self.iqr_s, other.iqr_s)), self.n)


def declared_delay(delay_s: float) -> Delay:
    """Return a delay that a config declares: without spread or events."""
    return Delay(delay_s, delay_s, delay_s, 0.0, 0)


def combine_delays(delays_s: NDArray[np.float64], presented: int, widest_iqr_s: float, what: str) -> Delay:
    """Combine the delays of single events.

    Parameters
    ----------
    delays_s : (n_events,) float64
        Of the events found.
    presented : int
        Number of events presented.
    widest_iqr_s : float
        Largest accepted interquartile range.
    what : str
        Name of the events in the plural, for messages.

    Raises
    ------
    MoodringError
        Too few events were found, or they disagree.
    """
    found = len(delays_s)
    if found < FEWEST_EVENTS or found < _FEWEST_SHARE * presented:
        raise MoodringError(
            f"{found} of {presented} {what} were found, at least "
            f"{max(FEWEST_EVENTS, round(_FEWEST_SHARE * presented))} are needed"
        )
    middle, iqr_s = float(np.median(delays_s)), _iqr(delays_s)
    if iqr_s > widest_iqr_s:
        raise MoodringError(
            f"the delays of {found} {what} scatter by {iqr_s * 1e3:.0f} ms (middle half), at most "
            f"{widest_iqr_s * 1e3:.0f} ms make one delay"
        )
    good = delays_s[np.abs(delays_s - middle) <= max(_OUTLIER * iqr_s, 1e-3)]
    draws = np.random.default_rng(0).choice(good, (_RESAMPLES, len(good))).mean(axis=1)
    low_s, high_s = np.percentile(draws, (2.5, 97.5))
    return Delay(float(good.mean()), float(low_s), float(high_s), _iqr(good), len(good))


def _iqr(values: NDArray[np.float64]) -> float:
    low, high = np.percentile(values, (25.0, 75.0))
    return float(high - low)
