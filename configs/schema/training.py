"""What the schemas of training runs share: stages, kinds of numbers, and people who must stay apart."""

from typing import Annotated

from pydantic import Field

from .load import Section

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
# People of final tests: those of published figures, of the next model, and all others that may serve as a check.
TEST_SPANS = ((1001, 1010), (2101, 2140), (3001, 3040))
FIRST_CHECK_SEED = 9000


def people_apart(*groups: tuple[int, ...]) -> None:
    """Refuse simulated people who are in two groups, or in the final test.

    Raises
    ------
    ValueError
        Which seeds.
    """
    seeds = [seed for group in groups for seed in group]
    if len(set(seeds)) < len(seeds):
        twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
        raise ValueError(f"people must stay apart, but seeds {twice} are in two groups")
    tested = sorted({seed for seed in seeds if is_test_seed(seed)})
    if tested:
        spans = ", ".join(f"{first} to {last}" for first, last in TEST_SPANS)
        raise ValueError(
            f"seeds {tested} belong to the final tests ({spans}, and from {FIRST_CHECK_SEED} on); train on others"
        )


def is_test_seed(seed: int) -> bool:
    """Return whether a simulated person belongs to a final test, and so may serve nothing else."""
    return seed >= FIRST_CHECK_SEED or any(first <= seed <= last for first, last in TEST_SPANS)


class StageSection(Section):
    """One stage: how many batches, and Adam's first step size (it falls to a tenth along a cosine)."""

    batches: Annotated[int, Field(ge=0)]
    learning_rate: Positive = 1e-3
