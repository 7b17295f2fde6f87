"""One modality of a session: its source, ingest and health.

Only the thread that polls the source touches it; other threads read :attr:`SourceChannel.ingest` and
:attr:`SourceChannel.error`, which are replaced as a whole, and the health, which the session's thread keeps.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from ...contract import BoolArray, Figures, Image, MicrophoneCheck, SourceStatus, Transition
from ...signals.speech.microphone_level import CHECKED_SAMPLES, check_microphone, rms_db
from .. import alignment
from ..decision_schedule import ModalityInput, identity
from .health import SEARCHING, current_reason, is_flowing, next_health
from .sources import Source
from .stream_ingest import StreamIngest

_log = logging.getLogger(__name__)
_TRANSITIONS_KEPT = 200
_LEVEL_SAMPLES = 1600


@dataclass
class SourceChannel:
    """State of one modality of a session.

    Attributes
    ----------
    modality : str
    title : str
        What was asked for, before the source gives its own name.
    source : Source or None
        None where the modality is not configured.
    picture : callable
        Makes an image of a sample of the face ring.
    error : str or None
        Why it cannot be used now, in one line; None again once samples come.
    started_s : float
        When the session started, which the times of the transitions count from.
    released : bool
        Its thread has ended, so its ring is not written any more.
    """

    modality: str
    title: str
    source: Source | None
    delay_s: float | None = None
    picture: Callable[[NDArray[Any]], Image] = identity
    ingest: StreamIngest | None = None
    error: str | None = None
    health: Transition = SEARCHING
    started_s: float = 0.0
    transitions: tuple[Transition, ...] = field(default=())
    released: bool = False

    @property
    def modality_input(self) -> ModalityInput | None:
        """The samples so far, for a decision; None before the first sample."""
        ingest = self.ingest
        return (
            ModalityInput(ingest, ingest.ring.view(), self.picture)
            if ingest is not None and ingest.ring.count
            else None
        )

    def has_passed(self, time_s: float) -> bool:
        """Return whether a decision at a data time need not wait for this source."""
        waits = self.ingest is not None and is_flowing(self.health)
        return not waits or self.ingest is None or alignment.has_passed(self.ingest.ring.view(), time_s)

    def update_health(self, now_s: float) -> Transition | None:
        """Update the health; return the change where there is one."""
        after = next_health(self.health, self._figures(now_s), now_s, self.started_s, self.error)
        if after is self.health:
            return None
        self.health = after
        self.transitions = (*self.transitions[-_TRANSITIONS_KEPT:], after)
        _log.info("%s %s: %s; %s", self.modality, after.state, after.why, after.figures)
        return after

    def current_health(self, now_s: float) -> Transition:
        """Return the health with the figures of now, for a listener that missed the change."""
        return replace(self.health, figures=self._figures(now_s), error=self.error)

    def status(self, now_s: float) -> SourceStatus:
        """Return the status of the source for screens."""
        ingest = self.ingest
        figures = self._figures(now_s)
        info = ingest.info if ingest is not None else None
        return SourceStatus(
            modality=self.modality,
            name=info.name if info is not None else self.title,
            configured=self.source is not None,
            health=self.health.state,
            observed_rate_hz=figures.observed_rate_hz,
            nominal_rate_hz=figures.nominal_rate_hz,
            lost_samples=figures.lost_samples,
            age_s=figures.age_s,
            level=_level_db(ingest) if ingest is not None and self.modality == "speech" else None,
            good_channels=_good_channels(ingest),
            channel_names=info.channel_names if info is not None and self.modality == "eeg" else (),
            delay_s=self.delay_s,
            transitions=self.transitions,
            error=self.error,
            why=current_reason(self.health, figures, now_s, self.started_s),
            figures=figures,
            sound=_sound(ingest) if self.modality == "speech" else None,
        )

    def _figures(self, now_s: float) -> Figures:
        ingest = self.ingest
        if ingest is None:
            return Figures(delay_s=self.delay_s)
        figures = ingest.figures
        good = _good_channels(ingest)
        return replace(
            figures,
            silence_s=None if figures.received_s is None else now_s - figures.received_s,
            age_s=None if figures.newest_s is None else now_s - figures.newest_s,
            good_channels=sum(good) if good else None,
            channels=len(good) if good else None,
            delay_s=self.delay_s,
        )


def _good_channels(ingest: StreamIngest | None) -> tuple[bool, ...]:
    if ingest is None or ingest.eeg is None:
        return ()
    good: BoolArray | None = ingest.eeg.good_channels_at(ingest.ring.count - 1)
    return () if good is None else tuple(bool(flag) for flag in good)


def _level_db(ingest: StreamIngest) -> float | None:
    newest = ingest.ring.latest(_LEVEL_SAMPLES).samples
    if not len(newest):
        return None
    return rms_db(newest)


def _sound(ingest: StreamIngest | None) -> MicrophoneCheck | None:
    return None if ingest is None else check_microphone(ingest.ring.latest(CHECKED_SAMPLES).samples[:, 0])
