"""A rating that is being made along a recording; without Qt."""

from datetime import UTC, datetime

import numpy as np

from .....models.contract import FloatArray, TimeArray
from .....models.contract.viewing import ContinuousRating

RATE_HZ = 10.0
KEY_STEP = 0.1
"""How far a key moves the value."""


class RatingInProgress:
    """Values on an even grid of the session's time, filled while the recording plays.

    What is played again is rated again; what was skipped stays without a value.

    Parameters
    ----------
    start_s, stop_s : float
        Of the recording, on its session's time.

    Attributes
    ----------
    value : (float, float)
        Valence and arousal as the rater has them now.
    """

    def __init__(self, start_s: float, stop_s: float) -> None:
        count = max(int((stop_s - start_s) * RATE_HZ) + 1, 1)
        self.times_s: TimeArray = start_s + np.arange(count) / RATE_HZ
        self.values: FloatArray = np.full((count, 2), np.nan, np.float32)
        self.value = (0.0, 0.0)
        self._last: tuple[float, tuple[float, float]] | None = None

    @property
    def rated_s(self) -> float:
        """How much has been rated, in seconds."""
        return float(np.isfinite(self.values[:, 0]).sum()) / RATE_HZ

    def set_value(self, valence: float, arousal: float) -> None:
        """Set the value, within -1 to 1."""
        self.value = (min(max(valence, -1.0), 1.0), min(max(arousal, -1.0), 1.0))

    def nudge(self, valence: float, arousal: float) -> None:
        """Move the value."""
        self.set_value(round(self.value[0] + valence, 3), round(self.value[1] + arousal, 3))

    def played(self, place_s: float) -> None:
        """Fill what was played since the last call; between two values it goes straight from one to the other."""
        last, self._last = self._last, (place_s, self.value)
        if last is None or place_s <= last[0]:
            return
        new = slice(*np.searchsorted(self.times_s, (last[0], place_s)))
        share = ((self.times_s[new] - last[0]) / (place_s - last[0]))[:, np.newaxis]
        before, now = np.array(last[1]), np.array(self.value)
        self.values[new] = before + share * (now - before)

    def stopped(self) -> None:
        """Note that it does not play: what is skipped until it plays again is not rated."""
        self._last = None

    def finished(self, rater: str, t0_s: float) -> ContinuousRating:
        """Return the rating on the clock of the session.

        Parameters
        ----------
        rater : str
        t0_s : float
            Zero of the session's time on that clock.
        """
        rated = np.isfinite(self.values).all(axis=1)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return ContinuousRating(rater, at, RATE_HZ, self.times_s[rated] + t0_s, self.values[rated])
