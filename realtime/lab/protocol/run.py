"""The course of a protocol, as a function of time and of what is pressed: no clock, no screen, no stream of its own.

Whoever shows it calls :meth:`ProtocolRun.step` for every frame, shows the screen, and sends the markers at the moment
the screen is up. Markers are those that :mod:`moodring.offline.datasets.rated_markers` reads:

====================================== ===========================================================================
marker                                 when
====================================== ===========================================================================
``protocol_start``                     the first screen
``rest_start``, ``rest_end``           a rest with open eyes, to which the EEG is normalised
``eyes_closed_start``, ``…_end``       a rest with closed eyes
``fixation``                           the cross before a stimulus
``stimulus_NAME``, ``stimulus_end``    the stimulus is shown
``rating valence=7 arousal=3 …``       what the participant says of it; ``keyword WORD`` behind it
``pause_start``, ``pause_end``         a pause of the protocol, or of the experimenter
``trial_broken_off``                   what was shown does not count: it is shown again, or the protocol is aborted
``protocol_end``, ``protocol_aborted`` the last
====================================== ===========================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ....configs.schema.errors import MoodringError
from .plan import Plan, Question, Screen

_LATE_S = 0.1
_BROKEN_KINDS = ("fixation", "stimulus", "blank", "rest")


@dataclass(frozen=True)
class Moment:
    """What is shown now.

    Attributes
    ----------
    screen : Screen or None
        None once the protocol is over, and while the experimenter pauses it.
    left_s : float or None
        Until the next screen; None where the participant decides.
    markers : tuple of str
        To be sent when the screen is up, in this order; each is returned once.
    paused : bool
    ended : "finished", "aborted" or ""
    done : float
        How much of the protocol is behind, 0..1.
    """

    screen: Screen | None
    left_s: float | None
    markers: tuple[str, ...]
    paused: bool
    ended: Literal["finished", "aborted", ""]
    done: float


class ProtocolRun:
    """One participant going through a plan. Times are seconds on one clock, and rise from call to call.

    Parameters
    ----------
    plan : Plan
        With at least one screen.
    """

    def __init__(self, plan: Plan) -> None:
        if not plan.screens:
            raise ValueError(f"protocol '{plan.name}' shows nothing")
        self._plan = plan
        self._index = -1
        self._since_s = 0.0
        self._paused = False
        self._ended: Literal["finished", "aborted", ""] = ""
        self._unsent: list[str] = []

    @property
    def plan(self) -> Plan:
        """What is shown."""
        return self._plan

    @property
    def index(self) -> int:
        """Number of the screen, from 0; -1 before the first."""
        return self._index

    @property
    def next_stimulus(self) -> Screen | None:
        """The stimulus that is shown, or the one that comes next; None where none comes."""
        rest = () if self._ended else self._plan.screens[max(self._index, 0) :]
        return next((one for one in rest if one.kind == "stimulus"), None)

    def just_before(self, screen: Screen) -> bool:
        """Return whether a screen is the next one."""
        return self._index + 1 < len(self._plan.screens) and self._plan.screens[self._index + 1] is screen

    def delay(self, now_s: float) -> None:
        """Note that the screen is not up yet: its time begins now."""
        if not self._paused:
            self._since_s = now_s

    def step(self, now_s: float) -> Moment:
        """Return what is to be shown at a time; no more than one screen further than before, so that none is missed."""
        if self._index < 0 and not self._ended:
            self._unsent.append("protocol_start")
            self._enter(0, now_s)
        due_s = None if self._paused else self._due_s()
        if due_s is not None and now_s >= due_s:
            # Late frames do not add up; after a stall, the next screen has its whole time nevertheless.
            self._enter(self._index + 1, due_s if now_s - due_s <= _LATE_S else now_s)
        return self._moment(now_s)

    def go_on(self, now_s: float) -> None:
        """Go on from a text or a pause, as the participant asks; elsewhere, and too early, nothing happens."""
        screen = self._screen
        if self._paused or screen is None or screen.kind not in ("text", "pause"):
            return
        if now_s >= self._since_s + (screen.seconds or 0.0) or screen.kind == "text":
            self._enter(self._index + 1, now_s)

    def wait_s(self, now_s: float) -> float:
        """Return how long a pause of the protocol goes on at least."""
        screen = self._screen
        shortest_s = 0.0 if screen is None or screen.kind != "pause" else screen.seconds or 0.0
        return max(0.0, self._since_s + shortest_s - now_s)

    def rate(self, now_s: float, answers: Mapping[str, int | str]) -> None:
        """Take the answers to the questions on the screen, and go on.

        Raises
        ------
        MoodringError
            Nothing is asked now, an answer is missing, or is none of those that can be given; nothing is changed.
        """
        screen = self._screen
        if self._paused or screen is None or screen.kind != "rating":
            raise MoodringError("nothing is asked now; wait for the scales")
        self._unsent += rating_markers(screen.questions, answers)
        self._enter(self._index + 1, now_s)

    def pause(self, now_s: float) -> None:
        """Pause at once. A trial or rest that was under way is begun anew afterwards; ratings are asked again."""
        if self._ended or self._paused or self._index < 0:
            return
        self._break_off()
        self._unsent.append("pause_start")
        self._paused, self._since_s = True, now_s

    def resume(self, now_s: float) -> None:
        """Go on after :meth:`pause`."""
        if self._paused:
            self._unsent.append("pause_end")
            self._paused = False
            self._enter(self._index, now_s)

    def repeat(self, now_s: float) -> None:
        """Show the trial under way again, from its fixation: what was shown of it does not count.

        Between trials, the one before is shown again; its first rating stays.
        """
        if self._ended or self._index < 0:
            return
        first = next((n for n in range(self._index, -1, -1) if self._plan.screens[n].trial is not None), None)
        if first is None:
            return
        trial = self._plan.screens[first].trial
        if self._paused:
            self._unsent.append("pause_end")
            self._paused = False
        self._break_off(unrated=True)
        self._enter(next(n for n, one in enumerate(self._plan.screens) if one.trial == trial), now_s)

    def skip(self, now_s: float) -> None:
        """Leave out the trial or rest under way, or what else is shown; a trial that is left out has no rating."""
        if self._ended or self._index < 0:
            return
        screens, trial = self._plan.screens, self._plan.screens[self._index].trial
        if self._paused:
            self._unsent.append("pause_end")
            self._paused = False
        else:
            self._break_off(unrated=True)
        behind = (n for n in range(self._index + 1, len(screens)) if trial is None or screens[n].trial != trial)
        self._leave_for(next(behind, len(screens)), now_s)

    def abort(self, now_s: float) -> None:
        """End the protocol at once."""
        if self._ended:
            return
        if self._index >= 0 and not self._paused:
            self._break_off()
        if self._paused:
            self._unsent.append("pause_end")
        self._unsent.append("protocol_aborted")
        self._paused, self._ended, self._since_s = False, "aborted", now_s

    @property
    def _screen(self) -> Screen | None:
        inside = 0 <= self._index < len(self._plan.screens) and not self._ended
        return self._plan.screens[self._index] if inside else None

    def _due_s(self) -> float | None:
        """When the screen ends by itself; None where somebody must go on."""
        screen = self._screen
        if screen is None or screen.seconds is None or screen.kind == "pause":
            return None
        return self._since_s + screen.seconds

    def _enter(self, index: int, at_s: float) -> None:
        """Leave the screen that is shown, and show another."""
        before = self._screen
        if before is not None and index > self._index:
            self._unsent += _end_markers(before)
        self._leave_for(index, at_s)

    def _leave_for(self, index: int, at_s: float) -> None:
        """Show another screen; the end of the one before is marked already."""
        self._index, self._since_s = index, at_s
        if index >= len(self._plan.screens):
            self._ended = "finished"
            self._unsent.append("protocol_end")
            return
        self._unsent += _begin_markers(self._plan.screens[index])

    def _break_off(self, unrated: bool = False) -> None:
        """Mark that what is shown does not count, and go back to where it began."""
        screen = self._screen
        if screen is None:
            return
        if screen.kind == "pause":
            self._unsent += _end_markers(screen)
        elif screen.kind in _BROKEN_KINDS:
            if screen.kind in ("stimulus", "rest"):
                self._unsent += _end_markers(screen)
            self._unsent.append("trial_broken_off")
            if screen.trial is not None:
                self._index = next(n for n, one in enumerate(self._plan.screens) if one.trial == screen.trial)
        elif screen.kind == "rating" and unrated:
            self._unsent.append("trial_broken_off")

    def _moment(self, now_s: float) -> Moment:
        markers, self._unsent = tuple(self._unsent), []
        due_s = None if self._paused else self._due_s()
        return Moment(
            None if self._paused else self._screen,
            None if due_s is None else max(0.0, due_s - now_s),
            markers,
            self._paused,
            self._ended,
            min(max(self._index, 0), len(self._plan.screens)) / len(self._plan.screens),
        )


def rating_markers(questions: tuple[Question, ...], answers: Mapping[str, int | str]) -> list[str]:
    """Return the markers of a rating; raise MoodringError where an answer is missing or none that can be given."""
    scales, words = [], []
    for question in questions:
        answer = answers.get(question.name)
        if question.words:
            if answer not in question.words:
                raise MoodringError(
                    f"{question.name}: one of {', '.join(question.words)} was expected, {answer!r} came"
                )
            words.append(f"{question.name} {answer}")
        elif not isinstance(answer, int) or not question.lowest <= answer <= question.highest:
            raise MoodringError(
                f"{question.name}: a number from {question.lowest} to {question.highest} was expected, {answer!r} came"
            )
        else:
            scales.append(f"{question.name}={answer}")
    return [*([f"rating {' '.join(scales)}"] if scales else []), *words]


def _begin_markers(screen: Screen) -> list[str]:
    match screen.kind:
        case "rest":
            return ["rest_start" if screen.eyes == "open" else "eyes_closed_start"]
        case "fixation":
            return ["fixation"]
        case "stimulus" if screen.stimulus is not None:
            return [f"stimulus_{screen.stimulus.name}"]
        case "pause":
            return ["pause_start"]
    return []


def _end_markers(screen: Screen) -> list[str]:
    match screen.kind:
        case "rest":
            return ["rest_end" if screen.eyes == "open" else "eyes_closed_end"]
        case "stimulus":
            return ["stimulus_end"]
        case "pause":
            return ["pause_end"]
    return []
