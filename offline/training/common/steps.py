"""What every stage of training shares: a falling step size, a seeded source of chance, a report now and then."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

Report = Callable[[str], None]
_KEPT = 0.98


class Descent:
    """Adam with its step size falling along a cosine to a tenth, and gradients kept in bounds.

    The weights' running average generalises better than the last weights (Polyak and Juditsky 1992):
    :meth:`settle` puts it in their place.

    Parameters
    ----------
    parameters : iterable of Parameter
    learning_rate : float
        Of the first step.
    steps : int
    weight_decay : float
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, steps: int, weight_decay: float
    ) -> None:
        self._parameters = list(parameters)
        self._adam = torch.optim.AdamW(self._parameters, lr=learning_rate, weight_decay=weight_decay)
        self._steps = 0
        self._averages = [parameter.detach().clone() for parameter in self._parameters]
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._adam, lambda step: 0.1 + 0.45 * (1.0 + math.cos(math.pi * min(1.0, step / max(1, steps))))
        )

    def step(self, loss: Tensor) -> None:
        """Go one step down."""
        self._adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._adam.step()
        self._schedule.step()
        self._steps += 1
        share = max(1.0 - _KEPT, 1.0 / self._steps)
        for average, parameter in zip(self._averages, self._parameters, strict=True):
            average.lerp_(parameter.detach(), share)

    def settle(self) -> None:
        """Put the average of the last weights in the place of the weights."""
        with torch.no_grad():
            for average, parameter in zip(self._averages, self._parameters, strict=True):
                parameter.copy_(average)


def chance(seed: int, stage: int) -> torch.Generator:
    """Give a stage its own source of chance, so that resuming after a stage changes nothing."""
    return torch.Generator().manual_seed(1_000_003 * seed + stage)


def integers(rng: torch.Generator, low: int, high: int, *shape: int) -> Tensor:
    """Draw whole numbers from low up to but not including high."""
    return torch.randint(low, max(low + 1, high), shape, generator=rng)


def recall(predicted: Tensor, level: Tensor) -> float:
    """Give the unweighted average recall over the classes present; levels of -1 do not count."""
    recalls = [(predicted[level == k] == k).float().mean() for k in range(3) if bool((level == k).any())]
    return float(torch.stack(recalls).mean()) if recalls else math.nan


def running(old: float | None, new: float, keep: float = 0.98) -> float:
    """Follow a noisy figure slowly."""
    return new if old is None else keep * old + (1.0 - keep) * new
