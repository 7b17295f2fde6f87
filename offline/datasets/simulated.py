"""Simulated people as a dataset: one trial a person, loaded by simulating the session."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...models.contract import Recording
from ..simulate import BENCHMARK, simulate
from ..simulate.difficulty import Difficulty
from .base import Trial


@dataclass(frozen=True)
class SimulatedPeople:
    """Sessions of simulated people.

    Attributes
    ----------
    seeds : sequence of int
        One per person.
    seconds : float
        Length of each session.
    difficulty : Difficulty
    """

    seeds: Sequence[int]
    seconds: float
    difficulty: Difficulty = BENCHMARK

    @property
    def name(self) -> str:
        """Name with the difficulty and the start of its SHA-256."""
        return f"simulated people, {self.difficulty.name} {self.difficulty.digest()[:12]}"

    @property
    def trials(self) -> tuple[Trial, ...]:
        """One trial per person; the seed is the subject."""
        return tuple(Trial(name=f"person {seed}", subject=str(seed)) for seed in self.seeds)

    def load(self, trial: Trial, /) -> Recording:
        """Simulate the session of a person, with its truth."""
        return simulate(int(trial.subject), self.seconds, self.difficulty)
