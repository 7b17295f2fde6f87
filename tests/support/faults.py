"""What can go wrong with a source, as steps on an injector, and what must be seen of it.

The steps are plain callables: the same fault runs on a :class:`~tests.support.scripted_sources.ScriptedSource` on the
virtual clock and on the injectors of real devices (``fault_streams.py``, ``fault_devices.py``), which have the same
methods. To add a fault, append a :class:`Fault` to :data:`FAULTS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from moodring.models.contract import HealthState

NOTICED_WITHIN_S = 1.0
LIVE_WITHIN_S = 3.0
LONGEST_PAUSE_S = 1.5
"""Decisions come every half second; on a busy machine an observer may be late, a decision never by this much."""


@dataclass(frozen=True)
class Step:
    """Something done to an injector, so many seconds after the fault begins."""

    at_s: float
    inject: Callable[[Any], None]


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes
    ----------
    name : str
    source : str
        What it happens to.
    steps : tuple of Step
        Steps before 0 s prepare it; nothing is to be seen of them.
    back_s : float
        When the source has returned, in seconds after the fault begins.
    states : tuple of HealthState
        Of which at least one must be shown; empty where the source stays as it is.
    says : str
        A regular expression that must match a reason or an error that is shown.
    notice_s : float or None
        How soon one of the states must be shown; None where there is nothing to notice.
    lossless : bool
        Nothing may be lost.
    unused : bool
        The estimates must leave the modality out for a while.
    on_devices : bool
        Run on real streams and devices too: a scripted source cannot show all of it.
    """

    name: str
    source: Literal["eeg", "face", "speech", "microphone", "recording", "screen"]
    steps: tuple[Step, ...]
    back_s: float
    states: tuple[HealthState, ...] = ()
    says: str = ""
    notice_s: float | None = NOTICED_WITHIN_S
    lossless: bool = False
    unused: bool = False
    on_devices: bool = False

    @property
    def modality(self) -> str | None:
        """Whose samples it disturbs; None for the screen and the recording."""
        if self.source in ("recording", "screen"):
            return None
        return "speech" if self.source == "microphone" else self.source  # type: ignore[return-value]


def _gone(name: str, source: Any, **more: Any) -> Fault:
    steps = (Step(0.0, lambda injector: injector.kill()), Step(2.5, lambda injector: injector.start()))
    # A device that is opened again may have said so before anybody looked.
    says = r"silent for|does not open|failed"
    return Fault(name, source, steps, 2.5, ("stale", "lost"), says, unused=True, on_devices=True, **more)


FAULTS = (
    _gone("source killed", "eeg"),
    Fault(
        "channel count changed on return",
        "eeg",
        (
            Step(0.0, lambda injector: injector.kill()),
            Step(0.1, lambda injector: injector.start(channels=6)),
            Step(3.1, lambda injector: injector.kill()),
            Step(3.2, lambda injector: injector.start()),
        ),
        3.2,
        ("lost",),
        r"another number of channels: 10 expected, 6 came",
        unused=True,
        on_devices=True,
    ),
    Fault(
        "NaN flood",
        "eeg",
        (Step(0.0, lambda injector: injector.flood(3.0)),),
        3.0,
        ("gap",),
        r"10 of 10 channels are missing or broken",
        # A channel is judged on a whole second; until then its last values are held.
        notice_s=1.5,
        lossless=True,
        unused=True,
    ),
    Fault(
        "clock jumps ahead",
        "eeg",
        (Step(0.0, lambda injector: injector.jump(10.0)),),
        2.5,
        ("clock_jump",),
        r"ahead by 10\.0\d\d s",
        lossless=True,
    ),
    Fault(
        "clock jumps back",
        "eeg",
        (Step(0.0, lambda injector: injector.jump(-25.0)),),
        2.5,
        ("clock_jump",),
        r"back by 25\.0\d\d s",
        lossless=True,
    ),
    Fault(
        "source paused (SIGSTOP)",
        "speech",
        (Step(0.0, lambda injector: injector.pause()), Step(3.0, lambda injector: injector.resume())),
        3.0,
        ("stale", "lost"),
        r"silent for",
        lossless=True,
        unused=True,
        on_devices=True,
    ),
    Fault(
        "burst (held back 1.5 s)",
        "speech",
        (Step(0.0, lambda injector: injector.pause()), Step(1.5, lambda injector: injector.resume())),
        1.5,
        ("stale", "lost"),
        r"silent for",
        lossless=True,
    ),
    Fault(
        "half rate",
        "speech",
        (Step(0.0, lambda injector: injector.halve(3.0)),),
        3.0,
        ("rate_off", "gap"),
        r"Hz came, 16000 Hz were announced",
    ),
    Fault(
        "two streams of one name",
        "speech",
        (
            Step(-1.0, lambda injector: injector.double()),
            Step(0.0, lambda injector: injector.kill()),
            Step(2.5, lambda injector: injector.end_twin()),
        ),
        2.5,
        ("lost",),
        r"matches 2 streams: '[^']+' .*source_id twin-[12].*source_id twin-[12]",
        unused=True,
        on_devices=True,
    ),
    Fault(
        "drift (device clock 3000 ppm fast)",
        "speech",
        (Step(0.0, lambda injector: injector.drift(3000.0)),),
        # The line that the stamps are fitted with forgets half of what came before in 20 s.
        25.0,
        (),
        r"drift \+(2[789]|3[012])\d\d ppm",
        notice_s=None,
        lossless=True,
    ),
    _gone("camera gone", "face"),
    Fault(
        "camera frozen (SIGSTOP)",
        "face",
        (Step(0.0, lambda injector: injector.pause()), Step(4.0, lambda injector: injector.resume())),
        4.0,
        ("stale", "lost"),
        r"silent for",
        unused=True,
    ),
    _gone("microphone gone", "microphone"),
    Fault(
        "recorder killed",
        "recording",
        (Step(0.0, lambda injector: injector.kill()),),
        0.0,
        says=r"has died",
        on_devices=True,
    ),
    Fault(
        "disk full",
        "recording",
        (Step(0.0, lambda injector: injector.fill()),),
        0.0,
        says=r"disk is full|no space left on device",
        on_devices=True,
    ),
    Fault(
        "screen killed",
        "screen",
        (Step(0.0, lambda injector: injector.kill()),),
        2.0,
        notice_s=None,
        lossless=True,
        on_devices=True,
    ),
)
