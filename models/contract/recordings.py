"""Recordings: everything recorded of one person in one session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .arrays import BoolArray, FloatArray, Image, TimeArray


class Frames(Protocol):
    """Frames of one camera by index, cheapest in rising order; each ``(height, width, 3)`` BGR ``uint8``."""

    def __len__(self) -> int:
        """Return the number of frames."""
        ...

    def __getitem__(self, index: int, /) -> Image:
        """Return one frame."""
        ...


@dataclass(frozen=True)
class Arrivals:
    """Arrivals of the samples of one source at the engine: one row per chunk, in the order of arrival.

    With it, the samples and stamps of a :class:`Signal` or :class:`Video` are exactly what the source delivered: stamps
    are neither smoothed nor corrected for clock jumps, and may fall.

    Attributes
    ----------
    stop : (n_chunks,) int64
        Number of samples up to and including the chunk, counted from the start of the signal.
    received_s : (n_chunks,) float64
        When the chunk reached the engine, on the LSL clock.
    gap : (n_chunks,) bool
        The source knew of samples missing before the chunk.
    skipped : (n_chunks,) int64
        Samples the source dropped before the chunk because the reader had fallen behind.
    rate_hz : float or None
        Nominal rate that the source declared; None where it did not.
    delay_s : float or None
        Declared device delay, taken off the stamps already; None is undeclared.
    """

    stop: NDArray[np.int64]
    received_s: TimeArray
    gap: BoolArray
    skipped: NDArray[np.int64]
    rate_hz: float | None = None
    delay_s: float | None = None


@dataclass(frozen=True)
class StreamChannels:
    """All channels of a stream or file as it describes them, before any setting is applied.

    Attributes
    ----------
    labels, types, units : tuple of str
        One each per channel; ``""`` where it does not say.
    """

    labels: tuple[str, ...]
    types: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True)
class EegSettings:
    """Settings of ``[eeg]`` that were applied to the channels of a session when it was recorded."""

    names: tuple[str, ...] | None = None
    rename: tuple[tuple[str, str], ...] = ()
    units: str | None = None


@dataclass(frozen=True)
class Signal:
    """One regularly sampled signal of a recording.

    Attributes
    ----------
    samples : (n_times, n_channels) float32
        EEG in microvolts (as they came, where the unit in ``source`` is not known), audio in -1..1.
    stamps_s : (n_times,) float64
        Capture times; rising, except where there are ``arrivals``: then as the source gave them.
    rate_hz : float
        Nominal rate.
    channel_names : tuple of str
    name : str
        Of the device or stream, for messages.
    jitter_s : float
        How far single stamps may be off without anything missing; 0 where the stamps themselves tell.
    arrivals : Arrivals or None
        How the samples reached the engine, where a live session recorded it.
    source : StreamChannels or None
        EEG of a foreign stream or file: how it describes its channels, of which those that are EEG are here.
    """

    samples: FloatArray
    stamps_s: TimeArray
    rate_hz: float
    channel_names: tuple[str, ...]
    name: str
    jitter_s: float = 0.0
    arrivals: Arrivals | None = None
    source: StreamChannels | None = None


@dataclass(frozen=True)
class Video:
    """One camera of a recording: ``frames[i]`` was captured at ``stamps_s[i]``."""

    frames: Frames
    stamps_s: TimeArray
    rate_hz: float
    height: int
    width: int
    name: str
    arrivals: Arrivals | None = None


@dataclass(frozen=True)
class Truth:
    """Ground truth of the emotion over time.

    Attributes
    ----------
    stamps_s : (n_times,) float64
    latents : (n_times, 2) float32
        Valence and arousal in -1..1.
    levels : (n_times, 2) int64
        Classes of valence and arousal: 0 low, 1 medium, 2 high; -1 where there is none (rest).
    stimulus : (n_times,) int64
        Which stimulus was shown; -1 where none was.
    """

    stamps_s: TimeArray
    latents: FloatArray
    levels: NDArray[np.int64]
    stimulus: NDArray[np.int64]


@dataclass(frozen=True)
class Marker:
    """A named time."""

    stamp_s: float
    text: str


STANDARD_MODALITIES = ("eeg", "face", "speech")
"""Those that every session, summary and screen lists, absent ones too."""


@dataclass(frozen=True)
class Recording:
    """Everything recorded of one person in one session, or a part of it.

    Attributes
    ----------
    name, participant : str
    origin : str
        ``"simulated"`` or the corpus or lab it came from; bundles of another domain decode it under a notice.
    t0_s : float
        The session's start on the clock of the stamps; decisions happen at ``t0_s + k / 2``.
    rest_s : float
        The person rests for this long from ``t0_s``; 0 where no rest was recorded.
    loudspeaker : Signal or None
        What a loudspeaker in the room played, where that was recorded: speech is withheld meanwhile.
    signals : mapping of modality to Signal
        Any further regularly sampled modalities.
    eeg_settings : EegSettings or None
        Of a session that was recorded live: what its config has changed of the EEG's channels.
    """

    name: str
    participant: str
    origin: str
    t0_s: float
    rest_s: float
    eeg: Signal | None
    face: Video | None
    speech: Signal | None
    truth: Truth | None
    markers: tuple[Marker, ...] = ()
    loudspeaker: Signal | None = None
    signals: Mapping[str, Signal] = field(default_factory=dict)
    eeg_settings: EegSettings | None = None

    @property
    def sources(self) -> dict[str, Signal | Video]:
        """What it holds to decode from, by modality; without the loudspeaker."""
        own: dict[str, Signal | Video | None] = {"eeg": self.eeg, "face": self.face, "speech": self.speech}
        return {key: one for key, one in {**own, **self.signals}.items() if one is not None and len(one.stamps_s)}
