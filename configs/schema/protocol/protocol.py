"""The schema of a protocol: what a participant is shown, in which order, and what is asked.

A protocol is a list of steps; each is one of a text, a rest, stimuli, a pause, or the steps of another file.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ..load import Section

LOWEST_RATING, HIGHEST_RATING = 1, 9
"""Ends of the scales of the self-assessment manikin."""
SCALES = ("valence", "arousal", "dominance", "familiarity")
Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
Shown = Annotated[float, Field(gt=0.0, le=3600.0)]
Words = Annotated[str, Field(min_length=1, max_length=2000)]
StimulusName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]


class StimulusSection(Section):
    """A picture, a film or a sound; ``file`` counts from the protocol's folder.

    ``seconds`` is how long it is shown: needed of a picture, else the whole film or sound.
    """

    name: StimulusName
    file: Path
    seconds: Shown | None = None

    @field_validator("name")
    @classmethod
    def _is_no_marker(cls, value: str) -> str:
        if value.lower() == "end":
            raise ValueError("no stimulus can be called 'end': its marker would be that of a stimulus's end")
        return value


class RatingsSection(Section):
    """What is asked behind a stimulus, besides valence and arousal from 1 to 9.

    ``keywords`` are the words among which the participant chooses what was felt; none asks for none.
    """

    dominance: bool = False
    familiarity: bool = False
    keywords: list[Annotated[str, Field(pattern=r"^\S+( \S+)*$", max_length=40)]] = []

    @field_validator("keywords")
    @classmethod
    def _differ(cls, value: list[str]) -> list[str]:
        return _without_duplicates(value, "keyword")

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales that are asked."""
        optional = {"dominance": self.dominance, "familiarity": self.familiarity}
        return tuple(scale for scale in SCALES if optional.get(scale, True))


class TextStep(Section):
    """A text; without ``seconds`` until the participant goes on."""

    words: Words
    seconds: Shown | None = None


class RestStep(Section):
    """A baseline. Eyes open is the rest that the EEG is normalised to."""

    seconds: Shown
    eyes: Literal["open", "closed"] = "open"


class StimuliStep(Section):
    """Stimuli, each as a trial: fixation, the stimulus, a blank screen, the ratings.

    ``names`` are some of the protocol's stimuli in the order of showing; without, all of them. With
    ``order = "random"`` each repeat is shuffled by ``seed``; without a seed, by the participant and the session, so
    that everybody has an order of their own, and the same one again. ``fixation_s`` may be the shortest and the
    longest.
    """

    names: list[StimulusName] | None = None
    order: Literal["fixed", "random"] = "fixed"
    seed: Annotated[int, Field(ge=0)] | None = None
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    fixation_s: Seconds | tuple[Seconds, Seconds] = 1.0
    blank_s: Seconds = 0.5
    rate: bool = True

    @field_validator("fixation_s")
    @classmethod
    def _rises(cls, value: float | tuple[float, float]) -> float | tuple[float, float]:
        if isinstance(value, tuple) and value[0] > value[1]:
            raise ValueError("fixation_s is [shortest, longest], in this order")
        return value

    @model_validator(mode="after")
    def _has_a_use_for_its_seed(self) -> "StimuliStep":
        if self.seed is not None and self.order == "fixed" and not isinstance(self.fixation_s, tuple):
            raise ValueError('a seed needs order = "random" or a fixation_s of two numbers; leave it out')
        return self


class PauseStep(Section):
    """A pause until the participant goes on, and no shorter than ``seconds``."""

    words: Words = "Pause"
    seconds: Seconds = 0.0


class Step(Section):
    """One step: exactly one of these."""

    text: TextStep | None = None
    rest: RestStep | None = None
    stimuli: StimuliStep | None = None
    pause: PauseStep | None = None
    include: Path | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Step":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"a step is one of text, rest, stimuli, pause, include; it has {' and '.join(given) or 'none'}"
            )
        return self


class ProtocolFile(Section):
    """A protocol as its file has it; ``include`` in a step takes the stimuli and the steps of another."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    ratings: RatingsSection = RatingsSection()
    stimuli: list[StimulusSection] = []
    steps: Annotated[list[Step], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> "ProtocolFile":
        _without_duplicates([one.name for one in self.stimuli], "stimulus")
        return self


def _without_duplicates(values: list[str], what: str) -> list[str]:
    counts = Counter(one.lower() for one in values)
    twice = next((one for one in values if counts[one.lower()] > 1), None)
    if twice is not None:
        raise ValueError(f"{what} '{twice}' is there {counts[twice.lower()]} times; names must differ")
    return values
