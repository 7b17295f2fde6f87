"""The schema of a live session's config."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from .load import Section
from .web import WebSection

SHORTEST_REST_S = 10.0
RESERVED_MODALITIES = ("eeg", "face", "speech", "loudspeaker", "estimates", "recording")
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveSeconds = Annotated[float, Field(ge=0.0, le=10.0)]


class StreamQuery(Section):
    """Query for an LSL stream: the values given must match exactly one stream on the network."""

    name: str | None = None
    type: str | None = None
    source_id: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> "StreamQuery":
        if not (self.name or self.type or self.source_id):
            raise ValueError("a stream needs at least one of name, type, source_id")
        return self

    def __str__(self) -> str:
        """Return the query as in the config."""
        return " ".join(f"{key}={value!r}" for key, value in self.model_dump().items() if value)


class EegSection(Section):
    """The EEG amplifier.

    ``names`` replaces the stream's channel names, in its own order; ``rename`` maps single ones to 10-20 names;
    ``units`` overrides the stream's own. ``least_matched`` is the share of the channels that may be electrodes which
    must have 10-20 names.
    """

    stream: StreamQuery
    reference: Literal["average"] | list[str] = "average"
    line_hz: Literal[50, 60] | None = 50
    units: Literal["nanovolts", "microvolts", "millivolts", "volts"] | None = None
    names: list[str] | None = None
    rename: dict[str, str] = {}
    least_matched: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    delay_s: PositiveSeconds | None = None


class FaceSection(Section):
    """The camera: an LSL video stream, or whatever OpenCV opens (an index, a file, a URL).

    ``region`` is the part of the picture that holds the centre of the participant's face: x and y of its corner on the
    upper left, width and height, in fractions of the picture's sides. Faces elsewhere count for nothing.
    """

    stream: StreamQuery | None = None
    camera: int | str | None = None
    region: tuple[Fraction, Fraction, Fraction, Fraction] | None = None
    delay_s: PositiveSeconds | None = None

    @field_validator("region")
    @classmethod
    def _lies_in_the_picture(
        cls, value: tuple[float, float, float, float] | None
    ) -> tuple[float, float, float, float] | None:
        if value is not None:
            x, y, width, height = value
            if not (width > 0.0 and height > 0.0 and x + width <= 1.0 + 1e-6 and y + height <= 1.0 + 1e-6):
                raise ValueError(
                    "a region is [x, y, width, height] in fractions of the picture: width and height above 0, x + "
                    "width and y + height at most 1"
                )
        return value

    @model_validator(mode="after")
    def _one_source(self) -> "FaceSection":
        if (self.stream is None) == (self.camera is None):
            raise ValueError("give exactly one of stream (LSL) and camera (index, file or URL)")
        return self


class ReferenceSection(Section):
    """Signal of the loudspeaker: an LSL audio stream, or a PortAudio input that gives it (a monitor, a loopback)."""

    stream: StreamQuery | None = None
    device: int | str | None = None
    delay_s: PositiveSeconds | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "ReferenceSection":
        if (self.stream is None) == (self.device is None):
            raise ValueError("give exactly one of stream (LSL) and device (a PortAudio input by name or index)")
        return self


class SpeechSection(Section):
    """The microphone: an LSL audio stream, or a PortAudio device by name or index ("default" for the system's).

    ``headphones`` declares that the microphone cannot pick up the stimulus; ``reference`` is the signal of the
    loudspeaker, while which plays speech is withheld. ``enrolment`` is a file of ``moodring enrol`` with the
    participant's voice: other voices are withheld. ``others`` are such files of other people in the room.
    ``adaptation`` makes answers relative to what was heard of an enrolled participant before, from the enrolment on,
    where the bundle can.
    """

    stream: StreamQuery | None = None
    microphone: int | str | None = None
    delay_s: PositiveSeconds | None = None
    headphones: bool = False
    reference: ReferenceSection | None = None
    enrolment: Path | None = None
    others: list[Path] = []
    adaptation: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> "SpeechSection":
        if (self.stream is None) == (self.microphone is None):
            raise ValueError("give exactly one of stream (LSL) and microphone (device name, index or 'default')")
        if self.headphones and self.reference is not None:
            raise ValueError(
                "give headphones = true or a reference, not both: with headphones there is nothing to hear"
            )
        if self.others and self.enrolment is None:
            raise ValueError("others need an enrolment of the participant besides: set speech.enrolment")
        return self


class SignalSection(Section):
    """Any further regularly sampled LSL stream of numbers; ``name`` is its modality, as bundles name it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    stream: StreamQuery
    delay_s: PositiveSeconds | None = None

    @field_validator("name")
    @classmethod
    def _is_free(cls, value: str) -> str:
        if value in RESERVED_MODALITIES:
            raise ValueError(f"'{value}' has a meaning of its own; name the signal otherwise")
        return value


class ModelsSection(Section):
    """Bundles that decode, and the compute device.

    ``video_eeg``: "bundled" for the shipped one, "none" to leave it out, else a path. ``face``: "face" for the shipped
    network of what people's faces express, "none", else a path. ``speech``: "emodb" for the
    shipped recogniser of acted German speech, "simulated" (or "speech") for the shipped network of simulated voices,
    else a path. ``more``: paths of further bundles, whose heads stand beside the others'; "workload" is the shipped one
    of mental arithmetic. Bundles that were
    trained on simulated people decode people only with ``allow_simulated``; without, their heads abstain.
    ``vgg16_weights``: the file of the VGG-16 that a bundle with that backbone was trained with; it is in no bundle.
    """

    video_eeg: str = "bundled"
    face: str = "face"
    speech: str = "emodb"
    device: str = "auto"
    policy: Literal["learned", "uniform", "random", "every"] = "learned"
    seed: int = 0
    more: list[Path] = []
    allow_simulated: bool = False
    vgg16_weights: Path | None = None


class DecisionSection(Section):
    """Times of decisions: t0 + k * interval_s, as soon as all live modalities have passed, or after ``lateness_s``.

    ``rest_s`` is the duration of the participant's rest at the start, to which the EEG is normalised; with 0, estimates
    are marked uncalibrated. The rest of a replayed session takes precedence.
    """

    interval_s: Annotated[float, Field(ge=0.25, le=5.0)] = 0.5
    lateness_s: Annotated[float, Field(ge=0.02, le=2.0)] = 0.15
    warmup_s: Annotated[float, Field(ge=1.0, le=10.0)] = 2.0
    rest_s: Annotated[float, Field(ge=0.0, le=600.0)] = 0.0

    @field_validator("rest_s")
    @classmethod
    def _long_enough(cls, value: float) -> float:
        if 0.0 < value < SHORTEST_REST_S:
            raise ValueError(
                f"a rest takes at least {SHORTEST_REST_S:g} s (5 s of clean EEG once the filters settled); 0 is no rest"
            )
        return value


class PoolingSection(Section):
    """Pooling of face, EEG and voice to one estimate of valence and arousal, beside those of each.

    Off unless ``enabled``. ``file`` is "simulated" for the pool of the shipped simulated bundles, else a path; a pool
    holds for the two bundles that it was fitted with.
    """

    enabled: bool = False
    file: str | None = None

    @model_validator(mode="after")
    def _has_weights(self) -> "PoolingSection":
        if self.enabled and self.file is None:
            raise ValueError('enabled needs file: the path of a pool, or "simulated" for the shipped one')
        return self


class LslSection(Section):
    """Settings of liblsl, under its own names in snake case.

    ``listen_address`` is the address of the one network interface on which others may find our streams. ``base_port``
    is the first of the 64 ports of senders; beyond multicast, only programs with the same one find each other.
    """

    session_id: str = "default"
    known_peers: list[str] = []
    resolve_scope: Literal["machine", "link", "site"] = "link"
    listen_address: str | None = None
    base_port: Annotated[int, Field(ge=1024, le=65000)] | None = None
    resolve_timeout_s: Annotated[float, Field(ge=0.5, le=120.0)] = 10.0

    @field_validator("listen_address")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            ip_address(value)  # raises ValueError
        return value


class OutletSection(Section):
    """The LSL outlet that carries the estimates."""

    enabled: bool = True
    name: str = "moodring_estimate"


class SessionSection(Section):
    """Place of a recording, and what is recorded besides the sources that decode.

    ``markers`` are further LSL streams (stimulus markers, triggers). ``video``: with "lossless", decoding again gives
    the same estimates; "small" takes about a fifth of the disk. Below ``warn_minutes`` of disk left, a notice is shown.
    With ``consent_needed`` nothing is recorded while ``consent`` is empty.
    """

    participant: str = "unknown"
    session: str = "01"
    task: str = "live"
    protocol: str = ""
    consent: str = ""
    consent_needed: bool = False
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    sex: Literal["", "female", "male", "other"] = ""
    handedness: Literal["", "right", "left", "both"] = ""
    markers: list[StreamQuery] = []
    video: Literal["lossless", "small"] = "lossless"
    warn_minutes: Annotated[float, Field(ge=0.0, le=600.0)] = 15.0


class ProtocolSection(Section):
    """The protocol that the participant is shown; ``file`` is its TOML, counted from where moodring is started.

    ``loudspeaker`` is an output of PortAudio by name or index, "default" for the system's; "none" lets films and sounds
    be silent. ``patch`` is a corner of the participant's screen that is white while a stimulus is shown and black
    else, for a photodiode; ``patch_size`` its side in heights of the screen.
    """

    file: Path | None = None
    loudspeaker: int | str = "default"
    patch: Literal["none", "upper left", "upper right", "lower left", "lower right"] = "none"
    patch_size: Annotated[float, Field(ge=0.01, le=0.4)] = 0.08


class MemorySection(Section):
    """Memory of a session: ``rings_gb`` is the most that the rings of all its sources may take together, in 10^9 bytes.

    A ring holds a minute of a signal, or 128 frames; its size follows from what a stream says of itself.
    """

    rings_gb: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0


class LiveConfig(Section):
    """A live session: sources, models, decisions, outlets. A modality that is left out is absent.

    ``web`` is left out wherever a config is saved with a session, because it holds the way in.
    """

    name: str = "live"
    eeg: EegSection | None = None
    face: FaceSection | None = None
    speech: SpeechSection | None = None
    signals: list[SignalSection] = []
    models: ModelsSection = ModelsSection()
    decisions: DecisionSection = DecisionSection()
    pooling: PoolingSection = PoolingSection()
    lsl: LslSection = LslSection()
    outlet: OutletSection = OutletSection()
    session: SessionSection = SessionSection()
    protocol: ProtocolSection = ProtocolSection()
    memory: MemorySection = MemorySection()
    web: WebSection = Field(default=WebSection(), exclude=True)
    journal: Path | None = None

    @property
    def modalities(self) -> tuple[str, ...]:
        """Keys of the sources that it asks for."""
        own = (("eeg", self.eeg), ("face", self.face), ("speech", self.speech))
        return (*(name for name, section in own if section is not None), *(signal.name for signal in self.signals))

    @model_validator(mode="after")
    def _something_to_decode(self) -> "LiveConfig":
        if not self.modalities:
            raise ValueError("name at least one source: [eeg], [face], [speech] or [[signals]]")
        names = [signal.name for signal in self.signals]
        twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twice is not None:
            raise ValueError(f"signals '{twice}' is named twice among {', '.join(names)}; names must differ")
        return self

    @model_validator(mode="after")
    def _something_to_pool(self) -> "LiveConfig":
        if self.pooling.enabled and (self.speech is None or (self.eeg is None and self.face is None)):
            raise ValueError("pooling needs [speech], and [eeg] or [face]; name them, or set pooling.enabled = false")
        return self
