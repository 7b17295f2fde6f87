"""From a protocol to what is shown one after the other, for one participant."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ....configs.schema.protocol.protocol import (
    HIGHEST_RATING,
    LOWEST_RATING,
    PauseStep,
    RatingsSection,
    RestStep,
    StimuliStep,
    TextStep,
)
from ....configs.schema.protocol.read_protocol import Protocol
from .stimulus_files import Stimulus

ScreenKind = Literal["text", "rest", "fixation", "stimulus", "blank", "rating", "pause"]
_RATING_TAKES_S = 8.0  # for the length of a session; nobody is hurried


@dataclass(frozen=True)
class Question:
    """What is asked: a scale from ``lowest`` to ``highest``, or one of some words."""

    name: str
    lowest: int = LOWEST_RATING
    highest: int = HIGHEST_RATING
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Screen:
    """What is shown at one time.

    Attributes
    ----------
    kind : ScreenKind
    trial : int or None
        Number of the trial it belongs to, from 0.
    seconds : float or None
        How long; None until the participant goes on or has answered. Of a pause the shortest.
    words : str
    eyes : "open", "closed" or ""
    stimulus : Stimulus or None
    questions : tuple of Question
    """

    kind: ScreenKind
    trial: int | None = None
    seconds: float | None = None
    words: str = ""
    eyes: Literal["open", "closed", ""] = ""
    stimulus: Stimulus | None = None
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All screens of a session in order, and the protocol's name."""

    name: str
    screens: tuple[Screen, ...]

    @property
    def trials(self) -> int:
        """How many stimuli are shown."""
        return sum(one.kind == "stimulus" for one in self.screens)

    @property
    def seconds(self) -> float:
        """About how long it takes: texts not counted, ratings at 8 s each."""
        return sum(_RATING_TAKES_S if one.kind == "rating" else (one.seconds or 0.0) for one in self.screens)


def plan_of(protocol: Protocol, stimuli: Mapping[str, Stimulus], participant: str, session: str) -> Plan:
    """Return what one participant is shown.

    Parameters
    ----------
    protocol : Protocol
    stimuli : mapping of str to Stimulus
        Of :func:`~moodring.realtime.lab.protocol.stimulus_files.check_stimuli`.
    participant, session : str
        They choose the order where it is random and no seed is given.
    """
    questions = questions_of(protocol.ratings)
    screens: list[Screen] = []
    trial = 0
    for number, step in enumerate(protocol.steps):
        match step:
            case TextStep():
                screens.append(Screen("text", seconds=step.seconds, words=step.words))
            case RestStep():
                screens.append(Screen("rest", seconds=step.seconds, eyes=step.eyes))
            case PauseStep():
                screens.append(Screen("pause", seconds=step.seconds, words=step.words))
            case StimuliStep():
                draw = random.Random(_seed(step, number, participant, session))
                for name in _order(step, draw):
                    screens += _trial(step, trial, stimuli[name], questions, draw)
                    trial += 1
    return Plan(protocol.name, tuple(screens))


def questions_of(ratings: RatingsSection) -> tuple[Question, ...]:
    """Return what is asked behind a stimulus."""
    scales = tuple(Question(scale) for scale in ratings.scales)
    return scales + ((Question("keyword", words=tuple(ratings.keywords)),) if ratings.keywords else ())


def _seed(step: StimuliStep, number: int, participant: str, session: str) -> int:
    if step.seed is not None:
        return step.seed
    text = f"{number}\n{participant}\n{session}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def _order(step: StimuliStep, draw: random.Random) -> list[str]:
    found: list[str] = []
    for _ in range(step.repeats):
        names = list(step.names or ())
        if step.order == "random":
            draw.shuffle(names)
            if found and len(names) > 1 and names[0] == found[-1]:  # never the same twice in a row between repeats
                names.append(names.pop(0))
        found += names
    return found


def _trial(
    step: StimuliStep, trial: int, stimulus: Stimulus, questions: tuple[Question, ...], draw: random.Random
) -> list[Screen]:
    shortest_s, longest_s = step.fixation_s if isinstance(step.fixation_s, tuple) else (step.fixation_s,) * 2
    fixation_s = draw.uniform(shortest_s, longest_s)
    screens = [
        Screen("fixation", trial, fixation_s),
        Screen("stimulus", trial, stimulus.seconds, stimulus=stimulus),
        Screen("blank", trial, step.blank_s),
    ]
    if step.rate:
        screens.append(Screen("rating", trial, questions=questions))
    return [one for one in screens if one.seconds is None or one.seconds > 0]
