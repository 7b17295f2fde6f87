"""The schema of an evaluation on simulated people."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .live import ModelsSection
from .load import Section

Condition = Literal["full", "no_eeg", "no_face", "uniform", "random", "every"]
Span = Annotated[tuple[int, int], Field(description="first and last seed")]


class EvaluateConfig(Section):
    """An evaluation: simulated people, conditions, models and plain methods to compare with.

    Attributes
    ----------
    name : str
    seeds : tuple of int
        The people to decode.
    known : tuple of (first, last)
        Spans of people, both ends included, whom the bundle was made with: none of them may be decoded.
    seconds : float
        Length of each session.
    conditions : tuple of Condition
        ``full``; ``no_eeg`` and ``no_face`` leave a modality out; ``uniform`` and ``random`` replace the bundle's
        policy by one of the same budget, ``every`` by looks at every frame; the core stays the one that was trained on
        the bundle's own looks. Differences are between the first and each of the others.
    models : ModelsSection
        The bundle.
    lda_people : (first, last) or None
        Whom LDA on band power is trained on; None leaves LDA out.
    seed : int
        Of the permutations.
    workers : int
    """

    name: str
    seeds: Annotated[tuple[int, ...], Field(min_length=2)]
    known: tuple[Span, ...] = ()
    seconds: Annotated[float, Field(ge=30.0, le=3600.0)] = 180.0
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)] = (
        "full", "no_eeg", "no_face", "uniform", "every",
    )  # fmt: skip
    models: ModelsSection = ModelsSection()
    lda_people: Span | None = (801, 860)
    seed: int = 0
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @model_validator(mode="after")
    def _people_apart(self) -> "EvaluateConfig":
        for what, values in (("seeds", self.seeds), ("conditions", self.conditions)):
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} is there twice; name each once")
        groups = [(span, "the bundle was made with") for span in self.known]
        groups += [(self.lda_people, "LDA is trained on")] if self.lda_people is not None else []
        for (first, last), which in groups:
            met = sorted(seed for seed in self.seeds if first <= seed <= last)
            if met:
                raise ValueError(
                    f"seeds: {', '.join(map(str, met))} are among the people {first}-{last} whom {which}; decode others"
                )
        return self
