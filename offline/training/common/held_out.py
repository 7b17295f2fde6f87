"""Early stopping of a stage on people it is not trained on: the averaged weights with their lowest loss are kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .optimization import AveragedAdamW


@dataclass(frozen=True)
class EarlyStopping:
    """When a stage stops.

    Attributes
    ----------
    loss : callable
        Returns the loss of the people held out, of the networks as they are. It draws from generators of its own, the
        same each time; the global one is put back.
    every : int
        Batches between two looks at it; it is also looked at after the last batch.
    patience : int
        Stop after so many looks in a row without a lower loss.
    """

    loss: Callable[[], float]
    every: int
    patience: int


class HeldOut:
    """The losses of the people held out in one part of a stage, and the averaged weights of the lowest.

    Parameters
    ----------
    stopping : EarlyStopping
    optimizer : AveragedAdamW
    """

    def __init__(self, stopping: EarlyStopping, optimizer: AveragedAdamW) -> None:
        self._stopping, self._optimizer = stopping, optimizer
        self._best: list[Tensor] = []
        self.lowest, self.best_batch, self._in_vain = float("inf"), 0, 0

    @property
    def over(self) -> bool:
        """Whether the loss has not fallen for as long as the patience lasts."""
        return self._in_vain >= self._stopping.patience

    def is_due(self, done: int, total: int) -> bool:
        """Return whether the loss is looked at after so many batches."""
        return done % self._stopping.every == 0 or done == total

    def look(self, done: int) -> float:
        """Return the loss of the averaged weights after so many batches, and keep the weights where it is the lowest.

        A loss that is not finite is never the lowest.
        """
        with self._optimizer.averaged(), torch.random.fork_rng(devices=[]):
            loss = self._stopping.loss()
        if loss < self.lowest:
            self.lowest, self.best_batch, self._in_vain = loss, done, 0
            self._best = self._optimizer.average()
        else:
            self._in_vain += 1
        return loss

    def keep_best(self) -> str:
        """Make the weights of the lowest loss the optimiser's average, and return in words which they are."""
        if not self._best:
            return "no loss of the people held out is a number; the last weights are kept"
        self._optimizer.set_average(self._best)
        return f"people held out have the lowest loss, {self.lowest:.3f}, after batch {self.best_batch}; it is kept"

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors by name, for a checkpoint."""
        counts = torch.tensor([self.lowest, self.best_batch, self._in_vain], dtype=torch.float64)
        return {"counts": counts, **{f"best.{number}": tensor for number, tensor in enumerate(self._best)}}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take it over from :meth:`state`."""
        self.lowest, best_batch, in_vain = state["counts"].tolist()
        self.best_batch, self._in_vain = int(best_batch), int(in_vain)
        self._best = [state[f"best.{number}"] for number in range(len(state) - 1)]
