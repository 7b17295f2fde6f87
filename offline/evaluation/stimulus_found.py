"""Whether features tell which stimulus was shown: what shared stimuli may lend to a recognition of emotion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

Array = NDArray[np.float64]
Found = tuple[str, bool, float]
"""Whose trial, whether its stimulus was said right, and how often guessing would be."""


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
    """Say of each trial which stimulus it was, by shrinkage LDA on trials of other people.

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
        model = LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage="auto", priors=np.full(len(choice), 1.0 / len(choice))
        ).fit(known.features[others], names)
        said = model.predict(asked.features[theirs])
        for truth, name in zip(np.array(asked.stimuli)[theirs], said, strict=True):
            if truth in choice:
                results.append((person, bool(truth == name), 1.0 / len(choice)))
    return results


def accuracies(results: Sequence[Found]) -> tuple[list[float], float]:
    """Return the accuracy of each person, and what guessing would have."""
    people = dict.fromkeys(person for person, _, _ in results)
    shares = [float(np.mean([right for one, right, _ in results if one == person])) for person in people]
    return shares, float(np.mean([chance for _, _, chance in results])) if results else float("nan")
