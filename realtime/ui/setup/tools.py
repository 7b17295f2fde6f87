"""What the set-up page looks with: a search for devices, a look at sources, a check; each may be another in a test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ....configs.schema.live import LiveConfig, LslSection
from ...lab.doctor import Finding
from ...lab.probe import Probe, SourceLook
from ...lab.survey import CheckRun, Survey, SurveyRun


class Looking(Protocol):
    """Protocol of what looks at sources; see :class:`~moodring.realtime.lab.probe.Probe`."""

    @property
    def error(self) -> str | None:
        """Why it has ended."""
        ...

    def looks(self) -> tuple[SourceLook, ...]:
        """Return what each source shows now."""
        ...

    def close(self) -> None:
        """Let go of the sources."""
        ...


class Searching(Protocol):
    """Protocol of a search for devices."""

    @property
    def over(self) -> bool:
        """Whether nothing more will be found."""
        ...

    def survey(self) -> Survey:
        """Return what has been found so far."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Checking(Protocol):
    """Protocol of a check."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What has been found so far."""
        ...

    def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True)
class Tools:
    """What the page looks with; tests give others."""

    search: Callable[[LslSection], Searching] = SurveyRun
    look: Callable[[LiveConfig], Looking] = Probe
    check: Callable[[LiveConfig], Checking] = CheckRun
