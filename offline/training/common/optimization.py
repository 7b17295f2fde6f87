"""Shared by trainings in stages: optimiser, seeded generators, smoothed figures."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Report = Callable[[str], None]
_AVERAGE_DECAY = 0.98
_LARGEST_GRADIENT_NORM = 1.0


class AveragedAdamW:
    """AdamW with clipped gradients, a learning rate that falls to a tenth along a cosine, and averaged weights.

    The average of the weights over the last steps generalises better than the last ones (Polyak and Juditsky 1992,
    Acceleration of stochastic approximation by averaging, https://doi.org/10.1137/0330046).

    Parameters
    ----------
    parameters : iterable of Parameter
    learning_rate : float
        Of the first step.
    steps : int
        How many there will be.
    weight_decay : float
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, steps: int, weight_decay: float
    ) -> None:
        self._parameters = nn.ParameterList(parameters)
        self._done, self._rate = 0, learning_rate
        self._average = AveragedModel(self._parameters, avg_fn=_running_average)
        self._adam = torch.optim.AdamW(self._parameters, lr=learning_rate, weight_decay=weight_decay)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._adam, lambda step: 0.1 + 0.45 * (1.0 + math.cos(math.pi * min(1.0, step / max(1, steps))))
        )
        self._share = self._schedule.lr_lambdas[0]

    def step(self, loss: Tensor) -> None:
        """Take one gradient step on a loss."""
        self._adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._parameters, _LARGEST_GRADIENT_NORM)
        self._adam.step()
        self._schedule.step()
        self._average.update_parameters(self._parameters)
        self._done += 1

    def state(self) -> dict[str, Tensor]:
        """Return parameters, moments and averages by name, for a checkpoint."""
        tensors = {"done": torch.tensor(self._done)}
        for number, parameter in enumerate(self._parameters):
            tensors[f"{number}.parameter"] = parameter.detach()
            tensors |= {f"{number}.adam.{name}": value for name, value in self._adam.state[parameter].items()}
        return tensors | {f"average.{name}": value for name, value in self._average.state_dict().items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what :meth:`state` returned; the next steps are those that followed it, to the last bit."""
        self._done = int(state["done"])
        with torch.no_grad():
            for number, parameter in enumerate(self._parameters):
                parameter.copy_(state[f"{number}.parameter"])
                prefix = f"{number}.adam."
                moments = {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
                self._adam.state[parameter].update({name: value.clone() for name, value in moments.items()})
        average = {k.removeprefix("average."): v for k, v in state.items() if k.startswith("average.")}
        self._average.load_state_dict(average)
        rate = self._rate * self._share(self._done)
        self._schedule.load_state_dict(
            {**self._schedule.state_dict(), "last_epoch": self._done, "_step_count": self._done + 1, "_last_lr": [rate]}
        )
        for group in self._adam.param_groups:
            group["lr"] = rate

    def average(self) -> list[Tensor]:
        """Return a copy of the averaged weights."""
        return [average.detach().clone() for average in self._average.parameters()]

    def set_average(self, weights: Sequence[Tensor]) -> None:
        """Replace the averaged weights by what :meth:`average` returned once."""
        _copy(weights, self._average.parameters())

    def use_average(self) -> None:
        """Replace the weights by their average; call it after the last step."""
        _copy(self._average.parameters(), self._parameters)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within it the weights are their average; then they are what they were."""
        weights = [parameter.detach().clone() for parameter in self._parameters]
        self.use_average()
        try:
            yield
        finally:
            _copy(weights, self._parameters)


def generator_for(seed: int, stage: int) -> torch.Generator:
    """Return a stage's own random generator, so that resuming after a stage changes nothing."""
    return torch.Generator().manual_seed(1_000_003 * seed + stage)


def integers(generator: torch.Generator, low: int, high: int, *shape: int) -> Tensor:
    """Draw integers from low up to but not including high."""
    return torch.randint(low, max(low + 1, high), shape, generator=generator)


def smoothed(previous: float | None, value: float, decay: float = 0.98) -> float:
    """Return the exponential moving average of a noisy figure."""
    return value if previous is None else decay * previous + (1.0 - decay) * value


def _copy(values: Iterable[Tensor], parameters: Iterable[Tensor]) -> None:
    with torch.no_grad():
        for value, parameter in zip(values, parameters, strict=True):
            parameter.copy_(value)


def _running_average(average: Tensor, parameter: Tensor, count: Tensor | int) -> Tensor:
    """Return the plain mean over the first steps, later the exponential moving average."""
    return torch.lerp(average, parameter, max(1.0 - _AVERAGE_DECAY, 1.0 / (int(count) + 1)))
