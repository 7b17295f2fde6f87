"""The schema of a fit of a pool: how much face and EEG count against the voice."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .live import ModelsSection
from .load import Section
from .training import people_apart

Span = Annotated[list[int], Field(min_length=2, max_length=2)]


class PooledPeopleSection(Section):
    """Simulated people to fit on, and to report on.

    ``known`` are spans of seeds, both ends included, of people whom either bundle was made with: trained, chosen,
    calibrated or reported on. Nobody may be in two groups, and the final test's people (seeds 1001 to 1010) in none.
    """

    seeds: Annotated[tuple[int, ...], Field(min_length=5)]
    test_seeds: Annotated[tuple[int, ...], Field(min_length=2)]
    known: tuple[Span, ...]
    seconds: Annotated[float, Field(ge=60.0, le=3600.0)] = 180.0

    @model_validator(mode="after")
    def _apart(self) -> "PooledPeopleSection":
        known = tuple({seed for first, last in self.known for seed in range(first, last + 1)})
        people_apart(self.seeds, self.test_seeds, known)
        return self


class TrainPoolingConfig(Section):
    """A fit of a pool for two bundles.

    ``half_life_s`` lists half-lives of the voice's weight; the one that serves people left out of the fit best
    (by ``folds``) is taken. ``coverage`` is what the conformal sets promise.
    """

    kind: Literal["pooling"] = "pooling"
    name: str = "pool"
    models: ModelsSection = ModelsSection(speech="simulated")
    people: PooledPeopleSection
    half_life_s: Annotated[tuple[Annotated[float, Field(gt=0.0, le=600.0)], ...], Field(min_length=1)] = (1.0, 3.0, 6.0)
    folds: Annotated[int, Field(ge=2)] = 6
    coverage: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    seed: int = 0
    workers: Annotated[int, Field(ge=1, le=64)] = 2
