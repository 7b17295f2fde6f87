"""What is said of the emotion at one data time, and from what."""

from dataclasses import dataclass, field

from .arrays import FloatArray, MicrophoneFault, Modality
from .windows import FaceBox


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
    """One estimate of the levels from face, EEG and voice; see :mod:`moodring.models.fusion.opinion_pool`.

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
    ``ring_samples`` counts the samples that each source had delivered into its ring when the decision began: with
    them, and the chunks as they arrived, a recorded session is decoded again exactly.
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
    ring_samples: dict[str, int] = field(default_factory=dict)
