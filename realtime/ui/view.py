"""Content of the window at one moment: a snapshot and data from the rings, immutable."""

from dataclasses import dataclass
from typing import Literal

from ...models.contract import FloatArray, Image, TimeArray
from ..ipc.snapshot import Snapshot
from ..screens.history import History

Attachment = Literal["waiting", "attached", "gone", "ended"]


@dataclass(frozen=True)
class Traces:
    """Filtered EEG, decimated to the smallest and the largest value of each short stretch.

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
    """

    times_s: TimeArray
    microvolts: FloatArray
    names: tuple[str, ...]
    good: tuple[bool, ...]
    span_uv: float


@dataclass(frozen=True)
class ChosenFrame:
    """A frame that the model looked at, with its capture time."""

    stamp_s: float
    image: Image


@dataclass(frozen=True)
class View:
    """See the module's text.

    Attributes
    ----------
    snapshot : Snapshot or None
        The newest; None until the first.
    attachment : "waiting", "attached", "gone" or "ended"
    silent_s : float
        How long nothing has come from the engine.
    why : str
        Why nothing comes, where that is known.
    history : History
    traces : Traces or None
    frame : Image or None
        The newest camera frame, (height, width, 3) BGR.
    glimpses : tuple of ChosenFrame
        The last frames looked at, oldest first.
    sound : (n,) float32 or None
        Largest loudness (0..1) of each twentieth of a second, the newest last.
    """

    snapshot: Snapshot | None
    attachment: Attachment
    silent_s: float
    why: str
    history: History
    traces: Traces | None
    frame: Image | None
    glimpses: tuple[ChosenFrame, ...]
    sound: FloatArray | None
