"""Health of sources and of the recording."""

from dataclasses import dataclass
from typing import Literal

HealthState = Literal["searching", "live", "stale", "rate_off", "gap", "clock_jump", "lost", "recovered"]


@dataclass(frozen=True)
class Figures:
    """Figures of a source's stream, which decide its health.

    Attributes
    ----------
    first_s, newest_s, received_s : float or None
        Stamps of the first and the newest sample, and when the newest arrived; None before the first.
    nominal_rate_hz, observed_rate_hz : float or None
        Of the stamps; observed over the last two seconds without a longer gap.
    silence_s : float or None
        Since something last came; None before anything did.
    age_s : float or None
        Age of the newest sample.
    gap_s, gap_at_s : float or None
        Length of the newest gap (the longest within half a second), and when it was found on the LSL clock.
    jump_s, jump_at_s : float or None
        Newest jump of the stamps, ahead or back, and when it was found.
    jitter_s : float or None
        Largest recent distance of a stamp from its place; of frames, the spread of their intervals.
    drift_ppm : float or None
        By how much the device's clock runs fast, in millionths.
    backlog_samples : int or None
        That still waited at the last read; None where the device cannot tell.
    lost_samples, skipped_samples : int
        That the stamps say existed and that never came; that were dropped because the reader had fallen behind, or
        that had no stamp.
    overflows : int
        Number of input overflows that the device reported (PortAudio).
    clock_offset_s : float
        By how much stamps are moved since the source's clock has jumped.
    good_channels, channels : int or None
        EEG: how many channels are used, of how many.
    delay_s : float or None
        Declared delay of the device, which the age contains; None is undeclared.
    """

    nominal_rate_hz: float | None = None
    observed_rate_hz: float | None = None
    silence_s: float | None = None
    age_s: float | None = None
    gap_s: float | None = None
    gap_at_s: float | None = None
    jump_s: float | None = None
    jump_at_s: float | None = None
    jitter_s: float | None = None
    drift_ppm: float | None = None
    backlog_samples: int | None = None
    lost_samples: int = 0
    skipped_samples: int = 0
    overflows: int = 0
    clock_offset_s: float = 0.0
    good_channels: int | None = None
    channels: int | None = None
    delay_s: float | None = None
    first_s: float | None = None
    newest_s: float | None = None
    received_s: float | None = None


@dataclass(frozen=True)
class Transition:
    """A source's health, and since when it stands.

    Attributes
    ----------
    time_s : float
        When it changed to this state, counted from the command's start.
    state : HealthState
    why : str
        In words, with the figure that decided.
    figures : Figures or None
        All of them, at that moment.
    error : str or None
        Why the source could not be used then, where that is known.
    """

    time_s: float
    state: HealthState
    why: str
    figures: Figures | None = None
    error: str | None = None


@dataclass(frozen=True)
class MicrophoneCheck:
    """Findings in the newest second of a microphone.

    Attributes
    ----------
    level_db : float
        RMS in dB of full scale, -120 at least.
    clipped_fraction : float
        Fraction of clipped samples (0..1).
    clipped, silent : bool
        Whether that fraction is too high, and whether the second is quieter than any room.
    stuck_s : float
        Duration of one and the same value, such as digital zero, up to now; 3 at most.
    stuck : bool
        Whether that is too long for a working microphone.
    """

    level_db: float
    clipped_fraction: float
    clipped: bool
    silent: bool
    stuck_s: float
    stuck: bool


@dataclass(frozen=True)
class SourceStatus:
    """Status of one source.

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
        Why it cannot be used now, in one line.
    why : str
        What decided the state, with the figure as it is now.
    figures : Figures
    sound : MicrophoneCheck or None
        Speech: what the newest seconds show of clipping, silence and a dead device.
    """

    modality: str
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
    why: str = ""
    figures: Figures = Figures()
    sound: MicrophoneCheck | None = None


@dataclass(frozen=True)
class RecordingStatus:
    """Status of the recording.

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
        Pictures, and chunks of EEG and sound, that the disk, the encoder or the recorder was too slow for.
    parts, recorder_restarts : int
        XDF files begun, and recorders that died and were replaced.
    lsl : bool
        Whether a recorder is at work and writes all LSL streams that are wanted and there.
    news : str or None
        What went wrong lately, and was mended or goes on.
    error : str or None
        What is not being recorded any more, and why.
    missing : tuple of str
        Sources and marker streams of the config that are not there, so not recorded; at the end, those that never came.
    paused : bool
        Whether it waits to go on; nothing is written meanwhile but marks and notes.
    earlier : tuple of str
        Folders of what the same session recorded and finished before.
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
    missing: tuple[str, ...] = ()
    paused: bool = False
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class Percentiles:
    """Median and 99th percentile in milliseconds over the session so far."""

    p50: float
    p99: float
