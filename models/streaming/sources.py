"""What every source of samples is: it opens, it is polled, it closes; one thread alone touches it."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ..contract import TimeArray


@dataclass(frozen=True)
class SourceInfo:
    """What a source says of itself once it is open.

    Attributes
    ----------
    modality : "eeg", "face" or "speech"
    name : str
    rate_hz : float or None
        Nominal; None where the device does not say.
    shape : tuple of int
        Of one sample.
    dtype : str
        As NumPy names it.
    channel_names : tuple of str
    delay_s : float or None
        Declared device delay, taken off the stamps already; None is undeclared.
    origin : str or None
        ``"simulated"`` or a corpus, where the stream's description says so.
    participant : str or None
    first_sample_after_t0_s, rest_s : float or None
        Of a replayed session.
    jitter_s : float
        How far single stamps may be off without anything missing; 0 where the stamps themselves tell.
    timeline : str or None
        ``source_id`` of the stream that announces a replayed session's t0.
    """

    modality: str
    name: str
    rate_hz: float | None
    shape: tuple[int, ...]
    dtype: str
    channel_names: tuple[str, ...] = ()
    delay_s: float | None = None
    origin: str | None = None
    participant: str | None = None
    first_sample_after_t0_s: float | None = None
    rest_s: float | None = None
    jitter_s: float = 0.0
    timeline: str | None = None


@dataclass(frozen=True)
class Chunk:
    """Samples that came together.

    Attributes
    ----------
    samples : (n, *shape)
        EEG in microvolts; frames BGR ``uint8``; audio in -1..1. Valid until the next poll.
    stamps_s : (n,) float64
        Capture times as they came.
    received_s : float
        When they reached this process.
    gap : bool
        The source knows that samples are missing before these.
    skipped : int
        Samples thrown away before these, for the reader had fallen behind.
    backlog : int or None
        Samples that still wait; None where the source cannot tell.
    overflows : int
        How often the device itself says that it lost samples in these, for nobody took them in time.
    """

    samples: NDArray[Any]
    stamps_s: TimeArray
    received_s: float
    gap: bool = False
    skipped: int = 0
    backlog: int | None = None
    overflows: int = 0


class SourceUnfitError(MoodringError):
    """What the source gives now cannot be used; it is asked on, for that may change."""


class Source(Protocol):
    """A device or a stream."""

    def open(self) -> SourceInfo | None:
        """Open it; None where it is not there yet and should be asked again.

        Raises
        ------
        MoodringError
            It is there and cannot be used.
        """
        ...

    def poll(self) -> Chunk | None:
        """Give what has come, after a short wait at most; None where nothing has.

        Raises
        ------
        SourceUnfitError
            It came back as something else; the next poll looks again.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
