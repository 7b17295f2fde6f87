"""What crosses the borders between rooms: recordings and windows in, estimates out.

Time leads in every array, ``(n_times, n_channels)``. Times are seconds on the LSL clock
(:func:`pylsl.local_clock`) unless a name says otherwise; EEG is in microvolts; audio is float32 in -1..1;
images are BGR ``uint8``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
TimeArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Image = NDArray[np.uint8]

Modality = Literal["eeg", "face", "speech"]
MODALITIES: tuple[Modality, ...] = ("eeg", "face", "speech")
MicrophoneFault = Literal["clipping", "silent", "stuck"]
LEVELS: tuple[str, str, str] = ("low", "medium", "high")
BANDS: tuple[str, str, str] = ("theta", "alpha", "beta")
AUDIO_RATE_HZ = 16_000
SIMULATED = "simulated"


# ---------------------------------------------------------------------------------------------- recordings


class Frames(Protocol):
    """Frames of one camera by index, cheapest in rising order; each ``(height, width, 3)`` BGR ``uint8``."""

    def __len__(self) -> int:
        """Count the frames."""
        ...

    def __getitem__(self, index: int, /) -> Image:
        """Give one frame."""
        ...


@dataclass(frozen=True)
class Signal:
    """One regularly sampled signal of a recording.

    Attributes
    ----------
    samples : (n_times, n_channels) float32
        EEG in microvolts, audio in -1..1.
    stamps_s : (n_times,) float64
        Capture times, rising.
    rate_hz : float
        Nominal rate.
    channel_names : tuple of str
    name : str
        Of the device or stream, for messages.
    jitter_s : float
        How far single stamps may be off without anything missing; 0 where the stamps themselves tell.
    """

    samples: FloatArray
    stamps_s: TimeArray
    rate_hz: float
    channel_names: tuple[str, ...]
    name: str
    jitter_s: float = 0.0


@dataclass(frozen=True)
class Video:
    """One camera of a recording: ``frames[i]`` was captured at ``stamps_s[i]``."""

    frames: Frames
    stamps_s: TimeArray
    rate_hz: float
    height: int
    width: int
    name: str


@dataclass(frozen=True)
class Truth:
    """What is known of the emotion over time.

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
    """A named moment."""

    stamp_s: float
    text: str


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


# ------------------------------------------------------------------------------------------------- windows


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
    """One camera frame, ``(height, width, 3)`` BGR ``uint8``, and when it was captured."""

    image: Image
    stamp_s: float


@dataclass(frozen=True)
class FaceBox:
    """Where a face was found, in pixels of the frame, and how sure the detector was (0..1)."""

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


# ---------------------------------------------------------------------------------------------------- spec


@dataclass(frozen=True)
class EegNeeds:
    """What a model asks of the EEG: slowest rate, fewest channels on the scalp, reference, window and image side."""

    min_rate_hz: float
    min_scalp_channels: int
    reference: str
    window_s: float
    image_size: int


@dataclass(frozen=True)
class ModelSpec:
    """What a bundle needs, what it means and where it holds; stored as JSON beside the weights.

    Attributes
    ----------
    kind : "video_eeg" or "speech"
    classes : tuple of str
        Class names of each head, in order of the outputs: levels, or emotion categories.
    target : str
        The construct: felt, expressed or acted.
    label_source : str
        Where the labels came from, with their span and aggregation.
    domain : tuple of str
        ``("simulated",)`` or corpus names.
    protocol : str
        How it was trained and which groups were kept apart.
    data_hashes : tuple of str
    seed : int
    eeg : EegNeeds or None
    frame_rate_hz : float
        The grid on which looks happen (video-EEG); 0 for speech.
    max_wait_frames : int
        Longest wait between looks, in grid frames.
    face_size : int
        Side of the grey face crop in pixels.
    temperatures : mapping of head to float
        Calibration fitted on held-out people.
    conformal : mapping of head to float
        Threshold: the set holds every class whose probability is at least this.
    network : mapping of str to number or str
        The architecture's own sizes.
    """

    kind: Literal["video_eeg", "speech"]
    classes: tuple[str, ...]
    target: str
    label_source: str
    domain: tuple[str, ...]
    protocol: str
    data_hashes: tuple[str, ...]
    seed: int
    eeg: EegNeeds | None
    frame_rate_hz: float
    max_wait_frames: int
    face_size: int
    temperatures: Mapping[str, float]
    conformal: Mapping[str, float]
    network: Mapping[str, float | int | str]


# ----------------------------------------------------------------------------------------------- estimates


