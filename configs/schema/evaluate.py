"""Schemas of evaluations on simulated people."""

from pathlib import Path
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
    lag_people : (first, last) or None
        Whose emotion changes in steps, to measure the response lag on; None leaves it out.
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
    lag_people: Span | None = None
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
        begin, end = self.lag_people or (0, -1)
        for first, last in self.known:
            if max(begin, first) <= min(end, last):
                raise ValueError(
                    f"lag_people: {begin}-{end} meet the people {first}-{last} whom the bundle was made with; decode "
                    "others"
                )
        return self


class EvaluatePoliciesConfig(Section):
    """Bundles of the attention model, one for each policy, budget and training seed, on people none of them knows.

    Attributes
    ----------
    name : str
    folder : Path
        Holds ``SYSTEM-SEED.safetensors`` for every system and training, as ``moodring train`` writes them.
    systems : tuple of str
        For example ``hazard-0.05``.
    trainings : tuple of int
        Their seeds.
    paired : tuple of (system, system)
        Differences to report, the first minus the second.
    seeds : tuple of int
        The simulated people.
    seconds : float
        Length of each session.
    known : tuple of (first, last)
        Spans of people, both ends included, whom the bundles were made with: none of them may be decoded.
    cache : Path or None
        Of prepared people; None is the user's cache folder.
    workers : int
    """

    kind: Literal["policies"] = "policies"
    name: str
    folder: Path = Path()
    systems: Annotated[tuple[str, ...], Field(min_length=1)]
    trainings: Annotated[tuple[int, ...], Field(min_length=1)]
    paired: tuple[tuple[str, str], ...] = ()
    seeds: Annotated[tuple[int, ...], Field(min_length=2)]
    seconds: Annotated[float, Field(ge=40.0, le=3600.0)] = 180.0
    known: tuple[Span, ...] = ()
    cache: Path | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @model_validator(mode="after")
    def _consistent(self) -> "EvaluatePoliciesConfig":
        for first, last in self.known:
            met = sorted(seed for seed in self.seeds if first <= seed <= last)
            if met:
                raise ValueError(
                    f"seeds: {', '.join(map(str, met))} are among the people {first}-{last} whom the bundles were made "
                    "with; decode others"
                )
        unknown = sorted({one for pair in self.paired for one in pair} - set(self.systems))
        if unknown:
            raise ValueError(f"paired: {', '.join(unknown)} is no system; systems are {', '.join(self.systems)}")
        return self
