"""What is there on this machine and its network, and whether a config fits it: each found in a process of its own."""

from dataclasses import asdict, dataclass
from typing import Any

from ...configs.schema.errors import MoodringError, failure_of
from ...configs.schema.live import LiveConfig, LslSection
from ...processes import Child, Parent
from . import discover
from .discover import CameraDevice, LslStream, MicrophoneDevice
from .doctor import Finding

_LISTEN_S = 1.5


@dataclass(frozen=True)
class Survey:
    """What was found; None is what nobody has looked for yet.

    Attributes
    ----------
    streams : tuple of LslStream or None
    cameras : tuple of CameraDevice or None
    microphones : tuple of MicrophoneDevice or None
    troubles : tuple of str
        Why something could not be looked for.
    """

    streams: tuple[LslStream, ...] | None = None
    cameras: tuple[CameraDevice, ...] | None = None
    microphones: tuple[MicrophoneDevice, ...] | None = None
    troubles: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything has been looked for."""
        return None not in (self.streams, self.cameras, self.microphones)


class SurveyRun:
    """A search that is under way.

    Parameters
    ----------
    lsl : LslSection
        Settings of liblsl.
    """

    def __init__(self, lsl: LslSection) -> None:
        self._child = Child("search for devices", search_here, lsl, failure=failure_of, advice="search again")
        self._found: dict[str, Any] = {}
        self._troubles: list[str] = []

    def survey(self) -> Survey:
        """Return what has been found so far."""
        for message in _messages(self._child, self._troubles):
            self._found.update(message)
        streams, cameras, microphones = (self._found.get(key) for key in ("streams", "cameras", "microphones"))
        return Survey(
            None if streams is None else tuple(LslStream(**one) for one in streams),
            None if cameras is None else tuple(CameraDevice(**one) for one in cameras),
            None if microphones is None else tuple(MicrophoneDevice(**one) for one in microphones),
            tuple(dict.fromkeys((*self._found.get("troubles", ()), *self._troubles))),
        )

    @property
    def over(self) -> bool:
        """Whether nothing more will be found."""
        return not self._child.running

    def close(self) -> None:
        """End it."""
        self._child.end(0.0)


def search_here(parent: Parent, lsl: LslSection) -> None:
    """Look for cameras, microphones and streams and send what is found: the target of a child process."""
    from ..engine.process_settings import apply_lsl_settings

    apply_lsl_settings(lsl)
    troubles: list[str] = []
    parent.send({"cameras": [asdict(one) for one in discover.cameras()]})
    try:
        microphones = discover.microphones()
    except MoodringError as error:
        microphones = ()
        troubles.append(str(error))
    parent.send({"microphones": [asdict(one) for one in microphones], "troubles": troubles})
    parent.send({"streams": [asdict(one) for one in discover.lsl_streams(listen_s=_LISTEN_S)]})


class CheckRun:
    """A check of a config that is under way: what each source has, beside what the bundles need.

    Parameters
    ----------
    config : LiveConfig
    """

    def __init__(self, config: LiveConfig) -> None:
        self._child = Child("check", check_here, config, failure=failure_of, advice="check again")
        self._findings: list[Finding] = []
        self._troubles: list[str] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What has been found so far."""
        for message in _messages(self._child, self._troubles):
            self._findings.append(Finding(**message["finding"]))
        failed = (Finding("check", False, line) for line in self._troubles)
        return (*self._findings, *failed)

    @property
    def over(self) -> bool:
        """Whether the check has ended."""
        return not self._child.running

    def close(self) -> None:
        """End it."""
        self._child.end(0.0)


def check_here(parent: Parent, config: LiveConfig) -> None:
    """Check a config and send the findings: the target of a child process."""
    from ..engine.process_settings import apply_lsl_settings
    from .preflight import check_config

    apply_lsl_settings(config.lsl)
    for finding in check_config(config):
        parent.send({"finding": asdict(finding)})


def _messages(child: Child, troubles: list[str]) -> list[dict[str, Any]]:
    """Return what a child has sent; add what ended it to ``troubles``."""
    found = []
    try:
        while (message := child.receive(0.0)) is not None:
            found.append(message)
    except MoodringError as error:
        if str(error) not in troubles:
            troubles.append(str(error))
    return found
