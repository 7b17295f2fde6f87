"""Whether features tell which stimulus was shown: what shared stimuli may lend to a recognition of emotion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from .intervals import mean_over_people
from .markdown import markdown_table

FEATURES = {
    "core": "the full model's core",
    "answers": "the full model's answers",
    "band_power": "log band power",
}
Array = NDArray[np.float64]
Found = tuple[str, bool, float]
"""Whose trial, whether its stimulus was said right, and how often guessing would be."""
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Shown:
    """Trials of people.

    Attributes
    ----------
    people, stimuli : tuple of str
        One per trial.
    features : (n_trials, n_features) float64
    """

    people: tuple[str, ...]
    stimuli: tuple[str, ...]
    features: Array


def found_right(known: Shown, asked: Shown) -> list[Found]:
    """Find which stimulus each trial was, by shrinkage LDA on trials of other people.

    Where a person is in ``known`` too, their own trials are left out.

    Returns
    -------
    list of Found
        Of the trials whose stimulus is known from others, and of those with a choice of at least two.
    """
    results = []
    for person in dict.fromkeys(asked.people):
        others = np.array([one != person for one in known.people])
        theirs = np.array([one == person for one in asked.people])
        names = np.array(known.stimuli)[others]
        choice = np.unique(names)
        counts = np.array([(names == one).sum() for one in choice])
        if len(choice) < 2 or counts.max() < 2:
            continue
        said = choice[_nearest(known.features[others], np.searchsorted(choice, names), asked.features[theirs])]
        for truth, name in zip(np.array(asked.stimuli)[theirs], said, strict=True):
            if truth in choice:
                results.append((person, bool(truth == name), 1.0 / len(choice)))
    return results


def _nearest(features: Array, classes: NDArray[np.int64], queries: Array) -> NDArray[np.int64]:
    """Return the class whose mean is nearest by the covariance within classes, shrunk after Ledoit and Wolf (2004).

    One covariance for all classes, since a stimulus has few trials.
    """
    means = np.stack([features[classes == one].mean(axis=0) for one in range(classes.max() + 1)])
    spread = np.maximum((features - means[classes]).std(axis=0), _LEAST_SPREAD)
    within, _ = ledoit_wolf((features - means[classes]) / spread, assume_centered=True)
    places, asked = means / spread, queries / spread
    toward = np.linalg.solve(within, places.T)
    scores = asked @ toward - 0.5 * np.einsum("cf,fc->c", places, toward)
    nearest: NDArray[np.int64] = scores.argmax(axis=1)
    return nearest


def accuracies(results: Sequence[Found]) -> tuple[list[float], float]:
    """Return the accuracy of each person, and what guessing would have."""
    people = dict.fromkeys(person for person, _, _ in results)
    shares = [float(np.mean([right for one, right, _ in results if one == person])) for person in people]
    return shares, float(np.mean([chance for _, _, chance in results])) if results else float("nan")


def found_row(features: str, results: Sequence[Found]) -> list[dict[str, Any]]:
    """Return the row of an evaluation's JSON: the mean over people of each one's accuracy; none without any trial."""
    if not results:
        return []
    shares, chance = accuracies(results)
    right = mean_over_people(shares).within(0.0, 1.0)
    return [
        {
            "features": features, "accuracy": right.value, "low": right.low, "high": right.high, "chance": chance,
            "n": len(results),
        }
    ]  # fmt: skip


def found_table(rows: Sequence[Mapping[str, Any]], mark: str = "") -> str:
    """Return rows as a table in Markdown; ``mark`` stands beside each."""
    header = (f"which stimulus it was, by LDA on trials of other people{mark}", "right [95 %]", "guessing", "trials")
    lines = []
    for row in rows:
        ends = "" if row["low"] is None else f" [{row['low']:.3f}, {row['high']:.3f}]"
        right = f"{row['accuracy']:.3f}{ends}"
        lines.append((f"{FEATURES[row['features']]}{mark}", right, f"{row['chance']:.3f}", row["n"]))
    return markdown_table(header, lines)
