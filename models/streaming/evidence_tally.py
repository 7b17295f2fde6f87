"""What the answers of a session rested on, for ``--json``: ablations, domain distances, the policy of looks."""

from collections import Counter
from typing import Any

from ..contract import Estimate, Periphery
from .rows import AllRows


class EvidenceTally:
    """Keeps what published estimates rested on."""

    def __init__(self) -> None:
        self._ablations: dict[tuple[str, str], AllRows] = {}
        self._distances: dict[tuple[tuple[str, ...], float], AllRows] = {}
        self._looked: Counter[str] = Counter()
        self._passed: Counter[str] = Counter()
        self._price: float | None = None

    def add(self, estimate: Estimate, time_s: float) -> None:
        """Add an estimate of a moment."""
        for ablation in estimate.ablations:
            for head, row in ablation.probabilities.items():
                self._ablations.setdefault((ablation.without, head), AllRows(len(row))).append(time_s, row)
        for one in estimate.domain_distances:
            if one.distance is not None:
                self._distances.setdefault((one.heads, one.limit), AllRows(1)).append(time_s, (one.distance,))
        for frame in estimate.periphery:
            self._count(frame)

    def ablations(self) -> dict[str, dict[str, list[list[Any]]]]:
        """Return by what is withheld and by head: ``[time_s, probabilities]`` of every decision that has it."""
        found: dict[str, dict[str, list[list[Any]]]] = {}
        for (without, head), rows in sorted(self._ablations.items()):
            times_s, values = rows.rows()
            found.setdefault(without, {})[head] = [
                [time_s, row] for time_s, row in zip(times_s, values.tolist(), strict=True)
            ]
        return found

    def distances(self) -> list[dict[str, Any]]:
        """Return for each gate its heads, its limit, and ``[time_s, distance]`` of every decision that has one."""
        return [
            {
                "heads": list(heads),
                "limit": limit,
                "distances": [
                    [time_s, row[0]] for time_s, row in zip(rows.rows()[0], rows.rows()[1].tolist(), strict=True)
                ],
            }
            for (heads, limit), rows in self._distances.items()
        ]

    def policy(self) -> dict[str, Any] | None:
        """Return the frames of the grid, looked at and passed over, by what decided it, and the newest price.

        None where no model looks at frames.
        """
        if not self._looked and not self._passed:
            return None
        return {"looked": dict(sorted(self._looked.items())), "passed": dict(sorted(self._passed.items())),
                "price": self._price}  # fmt: skip

    def _count(self, frame: Periphery) -> None:
        (self._looked if frame.looked else self._passed)[frame.why] += 1
        self._price = frame.price if frame.price is not None else self._price
