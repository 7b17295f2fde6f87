"""Snapshots of the engine for screens: immutable, with the places of the rings."""

from dataclasses import dataclass
from typing import Literal

from ...models.contract import Estimate, Head, Look, Percentiles, RecordingStatus, SourceStatus


@dataclass(frozen=True)
class RingPlace:
    """File of a ring in shared memory, of a modality or ``"estimates"``; see :mod:`moodring.models.io.ring`."""

    modality: str
    path: str


@dataclass(frozen=True)
class Mark:
    """A mark on the session's time.

    Attributes
    ----------
    time_s : float
        On the LSL clock.
    kind : "mark", "note" or "marker"
        The experimenter's marks and notes; what came on a marker stream.
    text : str
    """

    time_s: float
    kind: Literal["mark", "note", "marker"]
    text: str


@dataclass(frozen=True)
class Snapshot:
    """State of the engine at one moment.

    Attributes
    ----------
    engine : str
        The session's name.
    elapsed_s : float
        Since the command's start.
    phase : "connecting", "resting", "decoding", "ending" or "ended"
        "ending" while sources are let go and the recording is finished.
    t0_s : float or None
        The session's start on the LSL clock.
    now_s : float
        The LSL clock when the snapshot was taken.
    device : str
        What the models run on.
    estimate : Estimate or None
        The newest.
    band_attention : tuple of 3 floats or None
        Of the newest half second of EEG; None without EEG.
    truth : tuple of 2 floats or None
        Valence and arousal of a simulated participant, where its truth stream is there.
    decisions, dropped_decisions, skipped_decisions : int
    glimpsed_fraction : float or None
    latency_ms : Percentiles or None
        Sample to estimate.
    sources : tuple of SourceStatus
        One for each of eeg, face, speech, in this order, and then of the further signals.
    rings : tuple of RingPlace
        Only of sources that have connected, and the estimates. The EEG ring holds filtered microvolts, the face ring
        the newest frames (height, width, 3), the speech ring samples, the estimates ring one row per decision with
        the columns that its layout names.
    heads : tuple of Head
        Of the session.
    notices : tuple of str
        Permanent lines, such as "demonstration model, not valid for people".
    rest_left_s : float or None
        While resting: how much of the rest is left.
    recording : RecordingStatus or None
        None where nothing is recorded.
    information_age_ms : tuple of (modality, Percentiles)
        Of each modality that was used.
    look : Look or None
        The newest of the video-EEG model: which face it followed, or why none.
    eeg_filter_delay_ms : float or None
        How much the causal filters delay the EEG (group delay at 10 Hz); part of its information age.
    marks : tuple of Mark
        The newest, oldest first.
    participant : str
        Whom a recording is filed under.
    """

    engine: str
    elapsed_s: float
    phase: Literal["connecting", "resting", "decoding", "ending", "ended"]
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
    heads: tuple[Head, ...]
    notices: tuple[str, ...]
    rest_left_s: float | None = None
    recording: RecordingStatus | None = None
    information_age_ms: tuple[tuple[str, Percentiles], ...] = ()
    eeg_filter_delay_ms: float | None = None
    look: Look | None = None
    marks: tuple[Mark, ...] = ()
    participant: str = ""

    def classes(self, head: str) -> tuple[str, ...]:
        """Return the classes of a head; none where the session has no such head."""
        return next((one.classes for one in self.heads if one.name == head), ())
