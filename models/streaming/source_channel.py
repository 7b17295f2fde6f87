"""One modality of a session: its source, the intake that its samples go through, and its health.

The thread of :class:`SourceThread` alone touches the source; everybody else reads :attr:`SourceChannel.intake` and
:attr:`SourceChannel.error`, which are set once, and the health, which the session's thread keeps.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ...models.contract import BoolArray, Figures, Image, SourceStatus, Transition
from ...models.signals.speech.microphone_level import LISTEN_SAMPLES, SoundFindings, decibels, judge_sound
from ...models.streaming.health import SEARCHING, Health, judge, transition, why_now
from ...models.streaming.ingest import Intake
from ...models.streaming.schedule import ModalityInput, identity
from ...models.streaming.sources import Source

_log = logging.getLogger(__name__)
_TRANSITIONS_KEPT = 200
_LEVEL_SAMPLES = 1600
_RETRY_S = 1.0
_LOOK_AGAIN_S = 0.2


@dataclass
class SourceChannel:
    """What a session knows of one modality.

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
    released : bool
        Its thread has ended, so nobody writes its ring any more.
    """

    modality: str
    title: str
    source: Source | None
    delay_s: float | None = None
    picture: Callable[[NDArray[Any]], Image] = identity
    intake: Intake | None = None
    error: str | None = None
    health: Health = SEARCHING
    transitions: tuple[Transition, ...] = field(default=())
    released: bool = False

    @property
    def modality_input(self) -> ModalityInput | None:
        """What a decision needs of it; None before the first sample."""
        intake = self.intake
        return ModalityInput(intake, self.picture) if intake is not None and intake.ring.count else None

    def judge(self, now_s: float, started_s: float) -> Transition | None:
        """Decide its health anew; the change where there is one."""
        figures = self._figures(now_s)
        after = judge(self.health, figures, now_s)
        if after is self.health:
            return None
        self.health = after
        change = transition(after, figures, started_s, self.error)
        self.transitions = (*self.transitions[-_TRANSITIONS_KEPT:], change)
        _log.info("%s %s: %s; %s", self.modality, change.state, change.why, change.figures)
        return change

    def standing(self, now_s: float, started_s: float) -> Transition:
        """Give its health as it stands, for one who was not there when it changed."""
        figures = self._figures(now_s)
        return transition(self.health, figures, started_s, self.error)

    def status(self, now_s: float) -> SourceStatus:
        """Say how it does."""
        intake = self.intake
        figures = self._figures(now_s)
        info = intake.info if intake is not None else None
        lost = intake.figures.lost_samples if intake is not None else 0
        return SourceStatus(
            modality=self.modality,
            name=info.name if info is not None else self.title,
            configured=self.source is not None,
            health=self.health.state,
            observed_rate_hz=figures.observed_rate_hz,
            nominal_rate_hz=figures.nominal_rate_hz,
            lost_samples=lost,
            age_s=figures.age_s,
            level=_level_db(intake) if intake is not None and self.modality == "speech" else None,
            good_channels=_good(intake),
            channel_names=info.channel_names if info is not None and self.modality == "eeg" else (),
            delay_s=self.delay_s,
            transitions=self.transitions,
            error=self.error,
            why=why_now(self.health, figures, now_s),
            figures=figures,
            sound=_sound(intake) if self.modality == "speech" else None,
        )

    def _figures(self, now_s: float) -> Figures:
        intake = self.intake
        if intake is None:
            return Figures(delay_s=self.delay_s)
        taken = intake.figures
        good = _good(intake)
        return Figures(
            nominal_rate_hz=intake.info.rate_hz,
            observed_rate_hz=taken.observed_rate_hz,
            silence_s=None if taken.received_s is None else now_s - taken.received_s,
            age_s=None if taken.newest_s is None else now_s - taken.newest_s,
            gap_s=taken.gap_s,
            gap_at_s=taken.gap_at_s,
            jump_s=taken.jump_s,
            jump_at_s=taken.jump_at_s,
            jitter_s=taken.jitter_s,
            drift_ppm=taken.drift_ppm,
            backlog_samples=taken.backlog_samples,
            lost_samples=taken.lost_samples,
            skipped_samples=taken.skipped_samples,
            overflows=taken.overflows,
            clock_offset_s=taken.offset_s,
            good_channels=sum(good) if good else None,
            channels=len(good) if good else None,
            delay_s=self.delay_s,
        )


def _good(intake: Intake | None) -> tuple[bool, ...]:
    if intake is None or intake.treatment is None:
        return ()
    good: BoolArray | None = intake.treatment.good_at(intake.ring.count - 1)
    return () if good is None else tuple(bool(flag) for flag in good)


def _level_db(intake: Intake) -> float | None:
    heard = intake.ring.latest(_LEVEL_SAMPLES).samples
    if not len(heard):
        return None
    return decibels(heard)


def _sound(intake: Intake | None) -> SoundFindings | None:
    return None if intake is None else judge_sound(intake.ring.latest(LISTEN_SAMPLES).samples[:, 0])
