"""Simulated people in calm and in stress; a trial is one stretch of either."""

from dataclasses import dataclass

from moodring.offline.datasets.base import Trial

from .signal import SWITCH_S, simulate, stressed_at


@dataclass(frozen=True)
class StressDataset:
    """Four stretches of each of some people."""

    people: int = 4
    name: str = "simulated stress"

    @property
    def trials(self):
        return tuple(
            Trial(
                name=f"person {person}, stretch {k}",
                subject=str(person),
                labels={"stress": "stressed" if stressed_at(k * SWITCH_S) else "calm"},
                ratings={"stress": float(stressed_at(k * SWITCH_S))},
                start_s=k * SWITCH_S,
                stop_s=(k + 1) * SWITCH_S,
            )
            for person in range(self.people)
            for k in range(4)
        )

    def load(self, trial, /):
        """Return the samples of a trial, ``(n_times, n_channels)``."""
        signal = simulate(int(trial.subject), 4 * SWITCH_S)
        inside = (signal.stamps_s >= trial.start_s) & (signal.stamps_s < trial.stop_s)
        return signal.samples[inside]
