"""What a screen sees of the engine: one immutable snapshot, and where the rings lie."""

from dataclasses import dataclass
from typing import Literal

from ..models.contract import Estimate, Modality

HealthState = Literal["searching", "live", "stale", "rate_off", "gap", "clock_jump", "lost", "recovered"]


@dataclass(frozen=True)
class Transition:
    """A source's health changed at ``time_s``, counted from the command's start; ``why`` gives the figures."""

    time_s: float
    state: HealthState
    why: str


@dataclass(frozen=True)
class SourceStatus:
    """How one source does.

    Attributes
    ----------
    modality : "eeg", "face" or "speech"
    name : str
        Of the stream or device.
    configured : bool
    health : HealthState
    observed_rate_hz, nominal_rate_hz : float or None
    lost_samples : int
        Samples that the stamps say existed and that never came.
    age_s : float or None
        Age of the newest sample.
    level : float or None
        Speech: RMS of the last 100 ms in dB of full scale.
    good_channels : tuple of bool
        EEG: which channels are used.
    channel_names : tuple of str
    delay_s : float or None
        Declared device delay; None is undeclared.
    transitions : tuple of Transition
        The newest at the end.
    error : str or None
        The line that ended its thread.
    """

    modality: Modality
    name: str
    configured: bool
    health: HealthState
    observed_rate_hz: float | None
    nominal_rate_hz: float | None
    lost_samples: int
    age_s: float | None
    level: float | None
    good_channels: tuple[bool, ...]
    channel_names: tuple[str, ...]
    delay_s: float | None
    transitions: tuple[Transition, ...]
    error: str | None


@dataclass(frozen=True)
class Percentiles:
    """Median and 99th percentile in milliseconds over the session so far."""

    p50: float
    p99: float


@dataclass(frozen=True)
class RingPlace:
    """A ring in shared memory: the file to map (see :mod:`moodring.realtime.ring`)."""

    modality: Literal["eeg", "face", "speech", "estimates"]
    path: str


@dataclass(frozen=True)
class RecordingStatus:
    """How the recording stands.

    Attributes
    ----------
    on : bool
        Whether it goes on.
    folder : str
        Of the session.
    bytes : int
        In the folder so far.
    minutes_left : float or None
        Until the disk is full, at the present rate; None where that is not known.
    disk_low : bool
        Whether that is little.
    lost_frames, lost_chunks : int
        Pictures, and chunks of EEG and sound, that the disk or the encoder was too slow for.
    parts, recorder_restarts : int
        XDF files begun, and recorders that died and were replaced.
    lsl : bool
        Whether all LSL streams that are wanted and there are being written.
    news : str or None
        What went wrong lately, and was mended or goes on.
    error : str or None
        What is not being recorded any more, and why.
    """

    on: bool
    folder: str
    bytes: int
    minutes_left: float | None
    disk_low: bool
    lost_frames: int
    lost_chunks: int
    parts: int
    recorder_restarts: int
    lsl: bool
    news: str | None
    error: str | None


@dataclass(frozen=True)
class Snapshot:
    """The engine at one moment.

    Attributes
    ----------
    engine : str
        The session's name.
    elapsed_s : float
        Since the command's start.
    phase : "connecting", "resting", "decoding" or "ended"
    t0_s : float or None
        The session's start on the LSL clock.
    now_s : float
        The LSL clock when the snapshot was taken.
    device : str
        What the models run on.
    estimate : Estimate or None
        The newest.
    band_attention : tuple of 3 floats or None
        Of the last look with EEG.
    truth : tuple of 2 floats or None
        Valence and arousal of a simulated participant, where its truth stream is there.
    decisions, dropped_decisions, skipped_decisions : int
    glimpsed_fraction : float or None
    latency_ms : Percentiles or None
        Sample to estimate.
    sources : tuple of SourceStatus
        One for each of eeg, face, speech, in this order.
    rings : tuple of RingPlace
        Only of sources that have connected, and the estimates. The EEG ring holds filtered microvolts, the face ring
        the last frames (height, width, 3), the speech ring samples, the estimates ring
        ``[valence x 3, arousal x 3, speech x n_classes (NaN while silent)]`` per decision.
    speech_classes : tuple of str
    notices : tuple of str
        Permanent lines, such as "demonstration model, not valid for people".
    rest_left_s : float or None
        While resting: how much of the rest is left.
    recording : RecordingStatus or None
        None where nothing is recorded.
    information_age_ms : tuple of (modality, Percentiles)
        Of each modality that was used.
    eeg_filter_delay_ms : float or None
        How much the causal filters delay the EEG (group delay at 10 Hz); part of its information age.
    """

    engine: str
    elapsed_s: float
    phase: Literal["connecting", "resting", "decoding", "ended"]
    t0_s: float | None
    now_s: float
    device: str
    estimate: Estimate | None
    band_attention: tuple[float, float, float] | None
    truth: tuple[float, float] | None
    decisions: int
    dropped_decisions: int
    skipped_decisions: int
    glimpsed_fraction: float | None
    latency_ms: Percentiles | None
    sources: tuple[SourceStatus, ...]
    rings: tuple[RingPlace, ...]
    speech_classes: tuple[str, ...]
    notices: tuple[str, ...]
    rest_left_s: float | None = None
    recording: RecordingStatus | None = None
    information_age_ms: tuple[tuple[Modality, Percentiles], ...] = ()
    eeg_filter_delay_ms: float | None = None
