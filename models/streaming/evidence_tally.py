"""What the answers of a session rested on, for ``--json``: ablations, domain distances, the policy of looks."""

from collections import Counter
from typing import Any

import numpy as np

from ..contract import Estimate, Periphery
from .rows import AllRows


class _Withheld:
    """Sums over the decisions that say what a head would answer without a part."""

    def __init__(self, n_classes: int) -> None:
        self._n, self._changes = 0, 0
        self._without = np.zeros(n_classes)
        self._whole = np.zeros(n_classes)

    def add(self, without: tuple[float, ...], whole: tuple[float, ...]) -> None:
        self._n += 1
        self._changes += int(np.argmax(without)) != int(np.argmax(whole))
        self._without += without
        self._whole += whole

    def figures(self) -> dict[str, Any]:
        return {"decisions": self._n, "class_changes": self._changes,
                "mean_without": (self._without / self._n).tolist(),
                "mean_with": (self._whole / self._n).tolist()}  # fmt: skip


class EvidenceTally:
    """Keeps what published estimates rested on; the journal has it decision by decision."""

    def __init__(self) -> None:
        self._ablations: dict[tuple[str, str], _Withheld] = {}
        self._distances: dict[tuple[tuple[str, ...], float], AllRows] = {}
        self._looked: Counter[str] = Counter()
        self._passed: Counter[str] = Counter()
        self._price: float | None = None

    def add(self, estimate: Estimate, time_s: float) -> None:
        """Add an estimate of a moment."""
        answers = {one.name: one.probabilities for one in estimate.heads}
        for ablation in estimate.ablations:
            for head, row in ablation.probabilities.items():
                whole = answers.get(head)
                if whole is not None:
                    self._ablations.setdefault((ablation.without, head), _Withheld(len(row))).add(row, whole)
        for one in estimate.domain_distances:
            if one.distance is not None:
                self._distances.setdefault((one.heads, one.limit), AllRows(1)).append(time_s, (one.distance,))
        for frame in estimate.periphery:
            self._count(frame)

    def ablations(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return by what is withheld and by head what that would have changed.

        Over the decisions that answer and have it: how many, in how many another class would be the likeliest, and
        the mean probabilities without the part and with it.
        """
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for (without, head), sums in sorted(self._ablations.items()):
            found.setdefault(without, {})[head] = sums.figures()
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
