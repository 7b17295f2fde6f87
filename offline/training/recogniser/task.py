"""One classification task on one corpus of speech."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...evaluation.splits import IntArray, Items


@dataclass(frozen=True)
class ClassificationTask:
    """One classification task on one corpus.

    Attributes
    ----------
    name : str
    classes : tuple of str
    labels : (n,) int64
        -1 for items of other classes.
    items : Items
    """

    name: str
    classes: tuple[str, ...]
    labels: IntArray
    items: Items

    @property
    def speakers(self) -> NDArray[np.str_]:
        """The speaker of each item."""
        return self.items.group("speaker")


def less_one_class(task: ClassificationTask) -> Iterator[ClassificationTask]:
    """Yield the task without each of its classes in turn, whose items are then labelled -1."""
    n = len(task.classes)
    if n < 3:
        yield task
        return
    for left_out in range(n):
        kept = np.delete(np.arange(n), left_out)
        places = np.full(n + 1, -1)
        places[kept] = np.arange(n - 1)
        classes = tuple(task.classes[index] for index in kept)
        yield replace(task, classes=classes, labels=places[task.labels])
