"""The schema of an evaluation's config."""

from typing import Annotated, Literal

from pydantic import Field

from .live import ModelsSection
from .load import Section

Condition = Literal["full", "no_eeg", "no_face", "uniform", "random"]


class EvaluatedPeopleSection(Section):
    """The simulated people to decode: none of these seeds may have been trained on."""

    seeds: Annotated[list[int], Field(min_length=2)]
    seconds: Annotated[float, Field(ge=30.0, le=3600.0)] = 180.0


class EvaluateConfig(Section):
    """An evaluation: people, conditions, models, and how the intervals are drawn.

    Conditions: ``full``; ``no_eeg`` and ``no_face`` leave a modality out; ``uniform`` and ``random`` replace the
    learned policy by one of the same budget.
    """

    name: str
    people: EvaluatedPeopleSection
    conditions: tuple[Condition, ...] = ("full", "no_eeg", "no_face", "uniform", "random")
    models: ModelsSection = ModelsSection()
    seed: int = 0
    workers: Annotated[int, Field(ge=1, le=64)] = 2