@dataclass(frozen=True)
class Look:
    """One glimpse of the video-EEG model.

    Attributes
    ----------
    time_s : float
        On the 8 Hz grid.
    frame_stamp_s : float or None
        The camera frame embedded; None where no face frame was there.
    face : FaceBox or None
        None where no face was found.
    eeg : bool
        Whether a valid EEG window was embedded.
    band_attention : (3,) float32 or None
        Weights of theta, alpha and beta, sum 1; None without EEG.
    wait_frames : int
        How many grid frames the policy waits until the next look.
    """

    time_s: float
    frame_stamp_s: float | None
    face: FaceBox | None
    eeg: bool
    band_attention: FloatArray | None
    wait_frames: int


@dataclass(frozen=True)
class Readout:
    """Class probabilities read from the video-EEG model's state: each ``(3,)`` float32 over low, medium, high.

    The sets are indices of the classes that the conformal threshold keeps; never empty.
    """

    valence: FloatArray
    arousal: FloatArray
    valence_set: tuple[int, ...]
    arousal_set: tuple[int, ...]


@dataclass(frozen=True)
class SpeechEstimate:
    """The emotion category expressed in the voice so far in an utterance.

    ``final`` marks the last estimate of the utterance.
    """

    start_s: float
    end_s: float
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    final: bool


@dataclass(frozen=True)
class Hearing:
    """What is known of the microphone at one decision.

    Attributes
    ----------
    speaking : bool
        Somebody speaks who is taken for the participant.
    withheld : str or None
        Why nothing is said of the voice, where it is because what the microphone hears may not be the participant.
    fault : "clipping", "silent", "stuck" or None
        What is wrong with the microphone.
    trouble : str or None
        The same in a few words, with the figure.
    clipped_fraction : float or None
        Of the samples of the newest second, those at the end of the scale; None before the first second.
    level_db : float or None
        RMS of the newest second in dB of full scale.
    """

    speaking: bool
    withheld: str | None
    fault: MicrophoneFault | None
    trouble: str | None
    clipped_fraction: float | None
    level_db: float | None


@dataclass(frozen=True)
class Pooled:
    """One estimate of the levels from face, EEG and voice; see :mod:`moodring.models.pooling`.

    Attributes
    ----------
    valence, arousal : (3,) float32
        Over low, medium, high.
    valence_set, arousal_set : tuple of int
        Classes that the conformal threshold keeps; never empty.
    voice_share_valence, voice_share_arousal : float
        Whose weight it was: the voice's share, 0..1; the rest is that of face and EEG.
    voice_age_s : float or None
        How long before the decision the speech ended that counts in it; None before the first.
    """

    valence: FloatArray
    arousal: FloatArray
    valence_set: tuple[int, ...]
    arousal_set: tuple[int, ...]
    voice_share_valence: float
    voice_share_arousal: float
    voice_age_s: float | None


@dataclass(frozen=True)
class Ages:
    """Information age of each modality in seconds at publication; None where it was not used."""

    eeg: float | None
    face: float | None
    speech: float | None


@dataclass(frozen=True)
class Ledger:
    """When a decision passed each stage, on the LSL clock.

    Attributes
    ----------
    received_s : float
        The newest sample it used had reached this process.
    ring_s : float
        Windows were cut from the rings.
    features_s : float
        Features were computed.
    inference_s : float
        The networks had answered.
    published_s : float
        Snapshot, outlet and journal had it.
    """

    received_s: float
    ring_s: float
    features_s: float
    inference_s: float
    published_s: float


@dataclass(frozen=True)
class SampleRange:
    """Samples ``first`` up to but not including ``stop``, counted from the start of the stream."""

    first: int
    stop: int


@dataclass(frozen=True)
class Estimate:
    """What is said of the emotion at one data time.

    ``readout`` is None until the model has looked once; ``speech`` is None while nobody speaks.
    ``abstained`` gives the reason where the sets hold every class. ``degraded`` says why the readout deserves less
    trust than usual: while the participant speaks, the mouth's movements look like expressions, and the muscles of
    jaw and tongue are in the EEG. ``hearing`` is None without a microphone. Felt (readout) and expressed (speech)
    emotion stay apart; ``pooled`` stands beside both where the config asks for it, and never replaces them.
    """

    time_s: float
    session_time_s: float
    readout: Readout | None
    speech: SpeechEstimate | None
    used: tuple[Modality, ...]
    ages: Ages
    looks: tuple[Look, ...]
    abstained: str | None
    calibrated: bool
    eeg_range: SampleRange | None
    face_range: SampleRange | None
    speech_range: SampleRange | None
    ledger: Ledger
    bundles: tuple[str, ...]
    notices: tuple[str, ...]
    hearing: Hearing | None = None
    degraded: str | None = None
    pooled: Pooled | None = None
