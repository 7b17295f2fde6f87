"""Content of the window at one moment: a snapshot and data from the rings, immutable; and what its user chose."""

from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from ....models.contract import BoolArray, FaceBox, FloatArray, Image, TimeArray
from ...ipc.snapshot import Mark, Snapshot
from ...screens.history import History

Attachment = Literal["waiting", "attached", "gone", "ended"]
Passband = tuple[float, float]

WINDOWS_S = (2.0, 4.0, 8.0, 15.0, 30.0)
SCALES_UV = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
PASSBANDS: tuple[Passband | None, ...] = (None, (1.0, 15.0), (1.0, 30.0), (4.0, 8.0), (8.0, 13.0), (13.0, 30.0))
"""What may be drawn of the EEG, in hertz; None is as it is decoded."""


@dataclass(frozen=True)
class EegChoice:
    """How the user wants the EEG drawn; nothing of it changes what is decoded.

    Attributes
    ----------
    window_s : float
    span_uv : float or None
        Distance between two baselines; None until the signal was fitted, once.
    passband : (low, high) or None
    hidden : tuple of str
        Channels that are not drawn.
    by_place : bool
        Order of the channels: from front to back and left to right, or as the stream has them.
    """

    window_s: float = 8.0
    span_uv: float | None = None
    passband: Passband | None = None
    hidden: tuple[str, ...] = ()
    by_place: bool = False


@dataclass(frozen=True)
class Choices:
    """What the user of the window chose.

    Attributes
    ----------
    eeg : EegChoice
    blind : bool
        Signal quality only: no estimate, and nothing that depends on one.
    ago_s : float or None
        How far back the frozen window shows; None while it is live.
    """

    eeg: EegChoice = field(default_factory=EegChoice)
    blind: bool = False
    ago_s: float | None = None


@dataclass(frozen=True)
class Traces:
    """EEG, decimated to the smallest and the largest value of each short stretch.

    Attributes
    ----------
    times_s : (n,) float64
        Before the newest sample: negative, rising to 0.
    microvolts : (n, n_channels) float32
        NaN where the filters had not settled.
    names : tuple of str
    good : tuple of bool
    span_uv : float
        Distance between two neighbouring traces' baselines.
    window_s : float
        What the width of the chart stands for.
    """

    times_s: TimeArray
    microvolts: FloatArray
    names: tuple[str, ...]
    good: tuple[bool, ...]
    span_uv: float
    window_s: float


@dataclass(frozen=True)
class ChosenFrame:
    """A frame that the model looked at, with its capture time and the face found in it."""

    stamp_s: float
    image: Image
    face: FaceBox | None = None


@dataclass(frozen=True)
class ScalpImages:
    """Power of each band over the head, relative to the channels' mean.

    Attributes
    ----------
    decibels : (3, size, size) float32
        Row 0 is at the nose.
    mask : (size, size) bool
        Where there are electrodes around.
    places : (n, 2) float64
        Of the electrodes used: x to the right and y to the nose; the edge of the image is 1.
    """

    decibels: FloatArray
    mask: BoolArray
    places: NDArray[Any]


@dataclass(frozen=True)
class Frozen:
    """Place of a frozen window in what the rings held: seconds before the freeze, and how far back it goes."""

    ago_s: float
    longest_s: float


@dataclass(frozen=True)
class View:
    """See the module's text.

    Attributes
    ----------
    snapshot : Snapshot or None
        Of the moment shown; None until the first.
    newest : Snapshot or None
        The newest, for what must never be old: health, recording, notices, clocks.
    attachment : "waiting", "attached", "gone" or "ended"
    silent_s : float
        How long nothing has come from the engine.
    why : str
        Why nothing comes, where that is known.
    history : History
        Up to the moment shown.
    traces : Traces or None
    frame : Image or None
        The newest camera frame, (height, width, 3) BGR.
    glimpses : tuple of ChosenFrame
        The last frames looked at, oldest first.
    sound : (n,) float32 or None
        Largest loudness (0..1) of each twentieth of a second, the newest last.
    spectrum : (bins, n) uint8 or None
        The same time as a spectrogram: 0 is silence, 255 full scale; row 0 is the highest frequency.
    scalp : ScalpImages or None
    marks : tuple of Mark
        Up to the moment shown, oldest first.
    frozen : Frozen or None
        None while it is live.
    choices : Choices
    """

    snapshot: Snapshot | None
    newest: Snapshot | None
    attachment: Attachment
    silent_s: float
    why: str
    history: History
    traces: Traces | None = None
    frame: Image | None = None
    glimpses: tuple[ChosenFrame, ...] = ()
    sound: FloatArray | None = None
    spectrum: NDArray[Any] | None = None
    scalp: ScalpImages | None = None
    marks: tuple[Mark, ...] = ()
    frozen: Frozen | None = None
    choices: Choices = field(default_factory=Choices)
