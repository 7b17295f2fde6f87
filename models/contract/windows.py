"""Windows of samples, the inputs of decoders."""

from dataclasses import dataclass

from .arrays import BoolArray, FloatArray, Image


@dataclass(frozen=True)
class EegWindow:
    """The filtered EEG that ends at one moment.

    Attributes
    ----------
    samples_uv : (n_times, n_channels) float32
        Referenced and causally filtered.
    rate_hz : float
    channel_names : tuple of str
    good : (n_channels,) bool
        Channels worth using.
    end_s : float
        The moment the window ends at; all samples are stamped at or before it.
    """

    samples_uv: FloatArray
    rate_hz: float
    channel_names: tuple[str, ...]
    good: BoolArray
    end_s: float


@dataclass(frozen=True)
class FaceFrame:
    """One camera frame, ``(height, width, 3)`` BGR ``uint8``, with its capture time."""

    image: Image
    stamp_s: float


@dataclass(frozen=True)
class FaceBox:
    """Position of a face in pixels of the frame, and the detector's score (0..1)."""

    x: float
    y: float
    width: float
    height: float
    score: float


@dataclass(frozen=True)
class SpeechSegment:
    """One second of speech.

    Attributes
    ----------
    samples : (16000,) float32
        RMS-normalised causally within the utterance, zero-padded at the end of the last segment.
    start_s, end_s : float
    first, final : bool
        Whether it opens or closes its utterance.
    n_samples : int
        How many samples are the utterance's own; 0 where the segment only closes it.
    rms : float
        What the samples were divided by.
    """

    samples: FloatArray
    start_s: float
    end_s: float
    first: bool
    final: bool
    n_samples: int
    rms: float = 1.0
