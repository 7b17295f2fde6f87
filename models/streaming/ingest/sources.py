"""Protocol of a source of samples: opened, polled and closed by one thread."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ...contract import TimeArray


@dataclass(frozen=True)
class SourceInfo:
    """Description of a source, known once it is open.

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
    unit, sample_format : str
        Of the samples as the device sends them, before they are converted; empty where it does not say.
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
    unit: str = ""
    sample_format: str = ""


@dataclass(frozen=True)
class Chunk:
    """Samples that arrived together.

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
        Samples dropped before these because the reader had fallen behind.
    backlog : int or None
        Samples that still wait; None where the source cannot tell.
    overflows : int
        Number of input overflows that the device reported in these samples.
    """

    samples: NDArray[Any]
    stamps_s: TimeArray
    received_s: float
    gap: bool = False
    skipped: int = 0
    backlog: int | None = None
    overflows: int = 0


_KINDS = {"eeg": "EEG stream", "face": "video source", "speech": "audio source"}


class SourceUnfitError(MoodringError):
    """The source cannot be used as it is now; it is opened again, because that may change."""


class SourceGoneError(MoodringError):
    """The source has ended, or another sender has taken its place: it must be opened again."""


class Source(Protocol):
    """A device or a stream."""

    def open(self) -> SourceInfo | None:
        """Open the source, the first time or again; None where it is not there yet.

        Raises
        ------
        MoodringError
            It is there and cannot be used.
        """
        ...

    def poll(self) -> Chunk | None:
        """Return the newest chunk after a short wait at most; None where no samples came.

        Raises
        ------
        SourceGoneError
            It must be opened again.
        """
        ...

    def close(self) -> None:
        """Release the device or stream; :meth:`open` may follow."""
        ...


def check_unchanged(first: SourceInfo, now: SourceInfo) -> None:
    """Raise MoodringError where a source that came back differs from the one before.

    A camera's rate is not compared: drivers announce one that they do not keep.

    Parameters
    ----------
    first, now : SourceInfo
        As it was opened at first, and as it was opened again.

    Raises
    ------
    SourceUnfitError
        With what it was and what it is now.
    """
    is_video = first.modality == "face"
    kind = _KINDS.get(first.modality, f"{first.modality} stream")
    facts = (
        ("frame size" if is_video else "number of channels", _shape_text(first), _shape_text(now)),
        ("nominal rate in Hz", *((None, None) if is_video else (first.rate_hz, now.rate_hz))),
        ("sample format", first.sample_format or first.dtype, now.sample_format or now.dtype),
        ("unit", first.unit, now.unit),
        ("list of channel names", ", ".join(first.channel_names), ", ".join(now.channel_names)),
    )
    for name, before, after in facts:
        if before != after:
            raise SourceUnfitError(
                f"{kind} '{now.name}' came back with another {name}: {before} expected, {after} "
                "came; set the device as it was, or start another session"
            )


def _shape_text(info: SourceInfo) -> str:
    return f"{info.shape[1]}x{info.shape[0]}" if info.modality == "face" else str(info.shape[0])
