"""A recorded session as a screen reads it: facts at once, samples, frames and sound by stretches of time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .arrays import FloatArray, Image, TimeArray
from .estimates import Estimate
from .recordings import Marker


class SampleWindows(Protocol):
    """Samples of a source by stretches of time; may be read from one thread at a time."""

    @property
    def rate_hz(self) -> float:
        """Nominal rate."""
        ...

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels."""
        ...

    def between(self, start_s: float, stop_s: float) -> tuple[TimeArray, FloatArray]:
        """Return stamps ``(n,)``, rising, and samples ``(n, n_channels)`` of a stretch of time.

        Raises
        ------
        MoodringError
            They cannot be read.
        """
        ...


class FilmWindows(Protocol):
    """Frames of a camera; may be read from one thread at a time."""

    @property
    def stamps_s(self) -> TimeArray:
        """When each frame was captured, rising."""
        ...

    def frame(self, index: int, exact: bool = True) -> Image:
        """Return a frame, ``(height, width, 3)`` BGR; where it need not be exact, one shortly before may come instead.

        Raises
        ------
        MoodringError
            It cannot be read.
        """
        ...


@dataclass(frozen=True)
class AffectCurve:
    """Valence and arousal over time, from -1 to 1.

    Attributes
    ----------
    name : str
        What it is, for a legend.
    stamps_s : (n,) float64
        Rising.
    values : (n, 2) float32
        NaN where there is none.
    """

    name: str
    stamps_s: TimeArray
    values: FloatArray


@dataclass(frozen=True)
class ContinuousRating:
    """What somebody rated along a recording, afterwards.

    Attributes
    ----------
    rater : str
    rated_at : str
        Date and time, ISO 8601, UTC.
    rate_hz : float
    stamps_s : (n,) float64
        On the clock of the session, rising; a stretch that was not rated has none.
    values : (n, 2) float32
        Valence and arousal, from -1 to 1.
    """

    rater: str
    rated_at: str
    rate_hz: float
    stamps_s: TimeArray
    values: FloatArray


@dataclass(frozen=True)
class Decoding:
    """Estimates of one session by one set of models.

    Attributes
    ----------
    name : str
    estimates : tuple of Estimate
        In order of time.
    """

    name: str
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True)
class OpenSession:
    """A session that is open for viewing.

    Attributes
    ----------
    path : Path
        What was opened.
    folder : Path or None
        The session folder, beside whose recording ratings and decodings are kept; None for another file.
    title, participant, recorded_at : str
    t0_s : float
        Zero of the session's time, on the clock of the stamps.
    start_s, stop_s : float
        First and last moment of anything recorded, on the clock of the stamps.
    eeg : SampleWindows or None
        In microvolts.
    film : FilmWindows or None
    sound : SampleWindows or None
        One channel, -1 to 1.
    markers : tuple of Marker
        Of the experiment and of the experimenter, in order of time.
    truth : AffectCurve or None
        What is known of the emotion: of a simulation, or as the person rated the stimuli.
    ratings : tuple of ContinuousRating
        Made before, oldest first.
    problems : tuple of str
        What is missing or damaged, a line each.
    decodings : callable
        Reads the estimates, as recorded first, then those of decoding again; takes longer than all else.
    """

    path: Path
    folder: Path | None
    title: str
    participant: str
    recorded_at: str
    t0_s: float
    start_s: float
    stop_s: float
    eeg: SampleWindows | None
    film: FilmWindows | None
    sound: SampleWindows | None
    markers: tuple[Marker, ...]
    truth: AffectCurve | None
    ratings: tuple[ContinuousRating, ...]
    problems: tuple[str, ...]
    decodings: Callable[[], tuple[Decoding, ...]]
