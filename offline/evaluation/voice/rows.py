"""Answers of one kind on one corpus of speech, and their figures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ....models.contract import FloatArray
from ..intervals import over_groups
from ..metrics import ece, uar
from ..splits import IntArray

ELSEWHERE = "trained on another corpus"
"""Protocol of a corpus that a bundle was not trained on."""


@dataclass(frozen=True)
class Row:
    """Answers of one kind on one corpus, in one or several draws.

    Attributes
    ----------
    name, corpus, protocol : str
    classes : tuple of str
    labels : (n,) int64
    speakers : (n,) str
    draws : (n_draws, n, n_classes)
        Logits that need no further temperature; NaN where an item is not judged.
    """

    name: str
    corpus: str
    protocol: str
    classes: tuple[str, ...]
    labels: IntArray
    speakers: NDArray[np.str_]
    draws: FloatArray

    def recall(self, items: IntArray) -> float:
        """Return the UAR of some items, mean over draws."""
        return float(np.mean([self._one(draw, items) for draw in self.draws]))

    def recalls(self) -> list[float]:
        """Return the UAR of each draw."""
        return [self._one(draw, np.arange(len(self.labels))) for draw in self.draws]

    def calibration(self) -> float:
        """Return the expected calibration error, mean over draws."""
        there = [~np.isnan(draw[:, 0]) for draw in self.draws]
        return float(
            np.mean([ece(self.labels[k], softmax(draw[k], axis=1)) for k, draw in zip(there, self.draws, strict=True)])
        )

    def _one(self, draw: FloatArray, items: IntArray) -> float:
        judged = items[~np.isnan(draw[items, 0])]
        return uar(self.labels[judged], draw[judged].argmax(axis=1))


def as_plain(row: Row) -> dict[str, Any]:
    """Return a row of ``--json``: UAR with its interval over speakers; ECE where the corpus is a foreign one."""
    interval = over_groups(row.recall, row.speakers.tolist())
    recalls = row.recalls()
    return {
        "name": row.name,
        "corpus": row.corpus,
        "protocol": row.protocol,
        "classes": list(row.classes),
        "n": int((~np.isnan(row.draws[..., 0])).sum(axis=1).max()),
        "draws": len(row.draws),
        "uar": round(interval.value, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "lowest_draw": round(min(recalls), 4),
        "highest_draw": round(max(recalls), 4),
        "ece": None if row.protocol != ELSEWHERE else round(row.calibration(), 4),
    }
