"""What can go wrong in a session, each as a script for the source's process and as what must be seen.

The scripts are shared by ``moodring bench faults`` and by the tests. To add one, write another :class:`Fault` and put it
into :data:`FAULTS`; what it does to its source is one of the deeds that the modality_input's hand (`fault_hands.py`) knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...models.contract import HealthState

ModalityInput = Literal["eeg", "face", "speech", "microphone", "screen", "recording"]
NOTICED_WITHIN_S = 1.0
LIVE_WITHIN_S = 3.0


@dataclass(frozen=True)
class Deed:
    """Something that happens to a source.

    Attributes
    ----------
    do : str
        What: a method of the modality_input's hand.
    wait_s : float
        How long until the next deed.
    figures : mapping of str to number
        Handed over by name.
    """

    do: str
    wait_s: float = 0.0
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes
    ----------
    name : str
    modality_input : str
        Whose source it befalls; inputs run beside each other.
    before : tuple of Deed
        What prepares it; nothing is to be seen yet.
    happens, ends : tuple of Deed
        What makes it, and what ends it; the source counts as returned once the last of ``ends`` is done.
    states : tuple of HealthState
        Of which at least one must be shown; empty where the source stays as it is.
    says : str
        What must be read in a reason or an error; a regular expression.
    notice_s : float or None
        How soon one of the states must be shown; None where there is nothing to notice.
    lossless : bool
        Nothing may be lost.
    unused : bool
        The estimates must leave the modality out for a while.
    """

    name: str
    modality_input: ModalityInput
    happens: tuple[Deed, ...]
    ends: tuple[Deed, ...] = ()
    before: tuple[Deed, ...] = ()
    states: tuple[HealthState, ...] = ()
    says: str = ""
    notice_s: float | None = NOTICED_WITHIN_S
    lossless: bool = False
    unused: bool = False


FAULTS = (
    Fault(
        "source killed",
        "eeg",
        (Deed("kill", 2.5),),
        (Deed("start"),),
        (),
        ("stale", "lost"),
        r"silent for",
        unused=True,
    ),
    Fault(
        "channel count changed on return",
        "eeg",
        (Deed("kill"), Deed("start", 3.0, {"channels": 6}), Deed("kill")),
        (Deed("start"),),
        (),
        ("lost",),
        r"another number of channels: 10 expected, 6 came",
        unused=True,
    ),
    Fault(
        "NaN flood",
        "eeg",
        (Deed("flood", 3.0, {"for_s": 3.0}),),
        (Deed("wait"),),
        (),
        ("gap",),
        r"10 of 10 channels are missing or broken",
        # A channel is judged on a whole second; until then its last values are held.
        notice_s=1.5,
        unused=True,
    ),
    Fault(
        "clock jumps ahead",
        "eeg",
        (Deed("jump", 2.5, {"by_s": 10.0}),),
        (),
        (),
        ("clock_jump",),
        r"ahead by 10\.0\d\d s",
    ),
    Fault(
        "clock jumps back",
        "eeg",
        (Deed("jump", 2.5, {"by_s": -25.0}),),
        (),
        (),
        ("clock_jump",),
        r"back by 25\.0\d\d s",
    ),
    Fault(
        "source paused (SIGSTOP)",
        "speech",
        (Deed("pause", 3.0),),
        (Deed("go_on"),),
        (),
        ("stale", "lost"),
        r"silent for",
        lossless=True,
        unused=True,
    ),
    Fault(
        "burst (held back 1.5 s)",
        "speech",
        (Deed("hold", 1.5, {"for_s": 1.5}),),
        (Deed("wait"),),
        (),
        ("stale", "lost"),
        r"silent for",
        lossless=True,
    ),
    Fault(
        "half rate",
        "speech",
        (Deed("halve", 3.0, {"for_s": 3.0}),),
        (Deed("wait"),),
        (),
        ("rate_off", "gap"),
        r"Hz came, 16000 Hz were announced",
    ),
    Fault(
        "two streams of one name",
        "speech",
        (Deed("kill", 2.5),),
        (Deed("single"),),
        (Deed("double"),),
        ("lost",),
        r"matches 2 streams: '[^']+' .*source_id twin-1.*source_id",
        unused=True,
    ),
    Fault(
        "drift (device clock 3000 ppm fast)",
        "speech",
        (Deed("drift", 8.0, {"ppm": 3000.0}),),
        (),
        (),
        (),
        r"drift \+(2[789]|3[012])\d\d ppm",
        notice_s=None,
        lossless=True,
    ),
    Fault(
        "camera gone",
        "face",
        (Deed("kill", 2.5),),
        (Deed("start"),),
        (),
        ("stale", "lost"),
        r"silent for",
        unused=True,
    ),
    Fault(
        "camera frozen (SIGSTOP)",
        "face",
        (Deed("pause", 4.0),),
        (Deed("go_on"),),
        (),
        ("stale", "lost"),
        r"silent for",
        unused=True,
    ),
    Fault(
        "microphone gone",
        "microphone",
        (Deed("unload", 2.5),),
        (Deed("load"),),
        (),
        ("stale", "lost"),
        r"silent for",
        unused=True,
    ),
    Fault("recorder killed", "recording", (Deed("kill", 1.0),), says=r"has died"),
    Fault("disk full", "recording", (Deed("fill", 2.0),), says=r"disk is full"),
    Fault("screen killed", "screen", (Deed("kill", 2.0),), notice_s=None, lossless=True),
)
"""All faults, in the order in which each modality_input meets them."""
