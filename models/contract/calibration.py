"""What a bundle says of the person that it was adapted to."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Figure = Annotated[float, Field(ge=-1e9, le=1e9)]


@dataclass(frozen=True)
class Calibration:
    """The person and the session that a bundle was adapted to, and what that was worth; it is for this person alone.

    Attributes
    ----------
    participant, session, date : str
        The date as ``YYYY-MM-DD``.
    base, base_sha256 : str
        File name and hash of the bundle that was adapted.
    stretches : int
        Labelled stimuli or blocks that it was fitted to.
    counted : int
        Those that were predicted from the ones before them.
    gain, low, high : float
        Mean over these of what the log loss of a decision fell by, with its 90 % interval.
    """

    participant: _Name
    session: _Name
    date: _Name
    base: _Name
    base_sha256: _Name
    stretches: Annotated[int, Field(ge=1, le=10**6)]
    counted: Annotated[int, Field(ge=1, le=10**6)]
    gain: _Figure
    low: _Figure
    high: _Figure
