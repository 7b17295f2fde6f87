"""One modality of a session: its source, the intake that its samples go through, and its health.

The thread of :class:`SourceThread` alone touches the source; everybody else reads :attr:`Post.intake` and
:attr:`Post.error`, which are set once, and the health, which the session's thread keeps.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ..configs.errors import MoodringError
from ..models.contract import BoolArray, Image, Modality
from ..models.signals.microphone_level import LISTEN_SAMPLES, SoundFindings, decibels, judge_sound
from .health import SEARCHING, Health, judge, transition, why_now
from .intake import Intake
from .plan import Lane, identity
from .snapshot import Figures, SourceStatus, Transition
from .sources.base import Chunk, Source, SourceInfo, SourceUnfitError

_log = logging.getLogger(__name__)
_TRANSITIONS_KEPT = 200
_LEVEL_SAMPLES = 1600
_RETRY_S = 1.0
_LOOK_AGAIN_S = 0.2

MakeIntake = Callable[[SourceInfo], Intake]


@dataclass
class Post:
    """What a session knows of one modality.

    Attributes
    ----------
    modality : Modality
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

    modality: Modality
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
    def lane(self) -> Lane | None:
        """What a decision needs of it; None before the first sample."""
        intake = self.intake
        return Lane(intake, self.picture) if intake is not None and intake.ring.count else None

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


class SourceThread:
    """Opens a post's source, polls it, and puts what comes into the post's ring.

    Parameters
    ----------
    post : Post
    make_intake : callable
        Raises MoodringError where the source does not fit the session.
    arrived : threading.Condition
        Notified after each chunk.
    record : callable or None
        Given each chunk as it came, once it can be decoded.
    """

    def __init__(
        self,
        post: Post,
        make_intake: MakeIntake,
        arrived: threading.Condition,
        record: Callable[[SourceInfo, Chunk], None] | None = None,
    ) -> None:
        self._post = post
        self._make_intake = make_intake
        self._arrived = arrived
        self._record = record
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source-{post.modality}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return self._thread.ident is not None

    def ask_to_stop(self) -> None:
        """End after the poll that is under way."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False where the device holds the thread."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        source = self._post.source
        if source is None:
            return
        try:
            while not self._stopping.is_set():
                self._once(source)
        finally:
            # Only here: an inlet that is destroyed while another thread pulls from it can end the process.
            source.close()
            with self._arrived:
                self._arrived.notify_all()

    def _once(self, source: Source) -> None:
        """Ask the source once; whatever fails is shown and tried again, for the others go on meanwhile."""
        try:
            self._ask(source)
        except SourceUnfitError as error:
            self._fail(str(error), _LOOK_AGAIN_S)
        except MoodringError as error:
            source.close()
            self._fail(str(error), _RETRY_S)
        except Exception as error:
            # A driver may raise anything.
            _log.exception("source %s", self._post.title)
            source.close()
            line = " ".join(f"{type(error).__name__}: {error}".split())
            self._fail(f"{self._post.title} failed ({line}); it is tried again", _RETRY_S)

    def _ask(self, source: Source) -> None:
        intake = self._post.intake
        if intake is None:
            info = source.open()
            if info is None:
                self._stopping.wait(0.02)
                return
            self._post.intake = self._make_intake(info)
            return
        chunk = source.poll()
        if chunk is not None:
            intake.take(chunk)
            self._post.error = None
            with self._arrived:
                self._arrived.notify_all()
            if self._record is not None:
                self._record(intake.info, chunk)

    def _fail(self, line: str, wait_s: float) -> None:
        if self._post.error != line:
            _log.warning("%s", line)
        self._post.error = line
        self._stopping.wait(wait_s)


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
